// Iterable datasets: samples that come one after the other (a stream, a log, records in shards) and
// have no numbers to ask for; and the loader that makes batches of them.
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
  /// given here.
  virtual std::string state() const = 0;
  virtual void restore(const std::string& state) = 0;
};

class IterableDataset {
 public:
  virtual ~IterableDataset() = default;
  /// Starts a pass; key is another in each epoch.
  virtual std::unique_ptr<SampleIterator> start(PhiloxKey key) const = 0;
};
using IterableDatasetPtr = std::shared_ptr<const IterableDataset>;

/// A pass in batches.
class IterableEpoch {
 public:
  IterableEpoch(std::unique_ptr<SampleIterator> samples, const DataLoaderOptions& options,
                const std::string& state);
  /// As Epoch::next; indices count the samples of this pass.
  std::optional<Batch> next();
  /// Where the pass stands, for IterableLoader::epoch.
  std::string state() const;
  int64_t bad_records() const { return bad_records_; }

 private:
  std::optional<Sample> next_sample();

  std::unique_ptr<SampleIterator> samples_;
  DataLoaderOptions options_;
  int64_t batches_ = 0, given_ = 0, bad_records_ = 0;
};

/// Of the options it takes batch_size, drop_last, seed, collate and those of bad records; it makes
/// batches on the caller's thread. Errors: kInvalidArgument for the others.
class IterableLoader {
 public:
  IterableLoader(IterableDatasetPtr dataset, const DataLoaderOptions& options);
  /// state: that of an earlier pass of the same epoch, to go on from there.
  /// Errors: kCorrupt for what is no state.
  IterableEpoch epoch(int64_t epoch, const std::string& state = "") const;

 private:
  IterableDatasetPtr dataset_;
  DataLoaderOptions options_;
};

}  // namespace iolaus::nn::data
