// One batch: forward, backward and the optimizer's step, as Lightning's optimization/automatic.py
// (2.6) orders them.
#include <cmath>

#include "autograd/anomaly.h"
#include "autograd/autocast.h"
#include "autograd/ops.h"
#include "core/warning.h"
#include "nn/optim/clip.h"
#include "nn/trainer/hooks.h"

namespace iolaus::nn {
namespace {

std::string which(const data::Batch& batch, int64_t batch_idx, int64_t epoch) {
  std::string samples;
  for (size_t i = 0; i < batch.indices.size() && i < 8; ++i) {
    samples += fmt::format("{}{}", i ? ", " : "", batch.indices[i]);
  }
  if (batch.indices.size() > 8) samples += ", ...";
  return fmt::format("batch {} of epoch {} (samples {})", batch_idx, epoch, samples);
}

}  // namespace

bool Trainer::accumulates_after(int64_t batch_idx) const {
  if (forward_only) return !last_batch_;
  return (batch_idx + 1) % options_.accumulate_grad_batches != 0 && !last_batch_;
}

Tensor Trainer::training_step(const data::Batch& batch, int64_t batch_idx) {
  const Profiler::Scope step(profiler_, "training_step");
  const Autocast autocast(device_.type, autocast_, autocast_.has_value());
  return module_->training_step(batch, batch_idx);
}

void Trainer::before_zero_grad(Optimizer& optimizer) {
  each_callback("on_before_zero_grad",
                [&](Callback& c) { c.on_before_zero_grad(*this, *module_, optimizer); });
  module_->on_before_zero_grad(optimizer);
}

void Trainer::after_backward() {
  each_callback("on_after_backward", [&](Callback& c) { c.on_after_backward(*this, *module_); });
  module_->on_after_backward();
}

void Trainer::optimize(const data::Batch& batch, int64_t batch_idx, Tensor& loss) {
  Optimizer& optimizer = *optimizers_.front().optimizer;
  if (optimizer.needs_closure() && !forward_only)
    return step_with_closure(optimizer, batch, batch_idx, loss);
  if (graphed_ && !forward_only && graphed_->takes(batch)) {
    loss = graphed_pass(batch, batch_idx, optimizer);
    return step_optimizer(0);
  }
  loss = training_step(batch, batch_idx);
  if (!forward_only && batch_idx % options_.accumulate_grad_batches == 0) {
    before_zero_grad(optimizer);
    optimizer.zero_grad();
  }
  if (!forward_only && loss.defined() && !skip_nonfinite(loss, batch, batch_idx)) {
    const Tensor scaled =
        options_.accumulate_grad_batches > 1 ? div(loss, options_.accumulate_grad_batches) : loss;
    backward(scaled);
  }
  if (accumulates_after(batch_idx)) return;
  step_optimizer(0);
}

// The optimizer (LBFGS) evaluates the batch as often as it needs to.
void Trainer::step_with_closure(Optimizer& optimizer, const data::Batch& batch, int64_t batch_idx,
                                Tensor& loss) {
  IOLAUS_CHECK(options_.accumulate_grad_batches == 1 && !scaler_,
               "[Trainer] {} evaluates each batch several times: accumulate_grad_batches and "
               "precision 16-mixed do not go with it",
               optimizer.type_name());
  loss = optimizer.step([&] {
    const Tensor value = training_step(batch, batch_idx);
    before_zero_grad(optimizer);
    optimizer.zero_grad();
    skip_nonfinite(value, batch, batch_idx);
    backward(value);
    before_step(optimizer);
    return value;
  });
  ++global_step_;
}

void Trainer::backward(const Tensor& loss) {
  if (forward_only) return;
  each_callback("on_before_backward",
                [&](Callback& c) { c.on_before_backward(*this, *module_, loss); });
  module_->on_before_backward(loss);
  {
    const Profiler::Scope scope(profiler_, "backward");
    const DetectAnomaly anomaly(options_.detect_anomaly || detects_anomaly());
    (scaler_ ? scaler_->scale(loss) : loss).backward();
  }
  after_backward();
}

// Unscaled gradients for the hooks, then clipping.
void Trainer::before_step(Optimizer& optimizer) {
  if (scaler_ && !forward_only) scaler_->unscale_(optimizer);
  each_callback("on_before_optimizer_step",
                [&](Callback& c) { c.on_before_optimizer_step(*this, *module_, optimizer); });
  module_->on_before_optimizer_step(optimizer);
  if (module_->automatic_optimization() && !forward_only) clip_gradients(optimizer);
}

void Trainer::step_optimizer(size_t index) {
  IOLAUS_CHECK_CODE(index < optimizers_.size(), ErrorCode::kIndex,
                    "[Trainer] there is no optimizer {}, configure_optimizers gave {}", index,
                    optimizers_.size());
  Optimizer& optimizer = *optimizers_[index].optimizer;
  before_step(optimizer);
  const Profiler::Scope scope(profiler_, "optimizer_step");
  if (forward_only) {
    // There is no gradient to step along.
  } else if (scaler_) {
    scaler_->step(optimizer);
    scaler_->update();
  } else {
    optimizer.step();
  }
  ++global_step_;
}

void Trainer::clip_gradients(Optimizer& optimizer) {
  if (options_.gradient_clip_val == 0) return;
  Tensors params;
  for (const ParamGroup& group : optimizer.groups()) {
    params.insert(params.end(), group.params.begin(), group.params.end());
  }
  if (options_.gradient_clip_algorithm == "value") {
    clip_grad_value_(params, options_.gradient_clip_val);
  } else {
    clip_grad_norm_(params, options_.gradient_clip_val);
  }
}

bool Trainer::skip_nonfinite(const Tensor& loss, const data::Batch& batch, int64_t batch_idx) {
  if (options_.nan_policy == NanPolicy::kIgnore) return false;
  if (options_.nan_policy == NanPolicy::kError && device_.is_cuda()) {
    nonfinite_.update(loss, total_batches_);
    return false;
  }
  const double value = loss.item<double>();
  if (std::isfinite(value)) {
    skipped_in_a_row_ = 0;
    return false;
  }
  IOLAUS_CHECK(options_.nan_policy != NanPolicy::kError,
               "[Trainer] the loss is {} at {}; lower the learning rate, set "
               "trainer.gradient_clip_val, or leave such batches out with trainer.nan_policy=skip",
               value, which(batch, batch_idx, epoch_));
  ++skipped_in_a_row_;
  warn("[Trainer] the loss is {} at {}: left out", value, which(batch, batch_idx, epoch_));
  IOLAUS_CHECK(skipped_in_a_row_ <= options_.nan_patience,
               "[Trainer] the loss was not finite in {} batches in a row (trainer.nan_patience), "
               "the last of them {}",
               skipped_in_a_row_, which(batch, batch_idx, epoch_));
  return true;
}

}  // namespace iolaus::nn
