// The kernel sets of bias_gelu, what they cost, and their sample arguments: rows of 0, 1 and odd
// lengths around the widths of vectors and tiles, both forms.
#include "kernels/bias_gelu/bias_gelu.h"

#include "kernels/check.h"

namespace iolaus {
namespace {

struct Problem {
  int64_t rows, columns;
};
constexpr Problem kProblems[] = {{1, 1},   {0, 8},   {3, 31},  {5, 32},   {4, 33},  {9, 127},
                                 {3, 128}, {2, 129}, {3, 768}, {150, 16}, {300, 5}, {1, 4096}};

std::vector<BiasGelu> forward_samples(DType dtype) {
  std::vector<BiasGelu> samples;
  for (const bool approximate : {false, true}) {
    for (const Problem& p : kProblems) {
      BiasGelu& a = samples.emplace_back();
      a.x = sample_tensor({p.rows, p.columns}, dtype, 1, -4, 4), a.out = empty_like(a.x);
      a.bias = sample_tensor({p.columns}, dtype, 2);
      a.approximate = approximate;
    }
  }
  return samples;
}

std::vector<BiasGeluBackward> backward_samples(DType dtype) {
  std::vector<BiasGeluBackward> samples;
  for (const bool approximate : {false, true}) {
    for (const Problem& p : kProblems) {
      BiasGeluBackward& a = samples.emplace_back();
      a.g = sample_tensor({p.rows, p.columns}, dtype, 3);
      a.x = sample_tensor({p.rows, p.columns}, dtype, 4, -4, 4), a.dx = empty_like(a.x);
      a.bias = sample_tensor({p.columns}, dtype, 5);
      if (p.rows != 4) a.dbias = empty_like(a.bias);
      a.approximate = approximate;
    }
  }
  return samples;
}

std::string describe_gelu(const Tensor& x, bool approximate) {
  return x.describe() + (approximate ? " by tanh" : "");
}

}  // namespace

std::string BiasGelu::describe() const { return describe_gelu(x, approximate); }
std::string BiasGeluBackward::describe() const { return describe_gelu(x, approximate); }
Cost BiasGelu::cost() const {
  return {20 * static_cast<double>(x.numel()), 2 * static_cast<double>(x.nbytes())};
}
Cost BiasGeluBackward::cost() const {
  return {30 * static_cast<double>(x.numel()), 3 * static_cast<double>(x.nbytes())};
}

KernelSet<BiasGelu>& bias_gelu_kernels() {
  static auto* set = new KernelSet<BiasGelu>("bias_gelu", "bias_gelu", forward_samples);
  return *set;
}
KernelSet<BiasGeluBackward>& bias_gelu_backward_kernels() {
  static auto* set =
      new KernelSet<BiasGeluBackward>("bias_gelu", "bias_gelu_backward", backward_samples);
  return *set;
}

}  // namespace iolaus
