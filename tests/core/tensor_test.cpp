// Tensors over memory: creation, elements, conversions, layouts, the allocator, devices.
#include "core/tensor.h"

#include <doctest/doctest.h>

#include <cstring>
#include <set>
#include <thread>

#include "core/views.h"
#include "tests/core/io_helpers.h"

using namespace iolaus;

namespace {
bool aligned(const Tensor& t) { return reinterpret_cast<uintptr_t>(t.raw_data()) % 64 == 0; }
}  // namespace

TEST_CASE("memory is aligned to 64 bytes and holds what it says, for any size") {
  std::vector<Tensor> tensors;
  for (int64_t size = 1; size < 3'000'000; size = size * 5 / 4 + 1) {
    const Tensor t = empty({size}, {.dtype = kUInt8});
    CHECK(aligned(t));
    std::memset(t.raw_data(), static_cast<int>(size % 251), static_cast<size_t>(size));
    tensors.push_back(t);
  }
  for (const Tensor& t : tensors) {  // nobody wrote into another's
    const auto* data = t.data<uint8_t>();
    CHECK(data[0] == t.numel() % 251);
    CHECK(data[t.numel() - 1] == t.numel() % 251);
  }
}

TEST_CASE("freed memory is used again") {
#if defined(__SANITIZE_ADDRESS__)
  MESSAGE("skipped: nothing is cached under AddressSanitizer");
#else
  void* first = empty({1000}).raw_data();
  CHECK(empty({1000}).raw_data() == first);
  CHECK(empty({900}, {.dtype = kInt32}).raw_data() == first);  // the same size class
#endif
  backend(kCPU).empty_cache();
  CHECK(aligned(empty({1000})));
}

TEST_CASE("memory may be freed by another thread than allocated it") {
  std::vector<Tensor> tensors(2000);
  const auto fill = [&](size_t begin, size_t end) {
    for (size_t i = begin; i < end; ++i) {
      tensors[i] = empty({static_cast<int64_t>(i % 300 + 1)}, {.dtype = kInt64});
      tensors[i].data<int64_t>()[0] = static_cast<int64_t>(i);
    }
  };
  for (int round = 0; round < 5; ++round) {
    std::thread a(fill, 0, 1000), b(fill, 1000, 2000);
    a.join();
    b.join();
    std::set<void*> addresses;
    for (size_t i = 0; i < tensors.size(); ++i) {
      REQUIRE(tensors[i].data<int64_t>()[0] == static_cast<int64_t>(i));
      addresses.insert(tensors[i].raw_data());
    }
    CHECK(addresses.size() == tensors.size());
    std::thread c([&] {
      for (size_t i = 0; i < tensors.size(); i += 2) tensors[i] = Tensor();
    });
    for (size_t i = 1; i < tensors.size(); i += 2) tensors[i] = Tensor();
    c.join();
  }
}

TEST_CASE("shapes that no memory can hold are typed errors") {
  test::check_error(ErrorCode::kOutOfMemory, "[cpu] cannot allocate",
                    [] { empty({int64_t{1} << 50}); });
  CHECK_THROWS_AS(empty({int64_t{1} << 62}), Error);  // bytes overflow
  CHECK_THROWS_AS(empty({int64_t{1} << 40, int64_t{1} << 40}), Error);
  CHECK_THROWS_AS(empty({-1}), Error);
  CHECK_THROWS_AS(empty_strided({2}, {-1}), Error);
  CHECK_THROWS_AS(empty_strided({2}, {1, 1}), Error);
  CHECK_THROWS_AS(empty_strided({int64_t{1} << 40}, {int64_t{1} << 40}), Error);
}

TEST_CASE("empty and 0-dim tensors are tensors") {
  const Tensor none = empty({0, 3});
  CHECK(none.numel() == 0);
  CHECK(none.is_contiguous());
  CHECK(none.to_vector<float>().empty());
  const Tensor scalar = from_values<double>({2.5}, {});
  CHECK(scalar.dim() == 0);
  CHECK(scalar.item() == 2.5);
  CHECK(scalar.item<int>() == 2);
  test::check_error(ErrorCode::kInvalidArgument,
                    "[item] expected a tensor of one element, got float32[0, 3] on cpu",
                    [&] { none.item(); });
  CHECK_THROWS_AS(Tensor().item(), Error);
  CHECK_FALSE(Tensor().defined());
}

