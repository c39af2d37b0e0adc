// What is special about softmax, cross entropy, dropout, random fills and embedding.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "kernels/check.h"
#include "kernels/copy/copy.h"
#include "kernels/cross_entropy/cross_entropy.h"
#include "kernels/dropout/dropout.h"
#include "kernels/embedding/embedding.h"
#include "kernels/random/random_fill.h"
#include "kernels/softmax/softmax.h"
#include "tests/core/threads.h"

using namespace iolaus;
using doctest::Contains;

namespace {

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.nbytes() == b.nbytes() && std::memcmp(a.raw_data(), b.raw_data(), a.nbytes()) == 0;
}

Tensor softmax_of(const Tensor& x, int dim, bool log = false) {
  Tensor y = empty(x.sizes(), x.options());
  softmax_kernels()(make_softmax(y, x, {}, dim, log));
  return y;
}

Tensor random_of(RandomOp op, int64_t n, DType dtype, double a, double b) {
  Tensor out = empty({n}, {.dtype = dtype});
  random_kernels(op)(make_random(op, out, a, b, {3, 4}));
  return out;
}

}  // namespace

TEST_CASE("softmax rows sum to one, short and long, and huge values do not overflow") {
  for (int64_t n : {3, 64, 65, 5000}) {
    const Tensor x = sample_tensor({40, n}, kFloat32, 1, -1e4, 1e4);
    const auto y = softmax_of(x, 1).to_vector<double>();
    for (size_t row = 0; row < 40; ++row) {
      double sum = 0;
      for (size_t j = 0; j < static_cast<size_t>(n); ++j) {
        sum += y[row * static_cast<size_t>(n) + j];
      }
      CHECK(sum == doctest::Approx(1).epsilon(1e-6));
    }
  }
}

TEST_CASE("masked elements get zero, and a row that is all masked NaN") {
  const float inf = std::numeric_limits<float>::infinity();
  const auto y =
      softmax_of(from_values<float>({1, -inf, 1, -inf, -inf, -inf}, {2, 3}), 1).to_vector<float>();
  CHECK(y[0] == 0.5f);
  CHECK(y[1] == 0);
  CHECK(std::isnan(y[3]));
}

TEST_CASE("cross entropy names the first target that is no class") {
  const Tensor x = sample_tensor({300, 4}, kFloat32, 1);
  std::vector<int64_t> classes(300, 3);
  classes[131] = 4;
  classes[250] = -1;
  const Tensor target = from_values(classes, {300});
  const Tensor loss = empty({}), lse = empty({300}), total = empty({});
  CrossEntropy args;
  args.rows = 300;
  args.classes = 4;
  args.x = x.raw_data();
  args.target = target.data<int64_t>();
  args.loss = loss.raw_data();
  args.lse = lse.raw_data();
  args.total_weight = total.raw_data();
  for (const char* variant : {"cpu", "reference"}) {
    select_kernel("cross_entropy", variant);
    CHECK_THROWS_WITH(
        cross_entropy_kernels()(args),
        Contains("expected targets in [0, 4) or ignore_index, got 4 at position 131"));
  }
  reset_kernel_selection();
}

TEST_CASE("embedding names the index that is no row, and sums gradients in order of position") {
  const Tensor table = sample_tensor({5, 3}, kFloat32, 1), out = empty({2, 3});
  const Tensor bad = from_values<int64_t>({0, 5}, {2});
  CHECK_THROWS_WITH(embedding_kernels()(make_embedding(out, table, bad, false)),
                    Contains("expected indices in [0, 5), got 5 at position 1"));
  const Tensor g = sample_tensor({20000, 8}, kFloat32, 2);
  const Tensor index = sample_tensor({20000}, kInt64, 3, 0, 50);
  const Tensor one = empty({50, 8}), two = empty({50, 8});
  {
    const Threads threads(1);
    embedding_backward_kernels()(make_embedding(one, g, index, true));
  }
  const Threads threads(2);
  embedding_backward_kernels()(make_embedding(two, g, index, true));
  CHECK(same_bits(one, two));
}

TEST_CASE("dropout keeps the asked share, and the same elements for the same key") {
  const Tensor x = empty({100000}), y = empty({100000}), z = empty({100000});
  fill(x, 1);
  dropout_kernels()(make_dropout(y, x, 0.2, {1, 2}));
  double kept = 0;
  for (float v : y.to_vector<float>()) {
    CHECK_UNARY(v == 0 || v == 1.25f);
    kept += v != 0;
  }
  CHECK(kept / 1e5 == doctest::Approx(0.8).epsilon(0.01));
  dropout_kernels()(make_dropout(z, x, 0.2, {1, 2}));
  CHECK(same_bits(y, z));
  dropout_kernels()(make_dropout(z, x, 0.2, {1, 3}));
  CHECK_FALSE(same_bits(y, z));
}

TEST_CASE("random fills have their distributions' moments and stay in range") {
  const int64_t n = 200000;
  const auto moments = [](const Tensor& t) {
    double sum = 0, squares = 0, low = 1e300, high = -1e300;
    const auto values = t.to_vector<double>();
    for (double v : values) {
      sum += v;
      squares += v * v;
      low = std::min(low, v);
      high = std::max(high, v);
    }
    const double count = static_cast<double>(values.size()), mean = sum / count;
    return std::vector<double>{mean, squares / count - mean * mean, low, high};
  };
  for (DType dtype : {kFloat32, kFloat64}) {
    const auto uniform = moments(random_of(RandomOp::kUniform, n, dtype, 2, 6));
    CHECK(uniform[0] == doctest::Approx(4).epsilon(0.005));
    CHECK(uniform[1] == doctest::Approx(16.0 / 12).epsilon(0.01));
    CHECK(uniform[2] >= 2);
    CHECK(uniform[3] < 6);
    const auto normal = moments(random_of(RandomOp::kNormal, n, dtype, -1, 3));
    CHECK(normal[0] == doctest::Approx(-1).epsilon(0.02));
    CHECK(normal[1] == doctest::Approx(9).epsilon(0.02));
  }
  CHECK(moments(random_of(RandomOp::kBernoulli, n, kBool, 0.3, 0))[0] ==
        doctest::Approx(0.3).epsilon(0.01));
  const Tensor dice = empty({n}, {.dtype = kInt8});
  random_kernels(RandomOp::kRandint)(make_randint(dice, -3, 4, {1, 2}));
  const auto m = moments(dice);
  CHECK(std::abs(m[0]) < 0.02);
  CHECK(m[2] == -3);
  CHECK(m[3] == 3);
}
