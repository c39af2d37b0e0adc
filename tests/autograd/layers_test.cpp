// Convolution, pooling and normalisation against numbers of PyTorch 2.15 in float64, on inputs from
// a short formula that both compute; and what PyTorch's users expect of messages and options.
#include <doctest/doctest.h>

#include "autograd/ops/conv2d.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/norm.h"
#include "autograd/ops/pool2d.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"
#include "core/parallel.h"

using namespace iolaus;
using doctest::Contains;

namespace {

// Element i is ((i * factor + shift) mod 13 - 6) / 4.
Tensor pattern(const Dims& sizes, int64_t factor, int64_t shift) {
  const Tensor x = empty(sizes, {.dtype = kFloat64});
  for (int64_t i = 0; i < x.numel(); ++i) {
    x.data<double>()[i] = static_cast<double>((i * factor + shift) % 13 - 6) / 4;
  }
  return x;
}
Tensor leaf(const Dims& sizes, int64_t factor, int64_t shift) {
  return pattern(sizes, factor, shift).set_requires_grad();
}

void check(const std::string& what, const Tensor& actual, const std::vector<double>& expected) {
  INFO(what);
  const std::vector<double> values = actual.to_vector<double>();
  REQUIRE(values.size() == expected.size());
  for (size_t i = 0; i < values.size(); ++i) {
    CHECK(values[i] == doctest::Approx(expected[i]).epsilon(1e-11));
  }
}

}  // namespace

TEST_CASE("conv2d with groups, stride, padding and dilation agrees with PyTorch") {
  for (MemoryFormat format : {MemoryFormat::kContiguous, MemoryFormat::kChannelsLast}) {
    const Tensor x = leaf({1, 4, 4, 5}, 5, 1), w = leaf({4, 2, 3, 2}, 7, 2), b = leaf({4}, 3, 0);
    const Tensor y = conv2d(contiguous(x, format), w, b,
                            {.stride = {2, 1}, .padding = {1, 2}, .dilation = {1, 2}, .groups = 2});
    CHECK(y.sizes() == Dims{1, 4, 2, 7});
    CHECK(y.is_contiguous(format));
    check("out", y,
          {-7.0625, 1.25,    2.5,    -7.5,    -0.4375, -0.125,  -2.1875, 0.5,     -4.625, 1.25,
           -4.25,   -1.625,  1.0625, -1.75,   1.125,   -0.9375, -4.25,   0.75,    0.875,  -1.9375,
           0.25,    -1.125,  0.9375, 0.25,    -5.5,    0.9375,  -1.75,   -1.4375, 0.125,  2.3125,
           -0.75,   -1.0625, 1.875,  -0.5625, 0.1875,  -7.3125, 1.9375,  1.375,   -3.0,   6.4375,
           0.5,     -4.1875, 1.1875, -1.3125, -1.4375, 1.875,   3.5625,  -0.5625, 2.8125, 3.125,
           -1.5625, 1.75,    1.1875, -1.8125, -3.25,   3.3125});
    y.backward(pattern(y.sizes(), 3, 4));
    check("dx of row 1", select(x.grad(), 2, 1),
          {-0.125, -0.5625, -0.1875, -0.625, 3.0,  6.375,   0.6875, -4.1875, 0.6875,  1.5,
           0.0625, -0.25,   2.6875,  -2.5,   -2.0, -3.9375, 3.5,    6.0625,  -1.9375, -4.25});
    check("dx . pattern", sum(x.grad() * pattern(x.sizes(), 1, 0)), {-3.03125});
    check("dw", w.grad(),
          {2.625,   -2.4375, 0.0625,  4.5625,  0.25,   4.4375,  -2.0,    2.0625, 0.0,     -0.8125,
           1.8125,  -4.1875, -1.75,   0.5,     1.875,  -4.1875, 1.8125,  -3.75,  -2.0,    2.0625,
           -2.4375, 0.0,     1.5625,  -0.375,  0.5,    -1.75,   2.0,     -4.125, -1.5625, -1.5,
           -1.875,  2.5625,  -1.6875, 0.6875,  2.0625, 0.0625,  -2.4375, 2.625,  -2.25,   -0.25,
           -2.8125, 4.5625,  0.375,   -1.6875, 3.625,  0.3125,  -0.1875, 1.875});
    check("db", b.grad(), {-0.5, 0.25, 1.0, -1.5});
  }
}

