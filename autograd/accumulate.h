// AccumulateGrad: the end of the graph, one for each leaf in use. It adds what arrives to the
// leaf's grad().
#pragma once

#include "autograd/node.h"

namespace iolaus::autograd {

class AccumulateGrad final : public Node {
 public:
  explicit AccumulateGrad(const Tensor& leaf);
  ~AccumulateGrad() override;
  void backward(std::span<const Tensor> grads, std::span<Tensor> input_grads) override;

 private:
  Tensor leaf_;
};

/// The accumulator of a leaf that requires a gradient: the one that graphs already use, or a new
/// one.
NodePtr grad_accumulator(const Tensor& leaf);

}  // namespace iolaus::autograd
