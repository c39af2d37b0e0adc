// What is special about matmul and reductions: exactness where arithmetic is exact, results that do
// not depend on threads, and accuracy of long sums.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>
#include <limits>

#include "core/views.h"
#include "kernels/check.h"
#include "kernels/copy/copy.h"
#include "kernels/matmul/matmul.h"
#include "kernels/reduce/reduce.h"
#include "tests/core/threads.h"

using namespace iolaus;

namespace {

// Zeros and ones.
Tensor bits(const Dims& sizes, DType dtype, uint64_t seed) {
  return convert(sample_tensor(sizes, kInt64, seed, 0, 2), dtype, Device());
}

bool same_bits(const Tensor& a, const Tensor& b) {
  return a.nbytes() == b.nbytes() && std::memcmp(a.raw_data(), b.raw_data(), a.nbytes()) == 0;
}

Tensor reduced(ReduceOp op, const Tensor& x, const Dims& out_sizes, uint32_t mask) {
  Tensor out = empty(out_sizes, {.dtype = reduce_dtype(op, x.dtype())});
  reduce_into(op, out, x, mask);
  return out;
}

}  // namespace

TEST_CASE("products of zeros and ones are exact in every dtype, transposition and path") {
  const int64_t shapes[][3] = {{1, 7, 19},     {5, 64, 16},    {17, 33, 65},
                               {64, 128, 200}, {130, 97, 250}, {3, 1, 255}};
  for (DType dtype : {kFloat32, kFloat64, kFloat16, kBFloat16, kInt32, kUInt8}) {
    for (const auto& [m, n, k] : shapes) {
      for (int transposed = 0; transposed < 4; ++transposed) {
        CAPTURE(dtype_name(dtype));
        CAPTURE(m);
        CAPTURE(transposed);
        const bool ta = (transposed & 1) != 0, tb = (transposed & 2) != 0;
        Tensor a = bits(ta ? Dims{k, m} : Dims{m, k}, dtype, 1);
        Tensor b = bits(tb ? Dims{n, k} : Dims{k, n}, dtype, 2);
        if (ta) a = views::transpose(a, 0, 1);
        if (tb) b = views::transpose(b, 0, 1);
        const Tensor c = empty({m, n}, {.dtype = dtype});
        matmul_into(c, a, b);
        const auto x = a.to_vector<int64_t>(), y = b.to_vector<int64_t>();
        const auto z = c.to_vector<int64_t>();
        int64_t wrong = 0;
        for (int64_t i = 0; i < m; ++i) {
          for (int64_t j = 0; j < n; ++j) {
            int64_t sum = 0;
            for (int64_t l = 0; l < k; ++l) {
              sum += x[static_cast<size_t>(i * k + l)] * y[static_cast<size_t>(l * n + j)];
            }
            wrong += sum != z[static_cast<size_t>(i * n + j)];
          }
        }
        CHECK(wrong == 0);
      }
    }
  }
}

TEST_CASE("products have the same bits on one and two threads") {
  const int64_t shapes[][3] = {{184, 151, 781}, {1, 157, 5453}, {230, 1, 1838},
                               {140, 114, 878}, {64, 128, 784}, {512, 300, 700}};
  for (const auto& [m, n, k] : shapes) {
    const Tensor a = sample_tensor({m, k}, kFloat32, 1);
    const Tensor b = views::transpose(sample_tensor({n, k}, kFloat32, 2), 0, 1);
    const Tensor one = empty({m, n}), two = empty({m, n});
    {
      const Threads threads(1);
      matmul_into(one, a, b);
    }
    const Threads threads(2);
    matmul_into(two, a, b);
    CAPTURE(m);
    CHECK(same_bits(one, two));
  }
}

TEST_CASE("a batch shared by the second operand becomes rows, and gives the same bits") {
  const Tensor a = sample_tensor({6, 5, 40}, kFloat32, 1), b = sample_tensor({40, 30}, kFloat32, 2);
  const Tensor c = empty({6, 5, 30}), flat = empty({30, 30});
  const Matmul folded = make_matmul(c, a, b);
  CHECK(folded.batch_rank == 0);
  CHECK(folded.m == 30);
  matmul_kernels()(folded);
  matmul_into(flat, views::view(a, {30, 40}), b);
  CHECK(same_bits(c, flat));
}

TEST_CASE("matmul names the shapes that do not fit") {
  using doctest::Contains;
  CHECK_THROWS_WITH(matmul_into(empty({2, 4}), empty({2, 3}), empty({4, 4})),
                    Contains("cannot multiply [2, 3] by [4, 4] into [2, 4]"));
  CHECK_THROWS_WITH(matmul_into(empty({2, 4}), empty({2, 3}), empty({3, 4}, {.dtype = kFloat64})),
                    Contains("expected float32 b, got float64"));
}

// Equal summands are the worst case: all roundings go the same way. Three units in the last place,
// where a plain loop is off by hundreds of thousands.
TEST_CASE("long float sums keep their accuracy") {
  const Tensor x = empty({3000001});
  fill(x, 0.1);
  const double each = static_cast<double>(0.1f);
  CHECK(std::abs(reduced(ReduceOp::kSum, x, {1}, 1).item() / (each * 3000001) - 1) < 3.6e-7);
  const Tensor columns = views::view(views::narrow(x, 0, 0, 3000000), {1000000, 3});
  for (double sum : reduced(ReduceOp::kSum, columns, {1, 3}, 1).to_vector<double>()) {
    CHECK(std::abs(sum / (each * 1e6) - 1) < 3.6e-7);
  }
}

TEST_CASE("reductions have the same bits on one and three threads") {
  const Tensor x = sample_tensor({3000, 700}, kFloat32, 3);
  const Tensor flipped = views::transpose(x, 0, 1);
  const auto run = [&](int count) {
    const Threads threads(count);
    return Tensors{reduced(ReduceOp::kSum, x, {1, 1}, 3), reduced(ReduceOp::kSum, x, {1, 700}, 1),
                   reduced(ReduceOp::kNorm, flipped, {700, 1}, 2),
                   reduced(ReduceOp::kMean, x, {3000, 1}, 2)};
  };
  const Tensors one = run(1), three = run(3);
  for (size_t i = 0; i < one.size(); ++i) CHECK(same_bits(one[i], three[i]));
}

TEST_CASE("argmax takes the first of equals, and NaN before all, also in later blocks") {
  const Tensor x = empty({5000});
  fill(x, 1);
  float* data = x.data<float>();
  const auto argmax = [&] { return reduced(ReduceOp::kArgmax, x, {1}, 1).item<int64_t>(); };
  CHECK(argmax() == 0);
  data[3000] = data[4000] = 2;
  CHECK(argmax() == 3000);
  data[4500] = data[4900] = std::numeric_limits<float>::quiet_NaN();
  CHECK(argmax() == 4500);
  CHECK(std::isnan(reduced(ReduceOp::kAmax, x, {1}, 1).item()));
}