TEST_CASE("conv2d says which shapes do not fit") {
  const Tensor x = pattern({1, 4, 5, 5}, 1, 0);
  CHECK_THROWS_WITH(conv2d(x, pattern({2, 3, 3, 3}, 1, 0)), Contains("[conv2d] with groups 1"));
  CHECK_THROWS_WITH(conv2d(x, pattern({2, 4, 7, 3}, 1, 0)), Contains("at least the window's size"));
  CHECK_THROWS_WITH(conv2d(x, pattern({2, 4, 3, 3}, 1, 0), pattern({3}, 1, 0)),
                    Contains("expected a bias [2], got [3]"));
  CHECK_THROWS_WITH(conv2d(x, pattern({2, 4, 3, 3}, 1, 0), {}, {.stride = 0}),
                    Contains("expected stride >= 1"));
  CHECK_THROWS_WITH(conv2d(x, to(pattern({2, 4, 3, 3}, 1, 0), kFloat32)),
                    Contains("one floating dtype, got float64, float32"));
}

TEST_CASE("convolution gives the same bits with any number of threads") {
  const int before = num_threads();
  for (int64_t kernel : {7, 5, 3}) {  // by oneDNN and by Winograd's
    CAPTURE(kernel);
    std::vector<std::vector<double>> results;
    for (int threads : {1, 2, 3}) {
      set_num_threads(threads);
      const Tensor x = to(pattern({23, 16, 12, 12}, 5, 1), kFloat32).detach().set_requires_grad();
      const Tensor w =
          to(pattern({64, 16, kernel, kernel}, 7, 2) * 0.1, kFloat32).detach().set_requires_grad();
      const Tensor y = conv2d(x, w);
      y.backward(exp(y.detach() * 0.01));
      std::vector<double> all = y.to_vector<double>();
      for (const Tensor& t : {x, w}) {
        for (double v : t.grad().to_vector<double>()) all.push_back(v);
      }
      results.push_back(all);
    }
    set_num_threads(before);
    CHECK(results[0] == results[1]);
    CHECK(results[0] == results[2]);
  }
}

TEST_CASE("batch_norm in training agrees with PyTorch, running statistics too") {
  const Tensor x = leaf({2, 2, 3, 2}, 5, 1), gamma = leaf({2}, 3, 1), beta = leaf({2}, 2, 0);
  const Tensor mean = from_values<double>({0.5, -1.0}, {2}), var = from_values<double>({1, 2}, {2});
  const Tensor y = batch_norm(x, mean, var, gamma, beta, true, 0.25, 1e-3);
  check("out", y,
        {0.026156767367,  -1.638741524306, -3.303639815979, -0.639802549301, -2.304700840975,
         0.359136425702,  -0.827319073751, -1.474872547184, -0.438786989692, -1.086340463124,
         -1.733893936557, -0.697808379065, -2.637680499310, 0.026156767367,  -1.638741524306,
         -3.303639815979, -0.639802549301, -2.304700840975, -0.179765600319, -0.827319073751,
         -1.474872547184, -0.438786989692, -1.086340463124, -1.733893936557});
  check("running mean", mean, {0.348958333333333, -0.729166666666667});
  check("running var", var, {0.989938446969697, 1.753787878787879});
  CHECK(mean.version() == 1);
  y.backward(pattern(y.sizes(), 3, 4));
  check("dx", x.grad(),
        {-0.364541860567, -0.753902659648, -1.143263458729, 1.211208043140,  0.821847244059,
         -1.152416812421, -0.282617236956, -0.380304432132, 0.449450692520,  0.351763497343,
         0.254076302167,  -0.599807604105, 1.609722195913,  -0.364541860567, -0.753902659648,
         -1.143263458729, 1.211208043140,  0.821847244059,  -0.184930041779, -0.282617236956,
         -0.380304432132, 0.449450692520,  0.351763497343,  0.254076302167});
  check("dgamma", gamma.grad(), {4.123398102377, 5.202012903239});
  check("dbeta", beta.grad(), {-4.25, 4.25});
}

TEST_CASE("batch_norm refuses one value per channel in training and missing running statistics") {
  const Tensor x = pattern({1, 3}, 1, 0);
  CHECK_THROWS_WITH(batch_norm(x, {}, {}, {}, {}, true), Contains("more than 1 value per channel"));
  CHECK_THROWS_WITH(batch_norm(x, {}, {}), Contains("running_mean and running_var in evaluation"));
  CHECK_THROWS_WITH(batch_norm(x, pattern({2}, 1, 0), pattern({2}, 1, 0)),
                    Contains("expected running_mean [3]"));
}

