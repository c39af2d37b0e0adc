// Private pools and redirections, as captured graphs use them.
#include <doctest/doctest.h>

#include "core/allocator/caching_allocator.h"
#include "core/error.h"
#include "tests/core/allocator/fake_device.h"

using namespace iolaus;
using namespace iolaus::test;

namespace {

// A capture on a stream, as far as the allocator and the device see it.
class FakeCapture {
 public:
  FakeCapture(FakeDevice& device, CachingAllocator& allocator, PoolId pool, StreamKey stream)
      : device_(device), allocator_(allocator), pool_(pool) {
    allocator_.begin_redirect(pool, [stream](StreamKey s) { return s == stream; });
    device_.is_capturing = true;
  }
  ~FakeCapture() {
    device_.is_capturing = false;
    allocator_.end_redirect(pool_);
  }

 private:
  FakeDevice& device_;
  CachingAllocator& allocator_;
  PoolId pool_;
};

}  // namespace

TEST_CASE("what is allocated while capturing is reused in its pool only, also after its free") {
  for (const bool can_map : {false, true}) {
    CAPTURE(can_map);
    FakeDevice device(1000 * kMiB, can_map);
    CachingAllocator allocator("fake", device);
    void* outside = allocator.allocate(4096, kSide);
    allocator.free(outside);
    const PoolId pool = allocator.create_pool();
    void *a, *b;
    {
      const FakeCapture capture(device, allocator, pool, kSide);
      a = allocator.allocate(4096, kSide);
      CHECK(a != outside);
      allocator.free(a);
      b = allocator.allocate(4096, kSide);  // within the capture it is reused in stream order
      CHECK(b == a);
      CHECK(allocator.allocate(4096, kDefault) != a);  // other streams are not redirected
    }
    allocator.free(b);
    CHECK(allocator.allocate(4096, kSide) == outside);
    CHECK(allocator.stats().reserved_pools == 2 * kMiB);
    allocator.empty_cache();  // the graph lives: a replay writes to its pool
    CHECK(allocator.stats().reserved_pools == 2 * kMiB);
    {
      const FakeCapture capture(device, allocator, pool, kSide);  // another graph shares the pool
      CHECK(allocator.allocate(4096, kSide) == a);
    }
    allocator.free(a);
    allocator.release_pool(pool);
    allocator.empty_cache();
    CHECK(allocator.stats().reserved_pools == 0);
    CHECK(allocator.check_invariants() == "");
  }
}

TEST_CASE("a pool lives until its last graph is gone, and its tensors may outlive it") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device);
  const PoolId pool = allocator.create_pool();
  allocator.retain_pool(pool);
  void* a = nullptr;
  {
    const FakeCapture capture(device, allocator, pool, kSide);
    a = allocator.allocate(30 * kMiB, kSide);
    allocator.free(allocator.allocate(1024, kSide));
  }
  allocator.release_pool(pool);
  allocator.empty_cache();
  CHECK(allocator.stats().reserved_pools == 32 * kMiB);
  allocator.release_pool(pool);
  allocator.empty_cache();
  CHECK(allocator.stats().reserved_pools == 30 * kMiB);  // a is still in use
  CHECK(allocator.check_invariants() == "");
  CHECK_THROWS_AS(allocator.retain_pool(pool), Error);
  allocator.free(a);
  allocator.empty_cache();
  CHECK(device.used() == 0);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("while capturing no event is recorded or asked and nothing is given back") {
  FakeDevice device(64 * kMiB);
  CachingAllocator allocator("fake", device);
  void* waits = allocator.allocate(4096, kDefault);
  allocator.record_stream(waits, kThird);
  device.queue_work(kThird);
  allocator.free(waits);
  CHECK(device.live_events() == 1);
  void* cached = allocator.allocate(30 * kMiB, kDefault);
  void* crossing = allocator.allocate(8192, kDefault);
  allocator.free(cached);
  const PoolId pool = allocator.create_pool();
  {
    const FakeCapture capture(device, allocator, pool, kSide);
    allocator.record_stream(crossing, kSide);
    device.queue_work(kSide);
    allocator.free(crossing);  // its event must wait for the capture's end
    CHECK(device.live_events() == 1);
    CHECK(allocator.stats().waiting == 4096 + 8192);
    allocator.empty_cache();
    CHECK(allocator.stats().reserved == 32 * kMiB);
    try {
      allocator.allocate(40 * kMiB, kSide);
      FAIL("expected an error");
    } catch (const Error& e) {
      CHECK(std::string(e.what()).find("A graph is being captured") != std::string::npos);
    }
    CHECK(allocator.check_invariants() == "");
  }
  device.finish(kThird);
  CHECK(allocator.allocate(4096, kDefault) == waits);
  CHECK(allocator.stats().waiting == 8192);
  device.finish(kSide);
  CHECK(allocator.allocate(8192, kDefault) == crossing);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("a redirection to a pool that is not there, or the end of none, is an error") {
  FakeDevice device(64 * kMiB);
  CachingAllocator allocator("fake", device);
  CHECK_THROWS_AS(allocator.begin_redirect(7, [](StreamKey) { return true; }), Error);
  CHECK_THROWS_AS(allocator.end_redirect(0), Error);
  const PoolId pool = allocator.create_pool();
  allocator.release_pool(pool);
  CHECK_THROWS_AS(allocator.release_pool(pool), Error);
}
