// CudaBackend: the devices' memory, copies and waiting, for tensors. Copies are ordered on the
// current streams of the devices. A small copy from the host goes through pinned memory, so that
// the host need not wait for the device; large ones and those to the host wait.
#include <cstring>

#include "core/cuda/allocator.h"
#include "core/cuda/device_error.h"
#include "core/cuda/stream.h"
#include "core/device.h"
#include "core/error.h"

namespace iolaus::cuda {
namespace {

constexpr size_t kStagedBytes = size_t{4} << 20;

void copy_from_host(void* dst, const void* src, size_t nbytes, Stream stream) {
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

class CudaBackend final : public Backend {
 public:
  int device_count() override { return cuda::device_count(); }

  void* allocate(Device device, size_t nbytes) override {
    return device_allocator(device.index).allocate(nbytes, current_stream(device.index).handle);
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
    const Stream stream = current_stream(src_device.index);
    copy_async(dst, src, nbytes, cudaMemcpyDeviceToHost, stream);
    stream.synchronize();
    throw_index_error();
  }

  void synchronize(Device device) override {
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

  bool is_recording(Device device) override {
    cudaStreamCaptureStatus status = cudaStreamCaptureStatusNone;
    const DeviceGuard guard(device.index);
    IOLAUS_CUDA_CHECK("cuda", cudaStreamIsCapturing(current_stream(device.index).handle, &status));
    return status != cudaStreamCaptureStatusNone;
  }

  void empty_cache() override {
    empty_device_caches();
    pinned_allocator().empty_cache();
  }
};

const bool kRegistered = [] {
  static CudaBackend cuda;
  register_backend(kCUDA, cuda);
  return true;
}();

}  // namespace
}  // namespace iolaus::cuda
