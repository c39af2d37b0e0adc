// Norms of any order. At 0, where a power has no derivative, the gradient is 0, as PyTorch's.
#include <cmath>

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/reduce_common.h"
#include "autograd/ops/widen.h"

namespace iolaus {
namespace {

using detail::kept_sizes;
using detail::reduced_mask;

Tensor power_sum(const Tensor& x, double ord, const Dims& dims, bool keepdim) {
  return pow(sum(pow(abs(x), ord), dims, keepdim), 1 / ord);
}

// d |x| / dx |x|^(ord - 1) / norm^(ord - 1)
Tensor power_backward(const Tensor& g, const Tensor& x, const Tensor& y, double ord) {
  const Tensor quotient = div(abs(x), where(eq(y.detach(), 0), 1, y));
  const Tensor zero = eq(x.detach(), 0);
  const Tensor share = where(zero, 0, pow(where(zero, 1, quotient), ord - 1));
  return mul(g, mul(sign(x.detach()), share));
}

Tensor power_norm(const Tensor& x, double ord, const Dims& dims, bool keepdim) {
  const uint32_t mask = reduced_mask("vector_norm", x, dims);
  const auto forward = [&] {
    const NoGrad no_grad;
    return power_sum(x, ord, dims, keepdim);
  };
  Tensor out = forward();
  if (needs_grad(x)) {
    record("vector_norm", out, edges(x),
           [x = save(x), y = save_output(out), kept = kept_sizes(x, mask), ord](const Node& n,
                                                                                const Tensor& g) {
             return power_backward(reshape(g, kept), x(n), reshape(y(n), kept), ord);
           });
  }
  return out;
}

const bool kBoxed =
    boxed(
        "vector_norm(Tensor x, float ord=2, int[]? dim=None, bool keepdim=False, *, "
        "dtype? dtype=None) -> Tensor",
        vector_norm) &&
    boxed(
        "norm(Tensor input, float? p=2, int[]? dim=None, bool keepdim=False, *, "
        "dtype? dtype=None) -> Tensor",
        +[](const Tensor& x, std::optional<double> p, const Dims& dims, bool keepdim,
            std::optional<DType> dtype) {
          return vector_norm(x, p.value_or(2), dims, keepdim, dtype);
        }) &&
    boxed(
        "norm(Tensor input, str p, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> "
        "Tensor",
        +[](const Tensor& x, const std::string& p, const Dims& dims, bool keepdim,
            std::optional<DType> dtype) {
          IOLAUS_CHECK(p == "fro", "[norm] expected p to be a number or 'fro', got '{}'", p);
          return vector_norm(x, 2, dims, keepdim, dtype);
        });
const bool kRegistered = register_op(
    {"vector_norm", [] {
       std::vector<OpSample> samples;
       for (double ord : {0.5, 1.0, 2.0, 3.5, HUGE_VAL, -HUGE_VAL}) {
         samples.push_back({fmt::format("ord {}", ord),
                            {sample64({3, 4}, 1, 0.5, 2)},
                            [ord](const Tensors& x) { return vector_norm(x[0], ord, {1}); }});
       }
       return samples;
     }});

}  // namespace

Tensor vector_norm(const Tensor& input, double ord, const Dims& dims, bool keepdim,
                   std::optional<DType> dtype) {
  if (autocast::on())
    return autocast::call("vector_norm", vector_norm, input, ord, dims, keepdim, dtype);
  const Tensor x = to(input, dtype.value_or(input.dtype()));
  detail::check_floating("vector_norm", x);
  if (is_short_float(x)) return to(vector_norm(widened(x), ord, dims, keepdim), x.dtype());
  if (ord == 2) return norm(x, dims, keepdim);
  if (ord == 0) return to(sum(ne(x, 0), dims, keepdim), x.dtype());
  if (ord == 1) return sum(abs(x), dims, keepdim);
  if (ord == HUGE_VAL && x.numel() > 0) return amax(abs(x), dims, keepdim);
  if (ord == -HUGE_VAL) return amin(abs(x), dims, keepdim);
  if (ord == HUGE_VAL) return sum(abs(x), dims, keepdim);
  return power_norm(x, ord, dims, keepdim);
}

}  // namespace iolaus