TEST_CASE("values go in and come out converted") {
  const Tensor t = from_values<float>({-1.5f, 0.0f, 300.25f, 2.0f}, {2, 2});
  CHECK(t.to_vector<double>() == std::vector<double>{-1.5, 0, 300.25, 2});
  CHECK(t.to_vector<int64_t>() == std::vector<int64_t>{-1, 0, 300, 2});
  CHECK(t.to_vector<bool>() == std::vector<bool>{true, false, true, true});
  const Tensor half = from_values<Half>({Half(0.1f)}, {1});
  CHECK(half.item<double>() == static_cast<double>(static_cast<float>(Half(0.1f))));
  test::check_error(ErrorCode::kInvalidArgument, "shape [3] needs 3 values, got 2", [] {
    from_values<float>({1, 2}, {3});
  });
  test::check_error(ErrorCode::kType, "expected a int64 tensor, got float32",
                    [&] { t.data<int64_t>(); });
}

TEST_CASE("layouts: channels-last and what empty_like keeps") {
  const Tensor t = empty({2, 3, 4, 5}, {.memory_format = MemoryFormat::kChannelsLast});
  CHECK(t.strides() == Dims{60, 1, 15, 3});
  CHECK_FALSE(t.is_contiguous());
  CHECK(t.is_contiguous(MemoryFormat::kChannelsLast));
  CHECK(empty_like(t).strides() == t.strides());
  CHECK(empty_like(views::transpose(empty({2, 3}), 0, 1)).strides() == Dims{1, 3});
  CHECK(empty_like(views::expand(empty({1, 3}), {2, 3})).strides() == Dims{3, 1});
  CHECK(empty_like(views::slice(empty({4, 6}), 1, 0, 6, 2)).strides() == Dims{3, 1});
  CHECK(empty({1, 1, 1, 1}).is_contiguous(MemoryFormat::kChannelsLast));
}

TEST_CASE("memory of somebody else's is given back when the last view goes") {
  float values[4] = {1, 2, 3, 4};
  int deleted = 0;
  {
    Tensor row;
    {
      const Tensor t = from_blob(values, {2, 2}, {}, [&] { ++deleted; });
      row = views::select(t, 0, 1);
    }
    CHECK(deleted == 0);
    CHECK(row.to_vector<float>() == std::vector<float>{3, 4});
  }
  CHECK(deleted == 1);
}

TEST_CASE("devices parse, and one that is not there is a clear error") {
  CHECK(parse_device("cpu") == Device());
  CHECK(Device(kCUDA, 1).str() == "cuda:1");
  for (const char* wrong : {"", "gpu", "cuda:", "cuda:x", "cpu:0", "cuda:-1", "cuda:1234"}) {
    CAPTURE(wrong);
    test::check_error(ErrorCode::kInvalidArgument, "expected cpu, cuda or cuda:N",
                      [&] { parse_device(wrong); });
  }
  if (!is_available(kCUDA)) {
    test::check_error(ErrorCode::kDevice, "device=cpu", [] { parse_device("cuda:0"); });
  }
}

TEST_CASE("errors carry a code with a name and a formatted message") {
  test::check_error(ErrorCode::kIndex, "[op] expected 1, got 2", [] {
    IOLAUS_CHECK_CODE(false, ErrorCode::kIndex, "[op] expected {}, got {}", 1, 2);
  });
  CHECK_NOTHROW([] { IOLAUS_CHECK(true, "never"); }());
  std::set<std::string> names;
  for (int i = 0; i <= static_cast<int>(ErrorCode::kInternal); ++i) {
    names.insert(error_code_name(static_cast<ErrorCode>(i)));
  }
  CHECK(names.size() == static_cast<size_t>(ErrorCode::kInternal) + 1);
  CHECK(names.count("unknown") == 0);
}
