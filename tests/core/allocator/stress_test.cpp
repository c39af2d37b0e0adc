// The allocator under random use: sizes, streams, recorded streams, frees, captures into private
// pools and cache emptyings, over plain and growing segments, with and without a limit. After each
// step: no overlap with what lives, all of it backed by memory, no reuse while a stream may still
// touch it, nothing of a pool handed to others.
#include <doctest/doctest.h>

#include <random>
#include <utility>
#include <vector>

#include "core/allocator/caching_allocator.h"
#include "core/error.h"
#include "tests/core/allocator/fake_device.h"

using namespace iolaus;
using namespace iolaus::test;

namespace {

constexpr size_t kCapacity = 600 * kMiB;
const StreamKey kStreams[] = {kDefault, kSide, kThird};

class Stress {
 public:
  Stress(unsigned seed, bool can_map, const char* settings, double fraction)
      : random_(seed),
        device_(kCapacity, can_map),
        allocator_("fake", device_, parse_allocator_config(settings)),
        limit_(static_cast<size_t>(static_cast<double>(kCapacity) * fraction)) {
    if (fraction < 1) allocator_.set_fraction(fraction);
  }

  void run(int steps) {
    for (int step = 0; step < steps; ++step) {
      const unsigned action = random_() % 1000;
      if (action < 550) {
        allocate();
      } else if (action < 650) {
        use_elsewhere();
      } else if (action < 980) {
        free_one();
      } else if (action < 988) {
        if (!device_.is_capturing) {
          for (StreamKey stream : kStreams) device_.finish(stream);
        }
      } else if (action < 996) {
        toggle_capture();
      } else if (action < 998) {
        release_pool();
      } else {
        allocator_.empty_cache();
      }
      REQUIRE(device_.used() <= limit_);
      if (step % 100 == 0) REQUIRE(allocator_.check_invariants() == "");
    }
    finish();
  }
  AllocatorStats stats() const { return allocator_.stats(); }
  int captures() const { return captures_; }

 private:
  struct Live {
    size_t nbytes;
    StreamKey stream;
    PoolId pool;
    std::set<StreamKey> users;
  };
  struct Freed {
    uintptr_t end;
    std::vector<FakeDevice::Event> events;
  };

  size_t pick_size() {
    const unsigned kind = random_() % 10;
    if (kind < 6) return random_() % 5000;
    if (kind < 8) return random_() % (900 * 1024);
    return kind < 9 ? random_() % (9 * kMiB) : random_() % (40 * kMiB);
  }

  void allocate() {
    const size_t nbytes = pick_size();
    const StreamKey stream = kStreams[random_() % 3];
    void* data = nullptr;
    try {
      data = allocator_.allocate(nbytes, stream);
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::kOutOfMemory);
      for (int i = 0; i < 20 && !live_.empty(); ++i) free_block(live_.begin());
      return;
    }
    const uintptr_t at = address(data), end = at + std::max<size_t>(nbytes, 1);
    REQUIRE(at % 512 == 0);
    REQUIRE(device_.contains(data, nbytes));
    const auto after = live_.lower_bound(at);
    if (after != live_.end()) REQUIRE(end <= after->first);
    if (after != live_.begin()) {
      const auto& before = *std::prev(after);
      REQUIRE(before.first + std::max<size_t>(before.second.nbytes, 1) <= at);
    }
    std::erase_if(freed_, [&](const auto& entry) {
      const auto& [begin, freed] = entry;
      if (end <= begin || at >= freed.end) return false;
      for (FakeDevice::Event event : freed.events) {
        // While capturing the device must not be asked; look past that.
        const bool capturing = std::exchange(device_.is_capturing, false);
        REQUIRE(device_.is_done(&event));
        device_.is_capturing = capturing;
      }
      return at <= begin && end >= freed.end;  // wholly reused: done with
    });
    const PoolId pool = device_.is_capturing && stream == captured_ ? pool_ : 0;
    // Addresses of a living pool are never seen outside of it, nor others in it.
    for (const auto& [begin, owner] : owners_) {
      if (end > begin && at < owner.first) REQUIRE(owner.second == pool);
    }
    if (pool != 0) owners_[at] = {end, pool};
    live_[at] = {nbytes, stream, pool, {}};
  }

