// amax, amin, argmax, argmin, any, all. The gradient of an extreme value goes to the elements that
// are equal to it, in equal shares.
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/create.h"
#include "autograd/ops/reduce_common.h"

namespace iolaus {
namespace {

using detail::kept_sizes;
using detail::reduce;
using detail::reduced_mask;

void check_not_empty(const char* op, const Tensor& x, uint32_t mask) {
  for (int d = 0; d < x.dim(); ++d) {
    IOLAUS_CHECK((mask >> d & 1u) == 0 || x.sizes()[d] > 0,
                 "[{}] expected at least one element along dimension {}, got shape {}", op, d,
                 x.sizes().str());
  }
}

Tensor extreme(const char* name, ReduceOp op, const Tensor& x, const Dims& dims, bool keepdim) {
  const uint32_t mask = reduced_mask(name, x, dims);
  check_not_empty(name, x, mask);
  Tensor out = reduce(op, x, mask, keepdim);
  if (needs_grad(x)) {
    record(name, out, edges(x),
           [x = save(x), y = save_output(out), mask, kept = kept_sizes(x, mask)](const Node& n,
                                                                                 const Tensor& g) {
             const Tensor input = x(n), grad = reshape(g, kept);
             const Tensor hits =
                 to(eq(input.detach(), reshape(y(n).detach(), kept)), input.dtype());
             const Tensor count = reduce(ReduceOp::kSum, hits, mask, true);
             return mul(hits, div(grad, count));
           });
  }
  return out;
}

Tensor arg(const char* name, ReduceOp op, const Tensor& x, const Dims& dims, bool keepdim) {
  const uint32_t mask = reduced_mask(name, x, dims);
  check_not_empty(name, x, mask);
  return reduce(op, x, mask, keepdim);
}

using Extreme = Tensor (*)(const Tensor&, const Dims&, bool);
std::vector<OpSample> samples(Extreme fn) {
  const auto over = [fn](Dims dims, bool keepdim) {
    return [fn, dims, keepdim](const Tensors& x) { return fn(x[0], dims, keepdim); };
  };
  return {{"all", {sample64({3, 4}, 1)}, over({}, false)},
          {"dims", {sample64({3, 4, 2}, 2)}, over({0, -1}, false)},
          {"keepdim", {sample64({3, 4}, 3)}, over({1}, true)},
          {"0-dim", {sample64({}, 4)}, over({}, false)}};
}
const bool kRegistered = register_op({"amax", [] { return samples(amax); }}) &&
                         register_op({"amin", [] { return samples(amin); }});

// Where index is along dim, so that a gradient can be put there without a scatter.
Tensor is_at(const Tensor& index, int64_t dim, const Dims& sizes) {
  Dims shape = Dims::filled(sizes.size(), 1);
  shape[static_cast<size_t>(dim)] = sizes[static_cast<size_t>(dim)];
  return eq(reshape(arange(shape[static_cast<size_t>(dim)], kInt64, index.device()), shape), index);
}

std::pair<Tensor, Tensor> extreme_along(const char* name, ReduceOp op, ReduceOp arg_op,
                                        const Tensor& x, int64_t dim, bool keepdim) {
  const uint32_t mask = reduced_mask(name, x, {dim});
  check_not_empty(name, x, mask);
  const int d = wrap_dim(name, dim, x.dim());
  Tensor values = reduce(op, x, mask, keepdim), indices = reduce(arg_op, x, mask, keepdim);
  if (needs_grad(x)) {
    record(
        name, values, edges(x),
        [indices, d, sizes = x.sizes(), kept = kept_sizes(x, mask)](const Node&, const Tensor& g) {
          const Tensor grad = reshape(g, kept);
          if (sizes.empty()) return grad;
          return where(is_at(reshape(indices, kept), d, sizes), grad, 0);
        });
  }
  return {values, indices};
}

using Pair = std::pair<Tensor, Tensor>;
const bool kBoxed =
    boxed("amax(Tensor input, int[] dim=[], bool keepdim=False) -> Tensor", amax) &&
    boxed("amin(Tensor input, int[] dim=[], bool keepdim=False) -> Tensor", amin) &&
    boxed("any(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", any) &&
    boxed("all(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor", all) &&
    boxed(
        "max(Tensor input) -> Tensor", +[](const Tensor& x) { return amax(x); }) &&
    boxed("max(Tensor input, int dim, bool keepdim=False) -> (Tensor, Tensor)", max) &&
    boxed("max(Tensor input, Tensor other) -> Tensor", maximum) &&
    boxed(
        "min(Tensor input) -> Tensor", +[](const Tensor& x) { return amin(x); }) &&
    boxed("min(Tensor input, int dim, bool keepdim=False) -> (Tensor, Tensor)", min) &&
    boxed("min(Tensor input, Tensor other) -> Tensor", minimum) &&
    boxed(
        "argmax(Tensor input, int? dim=None, bool keepdim=False) -> Tensor",
        +[](const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
          return arg("argmax", ReduceOp::kArgmax, x, dim ? Dims{*dim} : Dims(), keepdim);
        }) &&
    boxed(
        "argmin(Tensor input, int? dim=None, bool keepdim=False) -> Tensor",
        +[](const Tensor& x, std::optional<int64_t> dim, bool keepdim) {
          return arg("argmin", ReduceOp::kArgmin, x, dim ? Dims{*dim} : Dims(), keepdim);
        });
std::vector<OpSample> along_samples(Pair (*fn)(const Tensor&, int64_t, bool)) {
  const auto along = [fn](int64_t dim, bool keepdim) {
    return [fn, dim, keepdim](const Tensors& x) { return fn(x[0], dim, keepdim).first; };
  };
  return {{"rows", {sample64({3, 4}, 1)}, along(1, false)},
          {"columns", {sample64({3, 4}, 2)}, along(0, true)},
          {"0-dim", {sample64({}, 3)}, along(0, false)}};
}
const bool kAlong = register_op({"max", [] { return along_samples(max); }}) &&
                    register_op({"min", [] { return along_samples(min); }});

}  // namespace

std::pair<Tensor, Tensor> max(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_along("max", ReduceOp::kAmax, ReduceOp::kArgmax, x, dim, keepdim);
}
std::pair<Tensor, Tensor> min(const Tensor& x, int64_t dim, bool keepdim) {
  return extreme_along("min", ReduceOp::kAmin, ReduceOp::kArgmin, x, dim, keepdim);
}
Tensor amax(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme("amax", ReduceOp::kAmax, x, dims, keepdim);
}
Tensor amin(const Tensor& x, const Dims& dims, bool keepdim) {
  return extreme("amin", ReduceOp::kAmin, x, dims, keepdim);
}
Tensor any(const Tensor& x, const Dims& dims, bool keepdim) {
  return reduce(ReduceOp::kAny, x, reduced_mask("any", x, dims), keepdim);
}
Tensor all(const Tensor& x, const Dims& dims, bool keepdim) {
  return reduce(ReduceOp::kAll, x, reduced_mask("all", x, dims), keepdim);
}
Tensor argmax(const Tensor& x) { return arg("argmax", ReduceOp::kArgmax, x, {}, false); }
Tensor argmax(const Tensor& x, int64_t dim, bool keepdim) {
  return arg("argmax", ReduceOp::kArgmax, x, {dim}, keepdim);
}
Tensor argmin(const Tensor& x) { return arg("argmin", ReduceOp::kArgmin, x, {}, false); }
Tensor argmin(const Tensor& x, int64_t dim, bool keepdim) {
  return arg("argmin", ReduceOp::kArgmin, x, {dim}, keepdim);
}

}  // namespace iolaus
