// Training on a stream that is interrupted in the middle of an epoch: it goes on to the same bits
// where the stream has states or repeats itself, and says so where it cannot.
#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>

#include "nn/callbacks/model_checkpoint.h"
#include "nn/callbacks/progress_bar.h"
#include "nn/layers/dropout.h"
#include "tests/core/io_helpers.h"
#include "tests/nn/trainer_support.h"

using namespace iolaus;
using namespace iolaus::nn;
using data::Resume;
namespace fs = std::filesystem;

namespace {

struct Folder {
  Folder() {
    static int count = 0;
    path = (fs::temp_directory_path() / fmt::format("iolaus_stream_{}_{}", getpid(), count++));
    fs::create_directories(path);
  }
  ~Folder() { fs::remove_all(path); }
  std::string path;
};

// With dropout and momentum: weights, moments and random numbers must all come back.
struct RandomNet final : test::Net {
  Tensor forward(const Tensor& x) override { return Net::forward(drop->forward(x)); }
  Tensor training_step(const data::Batch& batch, int64_t i) override {
    samples.insert(samples.end(), batch.indices.begin(), batch.indices.end());
    return Net::training_step(batch, i);
  }
  std::shared_ptr<Dropout> drop = register_module("drop", std::make_shared<Dropout>(0.3));
  std::vector<int64_t> samples;
};

struct StreamModule final : data::DataModule {
  explicit StreamModule(Resume resume, int64_t count = 14)
      : train(std::make_shared<test::WaveStream>(
                  std::make_shared<test::WaveData>(count, 0.7, 0.1, 7), resume),
              {.batch_size = 4}) {}
  void setup() override {}
  const data::Loader* train_loader() override { return &train; }
  data::IterableLoader train;
};

struct Outcome {
  std::map<std::string, std::vector<double>> state;
  std::vector<int64_t> samples;
};

Outcome train(TrainerOptions options, Resume resume, const std::string& from = "",
              int64_t count = 14) {
  manual_seed(11);
  RandomNet net;
  net.scheduler = "step";
  StreamModule data(resume, count);
  Trainer(std::move(options)).fit(net, data, from);
  Outcome outcome{.state = {}, .samples = net.samples};
  for (const auto& [name, t] : net.state_dict()) outcome.state[name] = t.to_vector<double>();
  for (const auto& [name, t] : net.optimizer->state_dict()) {
    outcome.state["optimizer." + name] = t.to_vector<double>();
  }
  return outcome;
}

TrainerOptions options(const std::string& folder) {
  return {.accelerator = "cpu",
          .default_root_dir = folder,
          .max_epochs = 2,
          .num_sanity_val_steps = 0,
          .enable_progress_bar = false,
          .enable_model_summary = false};
}

TrainerOptions saving(const std::string& folder) {
  TrainerOptions o = options(folder);
  o.callbacks = {std::make_shared<ModelCheckpoint>(
      ModelCheckpointOptions{.save_top_k = -1, .every_n_train_steps = 1})};
  return o;
}

std::string at_step(const Folder& folder, int epoch, int step) {
  return fmt::format("{}/checkpoints/epoch={}-step={}.ckpt", folder.path, epoch, step);
}

}  // namespace

TEST_CASE("training on a stream goes on from any batch to the same bits") {
  for (const Resume resume : {Resume::kState, Resume::kReplay}) {
    for (const int64_t limit : {-1, 3}) {  // to the stream's end, and not so far
      CAPTURE(static_cast<int>(resume));
      CAPTURE(limit);
      const Folder whole;
      TrainerOptions o = saving(whole.path);
      o.limit_train_batches.count = limit;
      const Outcome expected = train(o, resume);
      const int epoch_steps = limit < 0 ? 4 : 3;
      CHECK(expected.samples.size() == (limit < 0 ? 28 : 24));
      for (int step = 1; step < 2 * epoch_steps; ++step) {
        CAPTURE(step);
        const Folder rest;
        TrainerOptions again = options(rest.path);
        again.limit_train_batches.count = limit;
        const Outcome outcome =
            train(again, resume, at_step(whole, (step - 1) / epoch_steps, step));
        CHECK(outcome.state == expected.state);
        const std::vector<int64_t> tail(
            expected.samples.end() - static_cast<std::ptrdiff_t>(outcome.samples.size()),
            expected.samples.end());
        CHECK(outcome.samples == tail);
      }
    }
  }
}

TEST_CASE("a stream that cannot go on is an error in the middle of an epoch, not at its end") {
  const Folder whole;
  const Outcome expected = train(saving(whole.path), Resume::kNone);
  test::check_error(ErrorCode::kUnsupported,
                    "cannot go on after batch 3 of epoch 0: this stream has no state and does not "
                    "repeat itself",
                    [&] { train(options(whole.path), Resume::kNone, at_step(whole, 0, 3)); });
  const Folder rest;
  CHECK(train(options(rest.path), Resume::kNone, at_step(whole, 0, 4)).state == expected.state);
  // Without a state in the checkpoint there is nothing to restore.
  test::check_error(ErrorCode::kCorrupt, "expected the stream's state after batch 3 of epoch 0",
                    [&] { train(options(whole.path), Resume::kState, at_step(whole, 0, 3)); });
  // A stream that is shorter than it was does not go on somewhere else.
  test::check_error(ErrorCode::kUnsupported, "the stream gave only 2 batches this time",
                    [&] { train(options(whole.path), Resume::kReplay, at_step(whole, 0, 3), 7); });
}

TEST_CASE("a stream's last batch is known before its step") {
  const Folder folder;
  TrainerOptions o = options(folder.path);
  o.enable_checkpointing = false;
  o.accumulate_grad_batches = 3;
  RandomNet net;
  StreamModule data(Resume::kNone);
  Trainer trainer(o);
  trainer.fit(net, data);
  CHECK(trainer.num_training_batches() == kAllBatches);
  CHECK(trainer.global_step() == 4);  // batches 0 to 2, and 3 alone, twice
  CHECK(trainer.current_epoch() == 2);
}
