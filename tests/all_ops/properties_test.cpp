// Laws that ops keep whatever their arguments are, on random shapes and values from seeds: linear
// ops are linear, rows do not see each other (any order of them, any split of the batch), the order
// of what is reduced does not matter, nor does the layout in memory. float64, on the CPU.
#include <doctest/doctest.h>

#include <algorithm>
#include <random>

#include "autograd/grad_mode.h"
#include "autograd/op_table.h"
#include "autograd/ops.h"

using namespace iolaus;

namespace {

constexpr int kRounds = 12;

// A call with everything but the input fixed.
struct Call {
  const char* op;
  std::vector<OpValue> more;
  NamedValues named;
  Tensor operator()(const Tensor& x) const {
    std::vector<OpValue> all{x};
    all.insert(all.end(), more.begin(), more.end());
    return call_op(op, all, named)[0];
  }
};

struct Random {
  explicit Random(int seed) : bits(static_cast<uint64_t>(seed)) {}
  int64_t size(int64_t low, int64_t high) {
    return std::uniform_int_distribution<int64_t>(low, high)(bits);
  }
  Tensor tensor(const Dims& sizes) {
    int64_t count = 1;
    for (int64_t n : sizes) count *= n;
    std::vector<double> values(static_cast<size_t>(count));
    for (double& v : values) v = std::uniform_real_distribution<double>(-2, 2)(bits);
    return from_values(values, sizes);
  }
  Tensor order(int64_t n) {
    std::vector<int64_t> places(static_cast<size_t>(n));
    for (int64_t i = 0; i < n; ++i) places[static_cast<size_t>(i)] = i;
    std::shuffle(places.begin(), places.end(), bits);
    return from_values(places, {n});
  }
  std::mt19937_64 bits;
};

double distance(const Tensor& a, const Tensor& b) {
  REQUIRE(a.sizes() == b.sizes());
  if (a.numel() == 0) return 0;
  return amax(abs(sub(to(a, kFloat64), to(b, kFloat64)))).item<double>();
}

// Ops of (batch, 4, 6, 6): each image by itself.
std::vector<Call> image_calls(Random& random) {
  const Tensor weight = random.tensor({3, 4, 3, 3}), up = random.tensor({4, 2, 3, 3});
  return {{"conv2d", {weight}, {{"padding", Ints{1, 1}}}},
          {"conv_transpose2d", {up}, {{"stride", Ints{2, 2}}}},
          {"avg_pool2d", {Ints{2, 2}}, {}},
          {"adaptive_avg_pool2d", {Ints{3, 4}}, {}},
          {"interpolate", {}, {{"size", Ints{9, 5}}, {"mode", std::string("bilinear")}}},
          {"im2col", {Ints{2, 3}}, {}},
          {"pixel_shuffle", {int64_t{2}}, {}}};
}
// Ops of rows: along the last dimension.
std::vector<Call> row_calls() {
  const int64_t last = -1;
  return {
      {"softmax", {last}, {}},  {"log_softmax", {last}, {}}, {"cumsum", {last}, {}},
      {"cumprod", {last}, {}},  {"cummax", {last}, {}},      {"logcumsumexp", {last}, {}},
      {"sort", {last}, {}},     {"argmax", {last}, {}},      {"logsumexp", {Ints{-1}}, {}},
      {"sum", {Ints{-1}}, {}},  {"var", {Ints{-1}}, {}},     {"diff", {int64_t{1}, last}, {}},
      {"flip", {Ints{-1}}, {}}, {"topk", {int64_t{1}}, {}},  {"vector_norm", {3.0, Ints{-1}}, {}},
      {"cumsum", {last}, {}},   {"amin", {Ints{-1}}, {}},    {"median", {last}, {}}};
}

}  // namespace

