// Initialisations: limits, moments and forms, by their formulas.
#include "nn/init.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/ops.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Approx;
using doctest::Contains;

namespace {

struct Moments {
  double mean, deviation, low, high;
};
Moments moments(const Tensor& x) {
  return {mean(x).item(), iolaus::std(x, {}, 0).item(), amin(x).item(), amax(x).item()};
}

// A uniform distribution within -bound and bound that reaches both.
void check_uniform(const Tensor& x, double bound) {
  const Moments m = moments(x);
  CHECK(m.low >= -bound);
  CHECK(m.high <= bound);
  CHECK(m.high > 0.98 * bound);
  CHECK(m.low < -0.98 * bound);
  CHECK(m.deviation == Approx(bound / std::sqrt(3)).epsilon(0.02));
}
void check_normal(const Tensor& x, double deviation) {
  const Moments m = moments(x);
  CHECK(std::abs(m.mean) < 0.03 * deviation);
  CHECK(m.deviation == Approx(deviation).epsilon(0.02));
  CHECK(m.high > 3 * deviation);
}

// |q q^T - gain^2 1|, for rows or columns, of which there are fewer.
double distance_from_orthogonal(const Tensor& weight, double gain) {
  const Tensor m = flatten(weight, 1);
  const Tensor square = m.size(0) <= m.size(1) ? mm(m, t(m)) : mm(t(m), m);
  return amax(abs(sub(square, mul(eye(square.size(0)), gain * gain)))).item();
}

}  // namespace

TEST_CASE("Kaiming's and Xavier's formulas give their bounds and deviations") {
  manual_seed(1);
  const Tensor w = empty({60, 40, 3, 3});  // fan_in 360, fan_out 540
  check_uniform(kaiming_uniform_(w), std::sqrt(6.0 / 360));
  check_uniform(kaiming_uniform_(w, {.a = std::sqrt(5.0)}), 1 / std::sqrt(360.0));
  check_uniform(kaiming_uniform_(w, {.mode = FanMode::kOut, .nonlinearity = "relu"}),
                std::sqrt(6.0 / 540));
  check_normal(kaiming_normal_(w, {.nonlinearity = "linear"}), std::sqrt(1.0 / 360));
  check_normal(kaiming_normal_(w, {.a = 1, .mode = FanMode::kOut}), std::sqrt(1.0 / 540));
  check_uniform(xavier_uniform_(w, 2), 2 * std::sqrt(6.0 / 900));
  check_normal(xavier_normal_(w), std::sqrt(2.0 / 900));
  CHECK(calculate_gain("tanh") == Approx(5.0 / 3));
  CHECK(calculate_gain("leaky_relu", 0.5) == Approx(std::sqrt(1.6)));
  CHECK(calculate_gain("selu") == 0.75);
  CHECK_THROWS_WITH(calculate_gain("cubic"), Contains("no nonlinearity 'cubic'"));
  CHECK_THROWS_WITH(kaiming_uniform_(empty({3})), Contains("at least 2 dimensions"));
}

TEST_CASE("cut normal numbers lie within their limits and have the cut distribution's moments") {
  manual_seed(2);
  const Tensor x = trunc_normal_(empty({20000}), 1, 2, 0, 4);
  const Moments m = moments(x);
  CHECK(m.low >= 0);
  CHECK(m.high <= 4);
  // From the distribution cut at a = -1/2 and b = 3/2 deviations: mean + std (f(a) - f(b)) / Z.
  const auto f = [](double v) { return std::exp(-v * v / 2) / std::sqrt(2 * M_PI); };
  const auto F = [](double v) { return 0.5 * std::erfc(-v / std::sqrt(2.0)); };
  const double a = -0.5, b = 1.5, z = F(b) - F(a), shift = (f(a) - f(b)) / z;
  CHECK(m.mean == Approx(1 + 2 * shift).epsilon(0.01));
  const double variance = 1 + (a * f(a) - b * f(b)) / z - shift * shift;
  CHECK(m.deviation == Approx(2 * std::sqrt(variance)).epsilon(0.01));
  // Far out in the tail, too.
  CHECK(moments(trunc_normal_(empty({100}), 0, 1, 5, 6)).low >= 5);
  CHECK_THROWS_WITH(trunc_normal_(empty({2}), 0, 0), Contains("std > 0"));
}

TEST_CASE("orthogonal matrices are orthogonal, wide, high and of convolutions") {
  CHECK(distance_from_orthogonal(orthogonal_(empty({5, 5})), 1) < 1e-5);
  CHECK(distance_from_orthogonal(orthogonal_(empty({4, 9}), 2), 2) < 1e-5);
  CHECK(distance_from_orthogonal(orthogonal_(empty({9, 4}), 0.5), 0.5) < 1e-5);
  CHECK(distance_from_orthogonal(orthogonal_(empty({4, 3, 2, 2})), 1) < 1e-5);
  CHECK(orthogonal_(empty({3, 3}, {.dtype = kBFloat16})).dtype() == kBFloat16);
  CHECK_THROWS_WITH(orthogonal_(empty({3})), Contains("at least 2"));
}

TEST_CASE("identities, constants and sparse columns have their form") {
  CHECK(eye_(empty({2, 3})).to_vector<int64_t>() == std::vector<int64_t>{1, 0, 0, 0, 1, 0});
  const Tensor x = randn({1, 4, 5, 6});
  const Tensor same = conv2d(x, dirac_(empty({4, 4, 3, 3})), {}, {.padding = 1});
  CHECK(sum(abs(sub(same, x))).item() == 0);
  const Tensor grouped = conv2d(x, dirac_(empty({4, 2, 3, 3}), 2), {}, {.padding = 1, .groups = 2});
  CHECK(sum(abs(sub(grouped, x))).item() == 0);
  const Tensor sparse = sparse_(empty({10, 7}), 0.3);
  CHECK(count_nonzero(sparse, {0}).to_vector<int64_t>() == std::vector<int64_t>(7, 7));
  CHECK(sum(constant_(empty({4}), 2.5)).item() == 10);
  CHECK_THROWS_WITH(eye_(empty({2})), Contains("[eye_] expected a matrix"));
}
