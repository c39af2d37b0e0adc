// TrainingPass: the batches of a training epoch, from its beginning or middle, with the knowledge
// which is the last. Of a stream without a limit it reads one batch ahead for that; the stream's
// state is that from before.
#pragma once

#include "nn/data/pass.h"

namespace iolaus::nn {

class TrainingPass {
 public:
  /// batches: how many the epoch has, or kAllBatches (batch_limits.h); first: of them are done.
  /// Errors: those of Loader::start.
  TrainingPass(const data::Loader& loader, int64_t epoch, int64_t batches, int64_t first,
               const std::string& state);
  /// Nothing after the last batch, or where the data ends before it.
  std::optional<data::Batch> next();
  /// Whether the batch that next() gave is known to be the last.
  bool is_last() const;
  /// For Loader::start, to go on behind that batch.
  std::string state() const { return looks_ahead_ ? state_ : pass_->state(); }

 private:
  std::unique_ptr<data::Pass> pass_;
  int64_t batches_, given_;
  bool looks_ahead_;
  std::optional<data::Batch> ahead_;
  std::string state_;
};

}  // namespace iolaus::nn
