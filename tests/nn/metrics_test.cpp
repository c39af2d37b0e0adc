// Metrics against torchmetrics (tests/data/nn/metrics.py), their states, and their errors. A metric
// that a config can name and that has no case fails.
#include "nn/metrics.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "config/instantiate.h"
#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;
using nlohmann::json;

namespace {

const json& cases() {
  static const json all = [] {
    std::ifstream file(IOLAUS_SOURCE_DIR "/tests/data/nn/metrics.json");
    return json::parse(file).at("cases");
  }();
  return all;
}

Tensor unpack(const json& packed) {
  const Dims sizes = packed["shape"].get<std::vector<int64_t>>();
  return to(from_values(packed["values"].get<std::vector<double>>(), sizes),
            parse_dtype(packed["dtype"].get<std::string>()));
}

std::shared_ptr<Metric> make(const json& test) {
  return config::instantiate<Metric>(config::load_yaml(test["config"].dump(), "metrics.py"));
}

void check_value(const Metric& metric, const json& test) {
  const Tensor value = metric.value();
  CHECK(value.sizes() == Dims(test["shape"].get<std::vector<int64_t>>()));
  const auto actual = value.to_vector<double>();
  const auto expected = test["value"].get<std::vector<double>>();
  REQUIRE(actual.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) {  // torchmetrics computes in float32
    CHECK(std::abs(actual[i] - expected[i]) <= 1e-6 + 1.3e-6 * std::abs(expected[i]));
  }
}

Tensor some_output() { return from_values<float>({1, 2, 3, 3, 2, 1, 5, 1, 0}, {3, 3}); }
Tensor some_target() { return from_values<int64_t>({2, 0, 1}, {3}); }

}  // namespace

TEST_CASE("metrics have torchmetrics' values, again after a reset and through a saved state") {
  for (const json& test : cases()) {
    const std::string shown = test["config"].dump();
    CAPTURE(shown);
    const auto metric = make(test), restored = make(test);
    CHECK(metric->state_dict().empty());
    CHECK(std::isnan(metric->value().item()));
    metric->update(unpack(test["batches"][0][0]), unpack(test["batches"][0][1]));
    metric->reset();
    for (const json& batch : test["batches"]) {
      metric->update(unpack(batch[0]), unpack(batch[1]));
      // What was saved before the last batch goes on elsewhere.
      if (&batch != &test["batches"].back()) {
        restored->load_state_dict(metric->state_dict());
      } else {
        restored->update(unpack(batch[0]), unpack(batch[1]));
      }
    }
    check_value(*metric, test);
    check_value(*restored, test);
  }
}

TEST_CASE("every metric that a config can name has a case") {
  std::set<std::string> tested;
  for (const json& test : cases()) tested.insert(test["config"]["_target_"]);
  int count = 0;
  for (const config::Target* target : config::targets()) {
    bool is_metric = false;
    for (const config::Conversion& c : target->conversions) is_metric |= c.type == typeid(Metric);
    if (!is_metric) continue;
    ++count;
    CAPTURE(target->name());
    CHECK(tested.contains(target->names.back()));
  }
  CHECK(count >= 11);
}

TEST_CASE("a metric without options takes rows of classes") {
  Accuracy accuracy;
  accuracy.update(some_output(), some_target());
  CHECK(accuracy.compute() == doctest::Approx(2.0 / 3));
  MeanMetric mean;
  mean.update(scalar_tensor(2.0), 3);
  mean.update(scalar_tensor(5.0), 1);
  CHECK(mean.compute() == doctest::Approx(11.0 / 4));
}

TEST_CASE("updates leave no graph behind and do not touch what is there") {
  Accuracy accuracy;
  const Tensor output = clone(some_output()).set_requires_grad();
  accuracy.update(output, some_target());
  accuracy.update(output, some_target());
  for (const auto& [name, tensor] : accuracy.state_dict()) CHECK(!tensor.requires_grad());
  // A copy of the state is not changed by later updates, nor is the first batch.
  MeanSquaredError error;
  const Tensor a = ones({2}), b = zeros({2});
  error.update(a, b);
  const Tensor first = error.state_dict().at("sum");
  error.update(a, b);
  CHECK(first.item() == 2);
  CHECK(a.to_vector<float>() == std::vector<float>{1, 1});
}

TEST_CASE("outputs and targets that do not fit are refused by name") {
  Accuracy accuracy;
  CHECK_THROWS_WITH(accuracy.update(some_output(), zeros({2}, {.dtype = kInt64})),
                    Contains("[Accuracy] expected output (N, C, ...) and target (N, ...)"));
  CHECK_THROWS_WITH(accuracy.update(some_target(), some_target()),
                    Contains("labels as output need"));
  Recall recall({.num_classes = 4});
  CHECK_THROWS_WITH(recall.update(some_output(), some_target()),
                    Contains("[Recall] expected 4 classes"));
  Precision labels({.task = Task::kMultilabel, .num_classes = 2});
  CHECK_THROWS_WITH(labels.update(some_output(), some_output()), Contains("expected 2 labels"));
  CHECK_THROWS_WITH(ConfusionMatrix(ScoreOptions{}), Contains("expected the number of classes"));
  CHECK_THROWS_WITH(AUROC(ScoreOptions{}).update(some_target(), some_target()),
                    Contains("[AUROC] expected floating"));
  CHECK_THROWS_WITH(MeanAbsoluteError().update(some_output(), some_target()),
                    Contains("of one shape"));
  CHECK_THROWS_WITH(Accuracy(ScoreOptions{.top_k = 0}), Contains("top_k > 0"));
  Accuracy each({.average = Average::kNone});
  each.update(some_output(), some_target());
  CHECK_THROWS_AS(each.compute(), Error);
}
