// The trainer beside Lightning: the same hooks in the same order, the same rows to loggers, the
// same losses and weights, for many combinations of flags (tests/data/nn/lightning_loops.py).
#include <doctest/doctest.h>

#include <fstream>
#include <nlohmann/json.hpp>

#include "nn/callbacks/early_stopping.h"
#include "nn/loggers/logger.h"
#include "tests/nn/trainer_support.h"

using namespace iolaus;
using namespace iolaus::nn;
using nlohmann::json;

namespace {

const char* evaluation(Stage stage) { return stage == Stage::kTest ? "test" : "validation"; }

struct Recorder final : Callback {
  explicit Recorder(test::Calls& all) : calls(all) {}
  void note(const std::string& name) { calls.push_back("c." + name); }
  void note(Stage stage, const char* what) {
    note(std::string("on_") + evaluation(stage) + "_" + what);
  }
  using T = Trainer;
  using M = LightningModule;
  using B = data::Batch;
  void setup(T&, M&, Stage) override { note("setup"); }
  void teardown(T&, M&, Stage) override { note("teardown"); }
  void on_fit_start(T&, M&) override { note("on_fit_start"); }
  void on_fit_end(T&, M&) override { note("on_fit_end"); }
  void on_sanity_check_start(T&, M&) override { note("on_sanity_check_start"); }
  void on_sanity_check_end(T&, M&) override { note("on_sanity_check_end"); }
  void on_train_start(T&, M&) override { note("on_train_start"); }
  void on_train_end(T&, M&) override { note("on_train_end"); }
  void on_train_epoch_start(T&, M&) override { note("on_train_epoch_start"); }
  void on_train_epoch_end(T&, M&) override { note("on_train_epoch_end"); }
  void on_train_batch_start(T&, M&, const B&, int64_t) override { note("on_train_batch_start"); }
  void on_train_batch_end(T&, M&, const Tensor&, const B&, int64_t) override {
    note("on_train_batch_end");
  }
  void on_before_zero_grad(T&, M&, Optimizer&) override { note("on_before_zero_grad"); }
  void on_before_backward(T&, M&, const Tensor&) override { note("on_before_backward"); }
  void on_after_backward(T&, M&) override { note("on_after_backward"); }
  void on_before_optimizer_step(T&, M&, Optimizer&) override { note("on_before_optimizer_step"); }
  void on_evaluation_start(T&, M&, Stage s) override { note(s, "start"); }
  void on_evaluation_end(T&, M&, Stage s) override { note(s, "end"); }
  void on_evaluation_epoch_start(T&, M&, Stage s) override { note(s, "epoch_start"); }
  void on_evaluation_epoch_end(T&, M&, Stage s) override { note(s, "epoch_end"); }
  void on_evaluation_batch_start(T&, M&, Stage s, const B&, int64_t) override {
    note(s, "batch_start");
  }
  void on_evaluation_batch_end(T&, M&, Stage s, const B&, int64_t) override {
    note(s, "batch_end");
  }
  std::string state_key() const override { return "Recorder"; }
  test::Calls& calls;
};

struct RecordedNet final : test::Net {
  explicit RecordedNet(test::Calls& all) : calls(all) {}
  void note(const std::string& name) { calls.push_back("m." + name); }
  void note(Stage stage, const char* what) {
    note(std::string("on_") + evaluation(stage) + "_" + what);
  }
  void setup(Stage) override { note("setup"); }
  void teardown(Stage) override { note("teardown"); }
  void on_fit_start() override { note("on_fit_start"); }
  void on_fit_end() override { note("on_fit_end"); }
  void on_train_start() override { note("on_train_start"); }
  void on_train_end() override { note("on_train_end"); }
  void on_train_epoch_start() override { note("on_train_epoch_start"); }
  void on_train_epoch_end() override {
    note("on_train_epoch_end");
    Net::on_train_epoch_end();
  }
  void on_train_batch_start(const data::Batch&, int64_t) override { note("on_train_batch_start"); }
  void on_train_batch_end(const Tensor&, const data::Batch&, int64_t) override {
    note("on_train_batch_end");
  }
  void on_before_zero_grad(Optimizer&) override { note("on_before_zero_grad"); }
  void on_before_backward(const Tensor&) override { note("on_before_backward"); }
  void on_after_backward() override { note("on_after_backward"); }
  void on_before_optimizer_step(Optimizer&) override { note("on_before_optimizer_step"); }
  void on_evaluation_start(Stage s) override { note(s, "start"); }
  void on_evaluation_end(Stage s) override { note(s, "end"); }
  void on_evaluation_epoch_start(Stage s) override { note(s, "epoch_start"); }
  void on_evaluation_epoch_end(Stage s) override { note(s, "epoch_end"); }
  void on_evaluation_batch_start(Stage s, const data::Batch&, int64_t) override {
    note(s, "batch_start");
  }
  void on_evaluation_batch_end(Stage s, const data::Batch&, int64_t) override {
    note(s, "batch_end");
  }
  test::Calls& calls;
};

struct Rows final : Logger {
  void log_metrics(const Metrics& metrics, int64_t step) override {
    rows.emplace_back(step, metrics);
  }
  std::vector<std::pair<int64_t, Metrics>> rows;
};

TrainerOptions quiet() {
  return {.accelerator = "cpu",
          .num_sanity_val_steps = 0,
          .enable_checkpointing = false,
          .enable_progress_bar = false,
          .enable_model_summary = false};
}

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

void compare_rows(const json& expected, const std::vector<std::pair<int64_t, Metrics>>& rows) {
  CHECK(rows.size() == expected.size());
  if (rows.size() != expected.size()) return;
  for (size_t i = 0; i < rows.size(); ++i) {
    CAPTURE(i);
    CAPTURE(expected[i].dump());
    CHECK(rows[i].first == expected[i].at("step").get<int64_t>());
    CHECK(rows[i].second.size() + 1 == expected[i].size());
    for (const auto& [name, value] : rows[i].second) {
      CAPTURE(name);
      CHECK(expected[i].contains(name));
      if (!expected[i].contains(name)) continue;
      CHECK(value == doctest::Approx(expected[i].at(name).get<double>()).epsilon(2e-6));
    }
  }
}

}  // namespace

TEST_CASE("hooks, logged rows, losses and weights are Lightning's") {
  std::ifstream file(IOLAUS_SOURCE_DIR "/tests/data/nn/lightning_loops.json");
  const json all = json::parse(file);
  CHECK(all.size() == std::size(kCases));
  for (const Case& c : kCases) {
    CAPTURE(std::string(c.name));
    const json& expected = all.at(c.name);
    test::Calls calls;
    const auto rows = std::make_shared<Rows>();
    TrainerOptions options = quiet();
    options.loggers = {rows};
    options.callbacks = {std::make_shared<Recorder>(calls)};
    c.set(options);
    RecordedNet net(calls);
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
    compare_rows(expected_rows, rows->rows);
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
