// Reductions: the gradient of a sum is the gradient spread over what was summed.
#include "autograd/ops/reduce_common.h"

#include "autograd/autocast.h"
#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/widen.h"
#include "core/views.h"

namespace iolaus {
namespace detail {

uint32_t reduced_mask(const char* op, const Tensor& x, const Dims& dims) {
  if (dims.empty()) return (1u << x.dim()) - 1;
  uint32_t mask = 0;
  for (int64_t dim : dims) {
    const int d = wrap_dim(op, dim, x.dim());
    IOLAUS_CHECK((mask >> d & 1u) == 0, "[{}] dimension {} appears twice in {}", op, d, dims.str());
    mask |= 1u << d;
  }
  return x.dim() == 0 ? 0 : mask;
}

Dims kept_sizes(const Tensor& x, uint32_t mask) {
  Dims sizes = x.sizes();
  for (int d = 0; d < x.dim(); ++d) {
    if (mask >> d & 1u) sizes[d] = 1;
  }
  return sizes;
}

static Dims without(const Dims& sizes, uint32_t mask) {
  Dims rest;
  for (size_t d = 0; d < sizes.size(); ++d) {
    if ((mask >> d & 1u) == 0) rest.push_back(sizes[d]);
  }
  return rest;
}

// With the reduced dimensions back as 1.
static Tensor with_ones(const Tensor& out, const Dims& kept, uint32_t mask) {
  Dims strides;
  size_t next = 0;
  for (size_t d = 0; d < kept.size(); ++d) {
    strides.push_back((mask >> d & 1u) != 0 ? 1 : out.strides()[next++]);
  }
  return make_view(out, kept, strides, out.offset());
}

// Without the reduced dimensions.
static Tensor drop(const Tensor& reduced, uint32_t mask) {
  Dims sizes, strides;
  for (int d = 0; d < reduced.dim(); ++d) {
    if (mask >> d & 1u) continue;
    sizes.push_back(reduced.sizes()[d]);
    strides.push_back(reduced.strides()[d]);
  }
  return make_view(reduced, sizes, strides, reduced.offset());
}

Tensor reduce(ReduceOp op, const Tensor& x, uint32_t mask, bool keepdim, double divisor) {
  const DType dtype = reduce_dtype(op, x.dtype());
  const Dims kept = kept_sizes(x, mask);
  if (t_destination && !overwritten(x)) {
    const Dims sizes = keepdim ? kept : without(kept, mask);
    if (Tensor out = claim("reduce", sizes, dtype, x.device()); out.defined()) {
      const Tensor whole = keepdim ? out : with_ones(out, kept, mask);
      reduce_kernels(op)(make_variance(op, whole, x, mask, divisor));
      return out;
    }
  }
  Tensor out = empty(kept, {.dtype = dtype, .device = x.device()});
  reduce_kernels(op)(make_variance(op, out, x, mask, divisor));
  return keepdim ? out : drop(out, mask);
}

void check_floating(const char* op, const Tensor& x) {
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[{}] expected a floating tensor, got {}; convert it with to()", op,
                    dtype_name(x.dtype()));
}

}  // namespace detail

