// Factorisations on every device: matrices are given back, orthogonal factors are orthogonal,
// values are those of the CPU, and errors name the matrix. On CUDA by cuSOLVER, and by LAPACK on
// copies.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/op_registry.h"
#include "autograd/ops.h"
#include "autograd/ops/arrange.h"
#include "autograd/ops/linalg.h"
#include "autograd/ops/matmul.h"
#include "core/graph.h"
#include "kernels/linalg/linalg.h"
#include "tests/devices.h"

using namespace iolaus;
using doctest::Contains;

namespace {

// A device and what computes there.
struct Place {
  Device device;
  std::string library;  // as select_for_cuda() takes it
};
std::vector<Place> places() {
  std::vector<Place> all{{Device(), ""}};
  for (const Device& device : test::all_devices()) {
    if (!device.is_cuda()) continue;
    all.push_back({device, ""});
    all.push_back({device, "lapack"});
    if (linalg::selected_for_cuda() == "cusolver") {
      all.push_back({device, "cusolver"});
    } else {
      MESSAGE("skipped: no cuSOLVER");
    }
  }
  return all;
}

template <class Fn> void everywhere(const Fn& fn) {
  for (const Place& place : places()) {
    INFO(place.device.str(), " ", place.library);
    linalg::select_for_cuda(place.library);
    for (const DType dtype : {kFloat32, kFloat64}) {
      INFO(dtype_name(dtype));
      fn([&](const Tensor& x) { return to(to(x, dtype), place.device); });
    }
    linalg::select_for_cuda("");
  }
}

Tensor mt(const Tensor& x) { return transpose(x, -1, -2); }
Tensor exact(const Tensor& x) { return to(to(x, kFloat64), Device()); }

// The largest difference in units of the dtype's rounding, for matrices of n rows.
double error_of(const Tensor& actual, const Tensor& expected) {
  REQUIRE(actual.sizes() == expected.sizes());
  if (actual.numel() == 0) return 0;
  const double epsilon = actual.dtype() == kFloat64 ? std::numeric_limits<double>::epsilon()
                                                    : std::numeric_limits<float>::epsilon();
  const double scale = amax(abs(exact(expected))).item<double>() + 1;
  const double difference = amax(abs(sub(exact(actual), exact(expected)))).item<double>();
  return difference / epsilon / scale / static_cast<double>(actual.size(-2) + 1);
}
constexpr double kFew = 20;  // roundings for each row

void check_orthogonal(const Tensor& q) {
  const Tensor exact_q = exact(q);
  const Tensor product = to(matmul(mt(exact_q), exact_q), q.dtype());
  CHECK(error_of(product, expand(eye(q.size(-1), {}, product.options()), product.sizes())) < kFew);
}
// product = factors multiplied in float64, as good as the factors' dtype.
void check_product(const Tensor& product, const Tensor& a) {
  CHECK(error_of(to(product, a.dtype()), a) < kFew);
}

// Well conditioned, so that solutions are as exact as their residuals.
Tensor positive_definite(const Dims& sizes, uint64_t seed) {
  const Tensor x = sample64(sizes, seed);
  return add(
      div(matmul(x, mt(x)), static_cast<double>(std::max<int64_t>(sizes[sizes.size() - 1], 1))),
      mul(eye(sizes[sizes.size() - 1], {}, {.dtype = kFloat64}), 1));
}

const Dims kSquares[] = {{3, 3},    {1, 1},    {0, 0},       {2, 0, 0},
                         {0, 3, 3}, {1, 5, 5}, {2, 3, 7, 7}, {2, 33, 33}};
const Dims kMatrices[] = {{5, 3},    {3, 5},       {4, 4},    {1, 1},     {1, 4},
                          {4, 1},    {0, 3},       {3, 0},    {0, 4, 2},  {3, 2, 0},
                          {9, 3, 2}, {2, 3, 6, 4}, {3, 4, 9}, {2, 33, 20}};

}  // namespace

TEST_CASE("cholesky factors multiply to the matrix") {
  everywhere([](const auto& placed) {
    for (const Dims& sizes : kSquares) {
      INFO(sizes.str());
      const Tensor a = placed(positive_definite(sizes, 1));
      const Tensor l = cholesky(a), u = cholesky(a, true);
      CHECK(l.device() == a.device());
      check_product(matmul(exact(l), mt(exact(l))), a);
      check_product(matmul(mt(exact(u)), exact(u)), a);
      CHECK(error_of(tril(l), l) == 0);
      CHECK(error_of(triu(u), u) == 0);
    }
  });
}

