// softmax and log_softmax. Backward is a kernel from the result; where its own gradient is wanted,
// the same formula in differentiable ops.
#include "autograd/ops/softmax.h"

#include "autograd/autocast.h"
#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduce.h"
#include "autograd/record.h"
#include "kernels/copy/copy.h"
#include "kernels/softmax/softmax.h"

namespace iolaus {
namespace {

// dx from the result y and the gradient g.
Tensor softmax_backward(const Tensor& y, const Tensor& g, int dim, bool log) {
  if (grad_enabled()) {
    if (log) return g - exp(y) * sum(g, {dim}, true);
    return y * (g - sum(g * y, {dim}, true));
  }
  Tensor dx = empty(y.sizes(), y.options());
  softmax_backward_kernels()(make_softmax(dx, y, make_contiguous(g), dim, log));
  return dx;
}

Tensor softmax_op(const char* op, const Tensor& x, int64_t dim, bool log) {
  if (autocast::on()) {
    return autocast::call(
        op, [&](const Tensor& t) { return softmax_op(op, t, dim, log); }, x);
  }
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[{}] expected a floating tensor, got {}; convert it with to()", op,
                    x.describe());
  const int d = wrap_dim(op, dim, x.dim());
  Tensor y = detail::claim_dense(op, x);
  if (!y.defined()) y = empty(x.sizes(), x.options());
  softmax_kernels()(make_softmax(y, make_contiguous(x), {}, d, log));
  if (needs_grad(x)) {
    record(op, y, edges(x), [y = save_output(y), d, log](const Node& n, const Tensor& g) {
      return softmax_backward(y(n), g, d, log);
    });
  }
  return y;
}

std::vector<OpSample> samples(Tensor (*fn)(const Tensor&, int64_t)) {
  const auto along = [fn](int64_t dim) {
    return [fn, dim](const Tensors& x) { return fn(x[0], dim); };
  };
  return {{"rows", {sample64({3, 4}, 1, -3, 3)}, along(-1)},
          {"columns", {sample64({3, 4}, 2, -3, 3)}, along(0)},
          {"middle", {sample64({2, 3, 2}, 3, -3, 3)}, along(1)},
          {"0-dim", {sample64({}, 4)}, along(0)}};
}
const bool kRegistered = register_op({"softmax", [] { return samples(softmax); }}) &&
                         register_op({"log_softmax", [] { return samples(log_softmax); }});

template <Tensor (*fn)(const Tensor&, int64_t)>
Tensor in_dtype(const Tensor& x, int64_t dim, std::optional<DType> dtype) {
  return fn(to(x, dtype.value_or(x.dtype())), dim);
}
const bool kBoxed =
    boxed("softmax(Tensor input, int dim, dtype? dtype=None) -> Tensor", in_dtype<softmax>) &&
    boxed("log_softmax(Tensor input, int dim, dtype? dtype=None) -> Tensor",
          in_dtype<log_softmax>) &&
    boxed(
        "softmin(Tensor input, int dim, dtype? dtype=None) -> Tensor",
        +[](const Tensor& x, int64_t dim, std::optional<DType> dtype) {
          return in_dtype<softmax>(neg(x), dim, dtype);
        });

}  // namespace

Tensor softmax(const Tensor& x, int64_t dim) { return softmax_op("softmax", x, dim, false); }
Tensor log_softmax(const Tensor& x, int64_t dim) { return softmax_op("log_softmax", x, dim, true); }

}  // namespace iolaus