TEST_CASE("linear ops are linear") {
  const NoGrad no_grad;
  for (int seed = 0; seed < kRounds; ++seed) {
    Random random(seed);
    const int64_t rows = random.size(1, 5), columns = random.size(2, 7);
    std::vector<std::pair<Call, Dims>> calls;
    for (const Call& call : image_calls(random)) calls.push_back({call, {2, 4, 6, 6}});
    const Dims matrix{rows, columns};
    for (const Call& call :
         std::initializer_list<Call>{{"sum", {Ints{0}}, {}},
                                     {"mean", {Ints{1}}, {}},
                                     {"cumsum", {int64_t{1}}, {}},
                                     {"matmul", {random.tensor({columns, 3})}, {}},
                                     {"kron", {random.tensor({2, 3})}, {}},
                                     {"tril", {}, {}},
                                     {"diff", {}, {}},
                                     {"pad", {Ints{1, 2}}, {}},
                                     {"roll", {Ints{1}, Ints{1}}, {}},
                                     {"index_select", {int64_t{1}, random.order(columns)}, {}},
                                     {"trapezoid", {}, {{"dim", int64_t{-1}}}},
                                     {"rot90", {}, {}}}) {
      calls.push_back({call, matrix});
    }
    for (const auto& [call, sizes] : calls) {
      INFO(call.op, ", seed ", seed);
      const Tensor x = random.tensor(sizes), y = random.tensor(sizes);
      const Tensor whole = call(add(mul(x, 1.5), mul(y, -0.75)));
      CHECK(distance(whole, add(mul(call(x), 1.5), mul(call(y), -0.75))) < 1e-11);
    }
  }
}

TEST_CASE("rows and images do not see each other, in any order and any split of the batch") {
  const NoGrad no_grad;
  for (int seed = 0; seed < kRounds; ++seed) {
    Random random(100 + seed);
    const int64_t batch = random.size(2, 6), cut = random.size(1, batch - 1);
    const Tensor order = random.order(batch);
    const auto check = [&](const Call& call, const Tensor& x) {
      INFO(call.op, ", seed ", seed);
      const Tensor all = call(x);
      CHECK(distance(call(index_select(x, 0, order)), index_select(all, 0, order)) < 1e-12);
      const Tensor parts =
          cat({call(narrow(x, 0, 0, cut)), call(narrow(x, 0, cut, batch - cut))}, 0);
      CHECK(distance(parts, all) < 1e-11);
    };
    const Tensor rows = random.tensor({batch, random.size(2, 9)});
    for (const Call& call : row_calls()) check(call, rows);
    const Tensor images = random.tensor({batch, 4, 6, 6});
    for (const Call& call : image_calls(random)) check(call, images);
    check({"max_pool2d", {Ints{2, 2}}, {}}, images);
    check({"group_norm", {int64_t{2}}, {}}, images);
    check({"layer_norm", {Ints{6}}, {}}, images);
    check({"gelu", {}, {}}, images);
  }
}

TEST_CASE("reductions do not depend on the order of what they reduce") {
  const NoGrad no_grad;
  for (int seed = 0; seed < kRounds; ++seed) {
    Random random(200 + seed);
    const int64_t n = random.size(1, 40);
    const Tensor x = random.tensor({3, n}), mixed = index_select(x, 1, random.order(n));
    for (const Call& call : std::initializer_list<Call>{{"sum", {Ints{1}}, {}},
                                                        {"mean", {Ints{1}}, {}},
                                                        {"prod", {int64_t{1}}, {}},
                                                        {"amax", {Ints{1}}, {}},
                                                        {"amin", {Ints{1}}, {}},
                                                        {"logsumexp", {Ints{1}}, {}},
                                                        {"median", {int64_t{1}}, {}},
                                                        {"sort", {int64_t{1}}, {}},
                                                        {"quantile", {0.3, int64_t{1}}, {}},
                                                        {"vector_norm", {2.0, Ints{1}}, {}},
                                                        {"count_nonzero", {Ints{1}}, {}}}) {
      INFO(call.op, ", seed ", seed);
      const Tensor expected = call(x);
      const double scale = amax(abs(to(expected, kFloat64))).item<double>() + 1;
      CHECK(distance(call(mixed), expected) < 1e-12 * scale);
    }
  }
}

TEST_CASE("results do not depend on the layout in memory") {
  const NoGrad no_grad;
  for (int seed = 0; seed < kRounds; ++seed) {
    Random random(300 + seed);
    const auto check = [&](const Call& call, const Tensor& x) {
      INFO(call.op, ", seed ", seed);
      const Tensor transposed = transpose(contiguous(transpose(x, 0, -1)), 0, -1);
      Dims wide = x.sizes();
      wide[wide.size() - 1] *= 2;
      const Tensor strided = slice(zeros(wide, x.options()), -1, 0, wide.back(), 2);
      copy_(strided, x);
      const Tensor expected = call(x);
      CHECK(distance(call(transposed), expected) < 1e-12);
      CHECK(distance(call(strided), expected) < 1e-12);
    };
    const Tensor rows = random.tensor({random.size(1, 6), random.size(2, 9)});
    for (const Call& call : row_calls()) check(call, rows);
    const Tensor images = random.tensor({2, 4, 6, 6});
    for (const Call& call : image_calls(random)) check(call, images);
  }
}
