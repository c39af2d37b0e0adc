// cross_entropy: log_softmax and the negative log likelihood of class indices in one pass, without
// writing the log-probabilities. Logits x are (rows, C, inner), targets t (rows, inner) in int64.
//
//   lse_i  = log sum_c e^x_ic                        (0 where x holds log-probabilities already)
//   loss_i = (1 - s) w_t (lse_i - x_it) + s / C sum_c w_c (lse_i - x_ic)
//   dx_ic  = h_i (p_ic ((1 - s) w_t + s / C sum_c' w_c') - (1 - s) w_t [c = t] - s / C w_c)
// with class weights w (1 where not given), label smoothing s, p = e^(x - lse) (0 for
// log-probabilities), and h_i = g / total_weight (mean), g (sum), g_i (none). Rows whose target is
// ignore_index give 0. mean divides by total_weight, the sum of w_t over rows that count; with none
// the result is NaN. As torch.nn.functional.cross_entropy and nll_loss.
#pragma once

#include "core/tensor.h"
#include "kernels/kernel_set.h"

namespace iolaus {

enum class Reduction : uint8_t { kNone, kMean, kSum };

struct CrossEntropy {
  int64_t rows = 0, classes = 0, inner = 1;
  const void* x = nullptr;          // (rows, C, inner)
  const int64_t* target = nullptr;  // (rows, inner)
  const void* weight = nullptr;     // (C), or null; of x's dtype
  void* loss = nullptr;             // one element, or (rows, inner) for kNone; forward only
  void* lse = nullptr;              // (rows, inner), float (double for double); backward reads it
  void* total_weight = nullptr;     // one element, float (double for double); backward reads it
  const void* g = nullptr;          // like loss; backward only
  void* dx = nullptr;               // (rows, C, inner); backward only
  Reduction reduction_kind = Reduction::kMean;
  bool log_probabilities = false;  // nll_loss
  bool backward = false;
  double smoothing = 0;
  int64_t ignore_index = -100;
  DType element = kFloat32;
  DType compute = kFloat32;
  Device target_device;
  // Forward: loss, lse, total_weight, x, target, weight?; backward: dx, g, lse, total_weight, x,
  // target, weight?. Filled by samples only.
  std::vector<Tensor> keep;

  DType dtype() const { return compute; }
  Device device() const { return target_device; }
  std::string describe() const;
  Cost cost() const;
  int64_t reduction() const { return backward ? classes : classes + rows * inner; }
  static constexpr const char* kSizes[] = {"rows", "classes", "inner"};
  std::array<int64_t, 3> named_sizes() const { return {rows, classes, inner}; }
  template <class V> void visit(V&& v) {
    static constexpr const char* kForward[] = {"loss", "lse",    "total_weight",
                                               "x",    "target", "weight"};
    static constexpr const char* kBackward[] = {"dx", "g",      "lse",   "total_weight",
                                                "x",  "target", "weight"};
    const size_t outputs = backward ? 1 : 3;
    for (size_t i = 0; i < keep.size(); ++i) {
      v((backward ? kBackward : kForward)[i], keep[i], i < outputs ? Role::kOut : Role::kIn);
    }
  }
  /// Sets the addresses anew from keep.
  void prepare();
  double weight_of(int64_t c) const;  // for references
};

/// The dtype of lse and total_weight.
inline DType cross_entropy_stat_dtype(DType x) { return x == kFloat64 ? kFloat64 : kFloat32; }

/// The kernel's own refusal of a target that is no class. Errors: always, kIndex.
[[noreturn]] void fail_bad_target(int64_t target, int64_t row, int64_t classes);

/// Tensors contiguous; shapes as in the struct (the caller has checked them).
/// Errors of the forward kernel: kIndex for a target that is neither a class nor ignore_index.
KernelSet<CrossEntropy>& cross_entropy_kernels();
KernelSet<CrossEntropy>& cross_entropy_backward_kernels();

}  // namespace iolaus
