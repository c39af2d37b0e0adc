// Rates as metrics.
#include "nn/callbacks/learning_rate_monitor.h"

#include "nn/trainer/trainer.h"

namespace iolaus::nn {

LearningRateMonitor::LearningRateMonitor(std::string logging_interval, bool log_momentum,
                                         bool log_weight_decay)
    : interval_(std::move(logging_interval)),
      momentum_(log_momentum),
      weight_decay_(log_weight_decay) {
  IOLAUS_CHECK(interval_.empty() || interval_ == "step" || interval_ == "epoch",
               "[LearningRateMonitor] logging_interval must be 'step', 'epoch' or null, got '{}'",
               interval_);
}

void LearningRateMonitor::on_train_batch_start(Trainer& trainer, LightningModule&,
                                               const data::Batch&, int64_t) {
  const int64_t every = trainer.options().log_every_n_steps;
  if (interval_ == "epoch" || every == 0 || (trainer.logged_step() + 1) % every != 0) return;
  log(trainer);
}

void LearningRateMonitor::on_train_epoch_start(Trainer& trainer, LightningModule&) {
  if (interval_ != "step") log(trainer);
}

void LearningRateMonitor::log(Trainer& trainer) const {
  Metrics metrics;
  std::map<std::string, int> seen;
  for (const OptimizerConfig& config : trainer.optimizers()) {
    std::string name = "lr-" + config.optimizer->type_name();
    if (const int before = seen[name]++; before > 0) name += fmt::format("-{}", before);
    const auto options = config.optimizer->options();
    for (size_t g = 0; g < options.size(); ++g) {
      const std::string full = options.size() == 1 ? name : fmt::format("{}/pg{}", name, g + 1);
      const auto value = [&](const char* key) {
        const auto found = options[g].find(key);
        return found == options[g].end() ? 0.0 : found->second;
      };
      metrics[full] = value("lr");
      if (momentum_) {
        metrics[full + "-momentum"] =
            options[g].contains("beta1") ? value("beta1") : value("momentum");
      }
      if (weight_decay_) metrics[full + "-weight_decay"] = value("weight_decay");
    }
  }
  trainer.log_metrics(metrics, trainer.logged_step());
}

}  // namespace iolaus::nn
