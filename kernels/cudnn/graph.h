// cuDNN 9 through its graph API, without its headers, which cost seconds to compile: a kernel
// describes its operands as a Problem and, where no plan is kept for such a problem, says by Graph
// which operations connect them. Only kernels/cudnn/graph.cpp includes cudnn-frontend.
//
// Every thread has a handle for each device, and its plans; a plan is found by everything that it
// depends on: operation, dtypes, sizes, strides, alignments and numbers. Engines that sum in
// lower precision or in an order that varies are left out, and those that round float32 inputs
// (TF32) unless fp32_precision() allows it.
#pragma once

#include <functional>
#include <initializer_list>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "kernels/window2d.h"

namespace iolaus::cudnn {

/// Why cuDNN cannot be used by this program, or null. Loads it at the first call.
const char* missing();

/// An operand of a problem; kNone: not there.
using Id = int;
inline constexpr Id kNone = 0;

struct Operand {
  void* data = nullptr;
  DType dtype = kFloat32;
  Dims sizes, strides;  // 4 of each: N, C, H, W
};

class GraphImpl;

/// The operations of a problem. Operands are those of the problem, by id.
class Graph {
 public:
  explicit Graph(GraphImpl& impl) : impl_(impl) {}
  /// y = x * w (cross-correlation), plus the bias (1, K, 1, 1).
  void conv_forward(Id x, Id w, Id bias, Id y, const Window2d& window);
  void conv_backward_input(Id g, Id w, Id dx, const Window2d& window);
  void conv_backward_weight(Id g, Id x, Id dw, const Window2d& window);
  /// running = (1 - momentum) running + momentum batch, the variance with M - 1.
  void batch_norm(Id x, Id gamma, Id beta, Id y, Id mean, Id invstd, Id running_mean,
                  Id running_var, Id next_mean, Id next_var, double eps, double momentum);
  void batch_norm_backward(Id g, Id x, Id gamma, Id mean, Id invstd, Id dx, Id dgamma, Id dbeta);
  void layer_norm(Id x, Id gamma, Id beta, Id y, Id mean, Id rstd, double eps);
  void layer_norm_backward(Id g, Id x, Id gamma, Id mean, Id rstd, Id dx, Id dgamma, Id dbeta);
  void rms_norm(Id x, Id gamma, Id y, Id rstd, double eps);
  void rms_norm_backward(Id g, Id x, Id gamma, Id rstd, Id dx, Id dgamma);
  /// Averages of windows; after[d]: zeros after the end of dimension d.
  void average_pool(Id x, Id y, const Window2d& window, const int64_t after[2], bool count_padding);
  /// o = softmax(scale q k^T) v; all (B, heads, length, width). stats (B, heads, length, 1): the
  /// logarithms of the sums, or kNone.
  void attention(Id q, Id k, Id v, Id o, Id stats, double scale, bool causal);
  void attention_backward(Id q, Id k, Id v, Id o, Id g, Id stats, Id dq, Id dk, Id dv, double scale,
                          bool causal);

 private:
  GraphImpl& impl_;
};

class Problem {
 public:
  /// kind tells problems with the same operands apart ("conv2d_forward").
  Problem(const char* kind, Device device);
  /// A tensor of rank 4, or undefined (kNone).
  Id tensor(const Tensor& t);
  Id tensor(const void* data, DType dtype, const Dims& sizes, const Dims& strides);
  /// A number that the plan depends on.
  void depends_on(std::initializer_list<double> numbers);
  void depends_on(const Window2d& window);

  /// "" where cuDNN has a plan for the problem, else why not. Makes the plan, which takes
  /// milliseconds the first time.
  const std::string& why_not(const std::function<void(Graph&)>& build) const;
  /// Queues the problem on the current stream. Errors: kUnsupported where there is no plan,
  /// kDevice.
  void run(const std::function<void(Graph&)>& build) const;

 private:
  friend class GraphImpl;
  struct Plan;
  Plan& plan(const std::function<void(Graph&)>& build) const;

  const char* kind_;
  Device device_;
  std::vector<Operand> operands_;
  std::vector<int64_t> key_;
};

/// A vector of C numbers as (1, C, 1, 1).
Id channels(Problem& problem, const Tensor& t);

}  // namespace iolaus::cudnn
