// Loader and Pass: what a trainer asks of data, whatever it is made of: batches in a row, epoch by
// epoch, and the point of an epoch from which they go on.
#pragma once

#include <memory>
#include <optional>
#include <string>

#include "nn/data/dataset.h"

namespace iolaus::nn::data {

/// One pass over the data.
class Pass {
 public:
  virtual ~Pass() = default;
  /// The next batch; nothing after the last.
  virtual std::optional<Batch> next() = 0;
  /// What Loader::start needs, beside the number of batches, to go on behind the batch that next()
  /// gave last; "" where it needs nothing.
  virtual std::string state() const { return ""; }
};

class Loader {
 public:
  virtual ~Loader() = default;
  /// Batches in an epoch; nothing where that is known at its end alone.
  virtual std::optional<int64_t> length() const = 0;
  /// Starts a pass at batch first_batch; state: that of an earlier pass of the same epoch, there.
  /// Errors: kIndex beyond the last batch; kUnsupported, kCorrupt where the data cannot go on.
  virtual std::unique_ptr<Pass> start(int64_t epoch, int64_t first_batch = 0,
                                      const std::string& state = "") const = 0;
  /// Samples in a batch.
  virtual int64_t batch_size() const = 0;
  /// The fields of the first sample as a batch of one, for pictures and sizes of models; none where
  /// there is no sample, or reading one might take it from a stream.
  virtual Sample example() const = 0;
  /// The same batches in the dataset's own order.
  virtual std::unique_ptr<Loader> in_order() const = 0;
};
using Loaders = std::vector<const Loader*>;

}  // namespace iolaus::nn::data
