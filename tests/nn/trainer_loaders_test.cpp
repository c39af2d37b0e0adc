// The trainer with several loaders and with streams beside Lightning: hooks, rows, losses, weights
// and predictions (tests/data/nn/lightning_loaders.py).
#include <unistd.h>

#include <cstdlib>
#include <fstream>

#include "nn/callbacks/early_stopping.h"
#include "tests/core/io_helpers.h"
#include "tests/nn/trainer_recorder.h"

using namespace iolaus;
using namespace iolaus::nn;
using nlohmann::json;

namespace {

// The net of lightning_loaders.py; how: what its validation logs.
struct Several : test::Net {
  void validation_step(const data::Batch& batch, int64_t) override {
    if (how == "own_names") {
      log(fmt::format("val/loss_{}", batch.dataloader_idx), loss(batch),
          {.add_dataloader_idx = false});
    } else if (how == "same_name") {
      log("val/loss", loss(batch), {.add_dataloader_idx = false});
    } else if (how == "on_step") {
      log("val/loss", loss(batch), {.on_step = true, .on_epoch = true, .prog_bar = true});
    } else {
      log("val/loss", loss(batch));
      log("val/max", loss(batch), {.reduce_fx = Reduce::kMax});
    }
  }
  std::string how;
};

struct AtEnd final : Callback {
  void on_evaluation_epoch_end(Trainer&, LightningModule& module, Stage stage) override {
    if (stage == Stage::kValidate) module.log("val/end", 3.0);
  }
  std::string state_key() const override { return "AtEnd"; }
};

struct Case {
  const char* name;
  bool several = false;
  std::string streams = {};  // which of train and val are; or "shuffle": both in random order
  std::string how = {};
  std::function<void(TrainerOptions&)> set = [](TrainerOptions&) {};
};

struct Parts final : data::DataModule {
  explicit Parts(const Case& c) {
    const bool shuffle = c.streams == "shuffle";
    train = loader(14, 0.7, 0.1, 7, c.streams.find("train") != std::string::npos, shuffle);
    const bool streams = c.streams.find("val") != std::string::npos;
    val.push_back(loader(16, 0.4, 0.2, 5, streams, shuffle));
    if (c.several) val.push_back(loader(6, 0.6, 0.5, 4, streams, shuffle));
  }
  static std::unique_ptr<data::Loader> loader(int64_t count, double rate, double phase,
                                              int64_t stride, bool stream, bool shuffle = false) {
    const auto waves = std::make_shared<test::WaveData>(count, rate, phase, stride);
    const data::DataLoaderOptions options{.batch_size = 4, .shuffle = shuffle};
    if (!stream) return std::make_unique<data::DataLoader>(waves, options);
    return std::make_unique<data::IterableLoader>(std::make_shared<test::WaveStream>(waves),
                                                  options);
  }
  void setup() override {}
  const data::Loader* train_loader() override { return train.get(); }
  data::Loaders val_loaders() override {
    data::Loaders all;
    for (const auto& one : val) all.push_back(one.get());
    return all;
  }
  data::Loaders test_loaders() override { return val_loaders(); }
  data::Loaders predict_loaders() override { return val_loaders(); }
  std::unique_ptr<data::Loader> train;
  std::vector<std::unique_ptr<data::Loader>> val;
};

using O = TrainerOptions;
std::shared_ptr<Callback> early() {
  return std::make_shared<EarlyStopping>(EarlyStoppingOptions{
      .monitor = "val/loss/dataloader_idx_1", .min_delta = 0.05, .patience = 2});
}

const Case kCases[] = {
    {"two", true, "", "", [](O& o) { o.max_epochs = 2; }},
    {"two_limits", true, "", "",
     [](O& o) {
       o.limit_val_batches.count = o.limit_predict_batches.count = 1;
       o.limit_test_batches.share = 0.5;
     }},
    {"two_share", true, "", "", [](O& o) { o.limit_val_batches.share = 0.5; }},
    {"two_sanity", true, "", "", [](O& o) { o.num_sanity_val_steps = 1; }},
    {"two_sanity_all", true, "", "", [](O& o) { o.num_sanity_val_steps = -1; }},
    {"two_interval", true, "", "", [](O& o) { o.val_check_interval.count = 2; }},
    {"two_own_names", true, "", "own_names"},
    {"two_on_step", true, "", "on_step", [](O& o) { o.max_epochs = 2; }},
    {"one_on_step", false, "", "on_step", [](O& o) { o.max_epochs = 2; }},
    {"two_at_end", true, "", "", [](O& o) { o.callbacks.push_back(std::make_shared<AtEnd>()); }},
    {"two_early", true, "", "", [](O& o) { o.max_epochs = 9, o.callbacks.push_back(early()); }},
    {"two_overfit", true, "shuffle", "",
     [](O& o) { o.max_epochs = 2, o.overfit_batches.count = 2; }},
    {"two_streams", true, "val"},
    {"two_streams_limit", true, "val", "",
     [](O& o) { o.limit_val_batches.count = o.num_sanity_val_steps = 1; }},
    {"stream", false, "train", "", [](O& o) { o.max_epochs = 2; }},
    {"stream_limit", false, "train", "",
     [](O& o) { o.max_epochs = 2, o.limit_train_batches.count = 3; }},
    {"stream_long_limit", false, "train", "",
     [](O& o) {
       o.max_epochs = 2, o.limit_train_batches.count = 9, o.accumulate_grad_batches = 3;
     }},
    {"stream_accumulate", false, "train", "",
     [](O& o) { o.max_epochs = 2, o.accumulate_grad_batches = 3; }},
    {"stream_interval", false, "train", "",
     [](O& o) { o.max_epochs = 2, o.val_check_interval.count = 2; }},
    {"stream_interval_odd", false, "train", "", [](O& o) { o.val_check_interval.count = 3; }},
    {"stream_share", false, "train", "",
     [](O& o) { o.limit_train_batches.count = 4, o.val_check_interval.share = 0.5; }},
    {"stream_max_steps", false, "train", "", [](O& o) { o.max_steps = 6, o.max_epochs = -1; }},
    {"stream_over_epochs", false, "train", "",
     [](O& o) {
       o.max_epochs = 2, o.check_val_every_n_epoch = std::nullopt;
       o.val_check_interval.count = 3;
     }},
    {"stream_scheduler", false, "train", "", [](O& o) { o.max_epochs = 3; }},
    {"stream_sanity", false, "train val", "", [](O& o) { o.num_sanity_val_steps = 2; }},
    {"stream_fast", false, "train val", "", [](O& o) { o.fast_dev_run = 2; }},
};

O options_of(const Case& c) {
  O o = test::quiet();
  o.max_epochs = 1;
  c.set(o);
  return o;
}

void compare_numbers(const std::vector<double>& ours, const std::vector<double>& expected,
                     double epsilon) {
  CHECK(ours.size() == expected.size());
  for (size_t i = 0; i < std::min(ours.size(), expected.size()); ++i) {
    CHECK(ours[i] == doctest::Approx(expected[i]).epsilon(epsilon));
  }
}

// Lightning gives the metrics of each loader, with what the end logged in each.
void compare_metrics(const json& expected, const Metrics& metrics) {
  Metrics all;
  for (const json& loader : expected) {
    for (const auto& [name, value] : loader.items()) all[name] = value.get<double>();
  }
  CHECK(metrics.size() == all.size());
  for (const auto& [name, value] : all) {
    CAPTURE(name);
    REQUIRE(metrics.contains(name));
    CHECK(metrics.at(name) == doctest::Approx(value).epsilon(2e-6));
  }
}

void run(const Case& c, const json& expected) {
  test::Calls calls;
  const auto rows = std::make_shared<test::Rows>();
  O options = options_of(c);
  options.loggers = {rows};
  options.callbacks.insert(options.callbacks.begin(),
                           std::make_shared<test::Recorder>(calls, true));
  test::RecordedNet<Several> net(calls, true);
  net.how = c.how;
  if (std::string(c.name) == "stream_scheduler") net.scheduler = "epoch";
  Parts data(c);
  Trainer trainer(options);
  trainer.fit(net, data);
  const bool cut_short = std::string(c.name) == "stream_max_steps";
  if (!cut_short) CHECK(trainer.current_epoch() == expected.at("epoch").get<int64_t>());
  CHECK(trainer.global_step() == expected.at("global_step").get<int64_t>());
  CHECK(net.optimizer->options().front().at("lr") ==
        doctest::Approx(expected.at("lr").get<double>()));
  Case in_order = c;
  if (c.streams == "shuffle") in_order.streams = "";
  Parts again(in_order);
  compare_metrics(expected.at("validated"), trainer.validate(net, again));
  trainer.test(net, again);
  trainer.predict(net, again);
  CHECK(calls == expected.at("hooks").get<test::Calls>());
  json expected_rows = expected.at("rows");
  if (cut_short) {  // Lightning counts the epoch that max_steps cut short
    for (size_t i = 1; i <= 2; ++i) expected_rows[expected_rows.size() - i]["epoch"] = 1;
  }
  test::compare_rows(expected_rows, rows->rows);
  compare_numbers(net.losses, expected.at("losses").get<std::vector<double>>(), 2e-6);
  compare_numbers(net.fc->named_parameters()[0].second.to_vector<double>(),
                  expected.at("weight").get<std::vector<double>>(), 1e-5);
  const json& predicted = expected.at("predicted");
  REQUIRE(trainer.predictions().size() == predicted.size());
  for (size_t loader = 0; loader < predicted.size(); ++loader) {
    REQUIRE(trainer.predictions()[loader].size() == predicted[loader].size());
    for (size_t i = 0; i < predicted[loader].size(); ++i) {
      compare_numbers(trainer.predictions()[loader][i].to_vector<double>(),
                      predicted[loader][i].get<std::vector<double>>(), 2e-5);
    }
  }
}

json recorded() {
  std::ifstream file(IOLAUS_SOURCE_DIR "/tests/data/nn/lightning_loaders.json");
  return json::parse(file);
}

void fit(const Case& c) {
  Several net;
  net.how = c.how;
  Parts data(c);
  Trainer(options_of(c)).fit(net, data);
}

}  // namespace

