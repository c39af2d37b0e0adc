// amax and amin choose without looking for NaN first; what they do where there is one.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/ops/copy.h"
#include "autograd/ops/create.h"
#include "autograd/ops/reduce.h"

using namespace iolaus;

namespace {

template <class T> void check_nan(int64_t rows, int64_t n, int64_t at) {
  std::vector<T> values(static_cast<size_t>(rows * n));
  for (size_t i = 0; i < values.size(); ++i) values[i] = T(static_cast<float>(i * 7 % 31) - 15);
  const int64_t row = rows / 2;
  values[static_cast<size_t>(row * n + at)] = T(std::numeric_limits<float>::quiet_NaN());
  const Tensor x = from_values<T>(values, {rows, n});
  for (const bool largest : {true, false}) {
    const auto got =
        to(largest ? amax(x, {1}) : amin(x, {1}), kFloat32).template to_vector<float>();
    for (int64_t r = 0; r < rows; ++r) {
      CAPTURE(n);
      CAPTURE(at);
      CAPTURE(r);
      if (r == row) {
        CHECK(std::isnan(got[static_cast<size_t>(r)]));
        continue;
      }
      float best = static_cast<float>(values[static_cast<size_t>(r * n)]);
      for (int64_t j = 1; j < n; ++j) {
        const auto value = static_cast<float>(values[static_cast<size_t>(r * n + j)]);
        best = largest ? std::max(best, value) : std::min(best, value);
      }
      CHECK(got[static_cast<size_t>(r)] == best);
    }
  }
}

}  // namespace

TEST_CASE("amax and amin: NaN wins in its row alone, wherever in a block of vectors it lies") {
  for (const int64_t n : {1, 15, 16, 17, 40, 64, 65, 81, 128, 200, 2049, 5000}) {
    for (const int64_t at : {int64_t{0}, n / 3, n / 2, n - n / 5 - 1, n - 1}) {
      check_nan<float>(9, n, at);
      check_nan<double>(3, n, at);
      check_nan<BFloat16>(3, n, at);
    }
  }
}
