// The ring of events.
#include "core/allocator/allocator_history.h"

#include <chrono>

#include "core/backtrace.h"
#include "core/call_context.h"
#include "core/error.h"

namespace iolaus {

const char* action_name(MemoryAction action) {
  constexpr const char* kNames[] = {
      "alloc",        "free_requested", "free_completed", "segment_alloc",
      "segment_free", "segment_map",    "segment_unmap",  "oom",
      "snapshot"};
  return kNames[static_cast<int>(action)];
}

void AllocatorHistory::start(const HistoryOptions& options) {
  IOLAUS_CHECK(options.max_events > 0 && options.stack_depth >= 0,
               "[memory_history] expected max_events above 0 and stack_depth from 0, got {} and {}",
               options.max_events, options.stack_depth);
  options_ = options;
  ring_.clear();
  next_ = 0;
}

CallSitePtr AllocatorHistory::here() const {
  if (!options_.enabled) return nullptr;
  auto site = std::make_shared<CallSite>();
  site->op = CallContext::current_name();
  if (options_.stack_depth > 0) site->frames = capture_backtrace(1, options_.stack_depth);
  return site;
}

void AllocatorHistory::record(MemoryEvent event) {
  if (!options_.enabled) return;
  using namespace std::chrono;
  event.time_us = duration_cast<microseconds>(system_clock::now().time_since_epoch()).count();
  if (ring_.size() < options_.max_events) {
    ring_.push_back(std::move(event));
    return;
  }
  ring_[next_] = std::move(event);
  next_ = (next_ + 1) % ring_.size();
}

std::vector<MemoryEvent> AllocatorHistory::events() const {
  std::vector<MemoryEvent> ordered(ring_.begin() + static_cast<std::ptrdiff_t>(next_), ring_.end());
  ordered.insert(ordered.end(), ring_.begin(), ring_.begin() + static_cast<std::ptrdiff_t>(next_));
  return ordered;
}

}  // namespace iolaus