TEST_CASE("several loaders and streams are gone through as Lightning does") {
  const json all = recorded();
  for (const Case& c : kCases) {
    CAPTURE(std::string(c.name));
    run(c, all.at(c.name));
  }
}

TEST_CASE("what Lightning refuses about loaders and streams is refused") {
  const std::pair<Case, const char*> cases[] = {
      {{"two_same_name", true, "", "same_name"}, "each loader needs names of its own"},
      {{"error_limit_train", false, "train", "", [](O& o) { o.limit_train_batches.share = 0.5; }},
       "limit_train_batches must be 1.0 or an int"},
      {{"error_limit_val", false, "val", "", [](O& o) { o.limit_val_batches.share = 0.5; }},
       "limit_val_batches must be 1.0 or an int"},
      {{"error_interval", false, "train", "", [](O& o) { o.val_check_interval.share = 0.5; }},
       "val_check_interval must be 1.0 or an int"},
      {{"error_interval_long", false, "", "", [](O& o) { o.val_check_interval.count = 10; }},
       "val_check_interval (10) must be less than or equal to the number of training batches (4)"},
      {{"error_limit_small", false, "", "", [](O& o) { o.limit_val_batches.share = 0.1; }},
       "increase limit_val_batches, to 0.25 at least"},
  };
  const json all = recorded();
  CHECK(all.size() == std::size(kCases) + std::size(cases));
  for (const auto& [c, text] : cases) {
    CAPTURE(std::string(c.name));
    CHECK(all.at(c.name).contains("error"));
    test::check_error(ErrorCode::kInvalidArgument, text, [&, &which = c] { fit(which); });
  }
}

