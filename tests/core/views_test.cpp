// Views against PyTorch's geometry over chains of random views (tests/data/core/views.py), and
// what they refuse.
#include "core/views.h"

#include <doctest/doctest.h>

#include <numeric>

#include "tests/core/io_helpers.h"
#include "tests/core/reference_data.h"

using namespace iolaus;

namespace {

Tensor apply_step(const Tensor& t, const nlohmann::json& step) {
  const std::string op = step["op"];
  const auto& args = step["args"];
  const auto arg = [&](size_t i) { return args[i].get<int64_t>(); };
  if (op == "select") return views::select(t, arg(0), arg(1));
  if (op == "slice") return views::slice(t, arg(0), arg(1), arg(2), arg(3));
  if (op == "narrow") return views::narrow(t, arg(0), arg(1), arg(2));
  if (op == "transpose") return views::transpose(t, arg(0), arg(1));
  if (op == "permute") return views::permute(t, test::to_dims(args));
  if (op == "expand") return views::expand(t, test::to_dims(args));
  if (op == "view") return views::view(t, test::to_dims(args));
  if (op == "squeeze") return views::squeeze(t);
  if (op == "squeeze_dim") return views::squeeze(t, arg(0));
  if (op == "unsqueeze") return views::unsqueeze(t, arg(0));
  if (op == "unfold") return views::unfold(t, arg(0), arg(1), arg(2));
  if (op == "diagonal") return views::diagonal(t, arg(0), arg(1), arg(2));
  REQUIRE(op == "as_strided");
  return views::as_strided(t, test::to_dims(args[0]), test::to_dims(args[1]), arg(2));
}

// The strides that reach another element; those of sizes 0 and 1, or of an empty tensor, mean
// nothing, and ours are not always PyTorch's.
std::string used_strides(const Dims& sizes, Dims strides) {
  const bool none = std::find(sizes.begin(), sizes.end(), 0) != sizes.end();
  for (size_t i = 0; i < sizes.size(); ++i) {
    if (none || sizes[i] == 1) strides[i] = 1;
  }
  return strides.str();
}

Tensor counting(const Dims& sizes) {
  Tensor t = empty(sizes, {.dtype = kInt64});
  if (t.numel() > 0) std::iota(t.data<int64_t>(), t.data<int64_t>() + t.numel(), 0);
  return t;
}

}  // namespace

TEST_CASE("chains of views have PyTorch's sizes, strides and offsets") {
  const auto data = test::load_json("views.json");
  REQUIRE(data["chains"].size() == 500);
  for (const auto& chain : data["chains"]) {
    Tensor t = counting(test::to_dims(chain["shape"]));
    std::string history = t.sizes().str();
    for (const auto& step : chain["steps"]) {
      history.append(" ").append(step["op"].get<std::string>()).append(step["args"].dump());
      CAPTURE(history);
      if (step.contains("error")) {
        CHECK_THROWS_AS(apply_step(t, step), Error);
        continue;
      }
      REQUIRE_NOTHROW(t = apply_step(t, step));
      CHECK(t.sizes().str() == test::to_dims(step["sizes"]).str());
      CHECK(used_strides(t.sizes(), t.strides()) ==
            used_strides(t.sizes(), test::to_dims(step["strides"])));
      CHECK(t.offset() == step["offset"].get<int64_t>());
      // Should one differ, the rest of the chain would only repeat it.
      t = views::as_strided(t, test::to_dims(step["sizes"]), test::to_dims(step["strides"]),
                            step["offset"]);
    }
  }
}

TEST_CASE("views share the storage of their base") {
  const Tensor t = counting({2, 3});
  const Tensor column = views::select(t, 1, 1);
  column.data<int64_t>()[0] = 70;
  CHECK(t.to_vector<int64_t>() == std::vector<int64_t>{0, 70, 2, 3, 4, 5});
  CHECK(column.storage() == t.storage());
}

TEST_CASE("views that would leave the storage or the shape are refused with both") {
  const Tensor t = counting({2, 3});
  const auto check = [](ErrorCode code, const char* words, auto&& fn) {
    test::check_error(code, words, fn);
  };
  check(ErrorCode::kInvalidArgument, "reach element 6 of a storage of 6",
        [&] { views::as_strided(t, {2}, {1}, 5); });
  check(ErrorCode::kInvalidArgument, "overflow",
        [&] { views::as_strided(t, {3}, {INT64_MAX}, 0); });
  check(ErrorCode::kIndex, "index 2 is out of range for dimension 0 of size 2",
        [&] { views::select(t, 0, 2); });
  check(ErrorCode::kInvalidArgument, "shape [4] does not fit 6", [&] { views::view(t, {4}); });
  check(ErrorCode::kInvalidArgument, "without a copy; use reshape",
        [&] { views::view(views::transpose(t, 0, 1), {6}); });
  check(ErrorCode::kInvalidArgument, "dimension 1 has size 3, not 1", [&] {
    views::expand(t, {2, 4});
  });
  check(ErrorCode::kInvalidArgument, "is repeated", [&] { views::permute(t, {0, -2}); });
  check(ErrorCode::kInvalidArgument, "overflows", [&] {
    views::expand(views::select(t, 0, 0), {INT64_MAX / 2, 3});
  });
}
