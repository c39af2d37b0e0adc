// Streams, events, copies and graphs of the simulated device: work runs late, in the order that the
// host asked for and no other.
#include <sys/wait.h>
#include <unistd.h>

#include <cmath>
#include <csignal>

#include "core/cuda/sim/memory.h"
#include "tests/sim/support.h"

using namespace iolaus;
using namespace iolaus::test;

namespace {

__global__ void add_kernel(float* y, float value) { y[threadIdx.x] += value; }
__global__ void scale_kernel(float* y, float value) { y[threadIdx.x] *= value; }

cudaStream_t make_stream() {
  cudaStream_t stream = nullptr;
  REQUIRE(cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking) == cudaSuccess);
  return stream;
}

struct Pinned {
  explicit Pinned(size_t count) {
    REQUIRE(cudaHostAlloc(reinterpret_cast<void**>(&data), count * sizeof(float), 0) ==
            cudaSuccess);
  }
  ~Pinned() { cudaFreeHost(data); }
  float* data = nullptr;
};

// Adds on one stream, multiplies on another, with or without an event between; what it gives.
float add_then_scale(bool with_event, uint64_t seed) {
  sim::options().seed = seed;
  sim::reset_device();
  const Buffer<float> y(std::vector<float>(32, 1.0f));
  cudaStream_t a = make_stream(), b = make_stream();
  cudaEvent_t done;
  REQUIRE(cudaEventCreateWithFlags(&done, cudaEventDisableTiming) == cudaSuccess);
  sim::launch(add_kernel, 1, 32, 0, a, y.get(), 1.0f);
  cudaEventRecord(done, a);
  if (with_event) cudaStreamWaitEvent(b, done, 0);
  sim::launch(scale_kernel, 1, 32, 0, b, y.get(), 10.0f);
  CHECK(cudaDeviceSynchronize() == cudaSuccess);
  cudaEventDestroy(done);
  cudaStreamDestroy(a);
  cudaStreamDestroy(b);
  return y.values()[0];
}

}  // namespace

TEST_CASE("two streams are ordered by an event, and by nothing else") {
  bool changed = false;
  for (uint64_t seed = 1; seed <= 16; ++seed) {
    CHECK(add_then_scale(true, seed) == 20);
    changed = changed || add_then_scale(false, seed) == 11;
  }
  CHECK(changed);
  sim::options().seed = 1;
}

TEST_CASE("a copy to pinned memory is there after the wait and not before") {
  const Buffer<float> x(counting(32));
  const Pinned host(32);
  const cudaStream_t stream = make_stream();
  CHECK(cudaMemcpyAsync(host.data, x.get(), 128, cudaMemcpyDeviceToHost, stream) == cudaSuccess);
  CHECK(std::isnan(host.data[5]));
  CHECK(cudaStreamQuery(stream) == cudaErrorNotReady);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(host.data[5] == 5);
  cudaStreamDestroy(stream);
}

TEST_CASE("a copy from pinned memory reads it late, one from pageable memory at once") {
  const Buffer<float> y(32);
  const Pinned host(32);
  std::vector<float> pageable(32, 1.0f);
  for (int i = 0; i < 32; ++i) host.data[i] = 1;
  cudaMemcpyAsync(y.get(), host.data, 128, cudaMemcpyHostToDevice, nullptr);
  host.data[3] = 2;
  CHECK(y.values()[3] == 2);
  cudaMemcpyAsync(y.get(), pageable.data(), 128, cudaMemcpyHostToDevice, nullptr);
  pageable[3] = 2;
  CHECK(y.values()[3] == 1);
}

