// Samplers: the order in which an epoch takes a dataset's samples, as a function of the epoch (and
// of a seed) alone. Names and meaning are those of torch.utils.data.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <vector>

namespace iolaus::nn::data {

class Sampler {
 public:
  virtual ~Sampler() = default;
  /// Samples in an epoch.
  virtual int64_t size() const = 0;
  virtual std::vector<int64_t> order(int64_t epoch) const = 0;
};
using SamplerPtr = std::shared_ptr<const Sampler>;

/// 0, 1, ..., count - 1.
SamplerPtr sequential_sampler(int64_t count);
/// Another order in each epoch. With replacement: num_samples (default: count) draws, each of any.
SamplerPtr random_sampler(int64_t count, uint64_t seed, bool replacement = false,
                          std::optional<int64_t> num_samples = {});
/// These indices, in another order in each epoch.
SamplerPtr subset_random_sampler(std::vector<int64_t> indices, uint64_t seed);
/// num_samples draws, sample i with a probability in proportion to weights[i]; without replacement
/// each at most once. Errors: kInvalidArgument for weights that are negative or not finite, or
/// where fewer than are to be drawn are positive.
SamplerPtr weighted_random_sampler(std::vector<double> weights, int64_t num_samples, uint64_t seed,
                                   bool replacement = true);
/// The part of rank of another sampler's order: places rank, rank + world_size, ... So a step of
/// all ranks together has the same samples for every world size, as long as the product of batch
/// size and world size is the same. Where ranks would get unequal numbers, the first samples come
/// again at the end or, with drop_last, the last are left out.
/// Errors: kInvalidArgument for a rank outside of [0, world_size).
SamplerPtr distributed_sampler(SamplerPtr sampler, int world_size, int rank,
                               bool drop_last = false);

class BatchSampler {
 public:
  virtual ~BatchSampler() = default;
  /// Batches in every epoch.
  virtual int64_t size() const = 0;
  virtual std::vector<std::vector<int64_t>> batches(int64_t epoch) const = 0;
};
using BatchSamplerPtr = std::shared_ptr<const BatchSampler>;

/// Batches of batch_size in a sampler's order; the last may be smaller, or is left out.
BatchSamplerPtr batch_sampler(SamplerPtr sampler, int64_t batch_size, bool drop_last = false);

}  // namespace iolaus::nn::data
