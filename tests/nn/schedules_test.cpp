// Schedules against the curves of torch.optim.lr_scheduler (tests/data/nn/schedules.py), made from
// configs as a user would; resuming.
#include "nn/optim/schedules.h"

#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "autograd/ops.h"
#include "config/instantiate.h"
#include "config/yaml.h"
#include "nn/optim/combined.h"
#include "nn/optim/plateau.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;
using nlohmann::json;

namespace {

const json& data() {
  static const json all = [] {
    std::ifstream file(std::string(IOLAUS_SOURCE_DIR) + "/tests/data/nn/schedules.json");
    return json::parse(file);
  }();
  return all;
}

// The config of a case: targets all the way down.
json config_of(const json& test) {
  json node = test["options"];
  const std::string name = test["name"];
  node["_target_"] =
      (name == "SWALR" ? "torch.optim.swa_utils." : "torch.optim.lr_scheduler.") + name;
  node["_partial_"] = true;
  if (node.contains("schedulers")) {
    for (json& inner : node["schedulers"]) inner = config_of(inner);
  }
  return node;
}

std::shared_ptr<Optimizer> make_optimizer(const std::string& kind) {
  const auto parameter = [] { return zeros({1}).set_requires_grad(); };
  std::vector<ParamGroup> groups{{{parameter()}, {{"lr", 0.1}}}, {{parameter()}, {{"lr", 0.02}}}};
  if (kind == "SGD") {
    return std::make_shared<SGD>(groups, OptimizerOptions{{"momentum", 0.9}});
  }
  return std::make_shared<Adam>(groups);
}

std::shared_ptr<Scheduler> make(const json& test, const std::shared_ptr<Optimizer>& optimizer) {
  const std::string name = test["name"];
  if (name == "LambdaLR") {
    return std::make_shared<LambdaLR>(
        optimizer,
        std::vector<LrLambda>{[](int64_t e) { return std::pow(0.9, static_cast<double>(e)); },
                              [](int64_t e) { return 1 / (1 + static_cast<double>(e)); }});
  }
  if (name == "MultiplicativeLR") {
    return std::make_shared<MultiplicativeLR>(optimizer, std::vector<LrLambda>{[](int64_t e) {
                                                return 0.9 + 0.001 * static_cast<double>(e);
                                              }});
  }
  const config::Node tree = config::load_json(config_of(test).dump(), "test");
  return config::instantiate<config::Partial>(tree)->call<Scheduler>({{"optimizer", optimizer}});
}

// A schedule, its optimizer, and the steps that the file took.
struct Run {
  std::shared_ptr<Optimizer> optimizer;
  std::shared_ptr<Scheduler> scheduler;

  explicit Run(const json& test)
      : optimizer(make_optimizer(test["optimizer"])), scheduler(make(test, optimizer)) {}
  void step(size_t t) {
    if (scheduler->needs_metric()) {
      scheduler->step(data()["metrics"][t].get<double>());
    } else {
      scheduler->step();
    }
  }
  std::vector<double> now() const {
    std::vector<double> all = scheduler->get_last_lr();
    for (const ParamGroup& g : optimizer->groups()) {
      CHECK(all[static_cast<size_t>(&g - optimizer->groups().data())] == g.options.at("lr"));
      all.push_back(g.options.at(optimizer->has_option("beta1") ? "beta1" : "momentum"));
    }
    return all;
  }
};

void compare(const std::vector<double>& actual, const std::vector<double>& expected) {
  for (size_t i = 0; i < 4; ++i) {
    CHECK(std::abs(actual[i] - expected[i]) <= 1e-14);
  }
}

}  // namespace

TEST_CASE("schedules have the curves of torch.optim.lr_scheduler") {
  for (const json& test : data()["cases"]) {
    CAPTURE(config_of(test).dump());
    Run run(test);
    CHECK(run.scheduler->last_epoch() == 0);
    for (size_t t = 0; t < 25; ++t) {
      CAPTURE(t);
      if (t > 0) run.step(t - 1);
      compare(run.now(), test["curve"][t]);
    }
    CHECK(run.scheduler->last_epoch() == 24);
  }
}

TEST_CASE("a schedule that is loaded from its JSON goes on to the same bits") {
  for (const json& test : data()["cases"]) {
    CAPTURE(config_of(test).dump());
    for (size_t when : {size_t{0}, size_t{1}, size_t{9}}) {
      Run run(test), other(test);
      for (size_t t = 0; t < when; ++t) run.step(t);
      other.scheduler->load_state_dict(json::parse(run.scheduler->state_dict().dump()));
      other.optimizer->set_options(run.optimizer->options());
      CHECK(other.scheduler->last_epoch() == static_cast<int64_t>(when));
      for (size_t t = when; t < 24; ++t) {
        run.step(t);
        other.step(t);
        CHECK(run.now() == other.now());
      }
    }
  }
}

TEST_CASE("set_last_epoch goes to a point of a schedule from any other") {
  for (const json& test : data()["cases"]) {
    CAPTURE(config_of(test).dump());
    Run run(test);
    if (run.scheduler->needs_metric()) continue;
    for (size_t t = 0; t < 7; ++t) run.step(t);
    for (size_t epoch : {size_t{20}, size_t{3}, size_t{0}}) {
      run.scheduler->set_last_epoch(static_cast<int64_t>(epoch));
      compare(run.now(), test["curve"][epoch]);
      CHECK(run.scheduler->last_epoch() == static_cast<int64_t>(epoch));
    }
  }
}

TEST_CASE("schedules say what is wrong") {
  const auto optimizer = make_optimizer("SGD");
  const auto with = [&](const json& test) { return make(test, optimizer); };
  CHECK_THROWS_WITH(with({{"name", "StepLR"}, {"options", {{"step_size", 0}}}}),
                    Contains("[StepLR] expected step_size > 0, got 0"));
  CHECK_THROWS_WITH(with({{"name", "OneCycleLR"}, {"options", {{"max_lr", 1}}}}),
                    Contains("epochs and steps_per_epoch"));
  const json step = {{"name", "StepLR"}, {"options", {{"step_size", 1}}}};
  const json plateau = {{"name", "ReduceLROnPlateau"}, {"options", json::object()}};
  CHECK_THROWS_WITH(with({{"name", "SequentialLR"},
                          {"options", {{"schedulers", {step, step}}, {"milestones", {1, 2}}}}}),
                    Contains("expected one milestone less than 2 schedulers, got 2"));
  CHECK_THROWS_WITH(with({{"name", "ChainedScheduler"}, {"options", {{"schedulers", {plateau}}}}}),
                    Contains("takes no scheduler that needs a metric, got ReduceLROnPlateau"));
  CHECK_THROWS_WITH(with(plateau)->step(), Contains("needs the metric"));
  const auto adagrad_like = std::make_shared<SGD>(one_group({zeros({1}).set_requires_grad()}));
  CHECK_THROWS_WITH(ChainedScheduler(adagrad_like, {with(step)}), Contains("another optimizer"));
  CHECK_THROWS_WITH(with(step)->load_state_dict(json{{"last_epoch", 3}}),
                    Contains("[StepLR] cannot read the state"));
  const auto once =
      with({{"name", "OneCycleLR"}, {"options", {{"max_lr", 1}, {"total_steps", 2}}}});
  once->step();
  once->step();
  CHECK_THROWS_WITH(once->step(), Contains("step 3 is beyond the 2 steps"));
}
