// Eigenvalues of symmetric matrices, logarithms of determinants, powers.
// Formulas: Giles 2008 (eigenvectors, determinants).
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/linalg_common.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/record.h"
#include "kernels/linalg/linalg.h"

namespace iolaus {
namespace {

using detail::check_matrix;
using detail::mt;

// v (diag(gw) + skew(v^T gv) / (w_j - w_i)) v^T; the skew part is how v can turn.
Tensor eigh_backward(const Tensor& gw, const Tensor& gv, const Tensor& w, const Tensor& v) {
  if (!gv.defined()) return matmul(mul(v, unsqueeze(gw, -2)), mt(v));
  const Tensor own = eye(w.size(-1), {}, {.dtype = kBool, .device = w.device()});
  const Tensor gap = where(own, 1, sub(unsqueeze(w, -2), unsqueeze(w, -1)));
  const Tensor turn = matmul(mt(v), gv);
  Tensor middle = div(mul(sub(turn, mt(turn)), 0.5), gap);
  if (gw.defined()) middle = add(middle, diag_embed(gw));
  return matmul(matmul(v, middle), mt(v));
}

const bool kBoxed = boxed("eigh(Tensor A, str UPLO='L') -> (Tensor, Tensor)", eigh) &&
                    boxed("eigvalsh(Tensor A, str UPLO='L') -> Tensor", eigvalsh) &&
                    boxed("svdvals(Tensor A) -> Tensor", svdvals) &&
                    boxed("slogdet(Tensor A) -> (Tensor, Tensor)", slogdet) &&
                    boxed("logdet(Tensor A) -> Tensor", logdet) &&
                    boxed("matrix_power(Tensor A, int n) -> Tensor", matrix_power);

bool add_sample(const char* op, const Dims& sizes, Tensor (*fn)(const Tensor&)) {
  return register_op({op, [=] {
                        return std::vector<OpSample>{{"sample",
                                                      {sample64(sizes, 1)},
                                                      [fn](const Tensors& x) { return fn(x[0]); }}};
                      }});
}
Tensor symmetric(const Tensor& x) { return add(x, mt(x)); }
const bool kSamples =
    add_sample("eigh", {2, 3, 3},
               [](const Tensor& x) {
                 const auto [w, v] = eigh(symmetric(x));  // squares do not depend on signs
                 return cat({unsqueeze(w, -2), square(v)}, -2);
               }) &&
    add_sample("eigvalsh", {3, 3}, [](const Tensor& x) { return eigvalsh(symmetric(x), "U"); }) &&
    add_sample("svdvals", {3, 2}, [](const Tensor& x) { return svdvals(x); }) &&
    add_sample("slogdet", {2, 3, 3}, [](const Tensor& x) { return slogdet(x).second; }) &&
    add_sample("logdet", {3, 3}, [](const Tensor& x) { return logdet(matmul(x, mt(x))); }) &&
    add_sample("matrix_power", {2, 3, 3}, [](const Tensor& x) { return matrix_power(x, 3); });

}  // namespace

std::pair<Tensor, Tensor> eigh(const Tensor& a, const std::string& uplo) {
  check_matrix("eigh", a, true);
  IOLAUS_CHECK(uplo == "L" || uplo == "U", "[eigh] expected UPLO 'L' or 'U', got '{}'", uplo);
  IOLAUS_CHECK(all(isfinite(a.detach())).item<bool>(),  // LAPACK may not come to an end otherwise
               "[eigh] expected finite numbers in {}", a.describe());
  Tensor w, v;
  {
    const NoGrad no_grad;
    const Tensor columns = detail::columns_of(a);
    const Tensor values = empty({columns.sizes()[0], a.size(-1)}, a.options());
    linalg::eigh("eigh", columns, values, uplo == "L");
    v = detail::matrices_of(columns, detail::batch_of(a));
    Dims sizes = detail::batch_of(a);
    sizes.push_back(a.size(-1));
    w = view(values, sizes);
  }
  if (needs_grad(a)) {
    const Tensor outs[] = {w, v};
    record("eigh", outs, edges(a),
           [w = save_output(w), v = save_output(v, 1)](const Node& n, std::span<const Tensor> g) {
             return std::array{eigh_backward(g[0], g[1], w(n), v(n))};
           });
  }
  return {w, v};
}

Tensor eigvalsh(const Tensor& a, const std::string& uplo) { return eigh(a, uplo).first; }

Tensor svdvals(const Tensor& a) { return std::get<1>(svd(a, false)); }

std::pair<Tensor, Tensor> slogdet(const Tensor& a) {
  check_matrix("slogdet", a, true);
  Tensor sign_of, log_size;
  {
    const NoGrad no_grad;
    const Tensor columns = detail::columns_of(a);
    const Tensor pivots = detail::pivots_for(columns);
    linalg::lu("slogdet", columns, pivots);
    const Tensor factors = diagonal(columns, 0, 1, 2);
    const Tensor swaps = remainder(detail::count_swaps(pivots), 2);
    const Tensor parity = to(sub(1, mul(swaps, 2)), a.dtype());
    const Dims batch = detail::batch_of(a);
    sign_of = reshape(mul(prod(sign(factors), {1}), parity), batch);
    log_size = reshape(sum(log(abs(factors)), {1}), batch);
  }
  if (needs_grad(a)) {
    const Tensor outs[] = {sign_of, log_size};
    record("slogdet", outs, edges(a), [a = save(a)](const Node& n, std::span<const Tensor> g) {
      if (!g[1].defined()) return std::array{Tensor()};  // the sign does not change
      return std::array{mul(unsqueeze(unsqueeze(g[1], -1), -1), mt(inv(a(n))))};
    });
  }
  return {sign_of, log_size};
}

Tensor logdet(const Tensor& a) {
  const auto [sign_of, log_size] = slogdet(a);
  return where(lt(sign_of.detach(), 0), std::numeric_limits<double>::quiet_NaN(), log_size);
}

Tensor matrix_power(const Tensor& a, int64_t n) {
  check_matrix("matrix_power", a, true);
  IOLAUS_CHECK(n != std::numeric_limits<int64_t>::min(), "[matrix_power] {} is too small", n);
  if (n < 0) return matrix_power(inv(a), -n);
  Tensor result, power = a;
  for (; n > 0; n /= 2) {
    if (n % 2 == 1) result = result.defined() ? matmul(result, power) : power;
    if (n > 1) power = matmul(power, power);
  }
  if (!result.defined()) return clone(expand(eye(a.size(-1), {}, a.options()), a.sizes()));
  return result.storage() == a.storage() ? clone(result) : result;
}

}  // namespace iolaus
