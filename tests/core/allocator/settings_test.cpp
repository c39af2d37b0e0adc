// The allocator's settings: their text, and what each does.
#include <doctest/doctest.h>

#include "core/allocator/caching_allocator.h"
#include "core/error.h"
#include "tests/core/allocator/fake_device.h"

using namespace iolaus;
using namespace iolaus::test;

TEST_CASE("settings have PyTorch's names and form") {
  const AllocatorConfig config = parse_allocator_config(
      " max_split_size_mb:128, garbage_collection_threshold:0.8,expandable_segments:False ,"
      "roundup_power2_divisions:4");
  CHECK(config.max_split_bytes == 128 * kMiB);
  CHECK(config.gc_threshold == 0.8);
  CHECK(!config.growing_segments);
  CHECK(config.roundup_divisions == 4);
  CHECK(parse_allocator_config(to_string(config)).max_split_bytes == 128 * kMiB);
  CHECK(parse_allocator_config("").growing_segments);
  CHECK(parse_allocator_config("").caching);
}

TEST_CASE("a wrong setting is named, with the key that was meant") {
  const auto message = [](const char* text) -> std::string {
    try {
      parse_allocator_config(text);
    } catch (const Error& e) {
      CHECK(e.code() == ErrorCode::kConfig);
      return e.what();
    }
    return "";
  };
  CHECK(message("max_split_size:64") ==
        "[IOLAUS_CUDA_ALLOC_CONF] unknown key 'max_split_size'; did you mean "
        "'max_split_size_mb'?; the keys are expandable_segments, max_split_size_mb, "
        "garbage_collection_threshold, roundup_power2_divisions");
  CHECK(message("backend:native").find("unknown key 'backend'; the keys are") != std::string::npos);
  CHECK(message("expandable_segments:1") ==
        "[IOLAUS_CUDA_ALLOC_CONF] expandable_segments: expected True or False, got '1'");
  CHECK(message("max_split_size_mb:20").find("above 20, got '20'") != std::string::npos);
  CHECK(message("max_split_size_mb:12x").find("got '12x'") != std::string::npos);
  CHECK(message("garbage_collection_threshold:1.5").find("between 0 and 1") != std::string::npos);
  CHECK(message("garbage_collection_threshold:nan").find("between 0 and 1") != std::string::npos);
  CHECK(message("roundup_power2_divisions:3").find("a power of two") != std::string::npos);
  CHECK(message("roundup_power2_divisions:[256:1,>:4]").find("a power of two") !=
        std::string::npos);
  CHECK(message("expandable_segments").find("expected key:value") != std::string::npos);
}

TEST_CASE("the memory fraction limits what is reserved, and the error says so") {
  for (const bool can_map : {false, true}) {
    FakeDevice device(400 * kMiB, can_map);
    CachingAllocator allocator("fake", device);
    allocator.set_fraction(0.25);
    void* a = allocator.allocate(60 * kMiB, kDefault);
    void* b = allocator.allocate(30 * kMiB, kDefault);
    allocator.free(b);
    try {
      allocator.allocate(50 * kMiB, kDefault);
      FAIL("expected an error");
    } catch (const Error& e) {
      const std::string text = e.what();
      CHECK(text.find("The memory fraction forbids more") != std::string::npos);
      CHECK(text.find("reserved at most             100.0 MiB") != std::string::npos);
    }
    CHECK(allocator.stats().retries == 1);
    allocator.free(a);
    allocator.allocate(90 * kMiB, kDefault);
    CHECK(device.used() <= 100 * kMiB);
    allocator.set_fraction(1);
    allocator.allocate(200 * kMiB, kDefault);
    CHECK_THROWS_AS(allocator.set_fraction(0), Error);
    CHECK_THROWS_AS(allocator.set_fraction(1.1), Error);
    CHECK(allocator.check_invariants() == "");
  }
}

TEST_CASE("beyond the collection threshold the longest unused segments go first") {
  FakeDevice device(200 * kMiB);
  CachingAllocator allocator("fake", device,
                             parse_allocator_config("garbage_collection_threshold:0.5"));
  allocator.set_fraction(1);
  void* old = allocator.allocate(30 * kMiB, kDefault);
  void* young = allocator.allocate(40 * kMiB, kDefault);
  allocator.free(old);
  allocator.free(allocator.allocate(100, kDefault));
  allocator.free(young);
  CHECK(device.used() == 72 * kMiB);
  allocator.allocate(50 * kMiB, kDefault);  // 122 MiB were above 100
  CHECK(!device.contains(old, 30 * kMiB));
  CHECK(device.contains(young, 40 * kMiB));
  CHECK(device.used() == 92 * kMiB);
  CHECK(allocator.stats().retries == 0);
  CHECK(allocator.check_invariants() == "");
}

TEST_CASE("blocks above the split limit are neither cut nor given to small requests") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device, parse_allocator_config("max_split_size_mb:64"));
  void* big = allocator.allocate(200 * kMiB, kDefault);
  allocator.free(big);
  CHECK(allocator.allocate(30 * kMiB, kDefault) != big);
  CHECK(allocator.allocate(100 * kMiB, kDefault) != big);  // more than 20 MiB would be lost
  CHECK(allocator.allocate(190 * kMiB, kDefault) == big);
  CHECK(allocator.stats().allocated == (30 + 100 + 200) * kMiB);
}

TEST_CASE("sizes rounded to steps of a power of two let varying sizes reuse a block") {
  FakeDevice device(1000 * kMiB);
  CachingAllocator allocator("fake", device, parse_allocator_config("roundup_power2_divisions:4"));
  void* a = allocator.allocate(1200 * 1024, kDefault);
  CHECK(allocator.stats().allocated == 1280 * 1024);  // 1024 + 256 KiB
  CHECK(allocator.stats().requested == 1200 * 1024);
  allocator.free(a);
  CHECK(allocator.allocate(1270 * 1024, kDefault) == a);
  CHECK(allocator.stats().allocated == 1280 * 1024);
  allocator.allocate(1000, kDefault);  // small ones are rounded to 512 as ever
  CHECK(allocator.stats().allocated == 1280 * 1024 + 1024);
}

TEST_CASE("without caching each allocation is the device's own, of exactly its size") {
  FakeDevice device(1000 * kMiB, true);
  AllocatorConfig config;
  config.caching = false;
  CachingAllocator allocator("fake", device, config);
  void* a = allocator.allocate(1001, kDefault);
  CHECK(device.used() == 1001);
  CHECK(device.contains(a, 1001));
  CHECK(!device.contains(a, 1002));
  void* b = allocator.allocate(3, kSide);
  CHECK(device.used() == 1004);
  CHECK(allocator.stats().allocated == 1004);
  CHECK(allocator.check_invariants() == "");
  allocator.record_stream(a, kThird);
  device.queue_work(kDefault);
  device.queue_work(kThird);
  const FakeDevice::Event work = device.mark(kDefault), other = device.mark(kThird);
  allocator.free(a);
  CHECK(device.used() == 3);
  FakeDevice::Event events[] = {work, other};
  for (FakeDevice::Event& event : events) CHECK(device.is_done(&event));
  allocator.free(b);
  CHECK(device.used() == 0);
  CHECK(device.live_events() == 0);
  CHECK_THROWS_AS(allocator.allocate(1001 * kMiB, kDefault), Error);
  CHECK(allocator.check_invariants() == "");
}
