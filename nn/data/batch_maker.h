// BatchMaker: one batch by its number; any thread may make any.
#pragma once

#include <atomic>

#include "nn/data/loader.h"

namespace iolaus::nn::data {

class BatchMaker {
 public:
  BatchMaker(DatasetPtr dataset, const DataLoaderOptions& options,
             std::vector<std::vector<int64_t>> batches, PhiloxKey key)
      : dataset_(std::move(dataset)), options_(options), batches_(std::move(batches)), key_(key) {}
  int64_t num_batches() const { return static_cast<int64_t>(batches_.size()); }
  int64_t bad_records() const { return bad_records_; }
  /// On the host; in pinned memory with pin. Errors: as Epoch::next.
  Batch make(int64_t number, bool pin) const;

 private:
  Sample make_fields(const std::vector<int64_t>& indices) const;
  std::vector<int64_t> good_ones(const std::vector<int64_t>& indices) const;

  DatasetPtr dataset_;
  DataLoaderOptions options_;
  std::vector<std::vector<int64_t>> batches_;
  PhiloxKey key_;
  mutable std::atomic<int64_t> bad_records_{0};
};

}  // namespace iolaus::nn::data
