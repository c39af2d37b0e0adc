// Resuming: from any step, also in the middle of an epoch or an accumulation, training goes on to
// the same bits; and what callbacks keep.
#include <doctest/doctest.h>
#include <unistd.h>

#include <csignal>
#include <filesystem>
#include <limits>

#include "core/warning.h"
#include "nn/callbacks/early_stopping.h"
#include "nn/callbacks/model_checkpoint.h"
#include "nn/layers/dropout.h"
#include "nn/loggers/logger.h"
#include "nn/trainer/signals.h"
#include "tests/devices.h"
#include "tests/nn/trainer_support.h"

using namespace iolaus;
using namespace iolaus::nn;
using doctest::Contains;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    static int count = 0;
    path = (fs::temp_directory_path() / fmt::format("iolaus_resume_{}_{}", getpid(), count++));
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string path;
};

// With dropout and momentum: weights, moments and random numbers must all come back.
struct RandomNet final : test::Net {
  Tensor forward(const Tensor& x) override { return Net::forward(drop->forward(x)); }
  std::shared_ptr<Dropout> drop = register_module("drop", std::make_shared<Dropout>(0.3));
};

struct Rows final : Logger {
  void log_metrics(const Metrics& metrics, int64_t step) override {
    rows.emplace_back(step, metrics);
  }
  std::vector<std::pair<int64_t, Metrics>> rows;
};

// Warnings that a test expects, kept from the output.
struct Quiet {
  Quiet() {
    set_warning_handler([](const std::string&) {});
  }
  ~Quiet() { set_warning_handler(nullptr); }
};

struct Outcome {
  std::map<std::string, std::vector<double>> state;
  std::vector<std::pair<int64_t, Metrics>> rows;
  bool operator==(const Outcome&) const = default;
};

TrainerOptions options(Device device, const std::string& dir) {
  return {.accelerator = device.str(),
          .default_root_dir = dir,
          .max_epochs = 3,
          .num_sanity_val_steps = 0,
          .log_every_n_steps = 1,
          .enable_progress_bar = false,
          .enable_model_summary = false};
}

std::shared_ptr<ModelCheckpoint> each_step() {
  return std::make_shared<ModelCheckpoint>(
      ModelCheckpointOptions{.save_top_k = -1, .every_n_train_steps = 1});
}

Outcome train(TrainerOptions o, const std::string& from = "") {
  const auto rows = std::make_shared<Rows>();
  o.loggers = {rows};
  manual_seed(11);
  RandomNet net;
  net.scheduler = "step";
  test::WaveModule data(true);
  Trainer trainer(o);
  trainer.fit(net, data, from);
  Outcome outcome{.state = {}, .rows = rows->rows};
  for (const auto& [name, t] : net.state_dict()) outcome.state[name] = t.to_vector<double>();
  for (const auto& [name, t] : net.optimizer->state_dict()) {
    outcome.state["optimizer." + name] = t.to_vector<double>();
  }
  return outcome;
}

std::vector<std::string> checkpoints_in(const std::string& dir) {
  std::vector<std::string> found;
  for (const auto& entry : fs::directory_iterator(dir + "/checkpoints")) {
    if (!entry.is_symlink()) found.push_back(entry.path().string());
  }
  std::sort(found.begin(), found.end());
  return found;
}

}  // namespace

TEST_CASE("training resumed from any step gives the same weights, state and rows, bit for bit") {
  for (const Device device : test::all_devices()) {
    for (const int64_t accumulate : {1, 2, 3}) {
      CAPTURE(device.str());
      CAPTURE(accumulate);
      const Folder whole;
      TrainerOptions o = options(device, whole.path);
      o.accumulate_grad_batches = accumulate;
      o.callbacks = {each_step()};
      const Outcome expected = train(o);
      const auto saved = checkpoints_in(whole.path);
      CHECK(saved.size() >= 6);
      for (const std::string& from : saved) {
        CAPTURE(from);
        const Folder rest;
        TrainerOptions resumed = options(device, rest.path);
        resumed.accumulate_grad_batches = accumulate;
        const Outcome outcome = train(resumed, from);
        CHECK(outcome.state == expected.state);
        REQUIRE(outcome.rows.size() <= expected.rows.size());
        // The rows after the checkpoint are the last rows of the whole run.
        const std::vector<std::pair<int64_t, Metrics>> tail(
            expected.rows.end() - static_cast<std::ptrdiff_t>(outcome.rows.size()),
            expected.rows.end());
        CHECK(outcome.rows == tail);
      }
    }
  }
}

TEST_CASE("a checkpoint in the middle of an accumulation holds the gradients") {
  const Folder whole, rest;
  struct SaveAt final : Callback {
    explicit SaveAt(std::string p) : path(std::move(p)) {}
    bool is_checkpoint() const override { return true; }
    std::string state_key() const override { return "SaveAt"; }
    void on_train_batch_end(Trainer& t, LightningModule&, const Tensor&, const data::Batch&,
                            int64_t batch_idx) override {
      if (t.current_epoch() == 1 && batch_idx == 0) save_checkpoint(path, t.dump_checkpoint());
    }
    std::string path;
  };
  TrainerOptions o = options({}, whole.path);
  o.accumulate_grad_batches = 2;
  o.callbacks = {std::make_shared<SaveAt>(whole.path + "/middle.ckpt")};
  const Outcome expected = train(o);
  CHECK(load_checkpoint(whole.path + "/middle.ckpt").trainer.contains("grad.fc.weight"));
  o.default_root_dir = rest.path;
  o.callbacks.clear();
  CHECK(train(o, whole.path + "/middle.ckpt").state == expected.state);
}

