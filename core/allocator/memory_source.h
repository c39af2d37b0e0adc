// MemorySource: what a caching allocator needs of a device: memory, and events that tell when a
// stream's work is done. core/cuda implements it for CUDA; tests give a fake.
#pragma once

#include <cstddef>

namespace iolaus {

/// Any handle of a stream; equal handles are the same stream.
using StreamKey = const void*;

class MemorySource {
 public:
  virtual ~MemorySource() = default;
  /// Memory, or null where the device has no room.
  virtual void* allocate(size_t nbytes) = 0;
  virtual void release(void* memory) noexcept = 0;
  /// Bytes of the device: free now, and in all.
  virtual void capacity(size_t& free_bytes, size_t& total_bytes) = 0;

  /// An event that is done once the work queued on the stream so far is done; null where the
  /// device no longer answers (at the program's end): then nothing runs there either.
  virtual void* record_event(StreamKey stream) noexcept = 0;
  virtual bool is_done(void* event) = 0;
  virtual void wait(void* event) = 0;
  virtual void release_event(void* event) noexcept = 0;

  /// Addresses without memory, which map() backs piece by piece: segments that grow. Null where
  /// the device cannot do it; then the functions below are not called.
  virtual void* reserve(size_t /*nbytes*/) { return nullptr; }
  virtual void unreserve(void* /*addresses*/, size_t /*nbytes*/) noexcept {}
  /// Backs a range of a reservation with memory, in pages; nbytes is a multiple of page, and the
  /// range begins at a multiple of it from the reservation's start. False, and nothing is mapped,
  /// where the device has no room.
  virtual bool map(void* /*at*/, size_t /*nbytes*/, size_t /*page*/) { return false; }
  /// Gives the memory of whole pages back, once the device has done all its work. The same page.
  virtual void unmap(void* /*at*/, size_t /*nbytes*/, size_t /*page*/) noexcept {}
};

}  // namespace iolaus
