// cumsum and cumprod. The gradient of a running sum is a running sum from the other end; that of a
// running product divides by x, but where x has zeros every product is taken as it is.
#include "autograd/ops/scan.h"

#include <algorithm>

#include "autograd/autocast.h"
#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/ops/widen.h"
#include "autograd/record.h"
#include "core/views.h"
#include "kernels/copy/copy.h"
#include "kernels/scan/scan.h"

namespace iolaus {
namespace {

Tensor in_scan_dtype(const char* op, const Tensor& x, std::optional<DType> dtype) {
  const DType own = is_floating(x.dtype()) ? x.dtype() : kInt64;
  const DType wanted = dtype.value_or(own);
  IOLAUS_CHECK_CODE(wanted != kBool, ErrorCode::kType, "[{}] does not support dtype bool", op);
  const Tensor cast = to(x, wanted);
  return is_floating(wanted) || wanted == kInt64 ? cast : to(cast, kInt64);
}

// The result lies as x does, where x is dense: its dimensions are taken in the order of memory.
Tensor scan(const char* name, ScanOp op, const Tensor& input, int d) {
  const Tensor x = input.detach();
  Tensor out = detail::claim_dense(name, input);
  if (!out.defined()) out = empty_like(x);
  Dims order;
  for (int i = 0; i < x.dim(); ++i) order.push_back(i);
  std::stable_sort(order.begin(), order.end(),
                   [&](int64_t a, int64_t b) { return out.stride(a) > out.stride(b); });
  const auto at = std::find(order.begin(), order.end(), d) - order.begin();
  scan_kernels(op)(make_scan(op, views::permute(out, order),
                             make_contiguous(views::permute(x, order)), static_cast<int>(at)));
  return out;
}

Tensor reverse_cumsum(const Tensor& x, int64_t d) { return flip(cumsum(flip(x, {d}), d), {d}); }

// dx_k = sum over j >= k of g_j prod over i <= j, i != k of x_i, by a row of factors for each k.
Tensor cumprod_backward_with_zeros(const Tensor& g, const Tensor& x, int64_t d) {
  const Tensor moved = movedim(x, {d}, {-1}), grad = movedim(g, {d}, {-1});
  const int64_t n = moved.size(-1);
  const Tensor diagonal = eye(n, {}, {.dtype = kBool, .device = x.device()});
  const Tensor others = where(diagonal, 1, unsqueeze(moved, -2));  // (..., k, i)
  const Tensor products = triu(cumprod(others, -1));               // (..., k, j), 0 for j < k
  return movedim(sum(mul(products, unsqueeze(grad, -2)), {-1}), {-1}, {d});
}

std::vector<OpSample> samples(Tensor (*fn)(const Tensor&, int64_t, std::optional<DType>)) {
  const auto along = [fn](int64_t dim) {
    return [fn, dim](const Tensors& x) { return fn(x[0], dim, {}); };
  };
  const Tensor zeros = from_values<double>({1.5, 0, -2, 0, 0.5, 3}, {2, 3});
  return {{"rows", {sample64({3, 4}, 1, 0.5, 2)}, along(1)},
          {"columns", {sample64({3, 4}, 2, 0.5, 2)}, along(0)},
          {"zeros", {zeros}, along(1)},
          {"0-dim", {sample64({}, 3)}, along(0)}};
}
const bool kRegistered = register_op({"cumsum", [] { return samples(cumsum); }}) &&
                         register_op({"cumprod", [] { return samples(cumprod); }});
const bool kBoxed =
    boxed("cumsum(Tensor input, int dim, *, dtype? dtype=None) -> Tensor", cumsum) &&
    boxed("cumprod(Tensor input, int dim, *, dtype? dtype=None) -> Tensor", cumprod);

}  // namespace

Tensor cumsum(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  if (autocast::on()) return autocast::call("cumsum", cumsum, input, dim, dtype);
  const int d = wrap_dim("cumsum", dim, input.dim());
  const Tensor x = in_scan_dtype("cumsum", input, dtype);
  Tensor out = scan("cumsum", ScanOp::kSum, x, d);
  if (needs_grad(x)) {
    record("cumsum", out, edges(x),
           [d](const Node&, const Tensor& g) { return g.dim() == 0 ? g : reverse_cumsum(g, d); });
  }
  return dtype ? to(out, *dtype) : out;
}

Tensor cumprod(const Tensor& input, int64_t dim, std::optional<DType> dtype) {
  if (autocast::on()) return autocast::call("cumprod", cumprod, input, dim, dtype);
  const int d = wrap_dim("cumprod", dim, input.dim());
  const Tensor x = in_scan_dtype("cumprod", input, dtype);
  if (is_short_float(x)) return to(cumprod(widened(x), d), x.dtype());
  Tensor out = scan("cumprod", ScanOp::kProd, x, d);
  if (needs_grad(x)) {
    record("cumprod", out, edges(x),
           [x = save(x), y = save_output(out), d](const Node& n, const Tensor& g) {
             const Tensor factors = x(n);
             if (factors.dim() == 0) return g;
             if (any(eq(factors.detach(), 0)).item<bool>()) {
               return cumprod_backward_with_zeros(g, factors, d);
             }
             return div(reverse_cumsum(mul(g, y(n)), d), factors);
           });
  }
  return dtype ? to(out, *dtype) : out;
}

}  // namespace iolaus
