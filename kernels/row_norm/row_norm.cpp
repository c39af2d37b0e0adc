// The kernel sets of row_norm, what they cost, and their sample arguments: rows of 0, 1 and odd
// lengths around the widths of vectors and warps, long rows, missing parameters.
#include "kernels/row_norm/row_norm.h"

#include "kernels/check.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

struct Problem {
  int64_t rows, columns;
  bool affine = true;
  bool wide_parameters = false;  // in the statistics' dtype
  bool other_gradient = true;    // gs is there
};

// 1032 is beyond a warp's rows, 30008 beyond what stays in shared memory.
constexpr Problem kProblems[] = {
    {1, 1},   {0, 8},    {3, 31},        {5, 32, true, false, false}, {4, 33},   {7, 8},
    {2, 768}, {65, 5},   {3, 17, false}, {6, 64, true, true},         {2, 1032}, {1, 1001},
    {70, 16}, {1, 30008}};

Tensor parameter(const Problem& p, DType dtype, uint64_t seed, double low, double high) {
  return sample_tensor({p.columns}, p.wide_parameters ? statistics_dtype(dtype) : dtype, seed, low,
                       high);
}

template <RowNormKind kind> std::vector<RowNorm> forward_samples(DType dtype) {
  std::vector<RowNorm> samples;
  for (const Problem& p : kProblems) {
    RowNorm& a = samples.emplace_back();
    a.kind = kind, a.columns = p.columns;
    a.x = sample_tensor({p.rows, p.columns}, dtype, 1, -1, 2), a.out = empty_like(a.x);
    if (p.affine) a.gamma = parameter(p, dtype, 2, 0, 2);
    if (p.affine && a.centered()) a.beta = parameter(p, dtype, 3, -1, 1);
    if (kind != RowNormKind::kRms) {
      a.residual = sample_tensor({p.rows, p.columns}, dtype, 4), a.sum = empty_like(a.x);
    }
    const TensorOptions statistic{.dtype = statistics_dtype(dtype)};
    if (a.centered()) a.mean = empty({p.rows}, statistic);
    a.rstd = empty({p.rows}, statistic);
  }
  return samples;
}

template <RowNormKind kind> std::vector<RowNormBackward> backward_samples(DType dtype) {
  std::vector<RowNormBackward> samples;
  for (const Problem& p : kProblems) {
    RowNormBackward& a = samples.emplace_back();
    a.kind = kind, a.columns = p.columns;
    a.g = sample_tensor({p.rows, p.columns}, dtype, 5);
    a.s = sample_tensor({p.rows, p.columns}, dtype, 6, -1, 2), a.dx = empty_like(a.s);
    if (kind != RowNormKind::kRms && p.other_gradient) {
      a.gs = sample_tensor({p.rows, p.columns}, dtype, 7);
    }
    if (a.centered()) a.mean = sample_tensor({p.rows}, statistics_dtype(dtype), 8, 0, 1);
    a.rstd = sample_tensor({p.rows}, statistics_dtype(dtype), 9, 0.5, 2);
    if (p.affine) a.gamma = parameter(p, dtype, 10, 0, 2), a.dgamma = empty_like(a.gamma);
    if (p.affine && a.centered()) a.dbeta = empty_like(a.gamma);
  }
  return samples;
}

const char* backward_name(RowNormKind kind) {
  return kind == RowNormKind::kRms        ? "rms_norm_backward"
         : kind == RowNormKind::kAddLayer ? "add_layer_norm_backward"
                                          : "add_rms_norm_backward";
}
const char* name_of(RowNormKind kind) {
  return kind == RowNormKind::kRms        ? "rms_norm"
         : kind == RowNormKind::kAddLayer ? "add_layer_norm"
                                          : "add_rms_norm";
}

template <RowNormKind kind> KernelSet<RowNorm>& forward_set() {
  static auto* set = new KernelSet<RowNorm>("row_norm", name_of(kind), forward_samples<kind>);
  return *set;
}
template <RowNormKind kind> KernelSet<RowNormBackward>& backward_set() {
  static auto* set =
      new KernelSet<RowNormBackward>("row_norm", backward_name(kind), backward_samples<kind>);
  return *set;
}

Cost norm_cost(const Tensor& x, double flops, double passes) {
  return {flops * static_cast<double>(x.numel()), passes * static_cast<double>(x.nbytes())};
}

}  // namespace

std::string RowNorm::describe() const {
  return fmt::format("{} {}, rows of {}", name_of(kind), x.describe(), columns);
}
std::string RowNormBackward::describe() const {
  return fmt::format("{} {}, rows of {}", backward_name(kind), s.describe(), columns);
}
Cost RowNorm::cost() const { return norm_cost(x, 8, residual.defined() ? 4 : 2); }
Cost RowNormBackward::cost() const { return norm_cost(s, 12, gs.defined() ? 4 : 3); }

KernelSet<RowNorm>& row_norm_kernels(RowNormKind kind) {
  return kind == RowNormKind::kRms        ? forward_set<RowNormKind::kRms>()
         : kind == RowNormKind::kAddLayer ? forward_set<RowNormKind::kAddLayer>()
                                          : forward_set<RowNormKind::kAddRms>();
}
KernelSet<RowNormBackward>& row_norm_backward_kernels(RowNormKind kind) {
  return kind == RowNormKind::kRms        ? backward_set<RowNormKind::kRms>()
         : kind == RowNormKind::kAddLayer ? backward_set<RowNormKind::kAddLayer>()
                                          : backward_set<RowNormKind::kAddRms>();
}

}  // namespace iolaus
