// The allocator's history, snapshots and the out-of-memory report, over a fake device.
#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <iterator>

#include "core/allocator/caching_allocator.h"
#include "core/backtrace.h"
#include "core/call_context.h"
#include "core/error.h"
#include "tests/core/allocator/fake_device.h"
#include "tests/core/reference_data.h"

using namespace iolaus;
using namespace iolaus::test;

namespace {

__attribute__((noinline)) void* allocate_in_a_named_function(CachingAllocator& allocator,
                                                             size_t nbytes) {
  void* data = allocator.allocate(nbytes, kDefault);
  asm volatile("" ::: "memory");  // keeps the call from becoming a jump, which leaves no frame
  return data;
}

std::vector<std::string> actions(const CachingAllocator& allocator) {
  std::vector<std::string> names;
  for (const MemoryEvent& event : allocator.snapshot().events) {
    names.emplace_back(action_name(event.action));
  }
  return names;
}

std::string out_of_memory(CachingAllocator& allocator, size_t nbytes) {
  try {
    allocator.allocate(nbytes, kDefault);
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::kOutOfMemory);
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("the history tells what happened, in order, and by whom") {
  FakeDevice device(100 * kMiB);
  CachingAllocator allocator("fake", device);
  allocator.free(allocator.allocate(100, kDefault));
  CHECK(allocator.snapshot().events.empty());  // off by default
  allocator.empty_cache();
  allocator.record_history({});
  void* a = nullptr;
  {
    const OpScope scope("softmax");
    a = allocate_in_a_named_function(allocator, 1000);
  }
  allocator.record_stream(a, kSide);
  device.queue_work(kSide);
  allocator.free(a);
  device.finish(kSide);
  allocator.empty_cache();
  CHECK(out_of_memory(allocator, 200 * kMiB) != "");
  CHECK(actions(allocator) == std::vector<std::string>{"segment_alloc", "alloc", "free_requested",
                                                       "free_completed", "segment_free", "oom"});
  const MemoryEvent alloc = allocator.snapshot().events[1];
  CHECK(alloc.address == address(a));
  CHECK(alloc.size == 1024);
  CHECK(alloc.time_us > 1700000000000000);
  REQUIRE(alloc.site != nullptr);
  CHECK(alloc.site->op == std::string("softmax"));
  const std::vector<StackFrame> frames = symbolise(alloc.site->frames);
  REQUIRE(frames.size() > 2);
  // The innermost frames are the allocator's own.
  const auto named = std::find_if(frames.begin(), frames.end(), [](const StackFrame& frame) {
    return frame.name.find("allocate_in_a_named_function") != std::string::npos;
  });
  REQUIRE(named != frames.end());
  CHECK(named - frames.begin() < 4);
  CHECK(named->file.find("test_core") != std::string::npos);
  allocator.record_history({.enabled = false});
  CHECK(allocator.snapshot().events.empty());
}

TEST_CASE("growing segments show as stretches, and their pages as events") {
  FakeDevice device(200 * kMiB, true);
  CachingAllocator allocator("fake", device);
  allocator.record_history({.stack_depth = 0});
  void* a = allocator.allocate(10 * kMiB, kDefault);
  void* b = allocator.allocate(50 * kMiB, kDefault);
  allocator.allocate(10 * kMiB, kDefault);
  allocator.free(b);
  allocator.empty_cache();
  const AllocatorSnapshot snapshot = allocator.snapshot();
  REQUIRE(snapshot.segments.size() == 2);
  CHECK(snapshot.segments[0].address == address(a));
  CHECK(snapshot.segments[0].size == 20 * kMiB);
  CHECK(snapshot.segments[0].is_growing);
  CHECK(snapshot.segments[1].address == address(a) + 60 * kMiB);
  for (const SegmentSnapshot& segment : snapshot.segments) {
    uint64_t end = segment.address;
    for (const BlockSnapshot& block : segment.blocks) {
      CHECK(block.address == end);
      end += block.size;
    }
    CHECK(end == segment.address + segment.size);
  }
  CHECK(actions(allocator) ==
        std::vector<std::string>{"segment_map", "alloc", "segment_map", "alloc", "segment_map",
                                 "alloc", "free_requested", "free_completed", "segment_unmap"});
}

TEST_CASE("the ring keeps the newest events") {
  FakeDevice device(100 * kMiB);
  CachingAllocator allocator("fake", device);
  allocator.record_history({.max_events = 4, .stack_depth = 0});
  void* blocks[6];
  for (int i = 0; i < 6; ++i) blocks[i] = allocator.allocate(512, kDefault);
  const std::vector<MemoryEvent> events = allocator.snapshot().events;
  REQUIRE(events.size() == 4);
  for (size_t i = 0; i < 4; ++i) CHECK(events[i].address == address(blocks[i + 2]));
  CHECK_THROWS_AS(allocator.record_history({.max_events = 0}), Error);
}

TEST_CASE("a snapshot's pickle has the bytes that Python writes for it") {
  const auto site = [](const char* op) {
    auto made = std::make_shared<CallSite>();
    made->op = op;
    return made;
  };
  const CallSitePtr softmax = site("softmax"), linear = site("linear");
  const uint64_t base = 0x7F0000000000, other = 0x7F1000000000;
  AllocatorSnapshot first, second;
  first.segments.push_back({base,
                            2097152,
                            kDefault,
                            0,
                            true,
                            false,
                            {{base, 1024, 1000, BlockUse::kInUse, softmax},
                             {base + 1024, 512, 101, BlockUse::kWaiting, linear},
                             {base + 1536, 2095616, 0, BlockUse::kFree, nullptr}}});
  const int64_t time = 1700000000000000;
  first.events = {{MemoryAction::kSegmentAlloc, base, 2097152, kDefault, time, softmax},
                  {MemoryAction::kAlloc, base, 1024, kDefault, time + 1, softmax},
                  {MemoryAction::kFreeRequested, base + 1024, 512, kDefault, time + 2, linear},
                  {MemoryAction::kOutOfMemory, 12345678, 99999999999, kDefault, time + 3, nullptr}};
  second.segments.push_back({other,
                             20971520,
                             kSide,
                             3,
                             false,
                             true,
                             {{other, 20971520, 20971520, BlockUse::kInUse, nullptr}}});
  std::ifstream file(data_path("memory_snapshot.bin"), std::ios::binary);
  const std::string expected(std::istreambuf_iterator<char>(file), {});
  REQUIRE(expected.size() > 500);
  CHECK(pickle_snapshot({first, second}) == expected);
}

TEST_CASE("out of memory names who holds memory, by op alone or with the call site") {
  FakeDevice device(100 * kMiB);
  CachingAllocator allocator("cuda:0", device);
  {
    const OpScope scope("layer_norm");
    allocator.allocate(30 * kMiB, kDefault);
    allocator.allocate(12 * kMiB, kDefault);
  }
  allocator.allocate(20 * kMiB, kDefault);
  const std::string text = out_of_memory(allocator, 50 * kMiB);
  CHECK(text.find("[cuda:0] out of memory: cannot allocate 50.0 MiB") == 0);
  CHECK(text.find("    42.0 MiB in     2 blocks: layer_norm\n") != std::string::npos);
  CHECK(text.find("    20.0 MiB in     1 blocks: (no op named)\n") != std::string::npos);
  CHECK(text.find("Record the memory history") != std::string::npos);
  allocator.record_history({});
  const OpScope scope("matmul");
  allocate_in_a_named_function(allocator, 25 * kMiB);
  const std::string traced = out_of_memory(allocator, 50 * kMiB);
  CHECK(traced.find("matmul, by") != std::string::npos);
  CHECK(traced.find("allocate_in_a_named_function") != std::string::npos);
  CHECK(traced.find("Record the memory history") == std::string::npos);
}

TEST_CASE("out of memory in pieces advises what joins them") {
  FakeDevice device(100 * kMiB);
  CachingAllocator allocator("fake", device);
  void* blocks[4];
  for (void*& block : blocks) {
    allocator.allocate(9 * kMiB, kDefault);  // begins a segment of 20 MiB
    block = allocator.allocate(11 * kMiB, kDefault);
  }
  CHECK(device.used() == 80 * kMiB);
  for (void* block : blocks) allocator.free(block);
  const std::string text = out_of_memory(allocator, 30 * kMiB);
  CHECK(text.find("Enough is free, but in pieces") != std::string::npos);
  CHECK(text.find("expandable_segments:True") != std::string::npos);
}

TEST_CASE("free bytes beside used blocks and internal waste are counted") {
  FakeDevice device(100 * kMiB);
  CachingAllocator allocator("fake", device);
  void* a = allocator.allocate(1000, kDefault);
  CHECK(allocator.stats().requested == 1000);
  CHECK(allocator.stats().inactive_split == 2 * kMiB - 1024);
  allocator.free(a);
  CHECK(allocator.stats().requested == 0);
  CHECK(allocator.stats().inactive_split == 0);
  CHECK(allocator.stats().peak_requested == 1000);
}
