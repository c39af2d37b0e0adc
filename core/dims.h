// Dims: the sizes or strides of a tensor, stored inline (no allocation), at most kMaxRank of them.
#pragma once

#include <algorithm>
#include <cstdint>
#include <initializer_list>
#include <span>
#include <string>
#include <vector>

#include "core/error.h"

namespace iolaus {

inline constexpr int kMaxRank = 16;

class Dims {
 public:
  Dims() = default;
  Dims(std::initializer_list<int64_t> values) : Dims(values.begin(), values.size()) {}
  Dims(std::span<const int64_t> values) : Dims(values.data(), values.size()) {}
  Dims(const std::vector<int64_t>& values) : Dims(values.data(), values.size()) {}
  Dims(const int64_t* values, size_t count) {
    resize(count);
    std::copy_n(values, count, values_);
  }
  Dims(const Dims& other) : size_(other.size_) { std::copy_n(other.values_, size_, values_); }
  Dims& operator=(const Dims& other) {
    size_ = other.size_;
    std::copy_n(other.values_, size_, values_);
    return *this;
  }
  /// count copies of value.
  static Dims filled(size_t count, int64_t value) {
    Dims dims;
    dims.resize(count);
    std::fill_n(dims.values_, count, value);
    return dims;
  }

  size_t size() const { return size_; }
  int rank() const { return static_cast<int>(size_); }
  bool empty() const { return size_ == 0; }
  int64_t& operator[](size_t i) { return values_[i]; }
  int64_t operator[](size_t i) const { return values_[i]; }
  int64_t back() const { return values_[size_ - 1]; }
  int64_t* begin() { return values_; }
  int64_t* end() { return values_ + size_; }
  const int64_t* begin() const { return values_; }
  const int64_t* end() const { return values_ + size_; }
  const int64_t* data() const { return values_; }
  operator std::span<const int64_t>() const { return {values_, size_}; }

  /// New entries are not set. Errors: kInvalidArgument beyond kMaxRank.
  void resize(size_t count) {
    IOLAUS_CHECK(count <= kMaxRank, "tensors have at most {} dimensions, got {}", kMaxRank, count);
    size_ = static_cast<uint32_t>(count);
  }
  void push_back(int64_t value) {
    resize(size_ + 1);
    values_[size_ - 1] = value;
  }
  void insert(size_t at, int64_t value) {
    resize(size_ + 1);
    std::copy_backward(values_ + at, values_ + size_ - 1, values_ + size_);
    values_[at] = value;
  }
  void erase(size_t at) {
    std::copy(values_ + at + 1, values_ + size_, values_ + at);
    --size_;
  }
  bool operator==(const Dims& other) const {
    return std::equal(begin(), end(), other.begin(), other.end());
  }

  /// As PyTorch prints shapes: "[2, 3]".
  std::string str() const;

 private:
  uint32_t size_ = 0;
  int64_t values_[kMaxRank];
};

/// Product of the sizes. Errors: kInvalidArgument on a negative size or on overflow of int64.
int64_t checked_numel(const Dims& sizes);
/// Strides (in elements) of a row-major contiguous tensor.
Dims contiguous_strides(const Dims& sizes);
/// Strides of a channels-last tensor of rank 4 (N, C, H, W) or 5 (N, C, D, H, W).
Dims channels_last_strides(const Dims& sizes);
/// The common shape of two shapes under broadcasting. Errors: kInvalidArgument, naming op.
Dims broadcast_shapes(const char* op, const Dims& a, const Dims& b);
/// dim in [-rank, rank) to [0, rank); rank 0 counts as 1. Errors: kIndex, naming op.
int wrap_dim(const char* op, int64_t dim, int64_t rank);

}  // namespace iolaus
