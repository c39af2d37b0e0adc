// Batches whose forward and backward pass are a CUDA graph.
#include "autograd/autocast.h"
#include "nn/trainer/hooks.h"

namespace iolaus::nn {

// What each batch would decide anew, and what needs the host between forward and backward, cannot
// be part of a recording. Everything after the backward pass (clipping, optimizer, schedules) is
// eager.
void Trainer::check_cuda_graphs() const {
  const auto refuse = [](bool is_there, const char* what) {
    IOLAUS_CHECK_CODE(!is_there, ErrorCode::kUnsupported,
                      "[Trainer] cuda_graphs does not go with {}", what);
  };
  IOLAUS_CHECK_CODE(device_.is_cuda(), ErrorCode::kUnsupported,
                    "[Trainer] cuda_graphs needs a CUDA device, and this trains on {}; set "
                    "trainer.cuda_graphs=false",
                    device_.str());
  refuse(!module_->automatic_optimization(), "manual optimization");
  refuse(options_.accumulate_grad_batches > 1, "accumulate_grad_batches above 1");
  refuse(scaler_ != nullptr, "precision 16-mixed, whose loss scale changes; use bf16-mixed");
  refuse(options_.nan_policy == NanPolicy::kSkip,
         "nan_policy=skip, which looks at the loss before the backward pass");
  refuse(options_.detect_anomaly, "detect_anomaly");
  refuse(optimizers_.front().optimizer->needs_closure(),
         "an optimizer that evaluates a batch again");
}

// The hooks are those of an eager batch but on_before_backward, which belongs to the recording.
Tensor Trainer::graphed_pass(const data::Batch& batch, int64_t batch_idx, Optimizer& optimizer) {
  before_zero_grad(optimizer);
  const Tensor loss = graphed_->run(batch, module_->parameters(), [&](const data::Batch& fixed) {
    const Tensor value = training_step(fixed, batch_idx);
    optimizer.zero_grad();
    if (value.defined()) value.backward();
    return value;
  });
  for (const auto& [name, value, options] : graphed_->logged()) log(name, value, options);
  if (options_.nan_policy == NanPolicy::kError) nonfinite_.update(loss, total_batches_);
  after_backward();
  return loss;
}

}  // namespace iolaus::nn
