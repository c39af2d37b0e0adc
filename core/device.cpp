// Parsing of device names and the table of backends.
#include "core/device.h"

#include <chrono>

#include "core/copy_queue.h"
#include "core/error.h"
#include "core/graph.h"

namespace iolaus {
namespace {
Backend* g_backends[2] = {nullptr, nullptr};
}

std::string Device::str() const {
  return is_cpu() ? "cpu" : "cuda:" + std::to_string(static_cast<int>(index));
}

Device parse_device(std::string_view text) {
  if (text == "cpu") return Device();
  int index = 0;
  bool valid = text == "cuda";
  if (text.starts_with("cuda:") && text.size() > 5 && text.size() < 8) {
    valid = true;
    for (char c : text.substr(5)) {
      valid = valid && c >= '0' && c <= '9';
      index = index * 10 + (c - '0');
    }
  }
  IOLAUS_CHECK(valid, "unknown device '{}'; expected cpu, cuda or cuda:N", text);
  const int count = backend(kCUDA).device_count();
  IOLAUS_CHECK_CODE(index < count, ErrorCode::kDevice,
                    "device '{}' is not there: {} CUDA device(s) found; use device=cpu", text,
                    count);
  return Device(kCUDA, index);
}

double Backend::seconds(Device device, const std::function<void()>& work) {
  using Clock = std::chrono::steady_clock;
  synchronize(device);
  const Clock::time_point begin = Clock::now();
  work();
  synchronize(device);
  return std::chrono::duration<double>(Clock::now() - begin).count();
}

void* Backend::allocate_pinned(size_t) {
  fail(ErrorCode::kUnsupported, "[pinned] only CUDA has pinned memory");
}
void Backend::free_pinned(void*) noexcept {}
void Backend::copy_pinned(void*, Device, const void*, Device, size_t, void*) {
  fail(ErrorCode::kUnsupported, "[copy] only CUDA copies from pinned memory");
}
CachingAllocator* Backend::allocator(Device) { return nullptr; }
std::unique_ptr<CopyQueue> Backend::make_copy_queue(Device) { return nullptr; }
std::unique_ptr<CopyQueue> make_copy_queue(Device device) {
  return backend(device.type).make_copy_queue(device);
}
std::unique_ptr<Graph> Backend::make_graph(Device device, const Graph*) {
  fail(ErrorCode::kUnsupported, "[graph] a graph needs a CUDA device, got {}", device.str());
}

Backend& backend(DeviceType type) {
  Backend* found = g_backends[static_cast<int>(type)];
  IOLAUS_CHECK_CODE(found != nullptr, ErrorCode::kDevice,
                    "this program was built without CUDA; use device=cpu, or build it with "
                    "`cmake --preset cuda && cmake --build --preset cuda`");
  return *found;
}

bool is_available(DeviceType type) {
  Backend* found = g_backends[static_cast<int>(type)];
  return found != nullptr && found->device_count() > 0;
}

void register_backend(DeviceType type, Backend& backend) {
  g_backends[static_cast<int>(type)] = &backend;
}

void copy_bytes(void* dst, Device dst_device, const void* src, Device src_device, size_t nbytes) {
  if (nbytes == 0) return;
  const DeviceType type = dst_device.is_cpu() ? src_device.type : dst_device.type;
  backend(type).copy(dst, dst_device, src, src_device, nbytes);
}

}  // namespace iolaus
