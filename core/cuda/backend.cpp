// CudaBackend: the devices' memory, copies and waiting, for tensors. Copies are ordered on the
// current streams of the devices. A small copy from the host goes through pinned memory, so that
// the host need not wait for the device; large ones and those to the host wait.
#include <cstring>

#include "core/cuda/allocator.h"
#include "core/cuda/capture.h"
#include "core/cuda/copy_queue.h"
#include "core/cuda/device_error.h"
#include "core/cuda/graph.h"
#include "core/cuda/pinned.h"
#include "core/cuda/stream.h"
#include "core/device.h"
#include "core/error.h"

namespace iolaus::cuda {
namespace {

constexpr size_t kStagedBytes = size_t{4} << 20;

void copy_from_host(void* dst, const void* src, size_t nbytes, Stream stream) {
  check_not_capturing("copy",
                      "it copies from host memory that a replay would not read again; copy into a "
                      "tensor on the device before each replay");
  if (nbytes > kStagedBytes) {
    copy_async(dst, src, nbytes, cudaMemcpyHostToDevice, stream);
    return stream.synchronize();
  }
  PinnedAllocator& pinned = pinned_allocator();
  struct Staging {
    PinnedAllocator& allocator;
    void* data;
    ~Staging() { allocator.free(data); }
  } staging{pinned, pinned.allocate(nbytes)};
  std::memcpy(staging.data, src, nbytes);
  copy_async(dst, staging.data, nbytes, cudaMemcpyHostToDevice, stream);
  pinned.record(staging.data, stream);
}

// On the source's stream, once the destination's earlier work is done; that stream then waits.
void copy_between(void* dst, Stream to, const void* src, Stream from, size_t nbytes) {
  Event ready(to.device), copied(from.device);
  ready.record(to);
  from.wait(ready);
  const DeviceGuard guard(from.device);
  IOLAUS_CUDA_CHECK("copy",
                    cudaMemcpyPeerAsync(dst, to.device, src, from.device, nbytes, from.handle));
  copied.record(from);
  to.wait(copied);
}

// Memory that is not the graph's would be reused by others between replays.
void check_captured(Stream stream) {
  cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
  IOLAUS_CUDA_CHECK("allocator", cudaStreamIsCapturing(stream.handle, &status));
  if (status == cudaStreamCaptureStatusNone) {
    check_not_capturing("allocator",
                        "it allocates on a stream that takes no part in the capture; let that "
                        "stream wait for an event of the captured one first");
  }
}

class CudaBackend final : public Backend {
 public:
  int device_count() override { return cuda::device_count(); }

  void* allocate(Device device, size_t nbytes) override {
    const Stream stream = current_stream(device.index);
    if (is_capturing()) check_captured(stream);
    return device_allocator(device.index).allocate(nbytes, stream.handle);
  }
  void free(Device device, void* data, size_t) noexcept override {
    device_allocator(device.index).free(data);
  }

  void copy(void* dst, Device dst_device, const void* src, Device src_device,
            size_t nbytes) override {
    if (nbytes == 0) return;
    if (dst_device.is_cuda() && src_device.is_cuda()) {
      const Stream to = current_stream(dst_device.index), from = current_stream(src_device.index);
      if (to.device != from.device) return copy_between(dst, to, src, from, nbytes);
      return copy_async(dst, src, nbytes, cudaMemcpyDeviceToDevice, to);
    }
    if (dst_device.is_cuda()) {
      return copy_from_host(dst, src, nbytes, current_stream(dst_device.index));
    }
    check_not_capturing("copy", "it waits for the device, to have a value on the host");
    const Stream stream = current_stream(src_device.index);
    copy_async(dst, src, nbytes, cudaMemcpyDeviceToHost, stream);
    stream.synchronize();
    throw_index_error();
  }

  void synchronize(Device device) override {
    check_not_capturing("synchronize", "it waits for the device");
    const DeviceGuard guard(device.index);
    IOLAUS_CUDA_CHECK("synchronize", cudaDeviceSynchronize());
    throw_index_error();
  }

  double seconds(Device device, const std::function<void()>& work) override {
    const Stream stream = current_stream(device.index);
    Event begin(device.index, true), end(device.index, true);
    begin.record(stream);
    work();
    end.record(stream);
    end.synchronize();
    throw_index_error();
    return static_cast<double>(end.elapsed_ms(begin)) * 1e-3;
  }

  bool is_recording(Device) override { return is_capturing(); }

  void empty_cache() override {
    empty_device_caches();
    pinned_allocator().empty_cache();
  }

  void* allocate_pinned(size_t nbytes) override { return pinned_allocator().allocate(nbytes); }
  void free_pinned(void* data) noexcept override { pinned_allocator().free(data); }
  void copy_pinned(void* dst, Device dst_device, const void* src, Device src_device, size_t nbytes,
                   void* pinned_block) override {
    const bool to_device = dst_device.is_cuda();
    const Stream stream = current_stream(to_device ? dst_device.index : src_device.index);
    copy_async(dst, src, nbytes, to_device ? cudaMemcpyHostToDevice : cudaMemcpyDeviceToHost,
               stream);
    // What is captured runs at each replay: the block is the caller's to keep as long.
    if (!is_capturing()) pinned_allocator().record(pinned_block, stream);
  }

  CachingAllocator* allocator(Device device) override { return &device_allocator(device.index); }
  std::unique_ptr<CopyQueue> make_copy_queue(Device device) override {
    return cuda::make_copy_queue(device.index);
  }
  std::unique_ptr<Graph> make_graph(Device device, const Graph* share_pool_with) override {
    return std::make_unique<CudaGraph>(device.index,
                                       static_cast<const CudaGraph*>(share_pool_with));
  }
};

const bool kRegistered = [] {
  static CudaBackend cuda;
  register_backend(kCUDA, cuda);
  return true;
}();

}  // namespace
}  // namespace iolaus::cuda
