// Orders by Philox: (seed, epoch) is the key, so an epoch's order needs none before it.
#include "nn/data/sampler.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "core/error.h"
#include "core/random.h"

namespace iolaus::nn::data {
namespace {

PhiloxKey key_of(uint64_t seed, int64_t epoch) { return {seed, static_cast<uint64_t>(epoch)}; }

class Sequential final : public Sampler {
 public:
  explicit Sequential(int64_t count) : count_(count) {}
  int64_t size() const override { return count_; }
  std::vector<int64_t> order(int64_t) const override {
    std::vector<int64_t> order(static_cast<size_t>(count_));
    std::iota(order.begin(), order.end(), int64_t{0});
    return order;
  }

 private:
  int64_t count_;
};

class Random final : public Sampler {
 public:
  Random(int64_t count, uint64_t seed, bool replacement, int64_t num_samples)
      : count_(count), seed_(seed), replacement_(replacement), num_samples_(num_samples) {
    IOLAUS_CHECK(num_samples >= 0 && (count > 0 || num_samples == 0) &&
                     (replacement || num_samples <= count),
                 "[sampler] expected at most {} samples without replacement, got {}", count,
                 num_samples);
  }
  int64_t size() const override { return num_samples_; }
  std::vector<int64_t> order(int64_t epoch) const override {
    const PhiloxKey key = key_of(seed_, epoch);
    if (!replacement_) {
      std::vector<int64_t> order = random_permutation(key, count_);
      order.resize(static_cast<size_t>(num_samples_));
      return order;
    }
    std::vector<int64_t> order;
    for (uint64_t i = 0; i < static_cast<uint64_t>(num_samples_); ++i) {
      order.push_back(static_cast<int64_t>(philox_below(key, i, static_cast<uint64_t>(count_))));
    }
    return order;
  }

 private:
  int64_t count_;
  uint64_t seed_;
  bool replacement_;
  int64_t num_samples_;
};

class SubsetRandom final : public Sampler {
 public:
  SubsetRandom(std::vector<int64_t> indices, uint64_t seed)
      : indices_(std::move(indices)), seed_(seed) {}
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  std::vector<int64_t> order(int64_t epoch) const override {
    std::vector<int64_t> order = random_permutation(key_of(seed_, epoch), size());
    for (int64_t& place : order) place = indices_[static_cast<size_t>(place)];
    return order;
  }

 private:
  std::vector<int64_t> indices_;
  uint64_t seed_;
};

class WeightedRandom final : public Sampler {
 public:
  WeightedRandom(std::vector<double> weights, int64_t num_samples, uint64_t seed, bool replacement)
      : weights_(std::move(weights)),
        num_samples_(num_samples),
        seed_(seed),
        replacement_(replacement) {
    int64_t positive = 0;
    for (const double w : weights_) {
      IOLAUS_CHECK(std::isfinite(w) && w >= 0, "[sampler] expected weights >= 0, got {}", w);
      positive += w > 0;
    }
    IOLAUS_CHECK(num_samples > 0 && (replacement ? positive > 0 : positive >= num_samples),
                 "[sampler] expected at least {} weights > 0 to draw {} samples, got {}",
                 replacement ? 1 : num_samples, num_samples, positive);
  }
  int64_t size() const override { return num_samples_; }
  std::vector<int64_t> order(int64_t epoch) const override {
    return replacement_ ? drawn(key_of(seed_, epoch)) : taken(key_of(seed_, epoch));
  }

 private:
  std::vector<int64_t> drawn(PhiloxKey key) const {
    std::vector<double> sums(weights_.size());
    std::partial_sum(weights_.begin(), weights_.end(), sums.begin());
    std::vector<int64_t> order;
    for (uint64_t i = 0; i < static_cast<uint64_t>(num_samples_); ++i) {
      const double place = philox_uniform_double(key, i) * sums.back();
      // The first whose sum is above: never one of weight 0.
      order.push_back(std::upper_bound(sums.begin(), sums.end(), place) - sums.begin());
    }
    return order;
  }
  // The largest of u^(1/w), u uniform. (Efraimidis and Spirakis 2006)
  std::vector<int64_t> taken(PhiloxKey key) const {
    std::vector<std::pair<double, int64_t>> ranked;
    for (size_t i = 0; i < weights_.size(); ++i) {
      if (weights_[i] <= 0) continue;
      const double u = 1 - philox_uniform_double(key, i);  // in (0, 1]
      ranked.emplace_back(-std::log(u) / weights_[i], static_cast<int64_t>(i));
    }
    const auto middle = ranked.begin() + num_samples_;
    std::partial_sort(ranked.begin(), middle, ranked.end());
    std::vector<int64_t> order;
    for (auto it = ranked.begin(); it != middle; ++it) order.push_back(it->second);
    return order;
  }

