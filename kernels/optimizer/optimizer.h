// optimizer: one step over all parameters in one call, each element read and written once.
//
// With g the gradient (negated to maximize), theta the parameter, t the step from 1, exactly as
// torch.optim:
//   sgd    g += wd theta;  v = t == 1 ? g : momentum v + (1 - dampening) g   (where momentum != 0)
//          theta -= lr (nesterov ? g + momentum v : v)
//   adam   g += wd theta, or for AdamW (decoupled)  theta *= 1 - lr wd
//          m += (1 - b1) (g - m);  v = b2 v + (1 - b2) g^2;  amsgrad: w = max(w, v), else w = v
//          theta -= lr / (1 - b1^t) m / (sqrt(w) / sqrt(1 - b2^t) + eps)
//   others: rules.h
// and for clipping and loss scaling
//   grad_norm   out = (sum of all |x|^p)^(1/p), or the largest |x| for p = infinity
//   grad_scale  x *= scale[0];  found_inf = 1 where a value was not finite
//   grad_clamp  x = min(max(x, -limit), limit);  NaN stays
// Every tensor is flat memory: the same dense layout for a parameter, its gradient and its state.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

/// One parameter with numel elements. state: {v} of sgd with momentum; {m, v, w} of adam; those of
/// a rule in its order.
struct OptimizerItem {
  void* param = nullptr;
  const void* grad = nullptr;
  void* state[3] = {};
  int64_t numel = 0;
  int64_t step = 1;
  double mu_product = 1;  // nadam: the product of mu over all steps, this one included
};

struct OptimizerStep {
  std::vector<OptimizerItem> items;
  double lr = 0.001;
  double weight_decay = 0;
  bool maximize = false;
  double momentum = 0, dampening = 0;  // sgd
  bool nesterov = false;
  double beta1 = 0.9, beta2 = 0.999, eps = 1e-8;  // adam
  bool amsgrad = false;
  bool decoupled = false;     // AdamW, and the same choice in nadam and radam
  double alpha = 0.99;        // rmsprop
  bool centered = false;      // rmsprop
  double rho = 0.9;           // adadelta
  double lr_decay = 0;        // adagrad
  double momentum_decay = 0;  // nadam
  DType element = kFloat32;
  DType compute = kFloat32;
  Device target;
  int state_count = 0;       // in keep
  std::vector<Tensor> keep;  // param, grad and state of each item; filled by samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  std::string describe() const;
  Cost cost() const;
  template <class V> void visit(V&& v) {
    static constexpr const char* kNames[] = {"param", "grad", "state0", "state1", "state2"};
    for (size_t i = 0; i < keep.size(); ++i) {
      const size_t slot = i % static_cast<size_t>(2 + state_count);
      v(kNames[slot], keep[i], slot == 1 ? Role::kIn : Role::kInOut);
    }
  }
  void prepare();
};

/// "sgd" and "adam" (also AdamW). All items of one dtype.
KernelSet<OptimizerStep>& sgd_kernels();
KernelSet<OptimizerStep>& adam_kernels();

/// Tensors as flat memory, for grad_norm, grad_scale and grad_clamp.
struct TensorList {
  struct Item {
    void* data = nullptr;
    int64_t numel = 0;
  };
  std::vector<Item> items;
  void* scalar = nullptr;     // grad_norm's result or grad_scale's factor; see stat_dtype
  void* found_inf = nullptr;  // grad_scale: a number of stat_dtype, set to 1, never to 0; or null
  bool scales = false;        // grad_scale
  bool clamps = false;        // grad_clamp, which has no scalar
  double order = 2;           // grad_norm: p > 0, also infinity
  double limit = 0;           // grad_clamp: at least 0
  DType element = kFloat32;
  DType compute = kFloat32;
  Device target;
  std::vector<Tensor> keep;  // scalar, found_inf (grad_scale), then the tensors; samples only

  DType dtype() const { return compute; }
  Device device() const { return target; }
  /// The dtype of scalar: float64 for float64, else float32.
  DType stat_dtype() const { return element == kFloat64 ? kFloat64 : kFloat32; }
  int64_t numel() const;
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return scales || clamps ? 1 : numel(); }
  /// Scalars ahead of the tensors in keep.
  size_t scalars() const { return clamps ? 0 : (scales ? 2 : 1); }
  template <class V> void visit(V&& v) {
    for (size_t i = 0; i < keep.size(); ++i) {
      if (i >= scalars()) {
        v("x", keep[i], scales || clamps ? Role::kInOut : Role::kIn);
      } else if (i == 0) {
        v(scales ? "scale" : "norm", keep[i], scales ? Role::kIn : Role::kOut);
      } else {
        v("found_inf", keep[i], Role::kInOut);
      }
    }
  }
  void prepare();
};

KernelSet<TensorList>& grad_norm_kernels();
KernelSet<TensorList>& grad_scale_kernels();
KernelSet<TensorList>& grad_clamp_kernels();

}  // namespace iolaus
