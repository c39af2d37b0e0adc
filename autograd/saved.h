// SavedTensor: an operand or result kept for backward, with the version it had. Reading it after an
// in-place change is an error. A result is kept without its history, which would be a cycle, and
// gets it back when it is read.
#pragma once

#include "autograd/meta.h"

namespace iolaus::autograd {

class SavedTensor {
 public:
  SavedTensor() = default;
  /// output: the tensor is the op's result of this number; -1: an input.
  SavedTensor(const Tensor& tensor, int output)
      : tensor_(output >= 0 && tensor.defined() ? tensor.detach() : tensor),
        version_(tensor.defined() ? tensor.version() : 0),
        output_(output) {}

  /// The tensor, for the node that saved it. Errors: kInvalidArgument where it was changed since.
  Tensor operator()(const Node& node) const;
  /// Its geometry, which cannot have changed.
  const Dims& sizes() const { return tensor_.sizes(); }
  DType dtype() const { return tensor_.dtype(); }
  bool defined() const { return tensor_.defined(); }

 private:
  Tensor tensor_;
  uint32_t version_ = 0;
  int output_ = -1;
};

inline SavedTensor save(const Tensor& input) { return SavedTensor(input, -1); }
/// output must be the op's result of this number; to be called before record.
inline SavedTensor save_output(const Tensor& output, int number = 0) {
  return SavedTensor(output, number);
}

}  // namespace iolaus::autograd
