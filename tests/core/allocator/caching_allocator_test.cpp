// The caching allocator over a fake device: memory is a range of numbers with a limit, streams are
// counters of queued and finished work. So every rule is checked without a GPU.
#include "core/allocator/caching_allocator.h"

#include <doctest/doctest.h>

#include <map>
#include <random>
#include <set>
#include <vector>

#include "core/error.h"

using namespace iolaus;

namespace {

constexpr size_t kMiB = size_t{1} << 20;

class FakeDevice final : public MemorySource {
 public:
  explicit FakeDevice(size_t capacity) : capacity_(capacity) {}
  struct Event {
    StreamKey stream;
    uint64_t ticket;
  };
  void* allocate(size_t nbytes) override {
    if (used_ + nbytes > capacity_) return nullptr;
    used_ += nbytes;
    void* address = reinterpret_cast<void*>(next_);
    next_ += nbytes + 2 * kMiB;  // segments never touch
    segments_[address] = nbytes;
    return address;
  }
  void release(void* segment) noexcept override {
    const auto found = segments_.find(segment);
    CHECK(found != segments_.end());
    used_ -= found->second;
    segments_.erase(found);
  }
  void capacity(size_t& free_bytes, size_t& total_bytes) override {
    free_bytes = capacity_ - used_;
    total_bytes = capacity_;
  }
  void* record_event(StreamKey stream) noexcept override {
    ++live_events_;
    return new Event{stream, queued_[stream]};
  }
  bool is_done(void* event) override {
    const auto* e = static_cast<Event*>(event);
    return finished_[e->stream] >= e->ticket;
  }
  void wait(void* event) override {
    const auto* e = static_cast<Event*>(event);
    finished_[e->stream] = std::max(finished_[e->stream], e->ticket);
  }
  void release_event(void* event) noexcept override {
    --live_events_;
    delete static_cast<Event*>(event);
  }

  Event mark(StreamKey stream) { return {stream, queued_[stream]}; }
  void queue_work(StreamKey stream) { ++queued_[stream]; }
  void finish(StreamKey stream) { finished_[stream] = queued_[stream]; }
  bool contains(const void* data, size_t nbytes) const {
    const auto at = reinterpret_cast<uintptr_t>(data);
    for (const auto& [base, size] : segments_) {
      const auto begin = reinterpret_cast<uintptr_t>(base);
      if (at >= begin && at + nbytes <= begin + size) return true;
    }
    return false;
  }
  size_t used() const { return used_; }
  size_t segments() const { return segments_.size(); }
  int live_events() const { return live_events_; }

 private:
  size_t capacity_, used_ = 0;
  uintptr_t next_ = 0x10000000;
  std::map<void*, size_t> segments_;
  std::map<StreamKey, uint64_t> queued_, finished_;
  int live_events_ = 0;
};

const StreamKey kDefault = nullptr;
const StreamKey kSide = reinterpret_cast<StreamKey>(0x10);
const StreamKey kThird = reinterpret_cast<StreamKey>(0x20);

uintptr_t address(const void* p) { return reinterpret_cast<uintptr_t>(p); }

}  // namespace

TEST_CASE("small blocks share a 2 MiB segment, larger ones 20 MiB, and large ones get their own") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(1, kDefault);
  void* b = allocator.allocate(513, kDefault);
  CHECK(address(b) - address(a) == 512);
  CHECK(allocator.stats().allocated == 512 + 1024);
  CHECK(allocator.stats().reserved == 2 * kMiB);
  allocator.allocate(3 * kMiB, kDefault);
  CHECK(allocator.stats().reserved == 22 * kMiB);
  allocator.allocate(19 * kMiB + 1, kDefault);
  CHECK(allocator.stats().reserved == 42 * kMiB);
  allocator.allocate(11 * kMiB, kDefault);  // fits into the rest of the 20 MiB segment
  CHECK(allocator.stats().reserved == 42 * kMiB);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("a freed block is reused at once on its own stream and never on another") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(4096, kDefault);
  allocator.free(a);
  CHECK(allocator.allocate(4096, kSide) != a);
  CHECK(device.segments() == 2);
  CHECK(allocator.allocate(4096, kDefault) == a);
}

