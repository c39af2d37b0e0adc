// cummax, cummin and logcumsumexp, by doubling: after step s, element j has seen the 2^s elements
// up to it, and joins what element j - 2^s has seen. log2(n) elementwise passes, on every device.
#include "autograd/ops/scan_extreme.h"

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/special.h"
#include "autograd/ops/view.h"
#include "autograd/ops/widen.h"
#include "autograd/record.h"

namespace iolaus {
namespace {

using Pair = std::pair<Tensor, Tensor>;

// Whether the later of two elements is the one to keep.
Tensor later_wins(const Tensor& earlier, const Tensor& later, bool largest) {
  const Tensor order = largest ? ge(later, earlier) : le(later, earlier);
  if (!is_floating(later.dtype())) return order;
  return logical_or(isnan(later), logical_and(order, logical_not(isnan(earlier))));
}

Tensor extreme_index(const Tensor& x, int d, bool largest) {
  const NoGrad no_grad;
  const int64_t n = x.sizes()[d];
  Dims shape = Dims::filled(x.sizes().size(), 1);
  shape[static_cast<size_t>(d)] = n;
  Tensor values = x.detach();
  Tensor index = contiguous(expand(reshape(arange(n, kInt64, x.device()), shape), x.sizes()));
  for (int64_t step = 1; step < n; step *= 2) {
    const auto earlier = [&](const Tensor& t) { return narrow(t, d, 0, n - step); };
    const auto later = [&](const Tensor& t) { return narrow(t, d, step, n - step); };
    const Tensor wins = later_wins(earlier(values), later(values), largest);
    const auto join = [&](const Tensor& t) {
      return cat({narrow(t, d, 0, step), where(wins, later(t), earlier(t))}, d);
    };
    const Tensor joined = join(values);
    index = join(index);
    values = joined;
  }
  return index;
}

Pair extreme(const char* op, const Tensor& x, int64_t dim, bool largest) {
  const int d = wrap_dim(op, dim, x.dim());
  if (x.dim() == 0) {
    return {clone(x), zeros({}, {.dtype = kInt64, .device = x.device()})};
  }
  const Tensor index = extreme_index(x, d, largest);
  return {gather(x, d, index), index};
}

bool add_sample(const char* op, Tensor (*fn)(const Tensor&, int64_t)) {
  return register_op(
      {op, [=] {
         return std::vector<OpSample>{
             {"rows", {sample64({3, 5}, 1)}, [fn](const Tensors& x) { return fn(x[0], -1); }},
             {"columns", {sample64({4, 2}, 2)}, [fn](const Tensors& x) { return fn(x[0], 0); }}};
       }});
}
const bool kSamples =
    add_sample("cummax", [](const Tensor& x, int64_t dim) { return cummax(x, dim).first; }) &&
    add_sample("cummin", [](const Tensor& x, int64_t dim) { return cummin(x, dim).first; }) &&
    add_sample("logcumsumexp", logcumsumexp);
const bool kBoxed = boxed("cummax(Tensor input, int dim) -> (Tensor, Tensor)", cummax) &&
                    boxed("cummin(Tensor input, int dim) -> (Tensor, Tensor)", cummin) &&
                    boxed("logcumsumexp(Tensor input, int dim) -> Tensor", logcumsumexp);

}  // namespace

Pair cummax(const Tensor& x, int64_t dim) { return extreme("cummax", x, dim, true); }
Pair cummin(const Tensor& x, int64_t dim) { return extreme("cummin", x, dim, false); }

Tensor logcumsumexp(const Tensor& x, int64_t dim) {
  const int d = wrap_dim("logcumsumexp", dim, x.dim());
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[logcumsumexp] expected a floating tensor, got {}", x.describe());
  if (x.dim() == 0) return clone(x);
  const int64_t n = x.sizes()[d];
  Tensor sums = widened(x);
  for (int64_t step = 1; step < n; step *= 2) {
    const Tensor joined = logaddexp(narrow(sums, d, step, n - step), narrow(sums, d, 0, n - step));
    sums = cat({narrow(sums, d, 0, step), joined}, d);
  }
  return sums.is_same(x) ? clone(x) : to(sums, x.dtype());
}

}  // namespace iolaus
