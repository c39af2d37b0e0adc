// DataLoader: batches of a dataset, epoch by epoch. The order of the samples and everything random
// in them are functions of (seed, epoch, sample) alone; worker threads only make batches earlier,
// never others. An epoch can start at any batch, so training resumes in the middle of one.
#pragma once

#include <functional>
#include <memory>
#include <optional>

#include "nn/data/pass.h"
#include "nn/data/sampler.h"

namespace iolaus::nn::data {

struct DataLoaderOptions {
  int64_t batch_size = 64;
  bool shuffle = false;
  bool drop_last = false;   // leave out the last batch where it is smaller
  int num_workers = 0;      // threads that make batches; 0: the caller's
  int prefetch_factor = 2;  // batches that each worker may be ahead
  uint64_t seed = 0;
  /// Batches arrive on device, copied from page-locked memory while it computes; without a CUDA
  /// device it does nothing.
  bool pin_memory = false;
  Device device = {};
  bool skip_bad_records = false;  // leaves out, with a warning, samples that cannot be read
  int64_t max_bad_records = 100;  // in an epoch; one more is an error
  /// Instead of shuffle; then instead of it, batch_size and drop_last too.
  SamplerPtr sampler = nullptr;
  BatchSamplerPtr batch_sampler = nullptr;
  /// Makes a batch of samples; empty: stack, field by field.
  std::function<Sample(std::span<const Sample>)> collate = {};
};

/// One pass over a dataset. Ends its workers when it goes.
class Epoch final : public Pass {
 public:
  struct State;
  explicit Epoch(std::unique_ptr<State> state);
  Epoch(Epoch&&) noexcept;
  ~Epoch() override;

  /// The next batch; nothing after the last. Errors: what the dataset throws, with the batch's
  /// number in front ("[data] batch 3: sample 17: ..."); the batch after it can then be asked for.
  /// With skip_bad_records a batch lacks such samples, and is left out where all are.
  std::optional<Batch> next() override;
  /// Number of the batch that next() gives.
  int64_t position() const;
  /// Samples that were left out so far (skip_bad_records).
  int64_t bad_records() const;

  /// for (Batch& batch : loader.epoch(0)).
  class Iterator {
   public:
    explicit Iterator(Epoch* epoch) : epoch_(epoch) { ++*this; }
    Batch& operator*() { return *batch_; }
    Iterator& operator++() {
      batch_ = epoch_->next();
      return *this;
    }
    bool operator!=(std::nullptr_t) const { return batch_.has_value(); }

   private:
    Epoch* epoch_;
    std::optional<Batch> batch_;
  };
  Iterator begin() { return Iterator(this); }
  std::nullptr_t end() const { return nullptr; }

 private:
  std::unique_ptr<State> state_;
};

class DataLoader final : public Loader {
 public:
  /// Errors: kInvalidArgument for a batch size, number of workers or prefetch factor that makes no
  /// sense, and for two ways to choose samples.
  DataLoader(DatasetPtr dataset, const DataLoaderOptions& options);
  /// Batches in an epoch.
  int64_t num_batches() const;
  const DataLoaderOptions& options() const { return options_; }
  const DatasetPtr& dataset() const { return dataset_; }
  /// The samples of an epoch's batches.
  std::vector<std::vector<int64_t>> batches(int64_t epoch) const;
  /// The same in one row.
  std::vector<int64_t> order(int64_t epoch) const;
  /// Starts a pass at batch first_batch. Errors: kIndex beyond the last.
  Epoch epoch(int64_t epoch, int64_t first_batch = 0) const;

  std::optional<int64_t> length() const override { return num_batches(); }
  /// As epoch(); it needs no state.
  std::unique_ptr<Pass> start(int64_t epoch, int64_t first_batch,
                              const std::string& state) const override;
  int64_t batch_size() const override { return options_.batch_size; }
  Sample example() const override;
  std::unique_ptr<Loader> in_order() const override;

 private:
  DatasetPtr dataset_;
  DataLoaderOptions options_;
  BatchSamplerPtr batches_;
};

}  // namespace iolaus::nn::data
