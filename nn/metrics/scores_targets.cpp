// The scores' names in configs.
#include "nn/metrics/target.h"

namespace iolaus::nn {
namespace metric_target {

std::vector<std::string> names(const std::string& type) {
  return {"iolaus.metrics." + type, "torchmetrics." + type};
}

std::vector<config::Param> classification_params(const char* average) {
  return {{"task", P::kString, "binary, multiclass or multilabel"},
          {"threshold", P::kFloat, "above which an output is positive", 0.5},
          {"num_classes", P::kInt, "of the multiclass task; null: as many as outputs", nullptr},
          {"num_labels", P::kInt, "of the multilabel task; null: as many as outputs", nullptr},
          {"average", P::kString, "micro, macro, weighted or none", average},
          {"multidim_average", P::kString, "global", "global"},
          {"top_k", P::kInt, "the target may be any of the k largest outputs", 1},
          {"ignore_index", P::kInt, "target that does not count", nullptr},
          {"validate_args", P::kBool, "accepted for torchmetrics' sake", true}};
}

ScoreOptions classification_options(const Args& a) {
  ScoreOptions o{.top_k = a.get<int64_t>("top_k"),
                 .threshold = a.get<double>("threshold"),
                 .ignore_index = a.get<std::optional<int64_t>>("ignore_index")};
  const std::string task = a.get<std::string>("task");
  if (task == "binary") {
    o.task = Task::kBinary;
  } else if (task == "multilabel") {
    o.task = Task::kMultilabel;
  } else if (task != "multiclass") {
    a.fail_about("task", "expected binary, multiclass or multilabel, got '" + task + "'");
  }
  const char* count = o.task == Task::kMultilabel ? "num_labels" : "num_classes";
  o.num_classes = a.get<std::optional<int64_t>>(count).value_or(0);
  const std::string average = a.has("average") ? a.get<std::string>("average") : "none";
  if (average == "macro") {
    o.average = Average::kMacro;
  } else if (average == "weighted") {
    o.average = Average::kWeighted;
  } else if (average == "none") {
    o.average = Average::kNone;
  } else if (average != "micro") {
    a.fail_about("average", "expected micro, macro, weighted or none, got '" + average + "'");
  }
  if (a.get<std::string>("multidim_average") != "global") {
    a.fail_about("multidim_average", "expected 'global'");
  }
  return o;
}

}  // namespace metric_target

namespace {

using namespace metric_target;

template <class Score>
config::Register<Score, StatScores, Metric> score(const char* type, const char* doc) {
  return {names(type), doc, classification_params("micro"),
          [](const Args& a) { return std::make_shared<Score>(classification_options(a)); }};
}
const auto kAccuracy = score<Accuracy>("Accuracy", "share of right answers");
const auto kPrecision = score<Precision>("Precision", "tp / (tp + fp)");
const auto kRecall = score<Recall>("Recall", "tp / (tp + fn)");
const auto kSpecificity = score<Specificity>("Specificity", "tn / (tn + fp)");
const auto kF1 = score<FBetaScore>("F1Score", "harmonic mean of precision and recall");

std::vector<config::Param> beta_params() {
  auto params = classification_params("micro");
  params.insert(params.begin() + 1, {"beta", P::kFloat, "how much more recall counts", 1.0});
  return params;
}
const config::Register<FBetaScore, StatScores, Metric> kFBeta{
    names("FBetaScore"), "weighted harmonic mean of precision and recall", beta_params(),
    [](const Args& a) {
      return std::make_shared<FBetaScore>(classification_options(a), a.get<double>("beta"));
    }};

}  // namespace
}  // namespace iolaus::nn
