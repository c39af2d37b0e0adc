// What trainer tests share: the small model and data of tests/data/nn/lightning_loops.py.
#pragma once

#include <cmath>
#include <string>
#include <vector>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "nn/data/data_module.h"
#include "nn/data/iterable.h"
#include "nn/layers/linear.h"
#include "nn/optim/schedules.h"
#include "nn/trainer/trainer.h"

namespace iolaus::test {

inline Tensor wave(const Dims& sizes, double rate, double phase) {
  Tensor out = empty(sizes);
  for (int64_t i = 0; i < out.numel(); ++i) {
    out.data<float>()[i] = static_cast<float>(std::sin(rate * static_cast<double>(i) + phase));
  }
  return out;
}

class WaveData final : public nn::data::Dataset {
 public:
  WaveData(int64_t count, double rate, double phase, int64_t stride)
      : x_(wave({count, 3}, rate, phase)), stride_(stride) {}
  int64_t size() const override { return x_.size(0); }
  nn::data::Sample get(int64_t i, PhiloxKey) const override {
    return {clone(select(x_, 0, i)), from_values<int64_t>({i * stride_ % 3 % 2}, {})};
  }

 private:
  Tensor x_;
  int64_t stride_;
};

// The same samples one after the other.
class WaveStream final : public nn::data::IterableDataset {
 public:
  WaveStream(std::shared_ptr<WaveData> data, nn::data::Resume resume = nn::data::Resume::kState)
      : data_(std::move(data)), resume_(resume) {}
  std::unique_ptr<nn::data::SampleIterator> start(PhiloxKey key) const override {
    struct Iterator final : nn::data::SampleIterator {
      std::optional<nn::data::Sample> next() override {
        if (place == data->size()) return std::nullopt;
        return data->get(place++, key);
      }
      std::string state() const override {
        if (!stateful) return SampleIterator::state();
        return std::to_string(place);
      }
      void restore(const std::string& state) override { place = std::stoll(state); }
      std::shared_ptr<WaveData> data;
      PhiloxKey key;
      bool stateful = true;
      int64_t place = 0;
    };
    auto iterator = std::make_unique<Iterator>();
    iterator->data = data_;
    iterator->key = key;
    iterator->stateful = resume_ == nn::data::Resume::kState;
    return iterator;
  }
  nn::data::Resume resumes() const override { return resume_; }

 private:
  std::shared_ptr<WaveData> data_;
  nn::data::Resume resume_;
};

class WaveModule final : public nn::data::DataModule {
 public:
  explicit WaveModule(bool shuffle = false, bool validates = true)
      : train_(std::make_shared<WaveData>(14, 0.7, 0.1, 7),
               {.batch_size = 4, .shuffle = shuffle, .seed = 3}),
        val_(std::make_shared<WaveData>(16, 0.4, 0.2, 5), {.batch_size = 4}),
        validates_(validates) {}
  void setup() override {}
  const nn::data::DataLoader* train_loader() override { return &train_; }
  const nn::data::DataLoader* val_loader() override { return validates_ ? &val_ : nullptr; }
  const nn::data::DataLoader* test_loader() override { return &val_; }
  const nn::data::DataLoader* predict_loader() override { return &val_; }

 private:
  nn::data::DataLoader train_, val_;
  bool validates_;
};

using Calls = std::vector<std::string>;

class Net : public nn::LightningModule {
 public:
  Net() {
    const NoGrad no_grad;
    fc = register_module("fc", std::make_shared<nn::Linear>(3, 2));
    copy_(fc->named_parameters()[0].second, wave({2, 3}, 0.9, 0.3));
    copy_(fc->named_parameters()[1].second, wave({2}, 0.9, 1.3));
  }
  Tensor forward(const Tensor& x) override { return fc->forward(x); }
  Tensor loss(const nn::data::Batch& batch) {
    return cross_entropy(forward(batch.input()), batch.target());
  }
  Tensor training_step(const nn::data::Batch& batch, int64_t) override {
    const Tensor value = loss(batch);
    losses.push_back(value.item<double>());
    log("train/loss", value, {.on_step = true, .on_epoch = true});
    log("train/step_only", mul(value, 2));
    return value;
  }
  void validation_step(const nn::data::Batch& batch, int64_t) override {
    log("val/loss", loss(batch));
    log("val/max", loss(batch), {.reduce_fx = nn::Reduce::kMax});
  }
  void test_step(const nn::data::Batch& batch, int64_t) override { log("test/loss", loss(batch)); }
  void on_train_epoch_end() override {
    log("train/at_end", static_cast<double>(trainer().current_epoch()));
  }
  std::vector<nn::OptimizerConfig> configure_optimizers() override {
    optimizer = std::make_shared<nn::SGD>(nn::one_group(parameters()),
                                          nn::OptimizerOptions{{"lr", 0.1},
                                                               {"momentum", 0.9},
                                                               {"dampening", 0},
                                                               {"weight_decay", 0},
                                                               {"nesterov", 0},
                                                               {"maximize", 0}});
    nn::OptimizerConfig config{optimizer};
    if (scheduler == "epoch") {
      config.schedulers.push_back({std::make_shared<nn::StepLR>(optimizer, 1, 0.5)});
    } else if (scheduler == "step") {
      config.schedulers.push_back({std::make_shared<nn::StepLR>(optimizer, 2, 0.5), "step"});
    }
    return {config};
  }

  std::shared_ptr<nn::Linear> fc;
  std::shared_ptr<nn::SGD> optimizer;
  std::string scheduler;
  std::vector<double> losses;
};

}  // namespace iolaus::test
