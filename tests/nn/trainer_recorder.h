// A callback, a module and a logger that note what the trainer does, for comparison with what
// Lightning did.
#pragma once

#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "nn/callbacks/callback.h"
#include "nn/loggers/logger.h"
#include "tests/nn/trainer_support.h"

namespace iolaus::test {

using namespace iolaus::nn;

inline const char* evaluation(Stage stage) {
  return stage == Stage::kTest ? "test" : stage == Stage::kPredict ? "predict" : "validation";
}

// What a hook of an evaluation is noted as; of its batches with ":LOADER:BATCH" where that is asked
// for.
struct HookNames {
  Calls& calls;
  std::string prefix;
  bool numbered = false;
  void note(const std::string& name) const { calls.push_back(prefix + name); }
  void note(Stage stage, const char* what) const {
    note(std::string("on_") + evaluation(stage) + "_" + what);
  }
  void note(Stage stage, const char* what, const data::Batch& batch, int64_t i) const {
    const std::string at = numbered ? fmt::format(":{}:{}", batch.dataloader_idx, i) : "";
    note(std::string("on_") + evaluation(stage) + "_" + what + at);
  }
};

struct Recorder final : Callback {
  explicit Recorder(Calls& calls, bool numbered = false) : names{calls, "c.", numbered} {}
  using T = Trainer;
  using M = LightningModule;
  using B = data::Batch;
  void setup(T&, M&, Stage) override { names.note("setup"); }
  void teardown(T&, M&, Stage) override { names.note("teardown"); }
  void on_fit_start(T&, M&) override { names.note("on_fit_start"); }
  void on_fit_end(T&, M&) override { names.note("on_fit_end"); }
  void on_sanity_check_start(T&, M&) override { names.note("on_sanity_check_start"); }
  void on_sanity_check_end(T&, M&) override { names.note("on_sanity_check_end"); }
  void on_train_start(T&, M&) override { names.note("on_train_start"); }
  void on_train_end(T&, M&) override { names.note("on_train_end"); }
  void on_train_epoch_start(T&, M&) override { names.note("on_train_epoch_start"); }
  void on_train_epoch_end(T&, M&) override { names.note("on_train_epoch_end"); }
  void on_train_batch_start(T&, M&, const B&, int64_t) override {
    names.note("on_train_batch_start");
  }
  void on_train_batch_end(T&, M&, const Tensor&, const B&, int64_t) override {
    names.note("on_train_batch_end");
  }
  void on_before_zero_grad(T&, M&, Optimizer&) override { names.note("on_before_zero_grad"); }
  void on_before_backward(T&, M&, const Tensor&) override { names.note("on_before_backward"); }
  void on_after_backward(T&, M&) override { names.note("on_after_backward"); }
  void on_before_optimizer_step(T&, M&, Optimizer&) override {
    names.note("on_before_optimizer_step");
  }
  void on_evaluation_start(T&, M&, Stage s) override { names.note(s, "start"); }
  void on_evaluation_end(T&, M&, Stage s) override { names.note(s, "end"); }
  void on_evaluation_epoch_start(T&, M&, Stage s) override { names.note(s, "epoch_start"); }
  void on_evaluation_epoch_end(T&, M&, Stage s) override { names.note(s, "epoch_end"); }
  void on_evaluation_batch_start(T&, M&, Stage s, const B& b, int64_t i) override {
    names.note(s, "batch_start", b, i);
  }
  void on_evaluation_batch_end(T&, M&, Stage s, const B& b, int64_t i) override {
    names.note(s, "batch_end", b, i);
  }
  std::string state_key() const override { return "Recorder"; }
  HookNames names;
};

template <class Base> struct RecordedNet final : Base {
  explicit RecordedNet(Calls& calls, bool numbered = false) : names{calls, "m.", numbered} {}
  void setup(Stage) override { names.note("setup"); }
  void teardown(Stage) override { names.note("teardown"); }
  void on_fit_start() override { names.note("on_fit_start"); }
  void on_fit_end() override { names.note("on_fit_end"); }
  void on_train_start() override { names.note("on_train_start"); }
  void on_train_end() override { names.note("on_train_end"); }
  void on_train_epoch_start() override { names.note("on_train_epoch_start"); }
  void on_train_epoch_end() override {
    names.note("on_train_epoch_end");
    Base::on_train_epoch_end();
  }
  void on_train_batch_start(const data::Batch&, int64_t) override {
    names.note("on_train_batch_start");
  }
  void on_train_batch_end(const Tensor&, const data::Batch&, int64_t) override {
    names.note("on_train_batch_end");
  }
  void on_before_zero_grad(Optimizer&) override { names.note("on_before_zero_grad"); }
  void on_before_backward(const Tensor&) override { names.note("on_before_backward"); }
  void on_after_backward() override { names.note("on_after_backward"); }
  void on_before_optimizer_step(Optimizer&) override { names.note("on_before_optimizer_step"); }
  void on_evaluation_start(Stage s) override { names.note(s, "start"); }
  void on_evaluation_end(Stage s) override { names.note(s, "end"); }
  void on_evaluation_epoch_start(Stage s) override { names.note(s, "epoch_start"); }
  void on_evaluation_epoch_end(Stage s) override { names.note(s, "epoch_end"); }
  void on_evaluation_batch_start(Stage s, const data::Batch& b, int64_t i) override {
    names.note(s, "batch_start", b, i);
  }
  void on_evaluation_batch_end(Stage s, const data::Batch& b, int64_t i) override {
    names.note(s, "batch_end", b, i);
  }
  HookNames names;
};

struct Rows final : Logger {
  void log_metrics(const Metrics& metrics, int64_t step) override {
    rows.emplace_back(step, metrics);
  }
  std::vector<std::pair<int64_t, Metrics>> rows;
};

inline TrainerOptions quiet() {
  return {.accelerator = "cpu",
          .num_sanity_val_steps = 0,
          .enable_checkpointing = false,
          .enable_progress_bar = false,
          .enable_model_summary = false};
}

inline void compare_rows(const nlohmann::json& expected,
                         const std::vector<std::pair<int64_t, Metrics>>& rows) {
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

}  // namespace iolaus::test