TEST_CASE("a later update of the running statistics leaves an evaluation's gradient as it was") {
  const Tensor x = leaf({4, 1}, 5, 1);
  const Tensor mean = from_values<double>({0}, {1}), var = from_values<double>({4}, {1});
  const Tensor y = batch_norm(x, mean, var, {}, {}, false, 0.1, 0);
  fill_(var, 100);
  sum(y).backward();
  check("dx", x.grad(), {0.5, 0.5, 0.5, 0.5});
}

TEST_CASE("layer_norm agrees with PyTorch") {
  const Tensor x = leaf({2, 6}, 5, 1), gamma = leaf({6}, 3, 1), beta = leaf({6}, 2, 0);
  const Tensor y = layer_norm(x, {6}, gamma, beta, 1e-3);
  check("out", y,
        {-0.269135573157, -1.149844365007, -0.103982749624, -0.470939432879, -0.720161257914,
         1.931175696829, -0.896195855856, -1.483043315316, -0.838130320721, 0.096608663063,
         -1.818607913514, 1.579651978379});
  y.backward(pattern(y.sizes(), 3, 4));
  check("dx", x.grad(),
        {0.808091529846, -0.262693686538, -0.177536658581, -1.495417753081, 0.901623763555,
         0.225932804799, -0.374760714741, -0.047500040788, 0.356326046292, 0.466217228354,
         -0.003543567963, -0.396738951154});
  check("dgamma", gamma.grad(),
        {0.130063284251, 1.524052128450, 2.936590284386, 0.682256983553, 0.162788675548,
         -0.966086630631});
  check("dbeta", beta.grad(), {0.25, 1.75, 0.0, -1.75, -0.25, 1.25});
  CHECK_THROWS_WITH(layer_norm(x, {5}), Contains("whose last sizes are [5]"));
}

TEST_CASE("pooling agrees with PyTorch") {
  const Tensor x = leaf({1, 1, 5, 5}, 5, 1);
  const Tensor y = max_pool2d(x, 3, {.stride = 2, .padding = 1});
  check("max", y, {0, 1.25, 0.5, 1.5, 1, 0.25, 1.25, 1.5, 1.5});
  y.backward(pattern(y.sizes(), 3, 4));
  check("max gradient", x.grad(), {0, -0.5, 0.25, 0, 1, 0, 0, -0.75, 0, 0, -1.5, 0, 0,
                                   0, 0,    0.75, 0, 0, 0, 0, 0,     0, 0, 0.5,  0});
  const Tensor z = pattern({1, 1, 5, 6}, 5, 1);
  check("max, ceil, dilated", max_pool2d(z, 2, {.stride = 2, .dilation = 2, .ceil_mode = true}),
        {1.25, 1.25, 0.5, 0.75, 1.25, 1.25});
  AvgPool2dOptions options{.stride = {3, 2}, .padding = {1, 1}, .ceil_mode = true};
  check("average", avg_pool2d(z, {2, 3}, options),
        {-0.208333333333, 0.083333333333, -0.291666666667, -0.375, -0.375, -0.041666666667,
         0.291666666667, 0.5});
  options.count_include_pad = false;
  check("average without padding", avg_pool2d(z, {2, 3}, options),
        {-0.625, 0.166666666667, -0.583333333333, -1.5, -0.5625, -0.041666666667, 0.291666666667,
         1.0});
  check("adaptive average", adaptive_avg_pool2d(pattern({1, 1, 5, 7}, 5, 1), {2, 3}),
        {0.083333333333, 0.055555555556, -0.333333333333, 0.25, -0.138888888889, -0.166666666667});
}

TEST_CASE("pooling refuses too much padding and an empty output") {
  const Tensor x = pattern({1, 1, 4, 4}, 1, 0);
  CHECK_THROWS_WITH(max_pool2d(x, 3, {.padding = 2}), Contains("half of the window"));
  CHECK_THROWS_WITH(avg_pool2d(x, 5), Contains("at least the window's size"));
  CHECK_THROWS_WITH(max_pool2d(pattern({4}, 1, 0), 2), Contains("expected an input (N, C, H, W)"));
}
