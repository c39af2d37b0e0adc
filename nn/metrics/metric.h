// Metric: a number that is collected over batches, with torchmetrics' names. update() only enqueues
// work on the outputs' device, compute() waits for it.
#pragma once

#include <map>
#include <string>

#include "autograd/ops.h"

namespace iolaus::nn {

class Metric {
 public:
  virtual ~Metric() = default;
  virtual void update(const Tensor& output, const Tensor& target) = 0;
  /// float64 unless a metric says otherwise: a scalar, or one number for each class. NaN before the
  /// first update.
  virtual Tensor value() const = 0;
  /// The value of a scalar metric, on the host. Errors: kInvalidArgument where there are several.
  double compute() const { return value().item<double>(); }
  /// Forgets all updates.
  void reset() { state_.clear(); }
  virtual std::string type_name() const = 0;

  /// What was collected, for checkpoints; empty before the first update. Updates do not change
  /// these tensors but replace them.
  const std::map<std::string, Tensor>& state_dict() const { return state_; }
  /// Of any device: the next update moves them to its own.
  void load_state_dict(const std::map<std::string, Tensor>& state) { state_ = state; }

 protected:
  bool has(const std::string& name) const { return state_.contains(name); }
  const Tensor& state(const std::string& name) const { return state_.at(name); }
  /// state += x, on x's device; the first one is x.
  void accumulate(const std::string& name, const Tensor& x);
  /// The same for a number that the host knows; it stays there (int64).
  void accumulate(const std::string& name, int64_t x);
  /// x behind what there is, along the first dimension.
  void append(const std::string& name, const Tensor& x);

 private:
  std::map<std::string, Tensor> state_;
};

/// A float64 NaN, for metrics without updates.
Tensor no_value();
/// a / b in float64, and 0 where b is 0.
Tensor safe_divide(const Tensor& a, const Tensor& b);

enum class Task { kBinary, kMulticlass, kMultilabel };

/// What numbers of a batch are before they are counted: sigmoid (softmax over dimension 1) of x
/// where any of it lies outside of [0, 1], else x. Without waiting for the device.
Tensor as_probabilities(const Tensor& x, bool softmax_of_rows);

}  // namespace iolaus::nn