namespace {

using detail::kept_sizes;
using detail::reduce;
using detail::reduced_mask;

// g, of the reduced shape, with the reduced dimensions back as 1.
Tensor restore(const Tensor& g, const Dims& kept) { return reshape(g, kept); }

const bool kRegistered =
    register_op(
        {"sum",
         [] {
           return std::vector<OpSample>{
               {"all", {sample64({3, 4}, 1)}, [](const Tensors& x) { return sum(x[0]); }},
               {"dims",
                {sample64({3, 4, 2}, 2)},
                [](const Tensors& x) {
                  return sum(x[0], {0, -1});
                }},
               {"keepdim",
                {sample64({3, 4}, 3)},
                [](const Tensors& x) { return sum(x[0], {1}, true); }},
               {"0-dim", {sample64({}, 4)}, [](const Tensors& x) { return sum(x[0], {0}); }},
               {"sum_to", {sample64({2, 3, 4}, 5)}, [](const Tensors& x) {
                  return sum_to(x[0], {3, 1});
                }}};
         }}) &&
    register_op(
        {"mean", [] {
           return std::vector<OpSample>{
               {"all", {sample64({3, 4}, 1)}, [](const Tensors& x) { return mean(x[0]); }},
               {"dim", {sample64({3, 4}, 2)}, [](const Tensors& x) { return mean(x[0], {-1}); }}};
         }});

const bool kBoxed =
    boxed("sum(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
          sum) &&
    boxed("mean(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
          mean) &&
    boxed("count_nonzero(Tensor input, int[]? dim=None) -> Tensor", count_nonzero) &&
    boxed(
        "nansum(Tensor input, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> "
        "Tensor",
        nansum) &&
    boxed("logsumexp(Tensor input, int[] dim, bool keepdim=False) -> Tensor", logsumexp);
const bool kLogsumexp = register_op(
    {"logsumexp", [] {
       return std::vector<OpSample>{
           {"row", {sample64({3, 4}, 1)}, [](const Tensors& x) { return logsumexp(x[0], {1}); }},
           {"all", {sample64({3, 4}, 2)}, [](const Tensors& x) {
              return logsumexp(x[0], {0, 1}, true);
            }}};
     }});

}  // namespace

Tensor sum(const Tensor& input, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  if (autocast::on()) return autocast::call("sum", sum, input, dims, keepdim, dtype);
  const Tensor x = to(input, dtype.value_or(input.dtype()));
  const uint32_t mask = reduced_mask("sum", x, dims);
  Tensor out = reduce(ReduceOp::kSum, x, mask, keepdim);
  if (needs_grad(x)) {
    record("sum", out, edges(x),
           [sizes = x.sizes(), kept = kept_sizes(x, mask)](const Node&, const Tensor& g) {
             return expand(restore(g, kept), sizes);
           });
  }
  return out;
}

Tensor mean(const Tensor& input, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  const Tensor x = to(input, dtype.value_or(input.dtype()));
  detail::check_floating("mean", x);
  const uint32_t mask = reduced_mask("mean", x, dims);
  Tensor out = reduce(ReduceOp::kMean, x, mask, keepdim);
  if (needs_grad(x)) {
    const double count = static_cast<double>(x.numel()) / static_cast<double>(out.numel());
    record("mean", out, edges(x),
           [count, sizes = x.sizes(), kept = kept_sizes(x, mask)](const Node&, const Tensor& g) {
             return expand(restore(mul(g, 1 / count), kept), sizes);
           });
  }
  return out;
}

Tensor count_nonzero(const Tensor& x, const Dims& dims) {
  const NoGrad no_grad;
  return sum(ne(x, 0), dims);
}

Tensor nansum(const Tensor& x, const Dims& dims, bool keepdim, std::optional<DType> dtype) {
  return sum(is_floating(x.dtype()) ? where(isnan(x), 0, x) : x, dims, keepdim, dtype);
}

Tensor logsumexp(const Tensor& input, const Dims& dims, bool keepdim) {
  if (autocast::on()) return autocast::call("logsumexp", logsumexp, input, dims, keepdim);
  const Tensor x = is_floating(input.dtype()) ? input : to(input, kFloat32);
  if (is_short_float(x)) return to(logsumexp(widened(x), dims, keepdim), x.dtype());
  if (x.numel() == 0) return log(sum(exp(x), dims, keepdim));
  // The largest element is taken out, unless it is infinite.
  const Tensor most = amax(x.detach(), dims, true);
  const Tensor safe = where(isfinite(most), most, 0);
  const Tensor log_sum = log(sum(exp(sub(x, safe)), dims, keepdim));
  return add(log_sum, reshape(safe, log_sum.sizes()));
}

Tensor sum_to(const Tensor& x, const Dims& sizes) {
  if (x.sizes() == sizes) return x;
  const int64_t added = x.dim() - sizes.rank();
  IOLAUS_CHECK(added >= 0, "[sum_to] shape {} does not come from {}", x.sizes().str(), sizes.str());
  Dims dims;
  for (int64_t d = 0; d < x.dim(); ++d) {
    if (d < added || (sizes[d - added] == 1 && x.sizes()[d] != 1)) dims.push_back(d);
  }
  return reshape(dims.empty() ? x : sum(x, dims, true), sizes);
}

}  // namespace iolaus
