// Shapes: counting, strides, broadcasting, dimensions, and the errors of each.
#include "core/dims.h"

#include <doctest/doctest.h>

#include "tests/core/io_helpers.h"

using namespace iolaus;

TEST_CASE("dims are inline vectors of at most sixteen numbers") {
  Dims dims{2, 3};
  dims.push_back(4);
  dims.insert(0, 1);
  CHECK(dims == Dims{1, 2, 3, 4});
  dims.insert(4, 5);
  dims.erase(1);
  CHECK(dims == Dims{1, 3, 4, 5});
  CHECK(dims.back() == 5);
  CHECK(dims.str() == "[1, 3, 4, 5]");
  CHECK(Dims().str() == "[]");
  CHECK_FALSE(Dims{1} == Dims{1, 1});
  const Dims full = Dims::filled(16, 1);
  CHECK(full.rank() == 16);
  test::check_error(ErrorCode::kInvalidArgument, "at most 16 dimensions, got 17",
                    [] { Dims::filled(17, 1); });
  test::check_error(ErrorCode::kInvalidArgument, "got 17", [&] { Dims(full).push_back(1); });
}

TEST_CASE("element counts are checked for sign and overflow") {
  CHECK(checked_numel({}) == 1);
  CHECK(checked_numel({2, 3, 4}) == 24);
  CHECK(checked_numel({2, 0, 4}) == 0);
  CHECK(checked_numel({INT64_MAX}) == INT64_MAX);
  CHECK_THROWS_AS(checked_numel({-1}), Error);
  CHECK_THROWS_AS(checked_numel({INT64_MAX, 2}), Error);
  CHECK_THROWS_AS(checked_numel({0, INT64_MAX, 2}), Error);
  CHECK_THROWS_AS(checked_numel({int64_t{1} << 32, int64_t{1} << 31}), Error);
}

TEST_CASE("contiguous and channels-last strides are PyTorch's") {
  CHECK(contiguous_strides({2, 3, 4}) == Dims{12, 4, 1});
  CHECK(contiguous_strides({2, 0, 4}) == Dims{4, 4, 1});  // torch.empty(2, 0, 4).stride()
  CHECK(contiguous_strides({}) == Dims{});
  CHECK(channels_last_strides({2, 3, 4, 5}) == Dims{60, 1, 15, 3});
  CHECK(channels_last_strides({2, 3, 4, 5, 6}) == Dims{360, 1, 90, 18, 3});
  CHECK_THROWS_AS(channels_last_strides({2, 3, 4}), Error);
}

TEST_CASE("shapes broadcast from the back") {
  CHECK(broadcast_shapes("add", {2, 3}, {3}) == Dims{2, 3});
  CHECK(broadcast_shapes("add", {3, 1}, {1, 4}) == Dims{3, 4});
  CHECK(broadcast_shapes("add", {}, {2, 1}) == Dims{2, 1});
  CHECK(broadcast_shapes("add", {5, 1, 4}, {7, 1}) == Dims{5, 7, 4});
  CHECK(broadcast_shapes("add", {1}, {0}) == Dims{0});
  CHECK(broadcast_shapes("add", {0, 3}, {1, 1}) == Dims{0, 3});
  test::check_error(ErrorCode::kInvalidArgument,
                    "[add] shapes [2, 3] and [4] do not broadcast: sizes 3 and 4 differ at "
                    "dimension 1",
                    [] {
                      broadcast_shapes("add", {2, 3}, {4});
                    });
  CHECK_THROWS_AS(broadcast_shapes("add", {2}, {0}), Error);
}

TEST_CASE("dimensions wrap from the end and are checked") {
  CHECK(wrap_dim("sum", -1, 3) == 2);
  CHECK(wrap_dim("sum", 2, 3) == 2);
  CHECK(wrap_dim("sum", -1, 0) == 0);
  test::check_error(ErrorCode::kIndex, "[sum] expected dim in [-3, 2], got 3",
                    [] { wrap_dim("sum", 3, 3); });
  CHECK_THROWS_AS(wrap_dim("sum", 1, 0), Error);
}
