// What is special about kernels on a CUDA device: copies in both directions, and results that
// repeat to the bit. Skipped visibly where there is no device; that every variant computes the
// right numbers is tested in tests/all_kernels.
#include <doctest/doctest.h>

#include <cmath>
#include <cstring>

#include "core/views.h"
#include "kernels/check.h"
#include "kernels/fp32_precision.h"
#include "kernels/indexing/indexing.h"
#include "kernels/matmul/matmul.h"
#include "kernels/reduce/reduce.h"
#include "tests/kernels/cuda_support.h"

using namespace iolaus;
using iolaus::test::has_device;
using iolaus::test::on_device;

namespace {

Tensor on_host(const Tensor& x) { return convert(x, x.dtype(), Device()); }

bool same_bytes(const Tensor& a, const Tensor& b) {
  return a.nbytes() == b.nbytes() && std::memcmp(a.raw_data(), b.raw_data(), a.nbytes()) == 0;
}

}  // namespace

TEST_CASE("scattered sums on the device repeat to the bit, also where many indices are equal") {
  if (!has_device()) return;
  const Tensor index = on_device(sample_tensor({2, 500, 3}, kInt64, 6, 0, 5));
  const Tensor src = on_device(sample_tensor({2, 500, 3}, kFloat32, 7));
  Tensor first;
  for (int run = 0; run < 3; ++run) {
    const Tensor sums = empty({2, 5, 3}, {.device = Device(kCUDA)});
    fill(sums, 0);
    scatter_kernels()({index, src, sums, ScatterReduce::kSum, true, "scatter_add"});
    if (run == 0) first = on_host(sums);
    CHECK(same_bytes(on_host(sums), first));
  }
}

TEST_CASE("copies to the device and back keep every byte, of small and large tensors") {
  if (!has_device()) return;
  for (const int64_t n : {1, 1000, 3 << 20}) {
    const Tensor x = sample_tensor({n}, kFloat32, 2);
    CHECK(same_bytes(on_host(on_device(x)), x));
  }
}

TEST_CASE("a transposed copy and a cast on the device give what the host gives") {
  if (!has_device()) return;
  const Tensor x = sample_tensor({3, 70, 45}, kFloat32, 3);
  const Tensor there = make_contiguous(views::transpose(on_device(x), 1, 2));
  CHECK(same_bytes(on_host(there), make_contiguous(views::transpose(x, 1, 2))));
  const Tensor half = convert(on_device(x), kBFloat16, Device(kCUDA));
  CHECK(same_bytes(on_host(half), convert(x, kBFloat16, Device())));
}

TEST_CASE("sums and products on the device repeat to the bit") {
  if (!has_device()) return;
  const Tensor x = on_device(sample_tensor({300, 257}, kFloat32, 4));
  Tensor first_sum, first_product;
  for (int run = 0; run < 3; ++run) {
    const Tensor sum = empty({1, 1}, {.device = Device(kCUDA)});
    const Tensor product = empty({300, 300}, {.device = Device(kCUDA)});
    reduce_into(ReduceOp::kSum, sum, x, 0b11);
    matmul_into(product, x, views::transpose(x, 0, 1));
    if (run == 0) first_sum = on_host(sum), first_product = on_host(product);
    CHECK(same_bytes(on_host(sum), first_sum));
    CHECK(same_bytes(on_host(product), first_product));
  }
}

TEST_CASE("TF32 is used for float32 products where it is allowed, and only there") {
  if (!has_device() || is_cuda_simulated()) return;
  const Tensor a = sample_tensor({256, 256}, kFloat32, 1),
               b = sample_tensor({256, 256}, kFloat32, 2);
  const Tensor x = on_device(a), y = on_device(b),
               out = empty({256, 256}, {.device = Device(kCUDA)});
  const Tensor truth = empty({256, 256}, {.dtype = kFloat64});
  matmul_kernels()(
      make_matmul(truth, convert(a, kFloat64, Device()), convert(b, kFloat64, Device())));
  const auto error = [&] {
    matmul_kernels()(make_matmul(out, x, y));
    const auto got = out.to_vector<double>(), want = truth.to_vector<double>();
    double difference = 0, norm = 0;
    for (size_t i = 0; i < got.size(); ++i) {
      difference += (got[i] - want[i]) * (got[i] - want[i]), norm += want[i] * want[i];
    }
    return std::sqrt(difference / norm);
  };
  CHECK(error() < 1e-6);
  set_fp32_precision(Fp32Precision::kTf32);
  const double rounded = error();
  set_fp32_precision(Fp32Precision::kIeee);
  CHECK(rounded > 1e-5);  // 10 bits of mantissa
  CHECK(rounded < 1e-3);
  CHECK(error() < 1e-6);
}
