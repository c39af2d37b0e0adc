// Losses. Cross entropy of class indices is one kernel forward and one backward; where the gradient
// of the gradient is wanted, and for targets that are probabilities, the formula in differentiable
// ops.
#include "autograd/ops/loss.h"

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/softmax.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/views.h"
#include "kernels/copy/copy.h"

namespace iolaus {
namespace {

// x as (rows, C, inner), and the target's shape.
struct Problem {
  int64_t rows = 1, classes = 1, inner = 1;
  Dims target_sizes;
};

Problem problem_of(const char* op, const Tensor& x) {
  IOLAUS_CHECK(x.dim() >= 1, "[{}] expected input [C] or [N, C, ...], got {}", op, x.sizes().str());
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[{}] expected a floating input, got {}", op, x.describe());
  Problem p;
  const int class_dim = x.dim() == 1 ? 0 : 1;
  p.classes = x.sizes()[static_cast<size_t>(class_dim)];
  if (class_dim == 1) p.rows = x.sizes()[0];
  for (int d = class_dim + 1; d < x.dim(); ++d) p.inner *= x.sizes()[static_cast<size_t>(d)];
  p.target_sizes = x.sizes();
  p.target_sizes.erase(static_cast<size_t>(class_dim));
  return p;
}

void check_weight(const char* op, const Tensor& x, const Tensor& weight, int64_t classes) {
  if (!weight.defined()) return;
  IOLAUS_CHECK(weight.dim() == 1 && weight.sizes()[0] == classes && weight.dtype() == x.dtype() &&
                   weight.device() == x.device(),
               "[{}] expected weight {}[{}] on {}, got {}", op, dtype_name(x.dtype()), classes,
               x.device().str(), weight.describe());
}

// What the kernels need, kept alive together.
struct Saved {
  autograd::SavedTensor x, target, weight;
  Tensor lse, total_weight;
  CrossEntropy args;  // without addresses
};

// The gradient by the kernel.
Tensor backward_kernel(const Saved& s, const Tensor& x, const Tensor& target, const Tensor& weight,
                       const Tensor& g) {
  Tensor dx = empty(x.sizes(), x.options());
  const Tensor dense_g = make_contiguous(g);
  CrossEntropy args = s.args;
  args.backward = true;
  args.x = x.raw_data();
  args.target = static_cast<const int64_t*>(target.raw_data());
  args.weight = weight.defined() ? weight.raw_data() : nullptr;
  args.lse = s.lse.raw_data();
  args.total_weight = s.total_weight.raw_data();
  args.g = dense_g.raw_data();
  args.dx = dx.raw_data();
  cross_entropy_backward_kernels()(args);
  return dx;
}

// The same in differentiable ops: the formula of kernels/cross_entropy/cross_entropy.h.
Tensor backward_formula(const Saved& s, const Tensor& x, const Tensor& target, const Tensor& weight,
                        const Tensor& g) {
  const CrossEntropy& a = s.args;
  const Dims column{1, a.classes, 1}, row{a.rows, 1, a.inner};
  const Tensor logits = reshape(x, {a.rows, a.classes, a.inner});
  const Tensor index = views::view(target, row);
  std::vector<int64_t> numbers(static_cast<size_t>(a.classes));
  for (int64_t c = 0; c < a.classes; ++c) numbers[static_cast<size_t>(c)] = c;
  const Tensor classes = to(from_values(numbers, column), x.device());
  const Tensor w = weight.defined() ? reshape(weight.detach(), column) : ones(column, x.options());
  const Tensor hit = mul(to(eq(index, classes), x.dtype()), w);  // w_t in the target's place
  const Tensor counts = ne(index, a.ignore_index);
  const double smooth = a.smoothing / static_cast<double>(a.classes);
  Tensor scale = mul(sum(hit, {1}, true), 1 - a.smoothing);
  Tensor rest = mul(hit, 1 - a.smoothing);
  if (smooth != 0) {
    scale = add(scale, mul(sum(w), smooth));
    rest = add(rest, mul(w, smooth));
  }
  Tensor dx = a.log_probabilities ? neg(rest) : sub(mul(softmax(logits, 1), scale), rest);
  Tensor h = g;
  if (a.reduction_kind == Reduction::kMean) h = div(g, to(s.total_weight, g.dtype()));
  if (a.reduction_kind == Reduction::kNone) h = reshape(g, row);
  dx = where(counts, mul(dx, h), scalar_tensor(0, x.options()));
  return reshape(dx, x.sizes());
}

Tensor run(const char* op, const Tensor& input, const Tensor& target_input,
           const CrossEntropyOptions& options, bool log_probabilities) {
  const Problem p = problem_of(op, input);
  check_weight(op, input, options.weight, p.classes);
  IOLAUS_CHECK(target_input.sizes() == p.target_sizes && target_input.device() == input.device(),
               "[{}] expected targets of shape {} on {} for input {}, got {}", op,
               p.target_sizes.str(), input.device().str(), input.sizes().str(),
               target_input.describe());
  IOLAUS_CHECK_CODE(is_integral(target_input.dtype()), ErrorCode::kType,
                    "[{}] expected integer class indices, got {}", op, target_input.describe());
  IOLAUS_CHECK(p.classes > 0, "[{}] expected at least one class, got input {}", op,
               input.sizes().str());
  const Tensor x = contiguous(input), target = make_contiguous(to(target_input, kInt64));
  const Tensor weight = options.weight.defined() ? make_contiguous(options.weight) : Tensor();
  const TensorOptions stat{.dtype = cross_entropy_stat_dtype(x.dtype()), .device = x.device()};
  const Tensor lse = empty(p.target_sizes, stat), total = empty({}, stat);
  Tensor loss = empty(options.reduction == Reduction::kNone ? p.target_sizes : Dims(), x.options());
  CrossEntropy args;
  args.rows = p.rows;
  args.classes = p.classes;
  args.inner = p.inner;
  args.reduction_kind = options.reduction;
  args.log_probabilities = log_probabilities;
  args.smoothing = options.label_smoothing;
  args.ignore_index = options.ignore_index;
  args.element = args.compute = x.dtype();
  args.target_device = x.device();
  const CrossEntropy plain = args;
  args.x = x.raw_data();
  args.target = static_cast<const int64_t*>(target.raw_data());
  args.weight = weight.defined() ? weight.raw_data() : nullptr;
  args.loss = loss.raw_data();
  args.lse = lse.raw_data();
  args.total_weight = total.raw_data();
  cross_entropy_kernels()(args);
  if (needs_grad(x)) {
    record(op, loss, edges(x),
           [s = Saved{save(x), save(target), save(weight), lse, total, plain}](const Node& n,
                                                                               const Tensor& g) {
             const Tensor w = s.weight.defined() ? s.weight(n) : Tensor();
             return grad_enabled() ? backward_formula(s, s.x(n), s.target(n), w, g)
                                   : backward_kernel(s, s.x(n), s.target(n), w, g);
           });
  }
  return loss;
}

// Targets that are probabilities, of the input's shape: -sum_c w_c q_c log p_c a row.
Tensor with_probabilities(const Tensor& x, const Tensor& target,
                          const CrossEntropyOptions& options) {
  const Problem p = problem_of("cross_entropy", x);
  check_weight("cross_entropy", x, options.weight, p.classes);
  IOLAUS_CHECK(target.dtype() == x.dtype() && target.device() == x.device(),
               "[cross_entropy] expected probabilities of the input's kind, {}, got {}",
               x.describe(), target.describe());
  const int64_t dim = x.dim() == 1 ? 0 : 1;
  const double s = options.label_smoothing;
  Tensor q = target;
  if (s != 0) q = add(mul(q, 1 - s), s / static_cast<double>(p.classes));
  if (options.weight.defined()) {
    Dims column = Dims::filled(static_cast<size_t>(x.dim()), 1);
    column[static_cast<size_t>(dim)] = p.classes;
    q = mul(q, reshape(options.weight, column));
  }
  const Tensor loss = neg(sum(mul(log_softmax(x, dim), q), {dim}));
  if (options.reduction == Reduction::kNone) return loss;
  const Tensor total = sum(loss);
  if (options.reduction == Reduction::kSum) return total;
  return div(total, static_cast<double>(p.rows * p.inner));
}

}  // namespace

Tensor cross_entropy(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options) {
  if (autocast::on()) return autocast::call("cross_entropy", cross_entropy, x, target, options);
  IOLAUS_CHECK(options.label_smoothing >= 0 && options.label_smoothing <= 1,
               "[cross_entropy] expected label_smoothing in [0, 1], got {}",
               options.label_smoothing);
  if (is_floating(target.dtype()) && target.sizes() == x.sizes()) {
    return with_probabilities(x, target, options);
  }
  return run("cross_entropy", x, target, options, false);
}

Tensor nll_loss(const Tensor& x, const Tensor& target, const CrossEntropyOptions& options) {
  if (autocast::on()) return autocast::call("nll_loss", nll_loss, x, target, options);
  IOLAUS_CHECK(options.label_smoothing == 0, "[nll_loss] has no label smoothing; got {}",
               options.label_smoothing);
  return run("nll_loss", x, target, options, true);
}

namespace {

std::vector<OpSample> class_samples(Tensor (*fn)(const Tensor&, const Tensor&,
                                                 const CrossEntropyOptions&),
                                    bool smoothing) {
  const Tensor row = from_values<int64_t>({2, 0, -100, 1}, {4});
  const Tensor map = from_values<int64_t>({2, 0, 1, 1, 0, 2}, {2, 3});
  const Tensor one = from_values<int64_t>({1}, {});
  const Tensor weight = from_values<double>({0.5, 2, 1.25}, {3});
  std::vector<OpSample> samples;
  const auto add_sample = [&](const char* what, const Dims& sizes, const Tensor& target,
                              const CrossEntropyOptions& options) {
    samples.push_back({what, {sample64(sizes, samples.size() + 1, -2, 2)}, [=](const Tensors& x) {
                         CrossEntropyOptions o = options;
                         if (o.weight.defined())
                           o.weight = to(o.weight, x[0].dtype(), x[0].device());
                         return fn(x[0], to(target, x[0].device()), o);
                       }});
  };
  const double s = smoothing ? 0.1 : 0;
  add_sample("rows, one ignored", {4, 3}, row, {});
  add_sample("sum", {4, 3}, row, {.reduction = Reduction::kSum});
  add_sample("none", {4, 3}, row, {.reduction = Reduction::kNone, .label_smoothing = s});
  add_sample("weight", {4, 3}, row, {.weight = weight, .label_smoothing = s});
  add_sample("map", {2, 3, 3}, map, {.weight = weight, .ignore_index = 1});
  add_sample("one row", {3}, one, {.label_smoothing = s});
  return samples;
}

const bool kCrossEntropy = register_op(
    {"cross_entropy", [] {
       std::vector<OpSample> samples = class_samples(cross_entropy, true);
       const Tensor weight = from_values<double>({0.5, 2, 1.25}, {3});
       samples.push_back({"probabilities",
                          {sample64({4, 3}, 20), sample64({4, 3}, 21, 0, 1)},
                          [weight](const Tensors& x) {
                            return cross_entropy(x[0], x[1],
                                                 {.weight = to(weight, x[0].dtype(), x[0].device()),
                                                  .label_smoothing = 0.2});
                          }});
       return samples;
     }});
const bool kNllLoss = register_op({"nll_loss", [] { return class_samples(nll_loss, false); }});
const bool kBoxed =
    boxed(
        "cross_entropy(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, "
        "int ignore_index=-100, bool? reduce=None, str reduction='mean', "
        "float label_smoothing=0.0) -> Tensor",
        +[](const Tensor& x, const Tensor& target, const Tensor& weight, std::optional<bool>,
            int64_t ignore_index, std::optional<bool>, const std::string& reduction,
            double label_smoothing) {
          return cross_entropy(
              x, target,
              {weight, parse_reduction("cross_entropy", reduction), ignore_index, label_smoothing});
        }) &&
    boxed(
        "nll_loss(Tensor input, Tensor target, Tensor? weight=None, bool? size_average=None, "
        "int ignore_index=-100, bool? reduce=None, str reduction='mean') -> Tensor",
        +[](const Tensor& x, const Tensor& target, const Tensor& weight, std::optional<bool>,
            int64_t ignore_index, std::optional<bool>, const std::string& reduction) {
          return nll_loss(x, target,
                          {weight, parse_reduction("nll_loss", reduction), ignore_index});
        });

}  // namespace

}  // namespace iolaus
