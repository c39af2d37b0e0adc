// The trainer beside Lightning: the same hooks in the same order, the same rows to loggers, the
// same losses and weights, for many combinations of flags (tests/data/nn/lightning_loops.py).
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "nn/callbacks/early_stopping.h"
#include "tests/nn/trainer_recorder.h"

using namespace iolaus;
using namespace iolaus::nn;
using nlohmann::json;

namespace {

struct Case {
  const char* name;
  std::function<void(TrainerOptions&)> set;
  const char* scheduler = "";
};

std::shared_ptr<Callback> early() {
  return std::make_shared<EarlyStopping>(
      EarlyStoppingOptions{.monitor = "val/loss", .min_delta = 0.05, .patience = 2});
}

const Case kCases[] = {
    {"plain", [](auto& o) { o.max_epochs = 2, o.log_every_n_steps = 2; }},
    {"accumulate",
     [](auto& o) { o.max_epochs = 2, o.log_every_n_steps = 1, o.accumulate_grad_batches = 2; }},
    {"clip",
     [](auto& o) { o.max_epochs = 1, o.log_every_n_steps = 1, o.gradient_clip_val = 0.05; }},
    {"clip_value",
     [](auto& o) {
       o.max_epochs = 1, o.log_every_n_steps = 1, o.gradient_clip_val = 0.02;
       o.gradient_clip_algorithm = "value";
     }},
    {"max_steps", [](auto& o) { o.max_steps = 6, o.log_every_n_steps = 1; }},
    {"limits",
     [](auto& o) {
       o.max_epochs = 3, o.limit_train_batches.count = 3, o.limit_val_batches.share = 0.5;
       o.log_every_n_steps = 3;
     }},
    {"val_interval",
     [](auto& o) { o.max_epochs = 1, o.val_check_interval.count = 2, o.log_every_n_steps = 2; }},
    {"val_share",
     [](auto& o) { o.max_epochs = 2, o.val_check_interval.share = 0.5, o.log_every_n_steps = 5; }},
    {"every_second", [](auto& o) { o.max_epochs = 3, o.check_val_every_n_epoch = 2; }},
    {"over_epochs",
     [](auto& o) {
       o.max_epochs = 2, o.check_val_every_n_epoch = std::nullopt;
       o.val_check_interval.count = 3;
     }},
    {"sanity", [](auto& o) { o.max_epochs = 1, o.num_sanity_val_steps = 2; }},
    {"fast", [](auto& o) { o.fast_dev_run = 2; }},
    {"scheduler_epoch", [](auto& o) { o.max_epochs = 3; }, "epoch"},
    {"scheduler_step", [](auto& o) { o.max_epochs = 2; }, "step"},
    {"early", [](auto& o) { o.max_epochs = 9, o.callbacks.push_back(early()); }},
    {"min_epochs",
     [](auto& o) { o.max_epochs = 9, o.min_epochs = 6, o.callbacks.push_back(early()); }},
};

}  // namespace

TEST_CASE("hooks, logged rows, losses and weights are Lightning's") {
  std::ifstream file(IOLAUS_SOURCE_DIR "/tests/data/nn/lightning_loops.json");
  const json all = json::parse(file);
  CHECK(all.size() == std::size(kCases));
  for (const Case& c : kCases) {
    CAPTURE(std::string(c.name));
    const json& expected = all.at(c.name);
    test::Calls calls;
    const auto rows = std::make_shared<test::Rows>();
    TrainerOptions options = test::quiet();
    options.loggers = {rows};
    options.callbacks = {std::make_shared<test::Recorder>(calls)};
    c.set(options);
    test::RecordedNet<test::Net> net(calls);
    net.scheduler = c.scheduler;
    test::WaveModule data;
    Trainer trainer(options);
    trainer.fit(net, data);
    // Lightning counts an epoch that max_steps cut short; here it goes on when it is resumed.
    const bool cut_short = std::string(c.name) == "max_steps";
    if (!cut_short) CHECK(trainer.current_epoch() == expected.at("epoch").get<int64_t>());
    CHECK(trainer.global_step() == expected.at("global_step").get<int64_t>());
    CHECK(net.optimizer->options().front().at("lr") ==
          doctest::Approx(expected.at("lr").get<double>()));
    trainer.test(net, data);
    CHECK(calls == expected.at("hooks").get<test::Calls>());
    json expected_rows = expected.at("rows");
    if (cut_short) expected_rows.back()["epoch"] = 1;
    test::compare_rows(expected_rows, rows->rows);
    const auto losses = expected.at("losses").get<std::vector<double>>();
    CHECK(net.losses.size() == losses.size());
    for (size_t i = 0; i < std::min(losses.size(), net.losses.size()); ++i) {
      CHECK(net.losses[i] == doctest::Approx(losses[i]).epsilon(2e-6));
    }
    const auto weight = expected.at("weight").get<std::vector<double>>();
    const auto ours = net.fc->named_parameters()[0].second.to_vector<double>();
    for (size_t i = 0; i < weight.size(); ++i) {
      CHECK(ours[i] == doctest::Approx(weight[i]).epsilon(1e-5));
    }
  }
}
