// Device memory's questions, handed to the device's allocator.
#include "core/memory.h"

#include "core/allocator/caching_allocator.h"
#include "core/error.h"
#include "core/io/atomic_file.h"

namespace iolaus {
namespace {

CachingAllocator& allocator_of(const char* op, Device device) {
  CachingAllocator* found = backend(device.type).allocator(device);
  IOLAUS_CHECK_CODE(found != nullptr, ErrorCode::kUnsupported,
                    "[{}] {} has no caching allocator of this kind", op, device.str());
  return *found;
}

}  // namespace

AllocatorStats memory_stats(Device device) {
  const CachingAllocator* found = backend(device.type).allocator(device);
  return found != nullptr ? found->stats() : AllocatorStats();
}

void reset_peak_memory(Device device) {
  if (CachingAllocator* found = backend(device.type).allocator(device)) found->reset_peaks();
}

void set_memory_fraction(Device device, double fraction) {
  allocator_of("set_memory_fraction", device).set_fraction(fraction);
}

void record_memory_history(Device device, const HistoryOptions& options) {
  allocator_of("record_memory_history", device).record_history(options);
}

void write_memory_snapshot(const std::string& path) {
  std::vector<AllocatorSnapshot> devices;
  for (int i = 0; i < backend(kCUDA).device_count(); ++i) {
    devices.push_back(allocator_of("write_memory_snapshot", Device(kCUDA, i)).snapshot());
  }
  io::write_file_atomic(path, pickle_snapshot(devices));
}

}  // namespace iolaus
