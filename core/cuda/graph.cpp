// Capture runs on a stream of its own, because CUDA cannot capture the default stream, and in the
// thread-local mode, so that other threads go on. Allocations on captured streams come from the
// graph's private pool. Random kernels read seed and offset from device memory; a replay writes
// them first, as the default generator would have given them.
#include "core/cuda/graph.h"

#include <map>
#include <mutex>

#include "core/cuda/allocator.h"
#include "core/cuda/capture.h"
#include "core/error.h"
#include "core/random.h"

namespace iolaus::cuda {
namespace {

using GraphTemplate = Handle<cudaGraph_t, cudaGraphDestroy>;

// Number of the capture that a stream takes part in; 0: none.
unsigned long long capture_id(StreamKey stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  unsigned long long id = 0;
  auto* handle = static_cast<cudaStream_t>(const_cast<void*>(stream));
  if (cudaStreamGetCaptureInfo(handle, &status, &id) != cudaSuccess) {
    cudaGetLastError();
    return 0;
  }
  return status == cudaStreamCaptureStatusActive ? id : 0;
}

// The one stream of a device that is captured, so that graphs which share a pool find each other's
// free blocks: these belong to a stream. It never ends, like the streams of the pool.
Stream capture_stream(int device) {
  static std::mutex mutex;
  static std::map<int, cudaStream_t> streams;
  std::lock_guard lock(mutex);
  cudaStream_t& handle = streams[device];
  if (handle == nullptr) {
    const DeviceGuard guard(device);
    IOLAUS_CUDA_CHECK("graph", cudaStreamCreateWithFlags(&handle, cudaStreamNonBlocking));
  }
  return {device, handle};
}

// All that is on while a graph is captured; its end undoes what was begun, in whatever state.
class Capture {
 public:
  Capture(Stream stream, CachingAllocator& allocator, PoolId pool, const uint64_t* random_state)
      : stream_(stream), allocator_(allocator), pool_(pool), guard_(stream) {
    default_generator().begin_capture(random_state);
    const cudaError_t status =
        cudaStreamBeginCapture(stream.handle, cudaStreamCaptureModeThreadLocal);
    if (status != cudaSuccess) {
      default_generator().end_capture();
      throw_cuda_error(status, "graph", "cudaStreamBeginCapture");
    }
    allocator_.begin_redirect(pool, [own = capture_id(stream.handle)](StreamKey other) {
      return capture_id(other) == own;
    });
  }
  ~Capture() {
    if (is_on_) end();
  }
  Capture(const Capture&) = delete;
  Capture& operator=(const Capture&) = delete;

  struct Result {
    GraphTemplate graph;
    cudaError_t status;
    uint64_t random_keys;
  };
  Result end() {
    is_on_ = false;
    Result result;
    result.status = cudaStreamEndCapture(stream_.handle, result.graph.out());
    if (result.status != cudaSuccess) cudaGetLastError();
    allocator_.end_redirect(pool_);
    result.random_keys = default_generator().end_capture();
    return result;
  }

 private:
  Stream stream_;
  CachingAllocator& allocator_;
  PoolId pool_;
  CaptureScope scope_;
  StreamGuard guard_;
  bool is_on_ = true;
};

}  // namespace

CudaGraph::CudaGraph(int device, const CudaGraph* share_pool_with) : device_(device) {
  CachingAllocator& allocator = device_allocator(device);
  IOLAUS_CHECK_CODE(allocator.config().caching, ErrorCode::kUnsupported,
                    "[graph] graphs need the caching allocator: unset "
                    "IOLAUS_NO_CUDA_MEMORY_CACHING");
  if (share_pool_with == nullptr) {
    pool_ = allocator.create_pool();
    return;
  }
  IOLAUS_CHECK(share_pool_with->device_ == device,
               "[graph] a graph on cuda:{} cannot share the pool of one on cuda:{}", device,
               share_pool_with->device_);
  pool_ = share_pool_with->pool_;
  allocator.retain_pool(pool_);
}

CudaGraph::~CudaGraph() { device_allocator(device_).release_pool(pool_); }

void CudaGraph::capture(const std::function<void()>& body) {
  IOLAUS_CHECK(!exec_, "[graph] the graph holds a capture already; make another one");
  check_not_capturing("graph", "another graph is being captured");
  const DeviceGuard guard(device_);
  random_state_ = make_intrusive<Storage>(Device(kCUDA, device_), 2 * sizeof(uint64_t));
  // What was queued is done, so the captured work need not be ordered after it. One capture at a
  // time: the generator refuses a second one.
  IOLAUS_CUDA_CHECK("graph", cudaDeviceSynchronize());
  Capture capture(capture_stream(device_), device_allocator(device_), pool_,
                  static_cast<const uint64_t*>(random_state_->data()));
  body();
  const Capture::Result result = capture.end();
  IOLAUS_CHECK_CODE(result.status != cudaErrorStreamCaptureUnjoined, ErrorCode::kUnsupported,
                    "[graph] work on another stream was captured that the captured stream does not "
                    "wait for in the end; let it wait for an event there");
  if (result.status != cudaSuccess) {
    throw_cuda_error(result.status, "graph", "cudaStreamEndCapture");
  }
  random_keys_ = result.random_keys;
  instantiate(result.graph.get());
}

void CudaGraph::instantiate(cudaGraph_t graph) {
  size_t count = 0;
  IOLAUS_CUDA_CHECK("graph", cudaGraphGetNodes(graph, nullptr, &count));
  IOLAUS_CUDA_CHECK("graph", cudaGraphInstantiate(exec_.out(), graph, 0));
  nodes_ = count;
}

void CudaGraph::replay() {
  IOLAUS_CHECK(exec_, "[graph] nothing was captured yet");
  check_not_capturing("graph", "a graph cannot be replayed while another one is captured");
  const DeviceGuard guard(device_);
  const Stream stream = current_stream(device_);
  if (random_keys_ > 0) {
    device_allocator(device_).record_stream(random_state_->data(), stream.handle);
    const PhiloxKey key = default_generator().reserve(random_keys_);
    const uint64_t state[] = {key.seed, key.offset};
    copy_bytes(random_state_->data(), random_state_->device(), state, Device(), sizeof state);
  }
  IOLAUS_CUDA_CHECK("graph", cudaGraphLaunch(exec_.get(), stream.handle));
}

}  // namespace iolaus::cuda
