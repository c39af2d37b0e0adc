// SavedTensor: an operand or result kept for backward, with the version it had. Reading it after an
// in-place change is an error. A result is kept without its history, which would be a cycle, and
// gets it back when it is read.
#pragma once

#include "autograd/meta.h"

namespace iolaus::autograd {

class SavedTensor {
 public:
  SavedTensor() = default;
  SavedTensor(const Tensor& tensor, bool is_output)
      : tensor_(is_output && tensor.defined() ? tensor.detach() : tensor),
        version_(tensor.defined() ? tensor.version() : 0),
        is_output_(is_output) {}

  /// The tensor, for the node that saved it. Errors: kInvalidArgument where it was changed since.
  Tensor operator()(const Node& node) const;
  /// Its geometry, which cannot have changed.
  const Dims& sizes() const { return tensor_.sizes(); }
  DType dtype() const { return tensor_.dtype(); }
  bool defined() const { return tensor_.defined(); }

 private:
  Tensor tensor_;
  uint32_t version_ = 0;
  bool is_output_ = false;
};

inline SavedTensor save(const Tensor& input) { return SavedTensor(input, false); }
/// output must be the (first) result of the op; to be called before record.
inline SavedTensor save_output(const Tensor& output) { return SavedTensor(output, true); }

}  // namespace iolaus::autograd
