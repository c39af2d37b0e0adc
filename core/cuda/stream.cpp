// Streams and events over the CUDA runtime. Nothing here runs before it is asked for.
#include "core/cuda/stream.h"

#include <algorithm>
#include <atomic>
#include <mutex>
#include <vector>

#include "core/cuda/capture.h"
#include "core/error.h"

namespace iolaus::cuda {
namespace {

constexpr int kMaxDevices = 64;
constexpr int kPoolStreams = 16;

struct DeviceState {
  std::once_flag properties_once, streams_once;
  cudaDeviceProp properties;
  cudaStream_t streams[kPoolStreams];
  std::atomic<unsigned> next_stream{0};
};
// Never destroyed: tensors in static objects may be freed after main.
DeviceState& state(int device) {
  static auto* states = new DeviceState[kMaxDevices];
  IOLAUS_CHECK_CODE(device >= 0 && device < device_count(), ErrorCode::kDevice,
                    "device 'cuda:{}' is not there: {} CUDA device(s) found", device,
                    device_count());
  return states[device];
}

thread_local cudaStream_t t_current[kMaxDevices] = {};

}  // namespace

int device_count() {
  static const int count = [] {
    int found = 0;
    // No driver, an old driver or no device: the program runs on the CPU. `iolaus doctor` says why.
    if (cudaGetDeviceCount(&found) != cudaSuccess) {
      cudaGetLastError();
      return 0;
    }
    return std::min(found, kMaxDevices);
  }();
  return count;
}

DeviceGuard::DeviceGuard(int device) {
  IOLAUS_CUDA_CHECK("cuda", cudaGetDevice(&previous_));
  if (previous_ == device) {
    previous_ = -1;
  } else {
    IOLAUS_CUDA_CHECK("cuda", cudaSetDevice(device));
  }
}

DeviceGuard::~DeviceGuard() {
  if (previous_ >= 0) static_cast<void>(cudaSetDevice(previous_));
}

void Stream::synchronize() const {
  check_not_capturing("synchronize", "it waits for a stream");
  const DeviceGuard guard(device);
  IOLAUS_CUDA_CHECK("synchronize", cudaStreamSynchronize(handle));
}

bool Stream::is_idle() const {
  check_not_capturing("stream", "it asks whether a stream is idle");
  const DeviceGuard guard(device);
  const cudaError_t status = cudaStreamQuery(handle);
  if (status == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  if (status != cudaSuccess) throw_cuda_error(status, "stream", "cudaStreamQuery");
  return true;
}

void Stream::wait(const Event& event) const {
  const DeviceGuard guard(device);
  IOLAUS_CUDA_CHECK("stream", cudaStreamWaitEvent(handle, event.get(), 0));
}

Stream pool_stream(int device) {
  DeviceState& s = state(device);
  std::call_once(s.streams_once, [&] {
    const DeviceGuard guard(device);
    for (cudaStream_t& stream : s.streams) {
      IOLAUS_CUDA_CHECK("stream", cudaStreamCreateWithFlags(&stream, cudaStreamNonBlocking));
    }
  });
  return {device, s.streams[s.next_stream.fetch_add(1) % kPoolStreams]};
}

Stream current_stream(int device) { return {device, t_current[device]}; }

void set_current_stream(Stream stream) {
  state(stream.device);  // the device exists
  t_current[stream.device] = stream.handle;
}

Event::Event(int device, bool timing) {
  const DeviceGuard guard(device);
  IOLAUS_CUDA_CHECK(
      "event",
      cudaEventCreateWithFlags(handle_.out(), timing ? cudaEventDefault : cudaEventDisableTiming));
}

void Event::record(Stream stream) {
  const DeviceGuard guard(stream.device);
  IOLAUS_CUDA_CHECK("event", cudaEventRecord(handle_.get(), stream.handle));
}

bool Event::is_done() const {
  const cudaError_t status = cudaEventQuery(handle_.get());
  if (status == cudaErrorNotReady) {
    cudaGetLastError();
    return false;
  }
  if (status != cudaSuccess) throw_cuda_error(status, "event", "cudaEventQuery");
  return true;
}

void Event::synchronize() const {
  check_not_capturing("event", "it waits for an event");
  IOLAUS_CUDA_CHECK("event", cudaEventSynchronize(handle_.get()));
}

float Event::elapsed_ms(const Event& earlier) const {
  float ms = 0;
  IOLAUS_CUDA_CHECK("event", cudaEventElapsedTime(&ms, earlier.get(), get()));
  return ms;
}

const cudaDeviceProp& device_properties(int device) {
  DeviceState& s = state(device);
  std::call_once(s.properties_once, [&] {
    IOLAUS_CUDA_CHECK("cuda", cudaGetDeviceProperties(&s.properties, device));
  });
  return s.properties;
}

}  // namespace iolaus::cuda
