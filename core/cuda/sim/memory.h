// Memory of the simulated device, and pinned host memory. Device memory is a reserved range of
// addresses; allocations in it end at a page that nobody may touch, start filled with NaN, and are
// closed to the host: only while operations of the device run are they open. What the host or a
// kernel touches by mistake is a fault, which is turned into a diagnosis.
#pragma once

#include <cstddef>
#include <functional>
#include <string>
#include <utility>

namespace iolaus::sim {

/// Device memory, 256-byte aligned; null where the device has no room (options().memory_bytes).
void* device_allocate(size_t nbytes);
/// False where it is not the start of an allocation.
bool device_free(void* data);
size_t device_free_bytes();
/// Whether all of [data, data + nbytes) is in one allocation of the device.
bool is_device_memory(const void* data, size_t nbytes = 1);
/// Whether an address is in the range that device memory is taken from.
bool in_device_range(const void* data);

/// The whole range, for the checker.
std::pair<const void*, size_t> device_range();

/// Page-locked host memory, which kernels may use too.
void* pinned_allocate(size_t nbytes);
bool pinned_free(void* data);
bool is_pinned_memory(const void* data, size_t nbytes = 1);

/// "8 bytes after the end of an allocation of 400 bytes", for messages.
std::string describe_address(const void* data);

/// Device memory is open in a scope: an operation of the device runs.
class OpenMemory {
 public:
  OpenMemory();
  ~OpenMemory();
  OpenMemory(const OpenMemory&) = delete;
  OpenMemory& operator=(const OpenMemory&) = delete;
};

/// Handles the faults of this process from now on; called at start and before each launch.
void catch_faults();

/// While it lives, a memory fault of a simulated thread calls handle with the diagnosis, which must
/// not return. Faults of the host print a message and abort.
class FaultHandler {
 public:
  explicit FaultHandler(std::function<void(const std::string&)> handle);
  ~FaultHandler();
  FaultHandler(const FaultHandler&) = delete;
  FaultHandler& operator=(const FaultHandler&) = delete;
};
/// Ends the launch of the calling simulated thread with a diagnosis, as a fault would: for callers
/// through which no exception may pass.
[[noreturn]] void end_by_fault(const std::string& text);

}  // namespace iolaus::sim
