// Device: where a tensor lives ("cpu", "cuda:0"), and Backend, what a kind of device offers:
// memory, copies, streams. The CPU's backend is always there; core/cuda registers its own.
#pragma once

#include <cstddef>
#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>

namespace iolaus {

class CachingAllocator;
class CopyQueue;
class Graph;

enum class DeviceType : uint8_t { kCPU, kCUDA };
inline constexpr DeviceType kCPU = DeviceType::kCPU;
inline constexpr DeviceType kCUDA = DeviceType::kCUDA;

struct Device {
  DeviceType type = kCPU;
  int8_t index = 0;
  Device() = default;
  Device(DeviceType t, int i = 0) : type(t), index(static_cast<int8_t>(i)) {}
  bool is_cpu() const { return type == kCPU; }
  bool is_cuda() const { return type == kCUDA; }
  bool operator==(const Device&) const = default;
  /// "cpu" or "cuda:0".
  std::string str() const;
};

/// "cpu", "cuda" (the current device) or "cuda:1". Errors: kInvalidArgument; kDevice where the
/// device is not there, with what is.
Device parse_device(std::string_view text);

class Backend {
 public:
  virtual ~Backend() = default;
  virtual int device_count() = 0;
  /// Memory for at least nbytes, 64-byte aligned (256 on CUDA), ready for use on the device's
  /// current stream. Errors: kOutOfMemory.
  virtual void* allocate(Device device, size_t nbytes) = 0;
  virtual void free(Device device, void* data, size_t nbytes) noexcept = 0;
  /// Copies bytes between this device and the host or within it, ordered on the current stream;
  /// returns when the host may reuse its side.
  virtual void copy(void* dst, Device dst_device, const void* src, Device src_device,
                    size_t nbytes) = 0;
  /// Waits until all work of the device is done.
  virtual void synchronize(Device device) = 0;
  /// Gives cached memory back to the system.
  virtual void empty_cache() = 0;
  /// Seconds that the work takes on the device, on the current stream; waits for it.
  virtual double seconds(Device device, const std::function<void()>& work);
  /// Whether what is queued now is recorded into a graph instead of being run.
  virtual bool is_recording(Device) { return false; }

  // What only devices with streams have; the CPU's refuse (kUnsupported) or give null.
  /// Page-locked host memory, for copies that the host does not wait for. Errors: kOutOfMemory.
  virtual void* allocate_pinned(size_t nbytes);
  virtual void free_pinned(void* data) noexcept;
  /// Queues a copy between the device and the host and returns at once. The host's side lies in
  /// pinned_block, from allocate_pinned(), which is not reused before the copy is done.
  virtual void copy_pinned(void* dst, Device dst_device, const void* src, Device src_device,
                           size_t nbytes, void* pinned_block);
  /// The device's allocator, for core/memory.h.
  virtual CachingAllocator* allocator(Device device);
  /// For core/copy_queue.h; null without streams.
  virtual std::unique_ptr<CopyQueue> make_copy_queue(Device device);
  /// For core/graph.h.
  virtual std::unique_ptr<Graph> make_graph(Device device, const Graph* share_pool_with);
};

/// The backend of a kind of device. Errors: kDevice where the program was built without it.
Backend& backend(DeviceType type);
/// Whether a backend is there and has at least one device.
bool is_available(DeviceType type);
/// Called once per kind, at start, by the backend itself.
void register_backend(DeviceType type, Backend& backend);
/// Bytes between two devices: the backend that is not the CPU's does it.
void copy_bytes(void* dst, Device dst_device, const void* src, Device src_device, size_t nbytes);

}  // namespace iolaus