  std::map<uintptr_t, Live>::iterator pick_live() {
    auto it = live_.lower_bound(live_.begin()->first + random_() % 0x40000000);
    return it == live_.end() ? live_.begin() : it;
  }

  void use_elsewhere() {
    if (live_.empty()) return;
    const auto it = pick_live();
    const StreamKey stream = kStreams[random_() % 3];
    allocator_.record_stream(reinterpret_cast<void*>(it->first), stream);
    device_.queue_work(stream);
    if (stream != it->second.stream) it->second.users.insert(stream);
  }

  void free_one() {
    if (!live_.empty()) free_block(pick_live());
  }
  void free_block(std::map<uintptr_t, Live>::iterator it) {
    const auto& [at, block] = *it;
    allocator_.free(reinterpret_cast<void*>(at));
    Freed freed{at + std::max<size_t>(block.nbytes, 1), {}};
    for (StreamKey user : block.users) freed.events.push_back(device_.mark(user));
    freed_[at] = freed;
    live_.erase(it);
  }

  void toggle_capture() {
    if (device_.is_capturing) {
      device_.is_capturing = false;
      allocator_.end_redirect(pool_);
      return;
    }
    if (pool_ == 0) pool_ = allocator_.create_pool();
    captured_ = kStreams[random_() % 3];
    allocator_.begin_redirect(pool_, [s = captured_](StreamKey stream) { return stream == s; });
    device_.is_capturing = true;
    ++captures_;
  }

  void release_pool() {
    if (pool_ == 0 || device_.is_capturing) return;
    allocator_.release_pool(pool_);
    pool_ = 0;
    owners_.clear();
  }

  void finish() {
    if (device_.is_capturing) toggle_capture();
    release_pool();
    while (!live_.empty()) free_block(live_.begin());
    allocator_.empty_cache();
    CHECK(allocator_.check_invariants() == "");
    CHECK(device_.used() == 0);
    CHECK(device_.ranges() == 0);
    CHECK(device_.live_events() == 0);
    const AllocatorStats stats = allocator_.stats();
    CHECK(stats.allocated == 0);
    CHECK(stats.requested == 0);
    CHECK(stats.reserved == 0);
    CHECK(stats.reserved_pools == 0);
    CHECK(stats.segments == 0);
    CHECK(stats.peak_allocated <= stats.peak_reserved);
    CHECK(stats.peak_reserved <= limit_);
  }

  std::mt19937 random_;
  FakeDevice device_;
  CachingAllocator allocator_;
  size_t limit_;
  std::map<uintptr_t, Live> live_;
  std::map<uintptr_t, Freed> freed_;                          // perhaps still touched by a stream
  std::map<uintptr_t, std::pair<uintptr_t, PoolId>> owners_;  // of a living pool
  PoolId pool_ = 0;
  StreamKey captured_ = nullptr;
  int captures_ = 0;
};

}  // namespace

TEST_CASE("random use: no overlap, no early reuse, no lost byte, no pool's memory elsewhere") {
  struct Mode {
    bool can_map;
    const char* settings;
    double fraction;
  };
  const Mode modes[] = {{false, "", 1},
                        {false, "garbage_collection_threshold:0.6", 0.9},
                        {false, "max_split_size_mb:21,roundup_power2_divisions:8", 1},
                        {true, "", 1},
                        {true, "roundup_power2_divisions:4", 0.5}};
  for (const Mode& mode : modes) {
    CAPTURE(mode.can_map);
    const std::string settings = mode.settings;
    CAPTURE(settings);
    uint64_t retries = 0, failures = 0;
    int captures = 0;
    for (unsigned seed = 1; seed <= 3; ++seed) {
      CAPTURE(seed);
      Stress stress(seed, mode.can_map, mode.settings, mode.fraction);
      stress.run(5000);
      retries += stress.stats().retries;
      failures += stress.stats().out_of_memory;
      captures += stress.captures();
    }
    CHECK(retries > 0);  // else the test is too tame
    CHECK(failures > 0);
    CHECK(captures > 5);
    const std::string kind = mode.can_map ? "growing" : "plain";
    MESSAGE(kind, " segments, ", settings, ": ", retries, " retries, ", failures,
            " out of memory, ", captures, " captures");
  }
}
