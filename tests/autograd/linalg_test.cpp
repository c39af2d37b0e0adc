// Eigenvalues, determinants, tensordot, aliases, and sizes beyond memory.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops.h"
#include "autograd/ops/arrange.h"
#include "autograd/ops/linalg.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/sort.h"
#include "autograd/ops/special.h"

using namespace iolaus;
using doctest::Approx;
using doctest::Contains;

namespace {

double largest(const Tensor& x) { return amax(abs(x)).item<double>(); }
Tensor mt(const Tensor& x) { return transpose(x, -1, -2); }

}  // namespace

TEST_CASE("eigh gives back the matrix, reads one triangle, and sorts its values") {
  const Tensor x = sample64({2, 4, 4}, 1), a = add(x, mt(x));
  for (const char* triangle : {"L", "U"}) {
    const bool lower = *triangle == 'L';
    const auto [w, v] = eigh(lower ? tril(a) : triu(a), triangle);
    CHECK(largest(sub(matmul(mul(v, unsqueeze(w, -2)), mt(v)), a)) < 1e-12);
    CHECK(largest(sub(matmul(mt(v), v), eye(4, {}, {.dtype = kFloat64}))) < 1e-12);
    CHECK(all(ge(diff(w), 0)).item<bool>());
    CHECK(largest(sub(w, eigvalsh(a))) < 1e-12);
  }
  CHECK(eigh(zeros({0, 0})).second.sizes() == Dims{0, 0});
  CHECK_THROWS_WITH(eigh(a, "X"), Contains("[eigh] expected UPLO 'L' or 'U', got 'X'"));
  CHECK_THROWS_WITH(eigh(ones({2, 3})), Contains("[eigh] expected square matrices"));
  CHECK_THROWS_WITH(eigh(full({2, 2}, std::nan(""))), Contains("[eigh] expected finite numbers"));
}

TEST_CASE("slogdet agrees with det, and a singular matrix has the logarithm -inf") {
  const Tensor a = sample64({5, 3, 3}, 2);
  const auto [sign_of, log_size] = slogdet(a);
  CHECK(largest(sub(mul(sign_of, exp(log_size)), det(a))) < 1e-14);
  CHECK(amin(sign_of).item<double>() == -1);  // both signs occur
  CHECK(amax(sign_of).item<double>() == 1);
  const auto [zero, infinite] = slogdet(ones({2, 2}, {.dtype = kFloat64}));
  CHECK(zero.item<double>() == 0);
  CHECK(infinite.item<double>() == -INFINITY);
  CHECK(std::isnan(logdet(from_values<double>({0, 1, 1, 0}, {2, 2})).item<double>()));
}

TEST_CASE("matrix powers multiply, also the inverse") {
  const Tensor a = from_values<double>({1, 1, 1, 0}, {2, 2});
  CHECK(matrix_power(a, 10).to_vector<double>() == std::vector<double>{89, 55, 55, 34});
  CHECK(largest(sub(matrix_power(a, -2), inv(matmul(a, a)))) < 1e-14);
  CHECK(matrix_power(a, 0).to_vector<double>() == std::vector<double>{1, 0, 0, 1});
}

TEST_CASE("tensordot is what einsum says") {
  const Tensor a = sample64({2, 3, 4}, 3), b = sample64({4, 5, 2}, 4);
  CHECK(largest(sub(tensordot(a, b, {2, 0}, {0, 2}), einsum("abc,cda->bd", {a, b}))) < 1e-14);
  CHECK(tensordot(a, b, 1).sizes() == Dims{2, 3, 5, 2});
  CHECK(tensordot(a, b, 0).sizes() == Dims{2, 3, 4, 4, 5, 2});
  CHECK_THROWS_WITH(tensordot(a, b, {0}, {0}), Contains("do not have one size"));
  CHECK_THROWS_WITH(tensordot(a, b, {2, 2}, {0, 0}), Contains("is repeated"));
}

TEST_CASE("an alias is its op, with the same arguments") {
  const Tensor x = from_values<float>({-2, 0.5, 3}, {3});
  CHECK(call_op("clip", {x, 0.0}, {{"max", int64_t{1}}})[0].to_vector<float>() ==
        std::vector<float>{0, 0.5, 1});
  CHECK(call_op("absolute", {x})[0].to_vector<float>() == std::vector<float>{2, 0.5, 3});
  for (const auto& [alias, op] : op_aliases()) {
    INFO(alias);
    CHECK(&find_op(alias) == &find_op(op));
  }
  CHECK_THROWS_WITH(call_op("clipp", {x}), Contains("Did you mean 'clip'"));
}

