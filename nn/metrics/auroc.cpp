// AUROC by ranks, and its name in configs.
#include "nn/metrics/auroc.h"

#include "autograd/grad_mode.h"
#include "nn/metrics/target.h"

namespace iolaus::nn {
namespace {

using namespace metric_target;

std::vector<config::Param> params() {
  return {{"task", P::kString, "binary, multiclass or multilabel"},
          {"thresholds", P::kAny, "null: exact", nullptr},
          {"num_classes", P::kInt, "of the multiclass task; null: as many as outputs", nullptr},
          {"num_labels", P::kInt, "of the multilabel task; null: as many as outputs", nullptr},
          {"average", P::kString, "macro, weighted, micro (labels) or none", "macro"},
          {"max_fpr", P::kAny, "null: the whole curve", nullptr},
          {"ignore_index", P::kInt, "target that does not count", nullptr},
          {"validate_args", P::kBool, "accepted for torchmetrics' sake", true}};
}

const config::Register<AUROC, Metric> kAuroc{
    names("AUROC"), "area under the curve of true against false positives", params(),
    [](const Args& a) {
      for (const char* name : {"thresholds", "max_fpr"}) {
        if (a.has(name)) a.fail_about(name, "expected null: the curve is exact and whole");
      }
      ScoreOptions o{.ignore_index = a.get<std::optional<int64_t>>("ignore_index")};
      const std::string task = a.get<std::string>("task");
      if (task == "binary") {
        o.task = Task::kBinary;
      } else if (task == "multilabel") {
        o.task = Task::kMultilabel;
      } else if (task != "multiclass") {
        a.fail_about("task", "expected binary, multiclass or multilabel, got '" + task + "'");
      }
      const std::string average = a.has("average") ? a.get<std::string>("average") : "none";
      if (average == "macro") {
        o.average = Average::kMacro;
      } else if (average == "weighted") {
        o.average = Average::kWeighted;
      } else if (average == "none") {
        o.average = Average::kNone;
      } else if (average != "micro" || o.task != Task::kMultilabel) {
        a.fail_about("average",
                     "expected macro, weighted, none, or micro for labels, got '" + average + "'");
      }
      const char* count = o.task == Task::kMultilabel ? "num_labels" : "num_classes";
      o.num_classes = a.get<std::optional<int64_t>>(count).value_or(0);
      return std::make_shared<AUROC>(o);
    }};

// Of outputs x (N) whose targets are positive (1), negative (0) or do not count (-1). The sum of
// the positives' ranks, among equals the middle one, says how many negatives lie below them.
Tensor area(const Tensor& x, const Tensor& y) {
  const Tensor positive = to(eq(y, 1), kFloat64), counted = to(ge(y, 0), kFloat64);
  const Tensor negative = sub(counted, positive);
  const auto [sorted, order] = sort(x, 0);
  // Negatives before the first and behind the last of the outputs equal to each.
  const Tensor running = pad(cumsum(index_select(negative, 0, order), 0), {1, 0}, "constant", 0);
  const Tensor below = index_select(running, 0, searchsorted(sorted, x));
  const Tensor up_to = index_select(running, 0, searchsorted(sorted, x, true));
  const Tensor pairs = sum(mul(positive, mul(add(below, up_to), 0.5)));
  return safe_divide(pairs, mul(sum(positive), sum(negative)));
}

}  // namespace

AUROC::AUROC(const ScoreOptions& options) : options_(options) {}

void AUROC::update(const Tensor& output, const Tensor& target) {
  const NoGrad no_grad;
  const bool multiclass = options_.task == Task::kMulticlass;
  IOLAUS_CHECK(
      is_floating(output.dtype()) && target.dim() >= 1 &&
          (multiclass ? output.dim() == target.dim() + 1 : output.sizes() == target.sizes()),
      "[AUROC] expected floating output and target that fit, got {} and {}", output.describe(),
      target.describe());
  const bool flat = options_.task == Task::kBinary ||
                    (options_.task == Task::kMultilabel && options_.average == Average::kMicro);
  IOLAUS_CHECK(flat || (output.dim() >= 2 &&
                        (options_.num_classes == 0 || output.size(1) == options_.num_classes)),
               "[AUROC] expected output (N, {}, ...), got {}", options_.num_classes,
               output.describe());
  const Tensor x = as_probabilities(output.detach(), multiclass);
  Tensor y = to(target, kInt64);
  if (options_.ignore_index) y = masked_fill(y, eq(y, *options_.ignore_index), -1);
  const auto rows = [](const Tensor& t) { return reshape(movedim(t, {1}, {-1}), {-1, t.size(1)}); };
  append("preds", flat ? reshape(x, {-1}) : rows(x));
  append("target", flat || multiclass ? reshape(y, {-1}) : rows(y));
}

Tensor AUROC::value() const {
  const NoGrad no_grad;
  if (!has("preds")) return no_value();
  const Tensor x = state("preds"), y = state("target");
  if (x.dim() == 1) return area(x, y);
  Tensors areas, support;
  for (int64_t c = 0; c < x.size(1); ++c) {
    // A class against the rest; what does not count stays -1.
    const Tensor own = y.dim() == 2 ? select(y, 1, c) : where(lt(y, 0), y, to(eq(y, c), kInt64));
    areas.push_back(area(contiguous(select(x, 1, c)), own));
    support.push_back(sum(eq(own, 1)));
  }
  const Tensor all = stack(areas);
  if (options_.average == Average::kNone) return all;
  if (options_.average == Average::kMacro) return mean(all);
  const Tensor weight = to(stack(support), kFloat64);
  return safe_divide(sum(mul(all, weight)), sum(weight));
}

}  // namespace iolaus::nn
