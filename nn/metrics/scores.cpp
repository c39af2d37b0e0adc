// Counting positives and negatives of classes, and the scores that are made of them.
#include "nn/metrics/scores.h"

#include "autograd/grad_mode.h"

namespace iolaus::nn {
namespace {

// (N, C, ...) as (N ..., C), and (N, ...) as (N ...).
Tensor rows_of(const Tensor& x) {
  return x.dim() == 2 ? x : reshape(movedim(x, {1}, {-1}), {-1, x.size(1)});
}

// The class of each row: the target where it is among the k largest, else the largest.
Tensor predicted(const Tensor& rows, const Tensor& target, int64_t k) {
  if (k == 1) return argmax(rows, 1);
  const Tensor best = topk(rows, k, 1).second;
  const Tensor found = any(eq(best, unsqueeze(target, 1)), {1});
  return where(found, target, select(best, 1, 0));
}

// How often each class appears in labels, by weight (0 or 1).
Tensor class_counts(const Tensor& labels, const Tensor& weight, int64_t classes) {
  return index_add(zeros({classes}, {.dtype = kInt64, .device = labels.device()}), 0, labels,
                   weight);
}

}  // namespace

StatScores::StatScores(const ScoreOptions& options) : options_(options) {
  IOLAUS_CHECK(options.top_k > 0, "[StatScores] expected top_k > 0, got {}", options.top_k);
}

void StatScores::update(const Tensor& output, const Tensor& target) {
  const NoGrad no_grad;
  if (options_.task == Task::kMulticlass) {
    update_multiclass(output.detach(), target);
  } else {
    update_labels(output.detach(), target);
  }
}

void StatScores::update_multiclass(const Tensor& output, const Tensor& target) {
  const bool labels = output.dim() == target.dim();
  IOLAUS_CHECK(target.dim() >= 1 && output.size(0) == target.size(0) &&
                   (labels ? output.sizes() == target.sizes() && !is_floating(output.dtype())
                           : output.dim() == target.dim() + 1),
               "[{}] expected output (N, C, ...) and target (N, ...), or labels of one shape, got "
               "{} and {}",
               type_name(), output.describe(), target.describe());
  IOLAUS_CHECK(!labels || (options_.num_classes > 0 && options_.top_k == 1),
               "[{}] labels as output need num_classes, and top_k 1", type_name());
  const int64_t classes = options_.num_classes > 0 ? options_.num_classes : output.size(1);
  IOLAUS_CHECK(labels || output.size(1) == classes, "[{}] expected {} classes, got output {}",
               type_name(), classes, output.describe());
  const Tensor y = reshape(to(target, kInt64), {-1});
  const Tensor guess =
      labels ? reshape(to(output, kInt64), {-1}) : predicted(rows_of(output), y, options_.top_k);
  Tensor hits = eq(guess, y), kept;
  if (options_.ignore_index) {
    kept = ne(y, *options_.ignore_index);
    hits = logical_and(hits, kept);
  }
  if (options_.average == Average::kMicro) {
    accumulate("tp", sum(hits));
    if (kept.defined()) accumulate("count", sum(kept));
    if (!kept.defined()) accumulate("count", y.numel());
    if (!has("classes")) accumulate("classes", classes);
    return;
  }
  const Tensor weight = kept.defined() ? to(kept, kInt64) : ones_like(y);
  const Tensor inside = kept.defined() ? masked_fill(y, logical_not(kept), 0) : y;
  accumulate("tp", class_counts(inside, to(hits, kInt64), classes));
  accumulate("target", class_counts(inside, weight, classes));
  accumulate("guess", class_counts(guess, weight, classes));
}

void StatScores::update_labels(const Tensor& output, const Tensor& target) {
  const bool many = options_.task == Task::kMultilabel;
  IOLAUS_CHECK(output.sizes() == target.sizes() && output.dim() >= (many ? 2 : 1),
               "[{}] expected output and target of one shape{}, got {} and {}", type_name(),
               many ? " (N, L, ...)" : "", output.describe(), target.describe());
  IOLAUS_CHECK(!many || options_.num_classes == 0 || output.size(1) == options_.num_classes,
               "[{}] expected {} labels, got {}", type_name(), options_.num_classes,
               output.describe());
  const Tensor guess = is_floating(output.dtype())
                           ? gt(as_probabilities(output, false), options_.threshold)
                           : ne(output, 0);
  const Tensor y = eq(target, 1);
  const bool each = many && options_.average != Average::kMicro;
  const auto count = [&](const char* name, Tensor where_true) {
    if (options_.ignore_index) {
      where_true = logical_and(where_true, ne(target, *options_.ignore_index));
    }
    accumulate(name, each ? sum(rows_of(where_true), {0}) : sum(where_true));
  };
  count("tp", logical_and(guess, y));
  count("fp", logical_and(guess, logical_not(y)));
  count("tn", logical_and(logical_not(guess), logical_not(y)));
  count("fn", logical_and(logical_not(guess), y));
}

StatScores::Counts StatScores::counts() const {
  const Device device = state("tp").device();
  const auto number = [&](const char* name) { return to(state(name), kFloat64, device); };
  const Tensor tp = number("tp");
  if (options_.task != Task::kMulticlass) return {tp, number("fp"), number("tn"), number("fn")};
  if (options_.average == Average::kMicro) {
    const Tensor count = number("count"), wrong = sub(count, tp);
    return {tp, wrong, sub(mul(count, state("classes").item<double>()), add(wrong, count)), wrong};
  }
  const Tensor fp = sub(number("guess"), tp), fn = sub(number("target"), tp);
  return {tp, fp, sub(sum(number("target")), tp + fp + fn), fn};
}

Tensor StatScores::averaged(const Tensor& scores, const Counts& c) const {
  if (is_single() || options_.average == Average::kNone) return scores;
  if (options_.average == Average::kWeighted) {
    const Tensor weight = add(c.tp, c.fn);
    return safe_divide(sum(mul(weight, scores)), sum(weight));
  }
  if (options_.task == Task::kMultilabel) return mean(scores);
  // A class that is nowhere does not count.
  const Tensor seen = options_.top_k == 1 ? c.tp + c.fp + c.fn : c.tp + c.fn;
  const Tensor weight = to(ne(seen, 0), kFloat64);
  return safe_divide(sum(mul(weight, scores)), sum(weight));
}

Tensor Accuracy::value() const {
  const NoGrad no_grad;
  if (!has("tp")) return no_value();
  const Counts c = counts();
  if (options().task == Task::kMulticlass) return averaged(safe_divide(c.tp, c.tp + c.fn), c);
  return averaged(safe_divide(c.tp + c.tn, c.tp + c.tn + c.fp + c.fn), c);
}

Tensor Precision::value() const {
  const NoGrad no_grad;
  if (!has("tp")) return no_value();
  const Counts c = counts();
  return averaged(safe_divide(c.tp, c.tp + c.fp), c);
}

Tensor Recall::value() const {
  const NoGrad no_grad;
  if (!has("tp")) return no_value();
  const Counts c = counts();
  return averaged(safe_divide(c.tp, c.tp + c.fn), c);
}

Tensor Specificity::value() const {
  const NoGrad no_grad;
  if (!has("tp")) return no_value();
  const Counts c = counts();
  return averaged(safe_divide(c.tn, c.tn + c.fp), c);
}

Tensor FBetaScore::value() const {
  const NoGrad no_grad;
  if (!has("tp")) return no_value();
  const Counts c = counts();
  const double square = beta_ * beta_;
  const Tensor hits = (1 + square) * c.tp;
  return averaged(safe_divide(hits, hits + square * c.fn + c.fp), c);
}

}  // namespace iolaus::nn
