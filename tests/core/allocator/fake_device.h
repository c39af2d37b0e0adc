// A device of numbers for the caching allocator: memory is a range of addresses with a limit that
// nobody touches, streams are counters of queued and finished work. It checks that it is used as
// the real one must be.
#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/allocator/memory_source.h"

namespace iolaus::test {

inline constexpr size_t kMiB = size_t{1} << 20;

class FakeDevice final : public MemorySource {
 public:
  /// can_map: whether it has growing segments.
  explicit FakeDevice(size_t capacity, bool can_map = false)
      : capacity_(capacity), can_map_(can_map) {}
  struct Event {
    StreamKey stream;
    uint64_t ticket;
  };

  void* allocate(size_t nbytes) override {
    ++calls_;
    if (used_ + nbytes > capacity_) return nullptr;
    used_ += nbytes;
    const uintptr_t at = next_address(nbytes);
    backed_[at] = nbytes;
    return reinterpret_cast<void*>(at);
  }
  void release(void* memory) noexcept override {
    const auto found = backed_.find(reinterpret_cast<uintptr_t>(memory));
    CHECK(found != backed_.end());
    used_ -= found->second;
    backed_.erase(found);
  }
  void capacity(size_t& free_bytes, size_t& total_bytes) override {
    free_bytes = capacity_ - used_;
    total_bytes = capacity_;
  }

  void* record_event(StreamKey stream) noexcept override {
    CHECK(!is_capturing);
    ++live_events_;
    return new Event{stream, queued_[stream]};
  }
  bool is_done(void* event) override {
    CHECK(!is_capturing);
    const auto* e = static_cast<Event*>(event);
    return finished_[e->stream] >= e->ticket;
  }
  void wait(void* event) override {
    CHECK(!is_capturing);
    const auto* e = static_cast<Event*>(event);
    finished_[e->stream] = std::max(finished_[e->stream], e->ticket);
  }
  void release_event(void* event) noexcept override {
    --live_events_;
    delete static_cast<Event*>(event);
  }

  void* reserve(size_t nbytes) override {
    if (!can_map_) return nullptr;
    const uintptr_t at = next_address(nbytes);
    ranges_[at] = nbytes;
    return reinterpret_cast<void*>(at);
  }
  void unreserve(void* addresses, size_t nbytes) noexcept override {
    const auto at = reinterpret_cast<uintptr_t>(addresses);
    CHECK(ranges_[at] == nbytes);
    CHECK(backed_.lower_bound(at) == backed_.lower_bound(at + nbytes));
    ranges_.erase(at);
  }
  bool map(void* data, size_t nbytes, size_t page) override {
    ++calls_;
    const auto at = reinterpret_cast<uintptr_t>(data);
    const auto range = std::prev(ranges_.upper_bound(at));
    CHECK(at + nbytes <= range->first + range->second);
    CHECK((at - range->first) % page == 0);
    CHECK(nbytes % page == 0);
    if (used_ + nbytes > capacity_) return false;
    used_ += nbytes;
    for (size_t offset = 0; offset < nbytes; offset += page) {
      CHECK(backed_.emplace(at + offset, page).second);
    }
    return true;
  }
  void unmap(void* data, size_t nbytes, size_t page) noexcept override {
    CHECK(!is_capturing);
    const auto at = reinterpret_cast<uintptr_t>(data);
    for (size_t offset = 0; offset < nbytes; offset += page) {
      const auto found = backed_.find(at + offset);
      CHECK(found != backed_.end());
      CHECK(found->second == page);
      backed_.erase(found);
    }
    used_ -= nbytes;
  }

  Event mark(StreamKey stream) { return {stream, queued_[stream]}; }
  void queue_work(StreamKey stream) { ++queued_[stream]; }
  void finish(StreamKey stream) { finished_[stream] = queued_[stream]; }
  /// Whether all of it has memory.
  bool contains(const void* data, size_t nbytes) const {
    auto at = reinterpret_cast<uintptr_t>(data);
    const uintptr_t end = at + nbytes;
    do {
      const auto after = backed_.upper_bound(at);
      if (after == backed_.begin()) return false;
      const auto& [base, size] = *std::prev(after);
      if (at >= base + size) return false;
      at = base + size;
    } while (at < end);
    return true;
  }
  size_t used() const { return used_; }
  size_t segments() const { return backed_.size(); }
  size_t ranges() const { return ranges_.size(); }
  int live_events() const { return live_events_; }
  /// How often it was asked for memory.
  int calls() const { return calls_; }
  /// While true, events and unmapping are errors, as they are while CUDA captures.
  bool is_capturing = false;

 private:
  uintptr_t next_address(size_t nbytes) {
    const uintptr_t at = next_;
    next_ += nbytes + 2 * kMiB;  // never touch
    return at;
  }
  size_t capacity_, used_ = 0;
  bool can_map_;
  uintptr_t next_ = 0x10000000;
  std::map<uintptr_t, size_t> backed_, ranges_;  // segments or pages; reservations
  std::map<StreamKey, uint64_t> queued_, finished_;
  int live_events_ = 0, calls_ = 0;
};

inline const StreamKey kDefault = nullptr;
inline const StreamKey kSide = reinterpret_cast<StreamKey>(0x10);
inline const StreamKey kThird = reinterpret_cast<StreamKey>(0x20);

inline uintptr_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

}  // namespace iolaus::test
