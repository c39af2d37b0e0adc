// ConfusionMatrix, and its name in configs.
#include "nn/metrics/confusion.h"

#include "autograd/grad_mode.h"
#include "nn/metrics/target.h"

namespace iolaus::nn {
namespace {

using namespace metric_target;

std::vector<config::Param> params() {
  return {{"task", P::kString, "binary, multiclass or multilabel"},
          {"threshold", P::kFloat, "above which an output is positive", 0.5},
          {"num_classes", P::kInt, "of the multiclass task", nullptr},
          {"num_labels", P::kInt, "of the multilabel task", nullptr},
          {"normalize", P::kString, "none, true (targets), pred or all", nullptr},
          {"ignore_index", P::kInt, "target that does not count", nullptr},
          {"validate_args", P::kBool, "accepted for torchmetrics' sake", true}};
}

Normalize normalization(const Args& a) {
  const std::string text = a.has("normalize") ? a.get<std::string>("normalize") : "none";
  if (text == "none") return Normalize::kNone;
  if (text == "true") return Normalize::kTrue;
  if (text == "pred") return Normalize::kPred;
  if (text != "all") a.fail_about("normalize", "expected none, true, pred or all, got " + text);
  return Normalize::kAll;
}

const config::Register<ConfusionMatrix, Metric> kConfusion{
    names("ConfusionMatrix"), "how often each class was taken for each", params(),
    [](const Args& a) {
      ScoreOptions o{.threshold = a.get<double>("threshold"),
                     .ignore_index = a.get<std::optional<int64_t>>("ignore_index")};
      const std::string task = a.get<std::string>("task");
      if (task == "binary") {
        o.task = Task::kBinary;
      } else if (task == "multilabel") {
        o.task = Task::kMultilabel;
        o.num_classes = a.get<int64_t>("num_labels");
      } else if (task == "multiclass") {
        o.num_classes = a.get<int64_t>("num_classes");
      } else {
        a.fail_about("task", "expected binary, multiclass or multilabel, got '" + task + "'");
      }
      return std::make_shared<ConfusionMatrix>(o, normalization(a));
    }};

}  // namespace

ConfusionMatrix::ConfusionMatrix(const ScoreOptions& options, Normalize normalize)
    : options_(options), normalize_(normalize) {
  IOLAUS_CHECK(options.task == Task::kBinary || options.num_classes > 0,
               "[ConfusionMatrix] expected the number of classes");
}

void ConfusionMatrix::update(const Tensor& output, const Tensor& target) {
  const NoGrad no_grad;
  const bool multiclass = options_.task == Task::kMulticlass;
  const bool labels = output.dim() == target.dim();
  IOLAUS_CHECK(labels ? output.sizes() == target.sizes()
                      : multiclass && output.dim() == target.dim() + 1 &&
                            output.size(1) == options_.num_classes,
               "[ConfusionMatrix] expected output and target that fit {} classes, got {} and {}",
               options_.num_classes, output.describe(), target.describe());
  const Tensor x = output.detach();
  Tensor guess = x;
  if (multiclass && !labels) guess = argmax(x, 1);
  if (!multiclass && is_floating(x.dtype())) {
    guess = gt(as_probabilities(x, false), options_.threshold);
  }
  guess = to(guess, kInt64);
  Tensor y = to(target, kInt64), kept = ones_like(y);
  if (options_.ignore_index) {
    const Tensor ignored = eq(y, *options_.ignore_index);
    y = masked_fill(y, ignored, 0);
    kept = masked_fill(kept, ignored, 0);
  }
  // The place of each pair in the flat result.
  const int64_t classes = multiclass ? options_.num_classes : 2;
  int64_t size = classes * classes;
  Tensor place = add(mul(y, classes), guess);
  if (options_.task == Task::kMultilabel) {
    IOLAUS_CHECK(x.dim() >= 2 && x.size(1) == options_.num_classes,
                 "[ConfusionMatrix] expected {} labels, got {}", options_.num_classes,
                 x.describe());
    Dims sizes = Dims::filled(x.sizes().size(), 1);
    sizes[1] = options_.num_classes;
    place = add(place, reshape(mul(arange(sizes[1], kInt64, x.device()), 4), sizes));
    size *= options_.num_classes;
  }
  accumulate("confmat", index_add(zeros({size}, {.dtype = kInt64, .device = x.device()}), 0,
                                  reshape(place, {-1}), reshape(kept, {-1})));
}

Tensor ConfusionMatrix::value() const {
  const NoGrad no_grad;
  if (!has("confmat")) return no_value();
  const int64_t classes = options_.task == Task::kMulticlass ? options_.num_classes : 2;
  const Tensor flat = state("confmat");
  const Tensor m = options_.task == Task::kMultilabel ? reshape(flat, {-1, 2, 2})
                                                      : reshape(flat, {classes, classes});
  switch (normalize_) {
    case Normalize::kNone:
      return m;
    case Normalize::kTrue:
      return safe_divide(m, sum(m, {-1}, true));
    case Normalize::kPred:
      return safe_divide(m, sum(m, {-2}, true));
    case Normalize::kAll:
      return safe_divide(m, sum(m, {-2, -1}, true));
  }
  return m;
}

}  // namespace iolaus::nn
