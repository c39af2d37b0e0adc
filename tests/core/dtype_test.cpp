// Names, promotion and the 16-bit floats against PyTorch (tests/data/core/dtypes.py).
#include "core/dtype.h"

#include <doctest/doctest.h>
#include <zlib.h>

#include <cmath>
#include <cstring>
#include <vector>

#include "core/scalar.h"
#include "tests/core/io_helpers.h"
#include "tests/core/reference_data.h"

using namespace iolaus;

namespace {

template <class T> uint32_t crc(const std::vector<T>& values) {
  return static_cast<uint32_t>(crc32(0, reinterpret_cast<const Bytef*>(values.data()),
                                     static_cast<uInt>(values.size() * sizeof(T))));
}

template <class T> T from_bits(int bits) {
  T value;
  value.bits = static_cast<uint16_t>(bits);
  return value;
}

// All patterns widened, as float bits; every NaN made the same.
template <class T> std::vector<uint32_t> widened() {
  std::vector<uint32_t> out;
  for (int bits = 0; bits < 65536; ++bits) {
    const float value = from_bits<T>(bits);
    out.push_back(std::isnan(value) ? 0x7fc00000u : std::bit_cast<uint32_t>(value));
  }
  return out;
}

// Around the middle of each finite number and the next, both signs, rounded (see the script).
template <class T> std::vector<uint16_t> rounded_midpoints(int infinity) {
  std::vector<uint16_t> out;
  for (int bits = 0; bits < infinity; ++bits) {
    const double low = from_bits<T>(bits);
    const double step = bits + 1 < infinity ? float(from_bits<T>(bits + 1)) - low
                                            : low - float(from_bits<T>(bits - 1));
    const auto middle = static_cast<float>(low + step / 2);
    for (float x : {std::nextafter(middle, 0.0f), middle, std::nextafter(middle, INFINITY)}) {
      out.push_back(T(x).bits);
      out.push_back(T(-x).bits);
    }
  }
  return out;
}

template <class T> void check_conversions(const nlohmann::json& data, int infinity) {
  const std::string name = dtype_name(dtype_of<T>);
  const nlohmann::json& expected = data[name];
  CHECK(crc(widened<T>()) == expected["widening_crc"].get<uint32_t>());
  const auto rounded = rounded_midpoints<T>(infinity);
  CHECK(rounded.size() == expected["midpoint_count"].get<size_t>());
  CHECK(crc(rounded) == expected["midpoint_crc"].get<uint32_t>());
  for (size_t i = 0; i < data["samples"].size(); ++i) {
    const float x = std::bit_cast<float>(data["samples"][i].get<uint32_t>());
    CAPTURE(x);
    const auto want = from_bits<T>(expected["samples"][i].get<int>());
    if (std::isnan(x)) {
      CHECK(std::isnan(float(want)));
      CHECK(std::isnan(float(T(x))));
    } else {
      CHECK(T(x).bits == want.bits);
    }
  }
  for (int bits = 0; bits < 65536; ++bits) {
    const auto value = from_bits<T>(bits);
    if (std::isnan(float(value))) {
      REQUIRE(std::isnan(float(T(float(value)))));
    } else {
      REQUIRE(T(float(value)).bits == bits);
    }
  }
}

}  // namespace

TEST_CASE("types promote as in PyTorch, all hundred pairs") {
  const auto table = test::load_json("dtypes.json")["promotion"];
  for (int a = 0; a < kDTypeCount; ++a) {
    for (int b = 0; b < kDTypeCount; ++b) {
      const DType x = static_cast<DType>(a), y = static_cast<DType>(b);
      const std::string expected = table[dtype_name(x)][dtype_name(y)];
      CAPTURE(dtype_name(x));
      CAPTURE(dtype_name(y));
      CHECK(dtype_name(promote_types(x, y)) == expected);
    }
  }
}

TEST_CASE("float16 converts as in PyTorch, every pattern and every rounding") {
  check_conversions<Half>(test::load_json("dtypes.json"), 0x7c00);
}

TEST_CASE("bfloat16 converts as in PyTorch, every pattern and every rounding") {
  check_conversions<BFloat16>(test::load_json("dtypes.json"), 0x7f80);
}

TEST_CASE("dtype names parse back, with PyTorch's aliases") {
  for (int i = 0; i < kDTypeCount; ++i) {
    const DType dtype = static_cast<DType>(i);
    CHECK(parse_dtype(dtype_name(dtype)) == dtype);
    CHECK(parse_dtype(std::string("torch.") + dtype_name(dtype)) == dtype);
  }
  CHECK(parse_dtype("float") == kFloat32);
  CHECK(parse_dtype("double") == kFloat64);
  CHECK(parse_dtype("half") == kFloat16);
  CHECK(parse_dtype("long") == kInt64);
  CHECK(parse_dtype("bf16") == kBFloat16);
  test::check_error(ErrorCode::kInvalidArgument, "unknown dtype 'int128'; expected one of bool",
                    [] { parse_dtype("int128"); });
}

TEST_CASE("visit_dtype hands over the type and refuses what is not in the list") {
  for (int i = 0; i < kDTypeCount; ++i) {
    const DType dtype = static_cast<DType>(i);
    visit_dtype(AllTypes{}, "test", dtype, [&]<class T>() {
      CHECK(dtype_of<T> == dtype);
      CHECK(sizeof(T) == item_size(dtype));
      CHECK(is_floating(dtype) == (std::is_floating_point_v<MathType<T>>));
    });
  }
  test::check_error(ErrorCode::kType, "[softmax] does not support dtype int8",
                    [] { visit_dtype(FloatTypes{}, "softmax", kInt8, []<class T>() {}); });
}

TEST_CASE("scalars keep their kind and value") {
  CHECK(Scalar(true).dtype() == kBool);
  CHECK(Scalar(3).dtype() == kInt64);
  CHECK(Scalar(2.5f).dtype() == kFloat64);
  CHECK(Scalar(INT64_MAX).to<int64_t>() == INT64_MAX);
  CHECK(Scalar(2.5).to<int>() == 2);
  CHECK(Scalar(0.5).to<bool>());
  CHECK_FALSE(Scalar(0).to<bool>());
}
