// SampleDraws: the random numbers of one sample in one transform.
#pragma once

#include "core/philox.h"

namespace iolaus::nn::data {

/// The n-th number is a function of key, sample and n. A sample has 64 of them.
class SampleDraws {
 public:
  SampleDraws(PhiloxKey key, int64_t index)
      : key_(key), next_(static_cast<uint64_t>(index) * 64), end_(next_ + 64) {}
  /// Uniform in [0, 1).
  double uniform() { return philox_uniform_double(key_, take()); }
  double uniform(double low, double high) { return low + (high - low) * uniform(); }
  /// Uniform in [0, bound).
  int64_t below(int64_t bound) {
    return static_cast<int64_t>(philox_below(key_, take(), static_cast<uint64_t>(bound)));
  }

 private:
  uint64_t take() { return next_ < end_ ? next_++ : end_ - 1; }

  PhiloxKey key_;
  uint64_t next_, end_;
};

}  // namespace iolaus::nn::data
