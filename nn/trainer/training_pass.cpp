// One batch after the other.
#include "nn/trainer/training_pass.h"

#include "nn/trainer/batch_limits.h"

namespace iolaus::nn {

TrainingPass::TrainingPass(const data::Loader& loader, int64_t epoch, int64_t batches,
                           int64_t first, const std::string& state)
    : pass_(loader.start(epoch, first, state)),
      batches_(batches),
      given_(first),
      looks_ahead_(batches == kAllBatches) {
  if (looks_ahead_) ahead_ = pass_->next();
}

std::optional<data::Batch> TrainingPass::next() {
  if (!looks_ahead_ && given_ >= batches_) return std::nullopt;
  std::optional<data::Batch> batch = looks_ahead_ ? std::move(ahead_) : pass_->next();
  if (!batch) return batch;
  ++given_;
  if (looks_ahead_) {
    state_ = pass_->state();
    ahead_ = pass_->next();
  }
  return batch;
}

bool TrainingPass::is_last() const { return looks_ahead_ ? !ahead_ : given_ >= batches_; }

}  // namespace iolaus::nn
