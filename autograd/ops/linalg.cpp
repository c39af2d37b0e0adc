// Factorisations: kernels/linalg forward; backward in products and solutions, which differentiate
// on. Formulas: Giles 2008 (cholesky, solve, det, svd); Liao et al. 2019 (qr).
#include "autograd/ops/linalg_common.h"

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/matmul.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "kernels/copy/copy.h"
#include "kernels/linalg/linalg.h"

namespace iolaus {
namespace detail {

void check_matrix(const char* op, const Tensor& a, bool square) {
  IOLAUS_CHECK(a.dim() >= 2, "[{}] expected at least two dimensions, got {}", op, a.describe());
  IOLAUS_CHECK(!square || a.size(-1) == a.size(-2), "[{}] expected square matrices, got {}", op,
               a.describe());
  IOLAUS_CHECK_CODE(a.dtype() == kFloat32 || a.dtype() == kFloat64, ErrorCode::kType,
                    "[{}] expected float32 or float64, got {}; convert it with to()", op,
                    a.describe());
}

Dims with_matrix(Dims batch, int64_t rows, int64_t columns) {
  batch.push_back(rows);
  batch.push_back(columns);
  return batch;
}
static int64_t product(const Dims& sizes) {
  int64_t count = 1;
  for (int64_t size : sizes) count *= size;
  return count;
}

Tensor columns_of(const Tensor& a) {
  const Tensor turned = mt(a.detach());
  const Tensor out = empty(turned.sizes(), a.options());
  copy(turned, out);
  return view(out, {product(batch_of(a)), a.size(-1), a.size(-2)});
}
Tensor matrices_of(const Tensor& columns, const Dims& batch) {
  return contiguous(mt(view(columns, with_matrix(batch, columns.size(-2), columns.size(-1)))));
}

Tensor pivots_for(const Tensor& columns) {
  return empty({columns.sizes()[0], columns.size(-1)},
               {.dtype = kInt32, .device = columns.device()});
}
Tensor count_swaps(const Tensor& pivots) {
  return sum(ne(pivots, arange(1, pivots.size(-1) + 1, 1, kInt32, pivots.device())), {1});
}

}  // namespace detail

namespace {

using detail::batch_of;
using detail::check_matrix;
using detail::columns_of;
using detail::matrices_of;
using detail::mt;
using detail::with_matrix;

// tril with half of the diagonal.
Tensor half_lower(const Tensor& x) { return mul(add(tril(x), tril(x, -1)), 0.5); }

Tensor cholesky_backward(const Tensor& g, const Tensor& l) {
  // l^-T (lower half of l^T g) l^-1, made symmetric.
  const Tensor middle = half_lower(matmul(mt(l), tril(g)));
  const Tensor left = solve(mt(l), middle);
  const Tensor s = mt(solve(mt(l), mt(left)));
  return mul(add(s, mt(s)), 0.5);
}

Tensor lower_cholesky(const Tensor& a) {
  Tensor out;
  {
    const NoGrad no_grad;
    const Tensor columns = columns_of(a);
    linalg::cholesky("cholesky", columns);
    out = tril(matrices_of(columns, batch_of(a)));
  }
  if (needs_grad(a)) {
    record("cholesky", out, edges(a), [l = save_output(out)](const Node& n, const Tensor& g) {
      return cholesky_backward(g, l(n));
    });
  }
  return out;
}

// a (batch, n, n) and b (batch, n, k) of one batch shape.
Tensor solve_matrices(const Tensor& a, const Tensor& b) {
  Tensor out;
  {
    const NoGrad no_grad;
    const Tensor left = columns_of(a), right = columns_of(b);
    linalg::solve("solve", left, detail::pivots_for(left), right);
    out = matrices_of(right, batch_of(b));
  }
  if (needs_grad(a, b)) {
    record("solve", out, edges(a, b),
           [a = save(a), x = save_output(out)](const Node& n, const Tensor& g) {
             const Tensor gb = solve_matrices(mt(a(n)), g);
             return std::array{n.needs(0) ? neg(matmul(gb, mt(x(n)))) : Tensor(),
                               n.needs(1) ? gb : Tensor()};
           });
  }
  return out;
}

Tensor qr_backward(const Tensor& gq, const Tensor& gr, const Tensor& q, const Tensor& r) {
  Tensor m;
  if (gr.defined()) m = matmul(r, mt(gr));
  if (gq.defined()) {
    const Tensor own = matmul(mt(gq), q);
    m = m.defined() ? sub(m, own) : neg(own);
  }
  Tensor right = matmul(q, add(tril(m), mt(tril(m, -1))));
  if (gq.defined()) right = add(right, gq);
  return mt(solve(r, mt(right)));
}

// Of a wide matrix [x, y] = q [u, v]: x = q u is square, and v = q^T y.
Tensor wide_qr_backward(const Tensor& gq, const Tensor& gr, const Tensor& q, const Tensor& r,
                        const Tensor& a) {
  const int64_t m = a.size(-2), rest = a.size(-1) - m;
  const Tensor u = narrow(r, -1, 0, m);
  if (!gr.defined()) {
    const Tensor gx = qr_backward(gq, {}, q, u);
    return cat({gx, zeros_like(narrow(a, -1, m, rest))}, -1);
  }
  const Tensor gu = narrow(gr, -1, 0, m), gv = narrow(gr, -1, m, rest);
  const Tensor through = matmul(narrow(a, -1, m, rest), mt(gv));
  const Tensor all = gq.defined() ? add(gq, through) : through;
  return cat({qr_backward(all, gu, q, u), matmul(q, gv)}, -1);
}

Tensor svd_backward(const Tensor& gu, const Tensor& gs, const Tensor& gvh, const Tensor& u,
                    const Tensor& s, const Tensor& vh) {
  const int64_t k = s.size(-1);
  const Tensor diagonal_mask = eye(k, {}, {.dtype = kBool, .device = s.device()});
  const Tensor squares = square(s);
  const Tensor gap = sub(unsqueeze(squares, -2), unsqueeze(squares, -1));  // s_j^2 - s_i^2
  const Tensor safe_gap = where(diagonal_mask, 1, gap);
  const Tensor row = unsqueeze(s, -2), column = unsqueeze(s, -1);
  const auto skew = [](const Tensor& x) { return sub(x, mt(x)); };
  Tensor middle =
      gs.defined() ? diag_embed(gs) : zeros(with_matrix(batch_of(u), k, k), s.options());
  if (gu.defined()) middle = add(middle, mul(div(skew(matmul(mt(u), gu)), safe_gap), row));
  if (gvh.defined()) middle = add(middle, mul(column, div(skew(matmul(vh, mt(gvh))), safe_gap)));
  Tensor out = matmul(matmul(u, middle), vh);
  if (gu.defined() && u.size(-2) > k) {  // what of gu is outside of u's columns
    const Tensor rest = sub(gu, matmul(u, matmul(mt(u), gu)));
    out = add(out, matmul(div(rest, row), vh));
  }
  if (gvh.defined() && vh.size(-1) > k) {
    const Tensor rest = sub(gvh, matmul(matmul(gvh, mt(vh)), vh));
    out = add(out, matmul(u, div(rest, column)));
  }
  return out;
}

const bool kBoxed =
    boxed("cholesky(Tensor A, *, bool upper=False) -> Tensor", cholesky) &&
    boxed("solve(Tensor A, Tensor B, *, bool left=True) -> Tensor", solve) &&
    boxed(
        "solve_triangular(Tensor A, Tensor B, *, bool upper, bool left=True, "
        "bool unitriangular=False) -> Tensor",
        solve_triangular) &&
    boxed("inv(Tensor A) -> Tensor", inv) && boxed("det(Tensor A) -> Tensor", det) &&
    boxed("qr(Tensor A, str mode='reduced') -> (Tensor, Tensor)", qr) &&
    boxed("svd(Tensor A, bool full_matrices=True) -> (Tensor, Tensor, Tensor)", svd);

Tensor well_conditioned(const Tensor& x) {
  return add(matmul(x, mt(x)), eye(x.size(-2), {}, x.options()));
}
// The one pair of factors with a positive diagonal: libraries choose other signs.
std::pair<Tensor, Tensor> positive_qr(const Tensor& x) {
  const auto [q, r] = qr(x);
  const Tensor signs = sign(diagonal(r.detach(), 0, -2, -1));
  return {mul(q, unsqueeze(signs, -2)), mul(unsqueeze(signs, -1), r)};
}
bool add_sample(const char* op, const Dims& sizes, Tensor (*fn)(const Tensor&)) {
  return register_op({op, [=] {
                        return std::vector<OpSample>{{"sample",
                                                      {sample64(sizes, 1)},
                                                      [fn](const Tensors& x) { return fn(x[0]); }}};
                      }});
}
const bool kSamples =
    add_sample("cholesky", {2, 3, 3},
               [](const Tensor& x) { return cholesky(well_conditioned(x)); }) &&
    add_sample("inv", {2, 3, 3}, [](const Tensor& x) { return inv(well_conditioned(x)); }) &&
    add_sample("det", {2, 3, 3}, [](const Tensor& x) { return det(x); }) &&
    add_sample("qr", {4, 3},
               [](const Tensor& x) {
                 const auto [q, r] = positive_qr(x);
                 return cat({q, r});
               }) &&
    add_sample("qr_wide", {2, 4},
               [](const Tensor& x) {
                 const auto [q, r] = positive_qr(x);
                 return cat({q, r}, 1);
               }) &&
    add_sample("svd", {4, 3},
               [](const Tensor& x) {
                 const auto [u, s, vh] = svd(x, false);  // products that do not depend on signs
                 return cat({matmul(u, vh), unsqueeze(s, 0), square(vh)});
               }) &&
    register_op({"solve_triangular",
                 [] {
                   return std::vector<OpSample>{
                       {"upper",
                        {sample64({3, 3}, 1, 1, 2), sample64({3, 2}, 2)},
                        [](const Tensors& x) { return solve_triangular(x[0], x[1], true); }}};
                 }}) &&
    register_op({"solve", [] {
                   return std::vector<OpSample>{
                       {"matrix",
                        {sample64({2, 3, 3}, 1), sample64({3, 2}, 2)},
                        [](const Tensors& x) { return solve(well_conditioned(x[0]), x[1]); }},
                       {"vector", {sample64({3, 3}, 3), sample64({3}, 4)}, [](const Tensors& x) {
                          return solve(well_conditioned(x[0]), x[1]);
                        }}};
                 }});

}  // namespace

Tensor cholesky(const Tensor& a, bool upper) {
  check_matrix("cholesky", a, true);
  return upper ? mt(lower_cholesky(mt(a))) : lower_cholesky(a);
}

Tensor solve(const Tensor& a, const Tensor& b, bool left) {
  check_matrix("solve", a, true);
  IOLAUS_CHECK_CODE(b.dtype() == a.dtype(), ErrorCode::kType,
                    "[solve] expected operands of one dtype, got {} and {}", a.describe(),
                    b.describe());
  IOLAUS_CHECK_CODE(b.device() == a.device(), ErrorCode::kDevice,
                    "[solve] expected operands on one device, got {} and {}", a.describe(),
                    b.describe());
  Dims vectors = a.sizes();
  vectors.erase(vectors.size() - 1);
  const bool vector = b.dim() == 1 || b.sizes() == vectors;
  IOLAUS_CHECK(left || !vector, "[solve] left=false needs matrices on the right, got {}",
               b.describe());
  if (!left) return mt(solve(mt(a), mt(b)));
  const Tensor right = vector ? unsqueeze(b, -1) : b;
  IOLAUS_CHECK(right.size(-2) == a.size(-1), "[solve] expected {} rows on the right, got {}",
               a.size(-1), b.describe());
  const Dims batch = broadcast_shapes("solve", batch_of(a), batch_of(right));
  const Tensor x =
      solve_matrices(expand(a, with_matrix(batch, a.size(-2), a.size(-1))),
                     expand(right, with_matrix(batch, right.size(-2), right.size(-1))));
  return vector ? squeeze(x, -1) : x;
}

Tensor solve_triangular(const Tensor& a, const Tensor& b, bool upper, bool left,
                        bool unitriangular) {
  check_matrix("solve_triangular", a, true);
  IOLAUS_CHECK(b.dim() >= 2, "[solve_triangular] expected matrices on the right, got {}",
               b.describe());
  Tensor triangle = upper ? triu(a) : tril(a);
  if (unitriangular) {
    const Tensor diagonal_mask = eye(a.size(-1), {}, {.dtype = kBool, .device = a.device()});
    triangle = where(diagonal_mask, 1, triangle);
  }
  return solve(triangle, b, left);
}

Tensor inv(const Tensor& a) {
  check_matrix("inv", a, true);
  return solve(a, expand(eye(a.size(-1), {}, a.options()), a.sizes()));
}

Tensor det(const Tensor& a) {
  check_matrix("det", a, true);
  Tensor out;
  {
    const NoGrad no_grad;
    const Tensor columns = columns_of(a);
    const Tensor pivots = detail::pivots_for(columns);
    linalg::lu("det", columns, pivots);
    const Tensor swaps = remainder(detail::count_swaps(pivots), 2);
    const Tensor factors = prod(diagonal(columns, 0, 1, 2), {1});
    out = reshape(where(eq(swaps, 1), neg(factors), factors), batch_of(a));
  }
  if (needs_grad(a)) {
    record("det", out, edges(a),
           [a = save(a), y = save_output(out)](const Node& n, const Tensor& g) {
             return mul(unsqueeze(unsqueeze(mul(g, y(n)), -1), -1), mt(inv(a(n))));
           });
  }
  return out;
}

std::pair<Tensor, Tensor> qr(const Tensor& a, const std::string& mode) {
  check_matrix("qr", a, false);
  IOLAUS_CHECK(mode == "reduced" || mode == "complete" || mode == "r",
               "[qr] expected mode 'reduced', 'complete' or 'r', got '{}'", mode);
  const int64_t m = a.size(-2), n = a.size(-1), k = std::min(m, n);
  const int64_t width = mode == "complete" ? m : k;
  const Dims batch = batch_of(a);
  Tensor q = empty({0}, a.options()), r;
  {
    const NoGrad no_grad;
    const Tensor columns = columns_of(a);
    const Tensor tau = empty({columns.sizes()[0], k}, a.options());
    linalg::qr("qr", columns, tau);
    const Tensor rows = narrow(matrices_of(columns, batch), -2, 0, k);
    r = triu(width == k ? rows : pad(rows, {0, 0, 0, width - k}));
    if (mode != "r") {
      const Tensor vectors = zeros({columns.sizes()[0], width, m}, a.options());
      copy(narrow(columns, 1, 0, std::min(width, n)), narrow(vectors, 1, 0, std::min(width, n)));
      linalg::form_q("qr", vectors, tau);
      q = matrices_of(vectors, batch);
    }
  }
  if (needs_grad(a)) {
    IOLAUS_CHECK(mode == "reduced" || (mode == "complete" && m <= n),
                 "[qr] has no gradient for mode '{}' of {}", mode, a.describe());
    const Tensor outs[] = {q, r};
    record("qr", outs, edges(a),
           [q = save_output(q), r = save_output(r, 1), a = save(a)](const Node& node,
                                                                    std::span<const Tensor> g) {
             const Tensor x = a(node);
             return std::array{x.size(-2) < x.size(-1)
                                   ? wide_qr_backward(g[0], g[1], q(node), r(node), x)
                                   : qr_backward(g[0], g[1], q(node), r(node))};
           });
  }
  return {q, r};
}

std::tuple<Tensor, Tensor, Tensor> svd(const Tensor& a, bool full_matrices) {
  check_matrix("svd", a, false);
  IOLAUS_CHECK(all(isfinite(a.detach())).item<bool>(),  // LAPACK may not come to an end otherwise
               "[svd] expected finite numbers in {}", a.describe());
  const int64_t m = a.size(-2), n = a.size(-1), k = std::min(m, n);
  const Dims batch = batch_of(a);
  Tensor u, s, vh;
  {
    const NoGrad no_grad;
    const Tensor columns = columns_of(a);
    const int64_t count = columns.sizes()[0];
    const Tensor left = empty({count, full_matrices ? m : k, m}, a.options());
    const Tensor right = empty({count, n, full_matrices ? n : k}, a.options());
    const Tensor values = empty({count, k}, a.options());
    linalg::svd("svd", columns, left, values, right);
    Dims vectors = batch;
    vectors.push_back(k);
    if (a.numel() == 0) {  // nothing to decompose: any orthogonal matrices do
      for (const Tensor& t : {left, right}) copy_(t, eye(t.size(-2), t.size(-1), t.options()));
    }
    u = matrices_of(left, batch);
    vh = matrices_of(right, batch);
    s = view(values, vectors);
  }
  if (needs_grad(a)) {
    const Tensor outs[] = {u, s, vh};
    record("svd", outs, edges(a),
           [u = save_output(u), s = save_output(s, 1), vh = save_output(vh, 2), k](
               const Node& node, std::span<const Tensor> g) {
             const auto cut = [&](const Tensor& x, int64_t d) {
               return x.defined() ? narrow(x, d, 0, k) : x;
             };
             return std::array{svd_backward(cut(g[0], -1), g[1], cut(g[2], -2), cut(u(node), -1),
                                            s(node), cut(vh(node), -2))};
           });
  }
  return {u, s, vh};
}

}  // namespace iolaus