TEST_CASE("solutions multiply back to the right side, and the inverse to one") {
  everywhere([](const auto& placed) {
    for (const Dims& sizes : kSquares) {
      INFO(sizes.str());
      // Shifted columns: pivots that swap, still well conditioned.
      const Tensor a = placed(roll(positive_definite(sizes, 2), {1}, {-1}));
      Dims right = sizes;
      right[right.size() - 1] = 2;
      const Tensor b = placed(sample64(right, 3));
      const Tensor x = solve(a, b), y = solve(a, mt(b), false);
      CHECK(x.device() == a.device());
      check_product(matmul(exact(a), exact(x)), b);
      check_product(matmul(exact(y), exact(a)), mt(b));
      check_product(matmul(exact(a), exact(inv(a))),
                    expand(eye(a.size(-1), {}, a.options()), a.sizes()));
    }
    const Tensor a = placed(positive_definite({2, 4, 4}, 4)), b = placed(sample64({2, 4}, 5));
    check_product(matmul(exact(a), unsqueeze(exact(solve(a, b)), -1)), unsqueeze(b, -1));
    CHECK(solve(a, zeros({2, 4, 0}, a.options())).sizes() == Dims{2, 4, 0});
  });
}

TEST_CASE("determinants are those of the CPU in float64") {
  everywhere([](const auto& placed) {
    for (const Dims& sizes : kSquares) {
      INFO(sizes.str());
      const Tensor a = placed(sample64(sizes, 6));
      const Tensor expected = det(exact(a));
      const auto [sign_of, log_size] = slogdet(a);
      const auto as_matrix = [](const Tensor& x) { return reshape(x, {1, -1}); };
      CHECK(sign_of.device() == a.device());
      if (expected.numel() == 0) continue;
      CHECK(error_of(as_matrix(det(a)), as_matrix(expected)) < 100);
      CHECK(error_of(as_matrix(sign_of), as_matrix(sign(expected))) == 0);
      CHECK(error_of(as_matrix(log_size), as_matrix(log(abs(expected)))) < 100);
    }
    const Tensor singular = placed(ones({2, 3, 3}));
    CHECK(det(singular).to_vector<double>() == std::vector<double>{0, 0});
    CHECK(slogdet(singular).second.to_vector<double>() ==
          std::vector<double>{-INFINITY, -INFINITY});
  });
}

TEST_CASE("q is orthogonal, r triangular, and their product the matrix") {
  everywhere([](const auto& placed) {
    for (const Dims& sizes : kMatrices) {
      for (const char* mode : {"reduced", "complete"}) {
        INFO(sizes.str(), " ", mode);
        const Tensor a = placed(sample64(sizes, 7));
        const auto [q, r] = qr(a, mode);
        CHECK(q.device() == a.device());
        check_orthogonal(q);
        check_product(matmul(exact(q), exact(r)), a);
        CHECK(error_of(triu(r), r) == 0);
        const Tensor only = qr(a, "r").second;
        CHECK(error_of(only, narrow(r, -2, 0, only.size(-2))) == 0);
      }
    }
  });
}

TEST_CASE("singular vectors are orthogonal, and with the values multiply to the matrix") {
  everywhere([](const auto& placed) {
    for (const Dims& sizes : kMatrices) {
      const Tensor a = placed(sample64(sizes, 8));
      const int64_t k = std::min(a.size(-1), a.size(-2));
      for (const bool full : {false, true}) {
        INFO(sizes.str(), full ? " full" : "");
        const auto [u, s, vh] = svd(a, full);
        CHECK(u.device() == a.device());
        CHECK(u.size(-1) == (full ? a.size(-2) : k));
        CHECK(vh.size(-2) == (full ? a.size(-1) : k));
        check_orthogonal(u);
        check_orthogonal(mt(vh));
        check_product(matmul(mul(narrow(exact(u), -1, 0, k), unsqueeze(exact(s), -2)),
                             narrow(exact(vh), -2, 0, k)),
                      a);
        CHECK(all(ge(s, 0)).item<bool>());
        CHECK(all(le(diff(s), 0)).item<bool>());
        CHECK(error_of(unsqueeze(s, -1), unsqueeze(svdvals(exact(a)), -1)) < kFew);
      }
    }
  });
}

