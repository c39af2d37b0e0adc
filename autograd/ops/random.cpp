// Random tensors and dropout. Every call takes one key from the default generator; the kernel then
// draws element i under it.
#include "autograd/ops/random.h"

#include <limits>

#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/sort.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/call_context.h"
#include "kernels/copy/copy.h"
#include "kernels/dropout/dropout.h"
#include "kernels/random/random_fill.h"

namespace iolaus {
namespace {

void check_floating(const char* op, DType dtype) {
  IOLAUS_CHECK_CODE(is_floating(dtype), ErrorCode::kType, "[{}] expected a floating dtype, got {}",
                    op, dtype_name(dtype));
}

Tensor drawn(RandomOp op, const Dims& sizes, const TensorOptions& options, double a, double b) {
  Tensor out = empty(sizes, options);
  const Tensor target = out.is_contiguous() ? out.detach() : empty(sizes, out.options());
  random_kernels(op)(make_random(op, target, a, b, default_generator().reserve()));
  if (!out.is_contiguous()) copy(target, out);
  return out;
}

// Fills x, of any strides; what x was before has no gradient any more.
template <class Draw> const Tensor& fill_drawn(const char* name, const Tensor& x, Draw&& draw) {
  autograd::check_inplace(name, x);
  autograd::NodePtr node;
  if (needs_grad(x)) {
    node = autograd::make_node(name, edges(x),
                               [](const Node&, const Tensor& g) { return zeros_like(g); });
  }
  const RandomKey key = default_generator().reserve();
  const Tensor dense = x.is_contiguous() ? x : empty(x.sizes(), x.options());
  draw(dense, key);
  if (!dense.is_same(x)) copy(dense, x);
  x.bump_version();
  if (node) autograd::rebase_history(x, std::move(node));
  return x;
}
const Tensor& fill_random(const char* name, RandomOp op, const Tensor& x, double a, double b) {
  return fill_drawn(name, x, [&](const Tensor& dense, const RandomKey& key) {
    random_kernels(op)(make_random(op, dense, a, b, key));
  });
}

// Its own derivative: backward is the same function of the gradient.
Tensor dropout_with_key(const Tensor& x, double p, RandomKey key) {
  Tensor out;  // element by element: x itself is fine
  if (detail::t_destination && detail::t_destination->out->is_contiguous() && x.is_contiguous()) {
    out = detail::claim("dropout", x.sizes(), x.dtype(), x.device());
  }
  if (!out.defined()) out = empty(x.sizes(), x.options());
  dropout_kernels()(make_dropout(out, make_contiguous(x), p, key));
  if (needs_grad(x)) {
    record("dropout", out, edges(x),
           [p, key](const Node&, const Tensor& g) { return dropout_with_key(g, p, key); });
  }
  return out;
}

const bool kRegistered = register_op(
    {"dropout", [] {
       const auto with = [](double p) {
         return [p](const Tensors& x) { return dropout_with_key(x[0], p, PhiloxKey{5, 6}); };
       };
       return std::vector<OpSample>{{"half", {sample64({5, 7}, 1)}, with(0.5)},
                                    {"strided", {sample64({5, 7}, 2, -1, 1, true)}, with(0.2)},
                                    {"all", {sample64({3}, 3)}, with(1)}};
     }});

// Whether all of [low, high) fits the dtype.
void check_range(const char* op, int64_t low, int64_t high, DType dtype) {
  IOLAUS_CHECK(low < high, "[{}] expected low < high, got {} and {}", op, low, high);
  if (is_floating(dtype)) return;
  IOLAUS_CHECK_CODE(dtype != kBool, ErrorCode::kType, "[{}] does not support bool", op);
  visit_dtype(IntegerTypes{}, op, dtype, [&]<class T>() {
    using Limits = std::numeric_limits<T>;
    IOLAUS_CHECK(low >= static_cast<int64_t>(Limits::min()) &&
                     high - 1 <= static_cast<int64_t>(Limits::max()),
                 "[{}] the range [{}, {}) does not fit {}", op, low, high, dtype_name(dtype));
  });
}

const bool kBoxed =
    boxed(
        "rand(int[] size, *, dtype dtype=float32, device device=cpu) -> Tensor",
        +[](const Dims& sizes, DType dtype, Device device) {
          return rand(sizes, {.dtype = dtype, .device = device});
        }) &&
    boxed(
        "randn(int[] size, *, dtype dtype=float32, device device=cpu) -> Tensor",
        +[](const Dims& sizes, DType dtype, Device device) {
          return randn(sizes, {.dtype = dtype, .device = device});
        }) &&
    boxed(
        "randint(int low, int high, int[] size, *, dtype dtype=int64, device device=cpu) -> Tensor",
        +[](int64_t low, int64_t high, const Dims& sizes, DType dtype, Device device) {
          return randint(low, high, sizes, {.dtype = dtype, .device = device});
        }) &&
    boxed(
        "randperm(int n, *, dtype dtype=int64, device device=cpu) -> Tensor",
        +[](int64_t n, DType dtype, Device device) {
          return randperm(n, {.dtype = dtype, .device = device});
        }) &&
    boxed("rand_like(Tensor input) -> Tensor", rand_like) &&
    boxed("randn_like(Tensor input) -> Tensor", randn_like) &&
    boxed("bernoulli(Tensor input) -> Tensor", static_cast<Tensor (*)(const Tensor&)>(bernoulli)) &&
    boxed("multinomial(Tensor input, int num_samples, bool replacement=False) -> Tensor",
          multinomial) &&
    boxed(
        "manual_seed(int seed) -> ()",
        +[](int64_t seed) {
          manual_seed(static_cast<uint64_t>(seed));
          return Tensors();
        }) &&
    boxed("dropout(Tensor input, float p=0.5, bool training=True) -> Tensor", dropout) &&
    boxed("uniform_(Tensor input, float from=0, float to=1) -> Tensor", uniform_) &&
    boxed("normal_(Tensor input, float mean=0, float std=1) -> Tensor", normal_) &&
    boxed("bernoulli_(Tensor input, float p=0.5) -> Tensor", bernoulli_) &&
    boxed("exponential_(Tensor input, float lambd=1) -> Tensor", exponential_) &&
    boxed("random_(Tensor input, int from, int to) -> Tensor", random_) &&
    boxed(
        "random_(Tensor input, int to) -> Tensor",
        +[](const Tensor& x, int64_t to) { return random_(x, 0, to); });

}  // namespace

Tensor rand_like(const Tensor& x) { return uniform_(empty_like(x.detach())); }
Tensor randn_like(const Tensor& x) { return normal_(empty_like(x.detach())); }

Tensor bernoulli(const Tensor& p) {
  check_floating("bernoulli", p.dtype());
  const NoGrad no_grad;
  const Tensor in_range = logical_and(ge(p, 0), le(p, 1));
  IOLAUS_CHECK(all(in_range).item<bool>(), "[bernoulli] expected probabilities in [0, 1]");
  return to(lt(rand(p.sizes(), {.device = p.device()}), p), p.dtype());
}

// The largest of log p + Gumbel noise is a draw from p; the k largest are one without replacement
// (Gumbel 1954; Vieira 2014). With replacement each draw has noise of its own.
Tensor multinomial(const Tensor& weights, int64_t num_samples, bool replacement) {
  check_floating("multinomial", weights.dtype());
  IOLAUS_CHECK(weights.dim() == 1 || weights.dim() == 2,
               "[multinomial] expected weights [C] or [N, C], got {}", weights.describe());
  const int64_t classes = weights.size(-1);
  IOLAUS_CHECK(num_samples > 0 && (replacement || num_samples <= classes),
               "[multinomial] cannot draw {} of {} classes {} replacement", num_samples, classes,
               replacement ? "with" : "without");
  const NoGrad no_grad;
  const Tensor w = to(weights, weights.dtype() == kFloat64 ? kFloat64 : kFloat32);
  IOLAUS_CHECK(
      all(logical_and(ge(w, 0), isfinite(w))).item<bool>() && all(gt(sum(w, {-1}), 0)).item<bool>(),
      "[multinomial] expected finite weights >= 0 that are not all 0");
  Dims sizes = w.sizes();
  if (replacement) sizes.insert(sizes.size() - 1, num_samples);
  const Tensor u = rand(sizes, w.options());
  const Tensor noise = neg(log(neg(log(clamp(u, 1e-30, {})))));
  const Tensor keys = add(log(replacement ? unsqueeze(w, -2) : w), noise);
  if (replacement) return argmax(keys, -1);
  return topk(keys, num_samples).second;
}

Tensor rand(const Dims& sizes, const TensorOptions& options) {
  check_floating("rand", options.dtype);
  return drawn(RandomOp::kUniform, sizes, options, 0, 1);
}

Tensor randn(const Dims& sizes, const TensorOptions& options) {
  check_floating("randn", options.dtype);
  return drawn(RandomOp::kNormal, sizes, options, 0, 1);
}

Tensor randint(int64_t low, int64_t high, const Dims& sizes, TensorOptions options) {
  check_range("randint", low, high, options.dtype);
  Tensor out = empty(sizes, options);
  const Tensor target = out.is_contiguous() ? out.detach() : empty(sizes, out.options());
  random_kernels(RandomOp::kRandint)(
      make_randint(target, low, high, default_generator().reserve()));
  if (!out.is_contiguous()) copy(target, out);
  return out;
}

Tensor randperm(int64_t n, TensorOptions options) {
  IOLAUS_CHECK(n >= 0, "[randperm] expected n >= 0, got {}", n);
  const OpScope scope("randperm");
  const Tensor order = empty({n}, {.dtype = kInt64});
  random_permutation(default_generator().reserve(),
                     {static_cast<int64_t*>(order.raw_data()), static_cast<size_t>(n)});
  const Tensor out = to(order, options.dtype, options.device);
  return options.requires_grad ? out.set_requires_grad() : out;
}

const Tensor& uniform_(const Tensor& x, double low, double high) {
  check_floating("uniform_", x.dtype());
  IOLAUS_CHECK(low <= high, "[uniform_] expected low <= high, got {} and {}", low, high);
  return fill_random("uniform_", RandomOp::kUniform, x, low, high);
}

const Tensor& normal_(const Tensor& x, double mean, double std) {
  check_floating("normal_", x.dtype());
  IOLAUS_CHECK(std >= 0, "[normal_] expected std >= 0, got {}", std);
  return fill_random("normal_", RandomOp::kNormal, x, mean, std);
}

const Tensor& bernoulli_(const Tensor& x, double p) {
  IOLAUS_CHECK(p >= 0 && p <= 1, "[bernoulli_] expected p in [0, 1], got {}", p);
  return fill_random("bernoulli_", RandomOp::kBernoulli, x, p, 0);
}

const Tensor& random_(const Tensor& x, int64_t low, int64_t high) {
  check_range("random_", low, high, x.dtype());
  return fill_drawn("random_", x, [&](const Tensor& dense, const RandomKey& key) {
    random_kernels(RandomOp::kRandint)(make_randint(dense, low, high, key));
  });
}

// By the inverse of its distribution function; in float32 at least, where u stays below 1.
const Tensor& exponential_(const Tensor& x, double rate) {
  check_floating("exponential_", x.dtype());
  IOLAUS_CHECK(rate > 0, "[exponential_] expected a rate > 0, got {}", rate);
  const DType wide = x.dtype() == kFloat64 ? kFloat64 : kFloat32;
  return fill_drawn("exponential_", x, [&](const Tensor& dense, const RandomKey& key) {
    const NoGrad no_grad;
    const Tensor u = dense.dtype() == wide
                         ? dense.detach()
                         : empty(x.sizes(), {.dtype = wide, .device = x.device()});
    random_kernels(RandomOp::kUniform)(make_random(RandomOp::kUniform, u, 0, 1, key));
    mul_(log1p_(neg_(u)), -1 / rate);
    if (u.storage() != dense.storage()) copy(u, dense);
  });
}

Tensor dropout(const Tensor& x, double p, bool training) {
  IOLAUS_CHECK(p >= 0 && p <= 1, "[dropout] expected p in [0, 1], got {}", p);
  if (!training || p == 0) return x;
  check_floating("dropout", x.dtype());
  return dropout_with_key(x, p, default_generator().reserve());
}

}  // namespace iolaus
