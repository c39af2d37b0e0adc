// Batches out of samples, subsets and splits.
#include "nn/data/dataset.h"

#include <algorithm>
#include <cstring>
#include <numeric>

#include "core/io/tensor_bytes.h"
#include "core/random.h"
#include "core/views.h"

namespace iolaus::nn::data {

Tensor stack(std::span<const Tensor> tensors) {
  IOLAUS_CHECK(!tensors.empty(), "[stack] expected at least one tensor");
  const Tensor& first = tensors[0];
  Dims sizes = first.sizes();
  sizes.insert(0, static_cast<int64_t>(tensors.size()));
  Tensor out = empty(sizes, {.dtype = first.dtype()});
  auto* to = static_cast<char*>(out.raw_data());
  for (const Tensor& t : tensors) {
    IOLAUS_CHECK(t.sizes() == first.sizes() && t.dtype() == first.dtype(),
                 "[stack] expected tensors of one shape and dtype, got {} and {}", first.describe(),
                 t.describe());
    const io::HostElements elements = io::host_elements(t);
    if (elements.nbytes > 0) std::memcpy(to, elements.data, elements.nbytes);
    to += elements.nbytes;
  }
  return out;
}

Sample Dataset::get_batch(std::span<const int64_t> indices, PhiloxKey key) const {
  std::vector<Tensors> columns;  // one for each field
  for (const int64_t index : indices) {
    try {
      const Sample sample = get(index, key);
      if (columns.empty()) columns.resize(sample.size());
      IOLAUS_CHECK(sample.size() == columns.size(), "expected {} fields as before, got {}",
                   columns.size(), sample.size());
      for (size_t i = 0; i < sample.size(); ++i) columns[i].push_back(sample[i]);
    } catch (const Error& error) {
      fail(error.code(), "sample {}: {}", index, error.what());
    } catch (const std::exception& error) {
      fail(ErrorCode::kInternal, "sample {}: {}", index, error.what());
    }
  }
  Sample batch;
  for (const Tensors& column : columns) batch.push_back(stack(column));
  return batch;
}

Subset::Subset(DatasetPtr dataset, std::vector<int64_t> indices)
    : dataset_(std::move(dataset)), indices_(std::move(indices)) {
  for (const int64_t index : indices_) {
    IOLAUS_CHECK_CODE(index >= 0 && index < dataset_->size(), ErrorCode::kIndex,
                      "[subset] expected indices in [0, {}), got {}", dataset_->size(), index);
  }
}

Sample Subset::get(int64_t index, PhiloxKey key) const {
  return dataset_->get(indices_.at(static_cast<size_t>(index)), key);
}

Sample Subset::get_batch(std::span<const int64_t> indices, PhiloxKey key) const {
  std::vector<int64_t> mapped;
  mapped.reserve(indices.size());
  for (const int64_t index : indices) mapped.push_back(indices_.at(static_cast<size_t>(index)));
  return dataset_->get_batch(mapped, key);
}

TensorDataset::TensorDataset(Tensors tensors) : tensors_(std::move(tensors)) {
  IOLAUS_CHECK(!tensors_.empty(), "[dataset] expected at least one tensor");
  for (const Tensor& t : tensors_) {
    IOLAUS_CHECK(
        t.defined() && t.device().is_cpu() && t.dim() > 0 && t.size(0) == tensors_[0].size(0),
        "[dataset] expected tensors on the CPU with one first size, got {} and {}",
        tensors_[0].describe(), t.describe());
  }
}

Sample TensorDataset::get(int64_t index, PhiloxKey) const {
  Sample sample;
  for (const Tensor& t : tensors_) sample.push_back(views::select(t, 0, index));
  return sample;
}

ConcatDataset::ConcatDataset(std::vector<DatasetPtr> datasets) : datasets_(std::move(datasets)) {
  IOLAUS_CHECK(!datasets_.empty(), "[dataset] expected at least one dataset");
  int64_t end = 0;
  for (const DatasetPtr& dataset : datasets_) ends_.push_back(end += dataset->size());
}

Sample ConcatDataset::get(int64_t index, PhiloxKey key) const {
  IOLAUS_CHECK_CODE(index >= 0 && index < size(), ErrorCode::kIndex,
                    "[dataset] expected an index in [0, {}), got {}", size(), index);
  const auto part =
      static_cast<size_t>(std::upper_bound(ends_.begin(), ends_.end(), index) - ends_.begin());
  const int64_t begin = part == 0 ? 0 : ends_[part - 1];
  return datasets_[part]->get(index - begin, {derive_seed(key.seed, part + 1), key.offset});
}

std::vector<DatasetPtr> random_split(const DatasetPtr& dataset, const std::vector<int64_t>& sizes,
                                     uint64_t seed) {
  int64_t total = 0;
  for (const int64_t size : sizes) {
    IOLAUS_CHECK(size >= 0, "[random_split] expected sizes >= 0, got {}", size);
    total += size;
  }
  IOLAUS_CHECK(total == dataset->size(),
               "[random_split] the sizes add up to {}, but the dataset has {} samples", total,
               dataset->size());
  const std::vector<int64_t> order = random_permutation({seed, 0}, total);
  std::vector<DatasetPtr> parts;
  auto from = order.begin();
  for (const int64_t size : sizes) {
    parts.push_back(std::make_shared<Subset>(dataset, std::vector<int64_t>(from, from + size)));
    from += size;
  }
  return parts;
}

}  // namespace iolaus::nn::data