  std::vector<double> weights_;
  int64_t num_samples_;
  uint64_t seed_;
  bool replacement_;
};

class Distributed final : public Sampler {
 public:
  Distributed(SamplerPtr sampler, int world_size, int rank, bool drop_last)
      : sampler_(std::move(sampler)), world_size_(world_size), rank_(rank), drop_last_(drop_last) {
    IOLAUS_CHECK(rank >= 0 && rank < world_size, "[sampler] expected a rank in [0, {}), got {}",
                 world_size, rank);
  }
  int64_t size() const override {
    const int64_t all = sampler_->size();
    return drop_last_ ? all / world_size_ : (all + world_size_ - 1) / world_size_;
  }
  std::vector<int64_t> order(int64_t epoch) const override {
    const std::vector<int64_t> all = sampler_->order(epoch);
    std::vector<int64_t> order;
    for (int64_t i = 0; i < size(); ++i) {
      const auto place = static_cast<size_t>(i * world_size_ + rank_);
      order.push_back(all[place % all.size()]);
    }
    return order;
  }

 private:
  SamplerPtr sampler_;
  int world_size_, rank_;
  bool drop_last_;
};

class FixedBatches final : public BatchSampler {
 public:
  FixedBatches(SamplerPtr sampler, int64_t batch_size, bool drop_last)
      : sampler_(std::move(sampler)), batch_size_(batch_size), drop_last_(drop_last) {
    IOLAUS_CHECK(batch_size > 0, "[data] expected batch_size > 0, got {}", batch_size);
  }
  int64_t size() const override {
    const int64_t count = sampler_->size();
    return count / batch_size_ + (!drop_last_ && count % batch_size_ != 0 ? 1 : 0);
  }
  std::vector<std::vector<int64_t>> batches(int64_t epoch) const override {
    const std::vector<int64_t> order = sampler_->order(epoch);
    std::vector<std::vector<int64_t>> batches;
    for (int64_t i = 0; i < size(); ++i) {
      const auto begin = order.begin() + i * batch_size_;
      const auto count = std::min<int64_t>(batch_size_, order.end() - begin);
      batches.emplace_back(begin, begin + count);
    }
    return batches;
  }

 private:
  SamplerPtr sampler_;
  int64_t batch_size_;
  bool drop_last_;
};

}  // namespace

SamplerPtr sequential_sampler(int64_t count) { return std::make_shared<Sequential>(count); }
SamplerPtr random_sampler(int64_t count, uint64_t seed, bool replacement,
                          std::optional<int64_t> num_samples) {
  return std::make_shared<Random>(count, seed, replacement, num_samples.value_or(count));
}
SamplerPtr subset_random_sampler(std::vector<int64_t> indices, uint64_t seed) {
  return std::make_shared<SubsetRandom>(std::move(indices), seed);
}
SamplerPtr weighted_random_sampler(std::vector<double> weights, int64_t num_samples, uint64_t seed,
                                   bool replacement) {
  return std::make_shared<WeightedRandom>(std::move(weights), num_samples, seed, replacement);
}
SamplerPtr distributed_sampler(SamplerPtr sampler, int world_size, int rank, bool drop_last) {
  return std::make_shared<Distributed>(std::move(sampler), world_size, rank, drop_last);
}
BatchSamplerPtr batch_sampler(SamplerPtr sampler, int64_t batch_size, bool drop_last) {
  return std::make_shared<FixedBatches>(std::move(sampler), batch_size, drop_last);
}

}  // namespace iolaus::nn::data
