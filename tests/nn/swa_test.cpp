// Stochastic weight averaging beside Lightning's callback and torch's update_bn
// (tests/data/nn/lightning_swa.py), and what a checkpoint keeps of it.
#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "config/instantiate.h"
#include "config/yaml.h"
#include "nn/callbacks/stochastic_weight_averaging.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/sequential.h"
#include "tests/core/io_helpers.h"
#include "tests/nn/trainer_recorder.h"

using namespace iolaus;
using namespace iolaus::nn;
using nlohmann::json;
namespace fs = std::filesystem;

namespace {

json recorded() {
  std::ifstream file(IOLAUS_SOURCE_DIR "/tests/data/nn/lightning_swa.json");
  return json::parse(file);
}

struct NormNet : test::Net {
  explicit NormNet(bool normalizes = false) {
    if (normalizes) norm = register_module("norm", std::make_shared<BatchNorm>("BatchNorm1d", 3));
  }
  Tensor forward(const Tensor& x) override { return Net::forward(norm ? (*norm)(x) : x); }
  Tensor training_step(const data::Batch& batch, int64_t i) override {
    rates.push_back(LightningModule::optimizer().options().front().at("lr"));
    return Net::training_step(batch, i);
  }
  std::shared_ptr<BatchNorm> norm;
  std::vector<double> rates;
};

struct Normalized : NormNet {
  Normalized() : NormNet(true) {}
};

struct Case {
  const char* name;
  std::string swa;
  int64_t max_epochs;
  const char* scheduler = "";
  bool norm = false;
  int64_t accumulate = 1;
};

const Case kCases[] = {
    {"share", "swa_lrs: 0.05", 6},
    {"cosine", "swa_lrs: 0.02, swa_epoch_start: 2, annealing_epochs: 3", 6},
    {"linear",
     "swa_lrs: [0.3], swa_epoch_start: 0.5, annealing_epochs: 4, annealing_strategy: linear", 7},
    {"at_once", "swa_lrs: 0.03, swa_epoch_start: 1, annealing_epochs: 0", 3},
    {"scheduler", "swa_lrs: 0.05, swa_epoch_start: 3, annealing_epochs: 2", 6, "epoch"},
    {"norm", "swa_lrs: 0.05, swa_epoch_start: 2, annealing_epochs: 2", 4, "", true},
    {"norm_accumulate", "swa_lrs: 0.05, swa_epoch_start: 2, annealing_epochs: 2", 3, "", true, 3},
};

std::shared_ptr<StochasticWeightAveraging> make(const std::string& options) {
  return std::dynamic_pointer_cast<StochasticWeightAveraging>(
      config::instantiate<Callback>(config::load_yaml(
          "{_target_: lightning.pytorch.callbacks.StochasticWeightAveraging, " + options + "}",
          "test")));
}

TrainerOptions options_of(const Case& c) {
  TrainerOptions o = test::quiet();
  o.max_epochs = c.max_epochs;
  o.accumulate_grad_batches = c.accumulate;
  return o;
}

void near(const std::vector<double>& ours, const json& expected, double epsilon) {
  const auto values = expected.get<std::vector<double>>();
  REQUIRE(ours.size() == values.size());
  for (size_t i = 0; i < values.size(); ++i) {
    CHECK(ours[i] == doctest::Approx(values[i]).epsilon(epsilon));
  }
}

template <class Base> void run(const Case& c, const json& expected) {
  test::Calls calls;
  const auto rows = std::make_shared<test::Rows>();
  const auto swa = make(c.swa);
  TrainerOptions options = options_of(c);
  options.loggers = {rows};
  options.callbacks = {swa};
  test::RecordedNet<Base> net(calls);
  net.scheduler = c.scheduler;
  test::WaveModule data;
  Trainer trainer(options);
  trainer.fit(net, data);
  CHECK(calls == expected.at("hooks").get<test::Calls>());
  CHECK(trainer.current_epoch() == expected.at("epoch").get<int64_t>());
  CHECK(trainer.global_step() == expected.at("global_step").get<int64_t>());
  CHECK(trainer.options().max_epochs == expected.at("max_epochs").get<int64_t>());
  CHECK(swa->n_averaged() == expected.at("n_averaged").get<int64_t>());
  test::compare_rows(expected.at("rows"), rows->rows);
  near(net.losses, expected.at("losses"), 3e-6);
  near(net.rates, expected.at("rates"), 1e-12);
  near(net.fc->named_parameters()[0].second.template to_vector<double>(), expected.at("weight"),
       1e-5);
  near(swa->average().at(0).to_vector<double>(), expected.at("average"), 1e-5);
  if (!c.norm) return;
  const NamedTensors statistics = net.norm->named_buffers();
  near(statistics[0].second.template to_vector<double>(), expected.at("mean"), 1e-5);
  near(statistics[1].second.template to_vector<double>(), expected.at("var"), 1e-5);
  CHECK(statistics[2].second.template item<int64_t>() == expected.at("batches").get<int64_t>());
  CHECK(*net.norm->momentum() == expected.at("momentum").get<double>());
}

struct Folder {
  Folder() {
    static int count = 0;
    path = (fs::temp_directory_path() / fmt::format("iolaus_swa_{}_{}", getpid(), count++));
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string path;
};

// Saves after each batch, also those that take no step.
struct EachBatch final : Callback {
  explicit EachBatch(std::string f) : folder(std::move(f)) {}
  bool is_checkpoint() const override { return true; }
  std::string state_key() const override { return "EachBatch"; }
  void on_train_batch_end(Trainer& t, LightningModule&, const Tensor&, const data::Batch&,
                          int64_t i) override {
    save_checkpoint(fmt::format("{}/{}-{}.ckpt", folder, t.current_epoch(), i),
                    t.dump_checkpoint());
  }
  std::string folder;
};

std::map<std::string, std::vector<double>> state_of(const NormNet& net) {
  std::map<std::string, std::vector<double>> all;
  for (const auto& [name, t] : net.state_dict()) all[name] = t.to_vector<double>();
  return all;
}

}  // namespace

TEST_CASE("averaged training is Lightning's, in hooks, rates, rows, losses and weights") {
  const json cases = recorded().at("cases");
  CHECK(cases.size() == std::size(kCases));
  for (const Case& c : kCases) {
    CAPTURE(std::string(c.name));
    if (c.norm) {
      run<Normalized>(c, cases.at(c.name));
    } else {
      run<NormNet>(c, cases.at(c.name));
    }
  }
}

TEST_CASE("training that ends before the first mean keeps its weights") {
  std::ifstream file(IOLAUS_SOURCE_DIR "/tests/data/nn/lightning_loops.json");
  const json expected = json::parse(file).at("plain");  // two epochs
  TrainerOptions options = test::quiet();
  options.max_epochs = 2;
  options.callbacks = {make("swa_lrs: 0.05, swa_epoch_start: 9")};
  NormNet net;
  test::WaveModule data;
  Trainer(options).fit(net, data);
  near(net.fc->named_parameters()[0].second.to_vector<double>(), expected.at("weight"), 1e-5);
}

TEST_CASE("an averaged training goes on from any checkpoint to the same weights and statistics") {
  for (const size_t which : {size_t{4}, size_t{5}}) {  // with a schedule, with normalisation
    const Case& c = kCases[which];
    CAPTURE(std::string(c.name));
    const auto train = [&](const std::string& folder, bool saves, const std::string& from) {
      TrainerOptions o = options_of(c);
      o.default_root_dir = folder;
      o.enable_checkpointing = saves;
      o.callbacks = {make(c.swa)};
      if (saves) {
        o.callbacks.push_back(std::make_shared<EachBatch>(folder + "/checkpoints"));
      }
      NormNet net(c.norm);
      net.scheduler = c.scheduler;
      test::WaveModule data(true);
      Trainer(o).fit(net, data, from);
      return state_of(net);
    };
    const Folder whole;
    const auto expected = train(whole.path, true, "");
    size_t count = 0;
    for (const auto& entry : fs::directory_iterator(whole.path + "/checkpoints")) {
      CAPTURE(entry.path().string());
      const Folder rest;
      CHECK(train(rest.path, false, entry.path().string()) == expected);
      ++count;
    }
    CHECK(count == (c.norm ? 20 : 24));
  }
}

TEST_CASE("statistics of batch normalisation are collected anew as update_bn does") {
  const json expected = recorded().at("update_bn");
  const auto first =
      std::make_shared<BatchNorm>("BatchNorm1d", 3, BatchNormOptions{.momentum = 0.3});
  const auto linear = std::make_shared<Linear>(3, 2);
  const auto last =
      std::make_shared<BatchNorm>("BatchNorm1d", 2, BatchNormOptions{.momentum = std::nullopt});
  {
    const NoGrad no_grad;
    copy_(linear->named_parameters()[0].second, test::wave({2, 3}, 0.9, 0.3));
    copy_(linear->named_parameters()[1].second, test::wave({2}, 0.9, 1.3));
  }
  Sequential model({first, linear, last});
  model(test::wave({5, 3}, 1.1, 0.4));
  model.eval();
  const data::DataLoader loader(std::make_shared<test::WaveData>(14, 0.7, 0.1, 7),
                                {.batch_size = 4});
  update_bn(loader, model);
  CHECK(!model.is_training());
  CHECK(*first->momentum() == 0.3);
  CHECK(!last->momentum().has_value());
  for (const auto& [prefix, norm] : {std::pair{"0.", first}, std::pair{"2.", last}}) {
    for (const auto& [name, value] : norm->named_buffers()) {
      CAPTURE(prefix + name);
      const json& wanted = expected.at(prefix + name);
      near(value.to_vector<double>(), wanted.is_array() ? wanted : json::array({wanted}), 2e-6);
    }
  }
  // A model without any is left alone: nothing goes through it.
  struct Refuses final : Module {
    Tensor forward(const Tensor&) override { fail(ErrorCode::kInternal, "went through"); }
    std::string type_name() const override { return "Refuses"; }
  } refuses;
  update_bn(loader, refuses);
}

TEST_CASE("averaging says what it does not do") {
  const auto refuses = [](const char* options, const char* what, ErrorCode code) {
    CAPTURE(options);
    test::check_error(code, what, [&] { make(options); });
  };
  refuses("swa_lrs: -1.0", "swa_lrs should be a positive float", ErrorCode::kInvalidArgument);
  refuses("swa_lrs: 0.1, swa_epoch_start: 0", "should be a >0 integer or a float between 0 and 1",
          ErrorCode::kInvalidArgument);
  refuses("swa_lrs: 0.1, swa_epoch_start: 1.5", "should be a >0 integer or a float between 0 and 1",
          ErrorCode::kInvalidArgument);
  refuses("swa_lrs: 0.1, annealing_strategy: exp", "expected cos or linear, got exp",
          ErrorCode::kConfig);
  refuses("swa_lrs: 0.1, avg_fn: mine", "other functions are not offered", ErrorCode::kConfig);
  const auto fit = [](const char* options, int64_t max_epochs, int64_t max_steps) {
    TrainerOptions o = test::quiet();
    o.max_epochs = max_epochs;
    o.max_steps = max_steps;
    o.callbacks = {make(options)};
    NormNet net;
    test::WaveModule data;
    Trainer(o).fit(net, data);
  };
  test::check_error(ErrorCode::kInvalidArgument, "is not supported when max_epochs=-1",
                    [&] { fit("swa_lrs: 0.1", -1, 4); });
  test::check_error(ErrorCode::kInvalidArgument, "expected swa_lrs for each of 1 groups, got 2",
                    [&] { fit("swa_lrs: [0.1, 0.2]", 2, -1); });
}