TEST_CASE("ModelCheckpoint keeps the best by a metric, names them, and knows the last") {
  const Folder folder;
  TrainerOptions o = options({}, folder.path);
  o.max_epochs = 4;
  const auto best = std::make_shared<ModelCheckpoint>(
      ModelCheckpointOptions{.filename = "epoch_{epoch:03d}-{val/loss:.3f}",
                             .monitor = "val/loss",
                             .save_last = true,
                             .save_top_k = 2,
                             .auto_insert_metric_name = false});
  o.callbacks = {best};
  train(o);
  std::vector<std::string> names;
  for (const std::string& path : checkpoints_in(folder.path)) {
    names.push_back(fs::path(path).filename());
    CHECK(load_checkpoint(path).optimizer_options.size() == 1);
  }
  REQUIRE(names.size() >= 2);
  CHECK(names[0].starts_with("epoch_00"));
  CHECK(best->best_model_score().has_value());
  CHECK(load_checkpoint(best->best_model_path()).metrics.at("val/loss") ==
        *best->best_model_score());
  CHECK(load_checkpoint(folder.path + "/checkpoints/last.ckpt").epoch == 4);
  CHECK(load_checkpoint(folder.path).epoch == 4);
}

TEST_CASE("names of checkpoints follow Lightning's templates") {
  const Metrics metrics{{"epoch", 3}, {"step", 70}, {"val/acc", 0.5}, {"loss", 0.125}};
  const auto name = [&](const char* text, bool insert) {
    return ModelCheckpoint::format_name(text, metrics, insert);
  };
  CHECK(name("{epoch}-{step}", true) == "epoch=3-step=70");
  CHECK(name("epoch_{epoch:03d}", false) == "epoch_003");
  CHECK(name("{epoch:03d}-{loss:.2f}", true) == "epoch=003-loss=0.12");
  CHECK(name("{val/acc:.2f}", true) == "val_acc=0.50");
  CHECK(name("m-{missing}", true) == "m-missing=0");
  CHECK(name("plain", true) == "plain");
  CHECK_THROWS_WITH(name("{loss:q}", true), Contains("'{loss:q}' is wrong"));
}

TEST_CASE("early stopping's count survives a resume") {
  const Folder whole, part, rest;
  const auto with_early = [](TrainerOptions o) {
    o.max_epochs = 9;
    o.callbacks.push_back(std::make_shared<EarlyStopping>(
        EarlyStoppingOptions{.monitor = "val/loss", .min_delta = 0.2, .patience = 3}));
    return o;
  };
  const Outcome expected = train(with_early(options({}, whole.path)));
  TrainerOptions first = with_early(options({}, part.path));
  first.max_epochs = 2;
  train(first);
  CHECK(train(with_early(options({}, rest.path)), part.path).state == expected.state);
}

TEST_CASE("a signal saves at the next step and stops; training goes on from there, bit for bit") {
  struct Raise final : Callback {
    std::string state_key() const override { return "Raise"; }
    void on_train_batch_start(Trainer& t, LightningModule&, const data::Batch&,
                              int64_t i) override {
      if (t.current_epoch() == 1 && i == 1) std::raise(SIGTERM);
    }
  };
  const Folder whole, part, rest;
  const Outcome expected = train(options({}, whole.path));
  TrainerOptions o = options({}, part.path);
  o.callbacks = {std::make_shared<Raise>()};
  manual_seed(11);
  RandomNet net;
  test::WaveModule data(true);
  net.scheduler = "step";
  Trainer trainer(o);
  trainer.fit(net, data);
  CHECK(trainer.interrupted_by() == SIGTERM);
  CHECK(interrupted_exit_status(SIGTERM) == 75);
  CHECK(fs::exists(part.path + "/checkpoints/interrupted.ckpt/manifest.json"));
  CHECK(train(options({}, rest.path), part.path).state == expected.state);
}

