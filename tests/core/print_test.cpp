// to_string against the texts that PyTorch printed (tests/data/core/print.py).
#include <doctest/doctest.h>

#include "core/views.h"
#include "tests/core/reference_data.h"

using namespace iolaus;

namespace {

// base + scale * i, computed in double and rounded to the dtype once, as the script does.
Tensor arange(DType dtype, const Dims& sizes, double base, double scale) {
  Tensor t = empty(sizes, {.dtype = dtype});
  visit_dtype(AllTypes{}, "arange", dtype, [&]<class T>() {
    for (int64_t i = 0; i < t.numel(); ++i) {
      const double value = base + scale * static_cast<double>(i);
      if constexpr (std::is_same_v<T, bool>) {
        t.data<T>()[i] = value != 0;
      } else if constexpr (std::is_integral_v<T>) {
        t.data<T>()[i] = static_cast<T>(static_cast<int64_t>(value));
      } else {
        t.data<T>()[i] = static_cast<T>(value);
      }
    }
  });
  return t;
}

Tensor case_tensor(const nlohmann::json& c) {
  const Dims sizes = test::to_dims(c["shape"]);
  const std::string dtype = c["dtype"];
  Tensor t = c.contains("bytes") ? test::tensor_from_hex(dtype, sizes, c["bytes"])
                                 : arange(parse_dtype(dtype), sizes, c["base"], c["scale"]);
  if (c.contains("requires_grad")) t.set_requires_grad();
  if (c.contains("permute")) t = views::permute(t, test::to_dims(c["permute"]));
  return t;
}

}  // namespace

TEST_CASE("tensors print as PyTorch prints them") {
  const auto data = test::load_json("print.json");
  REQUIRE(data["cases"].size() > 400);
  for (const auto& c : data["cases"]) {
    const std::string expected = c["text"];
    CHECK(to_string(case_tensor(c)) == expected);
  }
}

TEST_CASE("views print their own elements") {
  const Tensor t = from_values<int64_t>({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(to_string(views::select(t, 1, 2)) == "tensor([3, 6])");
  CHECK(to_string(views::expand(views::select(t, 0, 1), {2, 3})) ==
        "tensor([[4, 5, 6],\n        [4, 5, 6]])");
}

TEST_CASE("an undefined tensor prints as such") {
  CHECK(to_string(Tensor()) == "tensor(undefined)");
}
