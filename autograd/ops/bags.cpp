// embedding_bag: sums, means or maxima of groups of a table's rows; and ctc_loss, a sum over all
// alignments by dynamic programming, one step in time after the other.
#include <limits>

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/bags.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/embedding.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/sets.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/ops/widen.h"
#include "autograd/record.h"

namespace iolaus {
namespace {

Tensor bag_of_each(const Tensor& offsets, int64_t count) {
  const Tensor places = arange(count, kInt64, offsets.device());
  return sub(searchsorted(to(offsets, kInt64), places, true), 1);
}

const bool kBoxed =
    boxed(
        "embedding_bag(Tensor input, Tensor weight, Tensor? offsets=None, float? max_norm=None, "
        "float norm_type=2.0, bool scale_grad_by_freq=False, str mode='mean', bool sparse=False, "
        "Tensor? per_sample_weights=None, bool include_last_offset=False, int? padding_idx=None) "
        "-> Tensor",
        +[](const Tensor& indices, const Tensor& weight, const Tensor& offsets,
            std::optional<double> max_norm, double, bool scale, const std::string& mode, bool,
            const Tensor& factors, bool last, std::optional<int64_t> padding_idx) {
          IOLAUS_CHECK_CODE(!max_norm && !scale, ErrorCode::kUnsupported,
                            "[embedding_bag] max_norm and scale_grad_by_freq are not supported");
          return embedding_bag(indices, weight, offsets, {mode, factors, last, padding_idx});
        }) &&
    boxed(
        "ctc_loss(Tensor log_probs, Tensor targets, Tensor input_lengths, Tensor target_lengths, "
        "int blank=0, str reduction='mean', bool zero_infinity=False) -> Tensor",
        +[](const Tensor& x, const Tensor& targets, const Tensor& input_lengths,
            const Tensor& target_lengths, int64_t blank, const std::string& reduction,
            bool zero_infinity) {
          return ctc_loss(x, targets, input_lengths.to_vector<int64_t>(),
                          target_lengths.to_vector<int64_t>(), blank,
                          parse_reduction("ctc_loss", reduction), zero_infinity);
        }) &&
    boxed(
        "ctc_loss(Tensor log_probs, Tensor targets, int[] input_lengths, int[] target_lengths, "
        "int blank=0, str reduction='mean', bool zero_infinity=False) -> Tensor",
        +[](const Tensor& x, const Tensor& targets, const Ints& input_lengths,
            const Ints& target_lengths, int64_t blank, const std::string& reduction,
            bool zero_infinity) {
          return ctc_loss(x, targets, input_lengths, target_lengths, blank,
                          parse_reduction("ctc_loss", reduction), zero_infinity);
        });

const bool kSamples =
    register_op({"embedding_bag",
                 [] {
                   std::vector<OpSample> samples;
                   const Tensor indices = from_values<int64_t>({0, 2, 1, 2, 3}, {5});
                   const Tensor offsets = from_values<int64_t>({0, 2, 2}, {3});
                   for (const char* mode : {"sum", "mean", "max"}) {
                     samples.push_back({mode, {sample64({4, 3}, 1)}, [=](const Tensors& x) {
                                          const Device d = x[0].device();
                                          return embedding_bag(to(indices, d), x[0], to(offsets, d),
                                                               {mode});
                                        }});
                   }
                   return samples;
                 }}) &&
    register_op({"ctc_loss", [] {
                   const Tensor targets = from_values<int64_t>({1, 2, 2, 2, 1, 1}, {2, 3});
                   return std::vector<OpSample>{
                       {"mean", {sample64({6, 2, 3}, 1, -3, 0)}, [=](const Tensors& x) {
                          return ctc_loss(x[0], to(targets, x[0].device()), {6, 5}, {3, 2});
                        }}};
                 }});

}  // namespace

Tensor embedding_bag(const Tensor& input, const Tensor& weight, const Tensor& offsets,
                     const EmbeddingBagOptions& o) {
  IOLAUS_CHECK(input.dim() == 1 || input.dim() == 2,
               "[embedding_bag] expected indices of one or two dimensions, got {}",
               input.describe());
  IOLAUS_CHECK(input.dim() == 1 ? offsets.defined() && offsets.dim() == 1 : !offsets.defined(),
               "[embedding_bag] offsets go with a vector of indices, and only with one");
  IOLAUS_CHECK(o.mode == "sum" || o.mode == "mean" || o.mode == "max",
               "[embedding_bag] expected mode sum, mean or max, got '{}'", o.mode);
  IOLAUS_CHECK(!o.per_sample_weights.defined() || o.mode == "sum",
               "[embedding_bag] per_sample_weights go with mode 'sum', not '{}'", o.mode);
  if (is_short_float(weight)) {
    EmbeddingBagOptions wide = o;
    wide.per_sample_weights = widened(o.per_sample_weights);
    return to(embedding_bag(input, widened(weight), offsets, wide), weight.dtype());
  }
  const Tensor indices = reshape(to(input, kInt64), {-1});
  const int64_t count = indices.numel();
  const int64_t bags = input.dim() == 2        ? input.sizes()[0]
                       : o.include_last_offset ? offsets.numel() - 1
                                               : offsets.numel();
  const int64_t width = weight.size(-1);
  const Tensor starts =
      input.dim() == 2 ? mul(arange(bags, kInt64, input.device()), input.sizes()[1]) : offsets;
  const Tensor bag = bag_of_each(narrow(starts, 0, 0, bags), count);
  const int64_t rows_count = weight.sizes()[0];
  int64_t padding = o.padding_idx.value_or(-1);
  if (o.padding_idx && padding < 0) padding += rows_count;
  Tensor rows = embedding(weight, indices, padding);
  Tensor counted = ones({count}, weight.options());
  if (o.padding_idx) {
    const Tensor kept = ne(indices, padding);
    counted = to(kept, weight.dtype());
    if (o.mode != "max") rows = mul(rows, unsqueeze(counted, 1));
    if (o.mode == "max")
      rows = where(unsqueeze(kept, 1), rows, -std::numeric_limits<double>::infinity());
  }
  if (o.per_sample_weights.defined()) rows = mul(rows, reshape(o.per_sample_weights, {-1, 1}));
  const Tensor empty_bags = zeros({bags, width}, weight.options());
  if (o.mode == "max") {
    const Tensor places = expand(unsqueeze(bag, 1), {count, width});
    const Tensor found = scatter_reduce(empty_bags, 0, places, rows, "amax", false);
    return where(isinf(found.detach()), 0, found);
  }
  const Tensor sums = index_add(empty_bags, 0, bag, rows);
  if (o.mode == "sum") return sums;
  const Tensor sizes = index_add(zeros({bags}, weight.options()), 0, bag, counted);
  return div(sums, unsqueeze(clamp(sizes, 1, {}), 1));
}

// alpha_t(s): the logarithm of the probability of all ways to have read the first s symbols of the
// target with blanks between, after t + 1 steps. (Graves et al. 2006)
Tensor ctc_loss(const Tensor& input, const Tensor& targets,
                const std::vector<int64_t>& input_lengths,
                const std::vector<int64_t>& target_lengths, int64_t blank, Reduction reduction,
                bool zero_infinity) {
  if (autocast::on())
    return autocast::call("ctc_loss", ctc_loss, input, targets, input_lengths, target_lengths,
                          blank, reduction, zero_infinity);
  const Tensor x = input.dim() == 2 ? unsqueeze(input, 1) : input;
  IOLAUS_CHECK(x.dim() == 3 && is_floating(x.dtype()),
               "[ctc_loss] expected log-probabilities (T, N, C) or (T, C), got {}",
               input.describe());
  const int64_t steps = x.sizes()[0], batch = x.sizes()[1], classes = x.sizes()[2];
  IOLAUS_CHECK(static_cast<int64_t>(input_lengths.size()) == batch &&
                   static_cast<int64_t>(target_lengths.size()) == batch && blank >= 0 &&
                   blank < classes,
               "[ctc_loss] expected {} lengths each and a blank in [0, {}), got {}, {} and {}",
               batch, classes, input_lengths.size(), target_lengths.size(), blank);
  const auto labels = targets.to_vector<int64_t>();
  const int64_t stride = targets.dim() == 2 ? targets.sizes()[1] : 0;
  constexpr double kNever = -std::numeric_limits<double>::infinity();
  Tensors losses;
  int64_t start = 0;
  for (int64_t n = 0; n < batch; ++n) {
    const auto i = static_cast<size_t>(n);
    const int64_t length = target_lengths[i], time = input_lengths[i];
    if (stride > 0) start = n * stride;
    IOLAUS_CHECK(time >= 0 && time <= steps && length >= 0 &&
                     start + length <= static_cast<int64_t>(labels.size()),
                 "[ctc_loss] lengths {} and {} of sample {} do not fit {} and {}", time, length, n,
                 input.describe(), targets.describe());
    const int64_t states = 2 * length + 1;
    std::vector<int64_t> symbols(static_cast<size_t>(states), blank);
    std::vector<uint8_t> may_skip(static_cast<size_t>(states), 0);
    for (int64_t k = 0; k < length; ++k) {
      const int64_t label = labels[static_cast<size_t>(start + k)];
      IOLAUS_CHECK_CODE(label >= 0 && label < classes, ErrorCode::kIndex,
                        "[ctc_loss] expected labels in [0, {}), got {}", classes, label);
      const auto at = static_cast<size_t>(2 * k + 1);
      symbols[at] = label;
      may_skip[at] = k > 0 && symbols[at - 2] != label;
    }
    start += length;
    if (time == 0) {
      losses.push_back(scalar_tensor(length == 0 ? 0 : -kNever, x.options()));
      continue;
    }
    const Tensor order = to(from_values(symbols, {states}), x.device());
    const Tensor skip = to(to(from_values(may_skip, {states}), kBool), x.device());
    const Tensor scores = index_select(narrow(select(x, 1, n), 0, 0, time), 1, order);  // (t, s)
    const Tensor first = lt(arange(states, kInt64, x.device()), 2);
    Tensor alpha = where(first, select(scores, 0, 0), kNever);
    for (int64_t t = 1; t < time; ++t) {
      const Tensor padded = pad(alpha, {2, 0}, "constant", kNever);
      const Tensor before = narrow(padded, 0, 1, states);
      const Tensor skipped = where(skip, narrow(padded, 0, 0, states), kNever);
      // Where all three are -inf, so is the sum, and no gradient comes from it.
      const Tensor three = stack({alpha, before, skipped});
      const Tensor most = amax(three.detach(), {0});
      const Tensor safe = where(isinf(most), 0, most);
      const Tensor total = sum(exp(sub(three, safe)), {0});
      const Tensor none = eq(total.detach(), 0);
      alpha = add(where(none, kNever, add(log(where(none, 1, total)), safe)), select(scores, 0, t));
    }
    const Tensor ends =
        narrow(alpha, 0, std::max<int64_t>(states - 2, 0), std::min<int64_t>(states, 2));
    const Tensor loss = neg(logsumexp(ends, {0}));
    losses.push_back(loss);
  }
  Tensor all = stack(losses);
  if (zero_infinity) all = where(isinf(all.detach()), 0, all);
  if (reduction == Reduction::kNone) return input.dim() == 2 ? reshape(all, {}) : all;
  if (reduction == Reduction::kSum) return sum(all);
  std::vector<double> divisors;
  for (int64_t length : target_lengths)
    divisors.push_back(static_cast<double>(std::max<int64_t>(length, 1)));
  return mean(div(all, to(from_values(divisors, {batch}), x.dtype(), x.device())));
}

}  // namespace iolaus
