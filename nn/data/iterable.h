// Iterable datasets: samples that come one after the other (a stream, a log, records in shards) and
// have no numbers to ask for; and the loader that makes batches of them. How many there are is
// known at the end of a pass alone.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "nn/data/loader.h"

namespace iolaus::nn::data {

/// One pass over an iterable dataset.
class SampleIterator {
 public:
  virtual ~SampleIterator() = default;
  /// The next sample, on the CPU; nothing after the last.
  virtual std::optional<Sample> next() = 0;
  /// Where the pass stands, in any form that restore() reads: then next() gives what it would have
  /// given here. A trainer asks for it at each batch, so it should be short. Of streams with
  /// Resume::kState. Errors by default: kUnsupported.
  virtual std::string state() const;
  virtual void restore(const std::string& state);
};

/// How a pass is taken up in its middle.
enum class Resume {
  kState,   // SampleIterator::restore
  kReplay,  // the same key gives the same samples again: those that were given are read once more
  kNone,    // not at all: samples that were given are gone
};

class IterableDataset {
 public:
  virtual ~IterableDataset() = default;
  /// Starts a pass; key is another in each epoch.
  virtual std::unique_ptr<SampleIterator> start(PhiloxKey key) const = 0;
  virtual Resume resumes() const { return Resume::kState; }
};
using IterableDatasetPtr = std::shared_ptr<const IterableDataset>;

/// A pass in batches.
class IterableEpoch final : public Pass {
 public:
  IterableEpoch(std::unique_ptr<SampleIterator> samples, const DataLoaderOptions& options,
                Resume resume, const std::string& state);
  /// As Epoch::next; indices count the samples of this pass.
  std::optional<Batch> next() override;
  /// Where the pass stands, for IterableLoader::epoch; "" for streams without states.
  std::string state() const override;
  int64_t bad_records() const { return bad_records_; }

 private:
  std::optional<Sample> next_sample();

  std::unique_ptr<SampleIterator> samples_;
  DataLoaderOptions options_;
  Resume resume_;
  int64_t batches_ = 0, given_ = 0, bad_records_ = 0;
};

/// Of the options it takes batch_size, drop_last, seed, collate and those of bad records; it makes
/// batches on the caller's thread. Errors: kInvalidArgument for the others.
class IterableLoader final : public Loader {
 public:
  IterableLoader(IterableDatasetPtr dataset, const DataLoaderOptions& options);
  /// state: that of an earlier pass of the same epoch, to go on from there.
  /// Errors: kCorrupt for what is no state.
  IterableEpoch epoch(int64_t epoch, const std::string& state = "") const;

  std::optional<int64_t> length() const override { return std::nullopt; }
  /// first_batch > 0 goes on as the dataset says (Resume). Errors: kUnsupported where it cannot, or
  /// the stream has not so many batches any more; kCorrupt without the state that it needs.
  std::unique_ptr<Pass> start(int64_t epoch, int64_t first_batch,
                              const std::string& state) const override;
  int64_t batch_size() const override { return options_.batch_size; }
  /// None: reading a sample may take it from the stream.
  Sample example() const override { return {}; }
  std::unique_ptr<Loader> in_order() const override {
    return std::make_unique<IterableLoader>(*this);
  }

 private:
  IterableDatasetPtr dataset_;
  DataLoaderOptions options_;
};

}  // namespace iolaus::nn::data
