// Training with cuda_graphs: to the bit as without, and errors for what cannot be recorded.
#include <doctest/doctest.h>

#include "autograd/ops.h"
#include "nn/layers/batch_norm.h"
#include "nn/layers/dropout.h"
#include "nn/layers/linear.h"
#include "nn/optim/optimizer.h"
#include "nn/optim/schedules.h"
#include "tests/nn/trainer_support.h"

using namespace iolaus;
using namespace iolaus::test;

namespace {

bool has_device() {
  if (is_available(kCUDA)) return true;
  MESSAGE("skipped: no CUDA device");
  return false;
}

// Dropout, batch norm, AdamW and a rate that changes at each step.
class Mixed final : public nn::LightningModule {
 public:
  Mixed() {
    manual_seed(3);
    first_ = register_module("first", std::make_shared<nn::Linear>(3, 8));
    norm_ = register_module("norm", std::make_shared<nn::BatchNorm>("BatchNorm1d", 8));
    dropout_ = register_module("dropout", std::make_shared<nn::Dropout>(0.3));
    last_ = register_module("last", std::make_shared<nn::Linear>(8, 2));
  }
  Tensor forward(const Tensor& x) override {
    return last_->forward(dropout_->forward(relu(norm_->forward(first_->forward(x)))));
  }
  Tensor training_step(const nn::data::Batch& batch, int64_t) override {
    ++calls;
    const Tensor loss = cross_entropy(forward(batch.input()), batch.target());
    if (waits) loss.item<double>();
    log("train/loss", loss, {.on_step = true, .on_epoch = true});
    log("train/total", iolaus::to(loss.detach(), kFloat64),
        {.on_epoch = true, .reduce_fx = nn::Reduce::kSum});
    return loss;
  }
  void on_train_batch_end(const Tensor& loss, const nn::data::Batch&, int64_t) override {
    losses.push_back(loss);
  }
  std::vector<nn::OptimizerConfig> configure_optimizers() override {
    auto optimizer = std::make_shared<nn::Adam>(nn::one_group(parameters()),
                                                nn::OptimizerOptions{{"lr", 0.05}}, true);
    return {{optimizer, {{std::make_shared<nn::StepLR>(optimizer, 2, 0.7), "step"}}}};
  }
  int calls = 0;
  bool waits = false;
  Tensors losses;

 private:
  std::shared_ptr<nn::Linear> first_, last_;
  std::shared_ptr<nn::BatchNorm> norm_;
  std::shared_ptr<nn::Dropout> dropout_;
};

nn::TrainerOptions options(bool graphs) {
  nn::TrainerOptions o;
  o.accelerator = "cuda";
  o.max_epochs = 4;
  o.gradient_clip_val = 0.5;
  o.cuda_graphs = graphs;
  o.enable_checkpointing = o.enable_progress_bar = o.enable_model_summary = false;
  return o;
}

struct Trained {
  std::shared_ptr<Mixed> net = std::make_shared<Mixed>();
  nn::Metrics metrics;
  explicit Trained(bool graphs) {
    WaveModule data(true, false);  // batches of 4, 4, 4 and 2
    nn::Trainer trainer(options(graphs));
    manual_seed(5);
    trainer.fit(*net, data);
    metrics = trainer.callback_metrics();
  }
};

std::string message_of(nn::TrainerOptions o, Mixed& net) {
  WaveModule data(false, false);
  try {
    nn::Trainer(std::move(o)).fit(net, data);
  } catch (const Error& e) {
    CHECK(e.code() == ErrorCode::kUnsupported);
    return e.what();
  }
  return "";
}

}  // namespace

TEST_CASE("training with cuda_graphs gives the bits of eager training, and calls the step less") {
  if (!has_device()) return;
  const Trained eager(false), graphed(true);
  CHECK(eager.net->calls == 16);
  CHECK(graphed.net->calls == 3 + 1 + 4);  // to warm up, to record, and the short last batches
  CHECK(graphed.metrics == eager.metrics);
  CHECK(eager.metrics.contains("train/total"));
  REQUIRE(graphed.net->losses.size() == 16);
  for (size_t i = 0; i < 16; ++i) {
    CAPTURE(i);
    CHECK(graphed.net->losses[i].item<double>() == eager.net->losses[i].item<double>());
  }
  const auto a = eager.net->state_dict(), b = graphed.net->state_dict();
  for (const auto& [name, value] : a) {
    CAPTURE(name);
    CHECK(b.at(name).to_vector<double>() == value.to_vector<double>());
  }
}

TEST_CASE("what cannot be recorded is an error that says what and where") {
  Mixed net;
  nn::TrainerOptions on_cpu = options(true);
  on_cpu.accelerator = "cpu";
  CHECK(message_of(on_cpu, net) ==
        "[Trainer] cuda_graphs needs a CUDA device, and this trains on cpu; set "
        "trainer.cuda_graphs=false");
  if (!has_device()) return;
  nn::TrainerOptions accumulating = options(true);
  accumulating.accumulate_grad_batches = 2;
  CHECK(message_of(accumulating, net) ==
        "[Trainer] cuda_graphs does not go with accumulate_grad_batches above 1");
  net.waits = true;
  const std::string message = message_of(options(true), net);
  CHECK(message.starts_with("[item] cannot be captured in a CUDA graph: "));
  CHECK(message.find("trainer.cuda_graphs") != std::string::npos);
}