TEST_CASE("a signal ends a validation too, which training begins anew, bit for bit") {
  // Draws numbers, as a validation may.
  struct Raise final : Callback {
    explicit Raise(int64_t n) : at(n) {}
    std::string state_key() const override { return "Raise"; }
    void on_evaluation_batch_end(Trainer&, LightningModule&, Stage, const data::Batch&,
                                 int64_t) override {
      rand({2});
      if (++seen == at) std::raise(SIGTERM);
    }
    void on_evaluation_abandoned(Trainer&, LightningModule&, Stage) override { ++abandoned; }
    int64_t at, seen = 0, abandoned = 0;
  };
  const auto with_raise = [](const std::string& dir, const std::shared_ptr<Raise>& raise,
                             bool within_epoch) {
    TrainerOptions o = options({}, dir);
    if (within_epoch) o.val_check_interval.count = 2;
    o.callbacks = {raise,
                   std::make_shared<ModelCheckpoint>(
                       ModelCheckpointOptions{.monitor = "val/loss", .save_last = true}),
                   std::make_shared<EarlyStopping>(EarlyStoppingOptions{.monitor = "val/loss"})};
    return o;
  };
  for (const bool within_epoch : {false, true}) {
    const Folder whole;
    const auto never = std::make_shared<Raise>(-1);
    const Outcome expected = train(with_raise(whole.path, never, within_epoch));
    REQUIRE(never->seen >= 6);
    for (int64_t at = 1; at <= never->seen; ++at) {
      CAPTURE(within_epoch);
      CAPTURE(at);
      const Folder part, rest;
      const auto raise = std::make_shared<Raise>(at);
      const Outcome first = train(with_raise(part.path, raise, within_epoch));
      const auto again = std::make_shared<Raise>(-1);
      const Outcome second = train(with_raise(rest.path, again, within_epoch), part.path);
      CHECK(second.state == expected.state);
      // Rows that both wrote aside, the second goes on where the first ended.
      REQUIRE(first.rows.size() + second.rows.size() >= expected.rows.size());
      const std::vector<std::pair<int64_t, Metrics>> tail(
          expected.rows.end() - static_cast<std::ptrdiff_t>(second.rows.size()),
          expected.rows.end());
      CHECK(second.rows == tail);
      const Checkpoint left = load_checkpoint(part.path);
      CHECK(left.validation_due == (raise->abandoned == 1));
      // A validation that was not at its end is repeated as a whole.
      if (left.validation_due) CHECK(again->seen + at > never->seen);
    }
  }
}

TEST_CASE("a loss that is not finite: an error that names the batch, a skip, or nothing") {
  const Quiet quiet;
  struct BadNet final : test::Net {
    Tensor training_step(const data::Batch& batch, int64_t i) override {
      const Tensor good = Net::training_step(batch, i);
      const bool bad = trainer().current_epoch() == 1 && (i == 1 || always);
      return bad ? mul(good, std::numeric_limits<double>::quiet_NaN()) : good;
    }
    bool always = false;
  };
  for (const Device device : test::all_devices()) {
    CAPTURE(device.str());
    const Folder folder;
    TrainerOptions o = options(device, folder.path);
    {
      BadNet net;
      test::WaveModule data;
      Trainer trainer(o);
      CHECK_THROWS_WITH(trainer.fit(net, data),
                        device.is_cpu() ? Contains("at batch 1 of epoch 1 (samples 4, 5")
                                        : Contains("stopped being finite at batch 5"));
      // What was saved is from before it.
      for (const auto& [name, t] : load_checkpoint(folder.path).model) {
        CHECK(isfinite(t).to_vector<bool>() == std::vector<bool>(t.numel(), true));
      }
    }
    o.nan_policy = NanPolicy::kSkip;
    o.enable_checkpointing = false;
    BadNet net;
    test::WaveModule data;
    Trainer(o).fit(net, data);
    for (const auto& [name, t] : net.state_dict()) {
      CHECK(isfinite(t).to_vector<bool>() == std::vector<bool>(t.numel(), true));
    }
    net.always = true;
    o.nan_patience = 2;
    CHECK_THROWS_WITH(Trainer(o).fit(net, data), Contains("3 batches in a row"));
  }
}

TEST_CASE("flags that make no sense are refused by name") {
  const auto fails = [](TrainerOptions o, const char* message) {
    CHECK_THROWS_WITH(Trainer{o}, Contains(message));
  };
  fails({.accumulate_grad_batches = 0}, "accumulate_grad_batches");
  fails({.gradient_clip_val = -1}, "gradient_clip_val");
  fails({.gradient_clip_algorithm = "sum"}, "'norm' or 'value'");
  fails({.limit_train_batches = {1.5, -1}}, "[0.0, 1.0]");
  fails({.precision = "8-true"}, "32-true");
  fails({.accelerator = "tpu"}, "tpu");
  fails({.check_val_every_n_epoch = std::nullopt}, "val_check_interval");
  Trainer endless(TrainerOptions{.enable_checkpointing = false, .enable_progress_bar = false});
  test::Net net;
  test::WaveModule data;
  CHECK_THROWS_WITH(endless.fit(net, data), Contains("no end"));
}

TEST_CASE("predict gives each batch's output, validate and test their metrics") {
  test::Net net;
  test::WaveModule data;
  Trainer trainer(TrainerOptions{.accelerator = "cpu",
                                 .limit_predict_batches = {1.0, 3},
                                 .enable_checkpointing = false,
                                 .enable_progress_bar = false});
  const Tensors outputs = trainer.predict(net, data);
  REQUIRE(outputs.size() == 3);
  CHECK(outputs[0].sizes() == Dims{4, 2});
  const Metrics validated = trainer.validate(net, data);
  CHECK(validated.contains("val/loss"));
  CHECK(trainer.test(net, data).at("test/loss") == validated.at("val/loss"));
}