TEST_CASE("free neighbours merge into one block, whatever the order of the frees") {
  const int orders[][3] = {{0, 1, 2}, {0, 2, 1}, {1, 0, 2}, {1, 2, 0}, {2, 0, 1}, {2, 1, 0}};
  for (const auto& order : orders) {
    FakeDevice device(1000 * kMiB);
    CachingAllocator allocator("fake", device);
    void* blocks[3];
    for (void*& block : blocks) block = allocator.allocate(600 * 1024, kDefault);
    for (int i : order) allocator.free(blocks[i]);
    CHECK(allocator.check_invariants() == "");
    CHECK(allocator.stats().largest_free == 2 * kMiB);
    CHECK(allocator.stats().allocated == 0);
    CHECK(allocator.stats().blocks_in_use == 0);
  }
}

TEST_CASE("a block that another stream uses waits for that stream's work") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(4096, kDefault);
  allocator.record_stream(a, kSide);
  allocator.record_stream(a, kThird);
  allocator.record_stream(a, kSide);
  device.queue_work(kSide);
  device.queue_work(kThird);
  allocator.free(a);
  CHECK(device.live_events() == 2);
  CHECK(allocator.stats().waiting == 4096);
  CHECK(allocator.allocate(4096, kDefault) != a);
  device.finish(kSide);
  CHECK(allocator.allocate(4096, kDefault) != a);
  device.finish(kThird);
  CHECK(allocator.allocate(4096, kDefault) == a);
  CHECK(device.live_events() == 0);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("work queued on another stream after the free is not waited for") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(4096, kDefault);
  allocator.record_stream(a, kSide);
  allocator.free(a);
  device.queue_work(kSide);
  CHECK(allocator.allocate(4096, kDefault) == a);
}

TEST_CASE("a full device makes the cache empty itself once and the allocation succeed") {
  FakeDevice device(64 * kMiB);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(40 * kMiB, kDefault);
  allocator.record_stream(a, kSide);
  device.queue_work(kSide);
  allocator.free(a);
  void* b = allocator.allocate(50 * kMiB, kDefault);
  CHECK(device.contains(b, 50 * kMiB));
  CHECK(allocator.stats().retries == 1);
  CHECK(allocator.stats().out_of_memory == 0);
  CHECK(device.used() == 50 * kMiB);
}

TEST_CASE("out of memory is an error that shows the table, and the allocator stays usable") {
  FakeDevice device(64 * kMiB);
  CachingAllocator allocator("cuda:0", device);
  void* a = allocator.allocate(30 * kMiB, kDefault);
  try {
    allocator.allocate(40 * kMiB, kDefault);
    FAIL("expected an error");
  } catch (const Error& e) {
    const std::string text = e.what();
    CHECK(e.code() == ErrorCode::kOutOfMemory);
    CHECK(text.find("[cuda:0] out of memory: cannot allocate 40.0 MiB") == 0);
    CHECK(text.find("34.0 MiB free of 64.0 MiB") != std::string::npos);
    CHECK(text.find("largest free block") != std::string::npos);
    CHECK(text.find("fragmentation") != std::string::npos);
  }
  CHECK(allocator.stats().out_of_memory == 1);
  allocator.free(a);
  CHECK(allocator.allocate(40 * kMiB, kDefault) != nullptr);
  CHECK_THROWS_AS(allocator.allocate(~size_t{0}, kDefault), Error);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("fragmentation is the unused part that the largest free block cannot serve") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device);
  CHECK(allocator.stats().fragmentation() == 0);
  void* blocks[4];
  for (void*& block : blocks) block = allocator.allocate(512 * 1024, kDefault);
  allocator.free(blocks[0]);
  allocator.free(blocks[2]);
  CHECK(allocator.stats().fragmentation() == doctest::Approx(0.5));
}

TEST_CASE("empty_cache returns only segments that are wholly free") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(1024, kDefault);
  void* b = allocator.allocate(30 * kMiB, kSide);
  allocator.free(b);
  allocator.empty_cache();
  CHECK(device.used() == 2 * kMiB);
  CHECK(allocator.stats().reserved == 2 * kMiB);
  allocator.free(a);
  allocator.empty_cache();
  CHECK(device.used() == 0);
  CHECK(allocator.stats().peak_reserved == 32 * kMiB);
  allocator.reset_peaks();
  CHECK(allocator.stats().peak_reserved == 0);
}

