// Samples to batches, and what becomes of samples that cannot be read.
#include "nn/data/batch_maker.h"

#include <cstring>

#include "core/warning.h"

namespace iolaus::nn::data {
namespace {

Tensor pinned_copy(const Tensor& t) {
  if (!t.device().is_cpu() || t.is_pinned()) return t;
  const Tensor out = empty(t.sizes(), {.dtype = t.dtype(), .pinned = true});
  if (t.numel() > 0) std::memcpy(out.raw_data(), t.raw_data(), t.nbytes());
  return out;
}

}  // namespace

Sample BatchMaker::make_fields(const std::vector<int64_t>& indices) const {
  if (!options_.collate) return dataset_->get_batch(indices, key_);
  std::vector<Sample> samples;
  for (const int64_t index : indices) {
    try {
      samples.push_back(dataset_->get(index, key_));
    } catch (const Error& error) {
      fail(error.code(), "sample {}: {}", index, error.what());
    }
  }
  return options_.collate(samples);
}

// Those that can be read alone. The others are counted, up to the cap.
std::vector<int64_t> BatchMaker::good_ones(const std::vector<int64_t>& indices) const {
  std::vector<int64_t> good;
  for (const int64_t index : indices) {
    try {
      dataset_->get(index, key_);
      good.push_back(index);
    } catch (const std::exception& error) {
      const int64_t count = ++bad_records_;
      IOLAUS_CHECK_CODE(count <= options_.max_bad_records, ErrorCode::kCorrupt,
                        "more than {} bad records; the last is sample {}: {}",
                        options_.max_bad_records, index, error.what());
      warn("[data] sample {} is left out: {}", index, error.what());
    }
  }
  return good;
}

Batch BatchMaker::make(int64_t number, bool pin) const {
  Batch batch;
  batch.number = number;
  batch.indices = batches_.at(static_cast<size_t>(number));
  try {
    try {
      batch.fields = make_fields(batch.indices);
    } catch (const std::exception&) {
      if (!options_.skip_bad_records) throw;
      batch.indices = good_ones(batch.indices);
      if (!batch.indices.empty()) batch.fields = make_fields(batch.indices);
    }
    if (pin) {
      for (Tensor& field : batch.fields) field = pinned_copy(field);
    }
  } catch (const Error& error) {
    fail(error.code(), "[data] batch {}: {}", number, error.what());
  } catch (const std::exception& error) {
    fail(ErrorCode::kInternal, "[data] batch {}: {}", number, error.what());
  }
  return batch;
}

}  // namespace iolaus::nn::data