TEST_CASE("metrics of each loader reach callbacks under their own names") {
  Several net;
  Parts data({"two", true});
  O options = options_of({"two", true});
  Trainer trainer(options);
  trainer.fit(net, data);
  const auto expected = recorded().at("two_interval").at("rows");
  for (const char* name : {"val/loss/dataloader_idx_0", "val/loss/dataloader_idx_1"}) {
    CHECK(trainer.callback_metrics().contains(name));
  }
  CHECK(!trainer.callback_metrics().contains("val/loss"));
}

TEST_CASE("each evaluation has names of its own") {
  struct One final : test::Net {
    void test_step(const data::Batch& batch, int64_t) override {
      if (batch.dataloader_idx == which)
        log("m", 1.0 + static_cast<double>(which), {.add_dataloader_idx = false});
    }
    int64_t which = 0;
  } net;
  Parts data({"two", true});
  Trainer trainer(test::quiet());
  CHECK(trainer.test(net, data) == Metrics{{"m", 1.0}});
  net.which = 1;
  CHECK(trainer.test(net, data) == Metrics{{"m", 2.0}});
}

TEST_CASE("the progress bar names several loaders, and shows how far a stream is") {
  const auto shown = [](const Case& c) {
    O o = options_of(c);
    o.enable_progress_bar = true;
    Several net;
    Parts data(c);
    char name[] = "/tmp/iolaus_progress_XXXXXX";
    const int file = ::mkstemp(name), before = ::dup(STDERR_FILENO);
    ::dup2(file, STDERR_FILENO);
    Trainer trainer(o);
    trainer.fit(net, data);
    trainer.test(net, data);
    ::dup2(before, STDERR_FILENO);
    ::close(before);
    std::ifstream text(name);
    ::close(file);
    ::unlink(name);
    return std::string(std::istreambuf_iterator<char>(text), {});
  };
  const std::string two = shown({"two", true});
  CHECK(two.find("Epoch 1/1: 4/4 in") != std::string::npos);
  CHECK(two.find("Testing DataLoader 0: 4/4 in") != std::string::npos);
  CHECK(two.find("Testing DataLoader 1: 2/2 in") != std::string::npos);
  const std::string stream = shown({"stream", false, "train val"});
  CHECK(stream.find("Epoch 1/1: 4 in") != std::string::npos);
  CHECK(stream.find("Testing: 4 in") != std::string::npos);
}

TEST_CASE("loaders that are null, and data that gives nothing, are errors") {
  struct Null final : data::DataModule {
    void setup() override {}
    data::Loaders test_loaders() override { return {nullptr}; }
  } null;
  Several net;
  Trainer trainer(test::quiet());
  test::check_error(ErrorCode::kInvalidArgument, "one of the loaders to test is null",
                    [&] { trainer.test(net, null); });
  test::check_error(ErrorCode::kInvalidArgument, "there is no data to predict",
                    [&] { trainer.predict(net, null); });
  struct Empty final : data::DataModule {
    void setup() override {}
    const data::Loader* train_loader() override { return train.get(); }
    std::unique_ptr<data::Loader> train = Parts::loader(0, 1, 0, 1, true);
  } empty;
  O options = test::quiet();
  options.max_steps = 3;
  Trainer stream(options);
  test::check_error(ErrorCode::kInvalidArgument, "the training data gave no batch in epoch 0",
                    [&] { stream.fit(net, empty); });
}
