// The kernel sets of layer_norm, what they cost, and their sample arguments: rows of 0, 1 and odd
// lengths around vector widths, missing parameters, parameters of the statistics' dtype.
#include "kernels/layer_norm/layer_norm.h"

#include "kernels/check.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

struct Problem {
  int64_t rows, columns;
  bool affine = true;
  bool wide_parameters = false;  // in the statistics' dtype
};

constexpr Problem kProblems[] = {
    {1, 1},    {0, 8},    {3, 31}, {5, 32},        {4, 33},
    {7, 8},    {2, 768},  {65, 5}, {3, 17, false}, {6, 64, true, true},
    {1, 1000}, {300, 16},
};

Tensor parameter(const Problem& p, DType dtype, uint64_t seed, double low, double high) {
  return sample_tensor({p.columns}, p.wide_parameters ? statistics_dtype(dtype) : dtype, seed, low,
                       high);
}

std::vector<LayerNorm> forward_samples(DType dtype) {
  std::vector<LayerNorm> samples;
  for (const Problem& p : kProblems) {
    LayerNorm& a = samples.emplace_back();
    a.x = sample_tensor({p.rows, p.columns}, dtype, 1, -1, 2), a.out = empty_like(a.x);
    if (p.affine) a.gamma = parameter(p, dtype, 2, 0, 2), a.beta = parameter(p, dtype, 3, -1, 1);
    a.mean = empty({p.rows}, {.dtype = statistics_dtype(dtype)});
    a.rstd = empty({p.rows}, {.dtype = statistics_dtype(dtype)});
    a.columns = p.columns;
  }
  return samples;
}

std::vector<LayerNormBackward> backward_samples(DType dtype) {
  std::vector<LayerNormBackward> samples;
  for (const Problem& p : kProblems) {
    LayerNormBackward& a = samples.emplace_back();
    a.g = sample_tensor({p.rows, p.columns}, dtype, 4);
    a.x = sample_tensor({p.rows, p.columns}, dtype, 5, -1, 2), a.dx = empty_like(a.x);
    a.mean = sample_tensor({p.rows}, statistics_dtype(dtype), 6, 0, 1);
    a.rstd = sample_tensor({p.rows}, statistics_dtype(dtype), 7, 0.5, 2);
    if (p.affine) {
      a.gamma = parameter(p, dtype, 8, 0, 2);
      a.dgamma = empty_like(a.gamma), a.dbeta = empty_like(a.gamma);
    }
    a.columns = p.columns;
  }
  return samples;
}

Cost norm_cost(const Tensor& x, double flops, double passes) {
  return {flops * static_cast<double>(x.numel()), passes * static_cast<double>(x.nbytes())};
}

}  // namespace

std::string LayerNorm::describe() const {
  return fmt::format("{}, rows of {}", x.describe(), columns);
}
std::string LayerNormBackward::describe() const {
  return fmt::format("{}, rows of {}", x.describe(), columns);
}
Cost LayerNorm::cost() const { return norm_cost(x, 7, 2); }
Cost LayerNormBackward::cost() const { return norm_cost(x, 11, 3); }

KernelSet<LayerNorm>& layer_norm_kernels() {
  static auto* set = new KernelSet<LayerNorm>("layer_norm", "layer_norm", forward_samples);
  return *set;
}
KernelSet<LayerNormBackward>& layer_norm_backward_kernels() {
  static auto* set =
      new KernelSet<LayerNormBackward>("layer_norm", "layer_norm_backward", backward_samples);
  return *set;
}

}  // namespace iolaus
