// NonfiniteWatch: remembers the first batch whose loss was NaN or infinite, on the device, so that
// nothing waits for it. On the CPU each loss is looked at at once.
#pragma once

#include <cstdint>
#include <optional>

#include "core/tensor.h"

namespace iolaus::nn {

class NonfiniteWatch {
 public:
  /// number: of the batch, over all epochs.
  void update(const Tensor& loss, int64_t number);
  /// The first bad batch since reset(); waits for the device.
  std::optional<int64_t> first() const;
  void reset() { first_ = {}; }

 private:
  Tensor first_;  // int64, 0-dim; -1: none
};

}  // namespace iolaus::nn
