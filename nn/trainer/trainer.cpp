// The training and evaluation loops. Nothing waits for the device but the log points.
#include "nn/trainer/trainer.h"

#include <cmath>

#include "autograd/grad_mode.h"
#include "nn/optim/clip.h"
#include "nn/trainer/progress.h"

namespace iolaus::nn {
namespace {

double learning_rate(const Optimizer& optimizer) { return optimizer.options().front().at("lr"); }

// Puts the modes back also when something throws.
class EvalMode {
 public:
  explicit EvalMode(Module& model) : model_(model), was_training_(model.is_training()) {
    model_.eval();
  }
  ~EvalMode() { model_.train(was_training_); }

 private:
  Module& model_;
  bool was_training_;
};

}  // namespace

int64_t BatchLimit::of(int64_t batches) const {
  if (count >= 0) return std::min(batches, count);
  return static_cast<int64_t>(share * static_cast<double>(batches));
}

Trainer::Trainer(TrainerOptions options, std::string output_dir,
                 std::vector<std::shared_ptr<Logger>> loggers)
    : options_(options), output_dir_(std::move(output_dir)), loggers_(std::move(loggers)) {
  IOLAUS_CHECK(options_.max_epochs >= 0 && options_.log_every_n_steps > 0 &&
                   options_.check_val_every_n_epoch > 0,
               "[Trainer] max_epochs must not be negative, log_every_n_steps and "
               "check_val_every_n_epoch must be positive");
}

Metrics Trainer::fit(const Experiment& e, const Checkpoint* resume) {
  IOLAUS_CHECK(e.data->train_loader() != nullptr, "[Trainer] there is no training data");
  last_.clear();
  epoch_ = batch_ = step_ = 0;
  if (resume != nullptr) {
    e.model->load_state_dict(resume->model);
    e.optimizer->load_state_dict(resume->optimizer);
    if (e.scheduler) e.scheduler->set_last_epoch(resume->scheduler_epoch);
    e.optimizer->set_options(resume->optimizer_options);
    default_generator().set_state(resume->generator);
    epoch_ = resume->epoch;
    batch_ = resume->batch;
    step_ = resume->step;
  }
  while (epoch_ < options_.max_epochs && !done()) {
    train_epoch(e, batch_);
    if (batch_ == 0) {  // the epoch is complete
      if (e.scheduler) e.scheduler->step();
      if (e.data->val_loader() != nullptr && epoch_ % options_.check_val_every_n_epoch == 0) {
        log(evaluate(e, *e.data->val_loader(), "val", options_.limit_val_batches));
      }
    }
    if (options_.enable_checkpointing && !output_dir_.empty()) save(e);
  }
  return last_;
}

void Trainer::train_epoch(const Experiment& e, int64_t first_batch) {
  const data::DataLoader& loader = *e.data->train_loader();
  const int64_t batches = options_.limit_train_batches.of(loader.num_batches());
  Progress progress(fmt::format("Epoch {}/{}", epoch_ + 1, options_.max_epochs), batches,
                    options_.enable_progress_bar);
  e.model->train();
  MeanMetric loss_mean, interval;
  std::string shown;
  data::Epoch epoch = loader.epoch(epoch_, first_batch);
  for (batch_ = first_batch; batch_ < batches && !done();) {
    std::optional<data::Batch> batch = epoch.next();
    if (!batch) break;
    e.optimizer->zero_grad();
    const Tensor output = e.model->forward(to(batch->input(), e.device));
    const Tensor loss = (*e.loss)(output, to(batch->target(), e.device));
    loss.backward();
    if (options_.gradient_clip_val > 0) {
      clip_grad_norm_(e.model->parameters(), options_.gradient_clip_val);
    }
    e.optimizer->step();
    ++step_;
    ++batch_;
    loss_mean.update(loss, batch->size());
    interval.update(loss, batch->size());
    if (step_ % options_.log_every_n_steps == 0) {
      const double value = interval.compute();
      IOLAUS_CHECK(std::isfinite(value),
                   "[Trainer] the loss is {} at epoch {}, within the {} batches before batch {}; "
                   "lower the learning rate or set trainer.gradient_clip_val",
                   value, epoch_, options_.log_every_n_steps, batch_);
      interval.reset();
      shown = fmt::format("loss={:.4f}", value);
      log({{"train/loss", value}, {"lr", learning_rate(*e.optimizer)}});
    }
    progress.update(batch_, batch->size(), shown);
  }
  const double mean = loss_mean.compute();
  IOLAUS_CHECK(std::isfinite(mean) || batches == 0, "[Trainer] the loss is {} in epoch {}", mean,
               epoch_);
  log({{"train/loss_epoch", mean}});
  progress.finish(fmt::format("train/loss={:.4f}", mean));
  if (batch_ >= batches) {
    batch_ = 0;
    ++epoch_;
  }
}

Metrics Trainer::evaluate(const Experiment& e, const data::DataLoader& loader,
                          const std::string& stage, BatchLimit limit) {
  const NoGrad no_grad;
  const EvalMode eval_mode(*e.model);
  const int64_t batches = limit.of(loader.num_batches());
  Progress progress(stage == "val" ? "Validation" : "Testing", batches,
                    options_.enable_progress_bar);
  Accuracy accuracy;
  MeanMetric loss;
  data::Epoch epoch = loader.epoch(0);
  for (int64_t i = 0; i < batches; ++i) {
    std::optional<data::Batch> batch = epoch.next();
    if (!batch) break;
    const Tensor output = e.model->forward(to(batch->input(), e.device));
    const Tensor target = to(batch->target(), e.device);
    loss.update((*e.loss)(output, target), batch->size());
    accuracy.update(output, target);
    progress.update(i + 1, batch->size(), "");
  }
  const Metrics metrics{{stage + "/loss", loss.compute()}, {stage + "/acc", accuracy.compute()}};
  progress.finish(fmt::format("{}/acc={:.4f}", stage, accuracy.compute()));
  return metrics;
}

Metrics Trainer::test(const Experiment& e) {
  IOLAUS_CHECK(e.data->test_loader() != nullptr, "[Trainer] there is no test data");
  const Metrics metrics = evaluate(e, *e.data->test_loader(), "test", options_.limit_test_batches);
  log(metrics);
  return metrics;
}

void Trainer::log(const Metrics& metrics) {
  for (const auto& [name, value] : metrics) last_[name] = value;
  Metrics row = metrics;
  row["epoch"] = static_cast<double>(epoch_);
  for (const auto& logger : loggers_) logger->log_metrics(row, step_);
}

void Trainer::save(const Experiment& e) {
  Checkpoint c;
  c.model = e.model->state_dict();
  c.optimizer = e.optimizer->state_dict();
  c.optimizer_options = e.optimizer->options();
  c.epoch = epoch_;
  c.batch = batch_;
  c.step = step_;
  c.scheduler_epoch = e.scheduler ? e.scheduler->last_epoch() : 0;
  c.generator = default_generator().get_state();
  c.metrics = last_;
  c.config = e.config;
  save_checkpoint(output_dir_ + "/checkpoints", c, options_.save_top_k);
}

}  // namespace iolaus::nn