TEST_CASE("a foreign or twice freed address changes nothing; recording one is an error") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(1024, kDefault);
  int foreign = 0;
  allocator.free(&foreign);
  allocator.free(nullptr);
  allocator.free(a);
  allocator.free(a);
  CHECK(allocator.stats().allocated == 0);
  CHECK(allocator.check_invariants() == "");
  CHECK_THROWS_AS(allocator.record_stream(&foreign, kSide), Error);
}

TEST_CASE("random sizes, streams and frees: no overlap, no early reuse, no lost byte") {
  for (unsigned seed = 1; seed <= 4; ++seed) {
    CAPTURE(seed);
    FakeDevice device(600 * kMiB);
    CachingAllocator allocator("fake", device);
    std::mt19937 random(seed);
    struct Live {
      size_t nbytes;
      StreamKey stream;
      std::set<StreamKey> users;
    };
    struct Freed {
      uintptr_t end;
      std::vector<FakeDevice::Event> events;
    };
    std::map<uintptr_t, Live> live;
    std::map<uintptr_t, Freed> in_flight;  // freed, and perhaps still touched by a stream
    const StreamKey streams[] = {kDefault, kSide, kThird};
    const auto sizes = [&]() -> size_t {
      const unsigned kind = random() % 10;
      if (kind < 6) return random() % 5000;
      if (kind < 8) return random() % (900 * 1024);
      return kind < 9 ? random() % (9 * kMiB) : random() % (40 * kMiB);
    };
    int errors = 0;
    for (int step = 0; step < 6000; ++step) {
      const unsigned action = random() % 100;
      if (action < 55) {
        const size_t nbytes = sizes();
        const StreamKey stream = streams[random() % 3];
        void* data = nullptr;
        try {
          data = allocator.allocate(nbytes, stream);
        } catch (const Error& e) {
          CHECK(e.code() == ErrorCode::kOutOfMemory);
          ++errors;
          for (int i = 0; i < 20 && !live.empty(); ++i) {
            allocator.free(reinterpret_cast<void*>(live.begin()->first));
            live.erase(live.begin());
          }
          continue;
        }
        const uintptr_t at = address(data), end = at + std::max<size_t>(nbytes, 1);
        REQUIRE(at % 512 == 0);
        REQUIRE(device.contains(data, nbytes));
        const auto after = live.lower_bound(at);
        if (after != live.end()) REQUIRE(end <= after->first);
        if (after != live.begin()) {
          const auto& before = *std::prev(after);
          REQUIRE(before.first + std::max<size_t>(before.second.nbytes, 1) <= at);
        }
        for (const auto& [begin, freed] : in_flight) {
          if (end <= begin || at >= freed.end) continue;
          for (FakeDevice::Event event : freed.events) REQUIRE(device.is_done(&event));
        }
        live[at] = {nbytes, stream, {}};
      } else if (!live.empty()) {
        auto it = live.lower_bound(live.begin()->first + random() % 0x4000000);
        if (it == live.end()) it = live.begin();
        auto& [at, block] = *it;
        void* data = reinterpret_cast<void*>(at);
        if (action < 65) {
          const StreamKey stream = streams[random() % 3];
          allocator.record_stream(data, stream);
          device.queue_work(stream);
          if (stream != block.stream) block.users.insert(stream);
        } else {
          allocator.free(data);
          Freed freed{at + std::max<size_t>(block.nbytes, 1), {}};
          for (StreamKey user : block.users) freed.events.push_back(device.mark(user));
          in_flight[at] = freed;
          live.erase(it);
        }
      }
      if (action == 99) {
        for (StreamKey stream : streams) device.finish(stream);
      }
      if (step % 500 == 0) REQUIRE(allocator.check_invariants() == "");
    }
    for (const auto& [at, block] : live) allocator.free(reinterpret_cast<void*>(at));
    allocator.empty_cache();
    CHECK(allocator.check_invariants() == "");
    CHECK(device.used() == 0);
    CHECK(device.live_events() == 0);
    const AllocatorStats stats = allocator.stats();
    CHECK(stats.allocated == 0);
    CHECK(stats.reserved == 0);
    CHECK(stats.peak_allocated <= stats.peak_reserved);
    CHECK(stats.peak_reserved <= 600 * kMiB);
    MESSAGE("seed ", seed, ": ", stats.retries, " retries, ", errors, " out of memory");
  }
}
