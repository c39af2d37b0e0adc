// Dataset: samples by index (map style), and what is made of them without knowing more: batches,
// subsets, random splits. A sample is one or more tensors, usually an input and its target.
#pragma once

#include <memory>
#include <span>
#include <vector>

#include "core/philox.h"
#include "core/tensor.h"

namespace iolaus::nn::data {

/// The fields of one sample, or of a batch with a new first dimension.
using Sample = Tensors;

struct Batch {
  Sample fields;
  std::vector<int64_t> indices;  // of the samples in the dataset
  int64_t number = 0;            // of the batch in its epoch
  int64_t dataloader_idx = 0;    // of the loader that it comes from, where there are several
  const Tensor& input() const { return fields.at(0); }
  const Tensor& target() const { return fields.at(1); }
  int64_t size() const { return static_cast<int64_t>(indices.size()); }
};

class Dataset {
 public:
  virtual ~Dataset() = default;
  virtual int64_t size() const = 0;
  /// Sample index in [0, size()), on the CPU. Called from several threads at once. What is random
  /// (augmentation) is a function of key and index alone, so that it depends on no worker: key is
  /// another in each epoch.
  virtual Sample get(int64_t index, PhiloxKey key) const = 0;
  /// The samples stacked field by field. Override it where a batch can be made faster than sample
  /// by sample. Errors: those of get, with the sample's index in front.
  virtual Sample get_batch(std::span<const int64_t> indices, PhiloxKey key) const;
};
using DatasetPtr = std::shared_ptr<const Dataset>;

/// Tensors of one shape and dtype, along a new first dimension: n of (...) become (n, ...).
/// Errors: kInvalidArgument, with both, where they differ.
Tensor stack(std::span<const Tensor> tensors);

/// Some samples of another dataset, in a given order.
class Subset final : public Dataset {
 public:
  /// Errors: kIndex for an index outside of the dataset.
  Subset(DatasetPtr dataset, std::vector<int64_t> indices);
  int64_t size() const override { return static_cast<int64_t>(indices_.size()); }
  Sample get(int64_t index, PhiloxKey key) const override;
  Sample get_batch(std::span<const int64_t> indices, PhiloxKey key) const override;

 private:
  DatasetPtr dataset_;
  std::vector<int64_t> indices_;
};

/// Samples that lie in tensors: sample i is the i-th slice of each.
class TensorDataset final : public Dataset {
 public:
  /// On the CPU. Errors: kInvalidArgument where they do not have one first size, or lie elsewhere.
  explicit TensorDataset(Tensors tensors);
  int64_t size() const override { return tensors_[0].size(0); }
  Sample get(int64_t index, PhiloxKey key) const override;

 private:
  Tensors tensors_;
};

/// One dataset after the other.
class ConcatDataset final : public Dataset {
 public:
  /// Errors: kInvalidArgument for none.
  explicit ConcatDataset(std::vector<DatasetPtr> datasets);
  int64_t size() const override { return ends_.back(); }
  /// Each part draws with a key of its own.
  Sample get(int64_t index, PhiloxKey key) const override;

 private:
  std::vector<DatasetPtr> datasets_;
  std::vector<int64_t> ends_;
};

/// Disjoint random parts of these sizes, the same for the same seed.
/// Errors: kInvalidArgument where the sizes do not add up to the dataset's.
std::vector<DatasetPtr> random_split(const DatasetPtr& dataset, const std::vector<int64_t>& sizes,
                                     uint64_t seed);

}  // namespace iolaus::nn::data