TEST_CASE("numbers at their limits are refused, or do no harm") {
  const Tensor x = ones({6});
  CHECK_THROWS_WITH(repeat_interleave(x, int64_t{1} << 62, 0), Contains("[repeat_interleave]"));
  CHECK_THROWS_WITH(repeat(x, {int64_t{1} << 62}), Contains("[repeat]"));
  constexpr int64_t kMost = std::numeric_limits<int64_t>::max(), kLeast = -kMost - 1;
  CHECK_THROWS_WITH(pad(x, {1, kMost}), Contains("[pad]"));
  CHECK_THROWS_WITH(diag_embed(x, kLeast), Contains("[diag_embed]"));
  CHECK_THROWS_WITH(diag_embed(x, kMost), Contains("[diag_embed]"));
  CHECK_THROWS_WITH(split(x, {kMost, kMost, 8}), Contains("[split]"));
  CHECK(chunk(x, kMost).size() == 6);
  CHECK(tril(ones({2, 2}), kMost).to_vector<float>() == std::vector<float>{1, 1, 1, 1});
  CHECK(tril(ones({2, 2}), kLeast).to_vector<float>() == std::vector<float>{0, 0, 0, 0});
  CHECK_THROWS_AS(linspace(0, 1, kMost, {.dtype = kInt64}), Error);
  CHECK(unfold(x, 0, 2, kMost).sizes() == Dims{1, 2});
  CHECK(isnan(call_op("round", {x}, {{"decimals", kLeast}})[0]).to_vector<bool>()[0]);
  CHECK_THROWS_WITH(pad(ones({1, 6}), {kLeast, kMost}, "circular"), Contains("[pad]"));
  CHECK_THROWS_WITH(im2col(ones({1, 4, 4}), {2, 2}, {.padding = {kMost, 0}}), Contains("[im2col]"));
  CHECK_THROWS_AS(one_hot(zeros({2, 3}, {.dtype = kInt64}), kMost), Error);
  CHECK_THROWS_AS(one_hot(full({1}, kMost, {.dtype = kInt64}), -1), Error);
  CHECK(triu(ones({0, 2}), kMost).numel() == 0);
  CHECK_THROWS_WITH(col2im(ones({4, 2}), {-1, kMost}, {1, 1}, {.padding = {4, 5}}),
                    Contains("expected a height and width"));
  const Tensor long_one = expand(ones({1}), {kMost});
  CHECK_THROWS_WITH(cat({long_one, long_one}, 0), Contains("[cat] dimension 0 becomes too large"));
  const Tensor wrapped = call_op("sub", {arange(2), int64_t{3}}, {{"alpha", kMost}})[0];
  CHECK(wrapped.to_vector<int64_t>()[0] == kLeast + 3);
}

TEST_CASE("a transposed convolution to no channels has gradients of zero") {
  Tensor few = ones({1, 4, 1, 1}), none = zeros({4, 0, 2, 3});
  none.set_requires_grad(true), few.set_requires_grad(true);
  sum(conv_transpose2d(few, none)).backward();
  CHECK(few.grad().to_vector<float>() == std::vector<float>(4, 0));
}

TEST_CASE("parts of a sorted order are those of the whole, NaN and equal elements included") {
  const float nan = std::nanf("");
  const Tensor x = from_values<float>({3, -0.f, nan, 0, -1, 3, nan, -INFINITY}, {8});
  const auto [all_values, all_indices] = sort(x);
  CHECK(all_indices.to_vector<int64_t>() == std::vector<int64_t>{7, 4, 1, 3, 0, 5, 2, 6});
  const auto [most, places] = topk(x, 3);
  CHECK(places.to_vector<int64_t>() == std::vector<int64_t>{2, 6, 0});
  CHECK(kthvalue(x, 3).second.item<int64_t>() == 1);
  const Tensor wide = remainder(mul(arange(5000), 7919), 1000);  // by digits
  const auto [values, order] = sort(wide, 0, true);
  CHECK(all(le(diff(values), 0)).item<bool>());
  CHECK(all(logical_or(ne(diff(values), 0), gt(diff(order), 0))).item<bool>());
  CHECK(all(eq(index_select(wide, 0, order), values)).item<bool>());
  const auto [few, at] = topk(wide, 20);
  CHECK(all(eq(at, narrow(order, 0, 0, 20))).item<bool>());
}