TEST_CASE("fresh device memory is NaN, and copies that leave an allocation are refused") {
  const Buffer<float> y(32);
  CHECK(std::isnan(y.values()[31]));
  float host[40];
  CHECK(cudaMemcpy(host, y.get(), sizeof host, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  CHECK(contains(cudaGetErrorString(cudaErrorInvalidValue), "160 bytes from byte 0 of an"));
  CHECK(cudaMemcpy(y.get(), host, 4, cudaMemcpyDeviceToHost) == cudaErrorInvalidValue);
  cudaGetLastError();
  sim::reset_device();
}

TEST_CASE("the device's memory has a limit") {
  size_t available = 0, total = 0;
  CHECK(cudaMemGetInfo(&available, &total) == cudaSuccess);
  void* data = nullptr;
  CHECK(cudaMalloc(&data, available + 1) == cudaErrorMemoryAllocation);
  CHECK(data == nullptr);
  cudaGetLastError();
}

#if !defined(__SANITIZE_ADDRESS__)
TEST_CASE("host code that touches device memory is stopped with a message") {
  const Buffer<float> y(counting(32));
  int out[2];
  REQUIRE(pipe(out) == 0);
  const pid_t child = fork();
  if (child == 0) {
    dup2(out[1], STDERR_FILENO);
    std::signal(SIGSEGV, SIG_DFL);
    sim::catch_faults();
    const float value = *static_cast<const volatile float*>(y.get() + 7);
    _exit(value == 7 ? 0 : 1);
  }
  close(out[1]);
  std::string text;
  char piece[512];
  for (ssize_t n; (n = read(out[0], piece, sizeof piece)) > 0;) text.append(piece, piece + n);
  int status = 0;
  waitpid(child, &status, 0);
  close(out[0]);
  CHECK(WIFSIGNALED(status));
  CHECK(contains(text, "host code touches device memory: byte 28 of an allocation of 128 bytes"));
}
#endif

TEST_CASE("a captured graph runs when it is launched, each time") {
  const Buffer<float> y(std::vector<float>(32, 1.0f));
  const cudaStream_t stream = make_stream(), side = make_stream();
  cudaEvent_t fork, join;
  cudaEventCreateWithFlags(&fork, cudaEventDisableTiming);
  cudaEventCreateWithFlags(&join, cudaEventDisableTiming);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  sim::launch(add_kernel, 1, 32, 0, stream, y.get(), 1.0f);
  cudaEventRecord(fork, stream);
  CHECK(cudaStreamWaitEvent(side, fork, 0) == cudaSuccess);
  sim::launch(scale_kernel, 1, 32, 0, side, y.get(), 2.0f);
  cudaEventRecord(join, side);
  CHECK(cudaStreamWaitEvent(stream, join, 0) == cudaSuccess);
  cudaGraph_t graph;
  REQUIRE(cudaStreamEndCapture(stream, &graph) == cudaSuccess);
  CHECK(y.values()[0] == 1);
  cudaGraphExec_t exec;
  REQUIRE(cudaGraphInstantiate(&exec, graph, 0) == cudaSuccess);
  CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
  CHECK(cudaGraphLaunch(exec, stream) == cudaSuccess);
  CHECK(cudaStreamSynchronize(stream) == cudaSuccess);
  CHECK(y.values()[0] == 10);
  cudaGraphExecDestroy(exec);
  cudaGraphDestroy(graph);
  cudaEventDestroy(fork);
  cudaEventDestroy(join);
  cudaStreamDestroy(stream);
  cudaStreamDestroy(side);
}

TEST_CASE("waiting or allocating while a stream is captured invalidates the capture") {
  const cudaStream_t stream = make_stream();
  cudaGraph_t graph;
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  CHECK(cudaDeviceSynchronize() == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
  REQUIRE(cudaStreamBeginCapture(stream, cudaStreamCaptureModeThreadLocal) == cudaSuccess);
  void* data = nullptr;
  CHECK(cudaMalloc(&data, 16) == cudaErrorStreamCaptureUnsupported);
  CHECK(cudaStreamEndCapture(stream, &graph) == cudaErrorStreamCaptureInvalidated);
  cudaGetLastError();
  cudaStreamDestroy(stream);
}
