// The caching allocator over a fake device (fake_device.h): plain segments, without a GPU. What
// grows is in growing_segments_test.cpp, pools for graphs in pools_test.cpp, random use in
// stress_test.cpp.
#include "core/allocator/caching_allocator.h"

#include <doctest/doctest.h>

#include "core/error.h"
#include "tests/core/allocator/fake_device.h"

using namespace iolaus;
using namespace iolaus::test;

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
