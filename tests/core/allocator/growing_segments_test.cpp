// Segments that grow, over a fake device that maps pages.
#include <doctest/doctest.h>

#include "core/allocator/caching_allocator.h"
#include "core/error.h"
#include "tests/core/allocator/fake_device.h"

using namespace iolaus;
using namespace iolaus::test;

TEST_CASE("a growing segment joins what was freed into room for something larger") {
  FakeDevice device(200 * kMiB, true);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(60 * kMiB, kDefault);
  void* b = allocator.allocate(60 * kMiB, kDefault);
  CHECK(address(b) == address(a) + 60 * kMiB);
  CHECK(allocator.stats().segments == 1);
  allocator.free(a);
  allocator.free(b);
  // Plain segments of 60 MiB could not serve this without being given back first.
  void* c = allocator.allocate(150 * kMiB, kDefault);
  CHECK(c == a);
  CHECK(device.contains(c, 150 * kMiB));
  CHECK(device.used() == 160 * kMiB);  // 8 pages of 20 MiB
  CHECK(allocator.stats().retries == 0);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("growth takes the free end of what is mapped into account") {
  FakeDevice device(200 * kMiB, true);
  CachingAllocator allocator("fake", device);
  allocator.allocate(15 * kMiB, kDefault);
  CHECK(device.used() == 20 * kMiB);
  allocator.allocate(24 * kMiB, kDefault);  // 5 MiB are free before the hole
  CHECK(device.used() == 40 * kMiB);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("each stream and size class grows its own segment") {
  FakeDevice device(200 * kMiB, true);
  CachingAllocator allocator("fake", device);
  allocator.allocate(1024, kDefault);
  allocator.allocate(1024, kSide);
  allocator.allocate(3 * kMiB, kDefault);
  CHECK(allocator.stats().segments == 3);
  CHECK(device.used() == (2 + 2 + 20) * kMiB);
}

TEST_CASE("empty_cache takes pages out of the middle of a growing segment") {
  FakeDevice device(200 * kMiB, true);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(10 * kMiB, kDefault);
  void* b = allocator.allocate(70 * kMiB, kDefault);
  void* c = allocator.allocate(10 * kMiB, kDefault);
  CHECK(device.used() == 100 * kMiB);
  allocator.free(b);
  allocator.empty_cache();
  // b covers 10 to 80 MiB, so the whole pages 20 to 80; a's and c's pages stay.
  CHECK(device.used() == 40 * kMiB);
  CHECK(device.contains(a, 10 * kMiB));
  CHECK(device.contains(c, 10 * kMiB));
  CHECK(allocator.check_invariants() == "");
  // The hole is used again before the end is.
  void* d = allocator.allocate(30 * kMiB, kDefault);
  CHECK(address(d) == address(a) + 10 * kMiB);
  CHECK(device.used() == 60 * kMiB);
  CHECK(allocator.check_invariants() == "");
  allocator.free(a);
  allocator.free(c);
  allocator.free(d);
  allocator.empty_cache();
  CHECK(device.used() == 0);
  CHECK(device.ranges() == 0);
  CHECK(allocator.stats().segments == 0);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("a full device lets another stream's free pages go") {
  FakeDevice device(100 * kMiB, true);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(70 * kMiB, kDefault);
  void* keep = allocator.allocate(1 * kMiB, kDefault);
  allocator.free(a);
  void* b = allocator.allocate(70 * kMiB, kSide);
  CHECK(device.contains(b, 70 * kMiB));
  CHECK(device.contains(keep, 1 * kMiB));
  CHECK(allocator.stats().retries == 1);
  CHECK_THROWS_AS(allocator.allocate(50 * kMiB, kDefault), Error);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("without room not even one page, no range of addresses is left over") {
  FakeDevice device(10 * kMiB, true);
  CachingAllocator allocator("fake", device);
  CHECK_THROWS_AS(allocator.allocate(3 * kMiB, kDefault), Error);
  CHECK(device.ranges() == 0);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("plain segments are chosen by the setting, and where the device cannot map") {
  FakeDevice able(100 * kMiB, true), unable(100 * kMiB, false);
  CachingAllocator chosen("fake", able, parse_allocator_config("expandable_segments:False"));
  CachingAllocator forced("fake", unable, parse_allocator_config("expandable_segments:True"));
  for (CachingAllocator* allocator : {&chosen, &forced}) {
    allocator->allocate(12 * kMiB, kDefault);
    CHECK(allocator->stats().reserved == 12 * kMiB);
  }
  CHECK(able.ranges() == 0);
}

TEST_CASE("a destroyed allocator gives back everything, pages and addresses") {
  FakeDevice device(200 * kMiB, true);
  {
    CachingAllocator allocator("fake", device);
    allocator.allocate(30 * kMiB, kDefault);
    void* b = allocator.allocate(70 * kMiB, kDefault);
    allocator.allocate(10 * kMiB, kDefault);
    allocator.allocate(100, kSide);
    allocator.free(b);
    allocator.empty_cache();
  }
  CHECK(device.used() == 0);
  CHECK(device.ranges() == 0);
}
