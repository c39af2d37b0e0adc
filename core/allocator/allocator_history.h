// What an allocator did, for people who ask where memory went: a ring of events, each with the call
// site that caused it. Off by default; on, an allocation costs a walk of the stack more.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "core/allocator/memory_source.h"

namespace iolaus {

/// Who allocated: the op's name (core/op_scope.h) and the stack, as addresses.
struct CallSite {
  const char* op = nullptr;
  std::vector<void*> frames;  // innermost first
};
using CallSitePtr = std::shared_ptr<const CallSite>;

/// By PyTorch's names: "alloc", "free_requested", "free_completed", "segment_alloc", ...
enum class MemoryAction : uint8_t {
  kAlloc,
  kFreeRequested,  // free() was called
  kFreeCompleted,  // and no stream uses the block any more
  kSegmentAlloc,
  kSegmentFree,
  kSegmentMap,
  kSegmentUnmap,
  kOutOfMemory,
  kSnapshot
};
const char* action_name(MemoryAction action);

struct MemoryEvent {
  MemoryAction action;
  uint64_t address = 0;  // kOutOfMemory: bytes that the device has free
  uint64_t size = 0;
  StreamKey stream = nullptr;
  int64_t time_us = 0;  // since 1970
  CallSitePtr site;
};

struct HistoryOptions {
  bool enabled = true;
  /// Events that are kept; older ones are forgotten.
  size_t max_events = 100000;
  /// Frames of each call site; 0: only the op's name.
  int stack_depth = 32;
};

class AllocatorHistory {
 public:
  /// Starts anew with these options; what was recorded is forgotten.
  void start(const HistoryOptions& options);
  bool is_on() const { return options_.enabled; }
  /// The call site of the function that asks; null while off.
  CallSitePtr here() const;
  void record(MemoryEvent event);
  /// The events that are kept, oldest first.
  std::vector<MemoryEvent> events() const;

 private:
  HistoryOptions options_{.enabled = false};
  std::vector<MemoryEvent> ring_;
  size_t next_ = 0;  // where the next event goes, once the ring is full
};

}  // namespace iolaus