TEST_CASE("eigenvectors are orthogonal, and with the values multiply to the matrix") {
  everywhere([](const auto& placed) {
    for (const Dims& sizes : kSquares) {
      INFO(sizes.str());
      const Tensor x = sample64(sizes, 9), a = placed(add(x, mt(x)));
      for (const char* triangle : {"L", "U"}) {
        const auto [w, v] = eigh(*triangle == 'L' ? tril(a) : triu(a), triangle);
        CHECK(v.device() == a.device());
        check_orthogonal(v);
        check_product(matmul(mul(exact(v), unsqueeze(exact(w), -2)), mt(exact(v))), a);
        CHECK(all(ge(diff(w), 0)).item<bool>());
        CHECK(error_of(unsqueeze(w, -1), unsqueeze(eigvalsh(exact(a)), -1)) < kFew);
      }
    }
  });
}

TEST_CASE("batches of matrices that are not small are factorised one by one") {
  everywhere([](const auto& placed) {
    const Tensor a = placed(positive_definite({2, 260, 260}, 10)),
                 b = placed(sample64({2, 260, 1}, 11));
    check_product(matmul(exact(cholesky(a)), mt(exact(cholesky(a)))), a);
    check_product(matmul(exact(a), exact(solve(a, b))), b);
  });
}

TEST_CASE("a matrix without factors is named by its place in the batch") {
  everywhere([](const auto& placed) {
    for (const int64_t n : {3, 260}) {
      Tensor bad = zeros({4, n, n}, {.dtype = kFloat64});
      copy_(bad, expand(eye(n, {}, {.dtype = kFloat64}), bad.sizes()));
      Tensor one = select(bad, 0, 2);
      copy_(select(select(one, 0, 1), 0, 1), zeros({}));  // the second pivot of the third matrix
      CHECK_THROWS_WITH_AS(
          cholesky(placed(bad)),
          "[cholesky] matrix 2 is not positive definite: its leading minor of order 2 is not",
          Error);
      CHECK_THROWS_WITH_AS(solve(placed(bad), placed(ones({4, n, 1}))),
                           "[solve] matrix 2 is singular: pivot 2 is 0", Error);
      CHECK_THROWS_WITH_AS(inv(placed(one)), "[solve] matrix 0 is singular: pivot 2 is 0", Error);
      CHECK_THROWS_WITH_AS(
          cholesky(placed(one)),
          "[cholesky] matrix 0 is not positive definite: its leading minor of order 2 is not",
          Error);
    }
    const Tensor nan = placed(full({2, 2}, std::nan("")));
    CHECK_THROWS_WITH(svd(nan), Contains("[svd] expected finite numbers"));
    CHECK_THROWS_WITH(eigh(nan), Contains("[eigh] expected finite numbers"));
    CHECK(error_of(cholesky(placed(eye(2))), eye(2)) == 0);  // and the device goes on
  });
}

TEST_CASE("a factorisation cannot be captured in a CUDA graph, and says so") {
  for (const Place& place : places()) {
    if (place.library != "cusolver") continue;
    const Tensor a = eye(3, {}, {.device = place.device});
    CHECK_THROWS_WITH_AS(
        make_graph(place.device)->capture([&] { cholesky(a); }),
        "[cholesky] cannot be captured in a CUDA graph: it waits for the device, to "
        "know what its matrices are like",
        Error);
    CHECK(error_of(cholesky(a), a) == 0);
  }
}

TEST_CASE("the library for CUDA is chosen by name") {
  CHECK_THROWS_WITH_AS(linalg::select_for_cuda("magma"),
                       "linalg has no variant 'magma' for CUDA; it has cusolver and lapack", Error);
  if (!is_available(kCUDA)) {
    CHECK(linalg::selected_for_cuda() == "lapack");
    CHECK_THROWS_WITH(linalg::select_for_cuda("cusolver"),
                      Contains("linalg cannot use cusolver: "));
    return;
  }
  const std::string unasked = linalg::selected_for_cuda();
  linalg::select_for_cuda("lapack");
  CHECK(linalg::selected_for_cuda() == "lapack");
  linalg::select_for_cuda("");
  CHECK(linalg::selected_for_cuda() == unasked);
}
