// The kernel sets of group_norm, what they cost, and their sample arguments: one group, a group for
// each channel, one position, empty batches, missing parameters.
#include "kernels/group_norm/group_norm.h"

#include "kernels/check.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

struct Problem {
  Dims x;
  int64_t groups;
  bool affine = true;
  bool wide_parameters = false;  // in the statistics' dtype
};

std::vector<Problem> problems() {
  return {
      {{1, 1, 1}, 1},      {{0, 4, 3}, 2}, {{2, 6, 31}, 3},          {{2, 6, 32}, 6},
      {{3, 4, 33}, 1},     {{5, 8}, 2},    {{2, 4, 5, 7}, 2, false}, {{2, 8, 3, 3}, 2, true, true},
      {{1, 2, 40, 30}, 1}, {{37, 5, 9}, 5}};
}

Tensor parameter(const Problem& p, DType dtype, uint64_t seed, double low, double high) {
  return sample_tensor({p.x[1]}, p.wide_parameters ? statistics_dtype(dtype) : dtype, seed, low,
                       high);
}

std::vector<GroupNorm> forward_samples(DType dtype) {
  std::vector<GroupNorm> samples;
  for (const Problem& p : problems()) {
    GroupNorm& a = samples.emplace_back();
    a.x = sample_tensor(p.x, dtype, 1, -1, 2), a.out = empty_like(a.x);
    if (p.affine) a.gamma = parameter(p, dtype, 2, 0, 2), a.beta = parameter(p, dtype, 3, -1, 1);
    a.mean = empty({p.x[0] * p.groups}, {.dtype = statistics_dtype(dtype)});
    a.rstd = empty_like(a.mean);
    a.groups = p.groups;
  }
  return samples;
}

std::vector<GroupNormBackward> backward_samples(DType dtype) {
  std::vector<GroupNormBackward> samples;
  for (const Problem& p : problems()) {
    GroupNormBackward& a = samples.emplace_back();
    const Dims rows{p.x[0] * p.groups};
    a.g = sample_tensor(p.x, dtype, 4);
    a.x = sample_tensor(p.x, dtype, 5, -1, 2), a.dx = empty_like(a.x);
    a.mean = sample_tensor(rows, statistics_dtype(dtype), 6, 0, 1);
    a.rstd = sample_tensor(rows, statistics_dtype(dtype), 7, 0.5, 2);
    if (p.affine) {
      a.gamma = parameter(p, dtype, 8, 0, 2);
      a.dgamma = empty_like(a.gamma), a.dbeta = empty_like(a.gamma);
    }
    a.groups = p.groups;
  }
  return samples;
}

std::string describe_norm(const Tensor& x, int64_t groups) {
  return fmt::format("{}, {} groups", x.describe(), groups);
}
Cost norm_cost(const Tensor& x, double flops, double passes) {
  return {flops * static_cast<double>(x.numel()), passes * static_cast<double>(x.nbytes())};
}

}  // namespace

GroupShape group_shape(const Tensor& x, int64_t groups) {
  GroupShape s{
      x.sizes()[0], x.sizes()[1], groups, 1, x.sizes()[1] / std::max<int64_t>(groups, 1), 0, 0};
  for (int d = 2; d < x.dim(); ++d) s.inner *= x.size(d);
  s.rows = s.batch * groups, s.columns = s.own * s.inner;
  return s;
}

std::string GroupNorm::describe() const { return describe_norm(x, groups); }
std::string GroupNormBackward::describe() const { return describe_norm(x, groups); }
Cost GroupNorm::cost() const { return norm_cost(x, 7, 2); }
Cost GroupNormBackward::cost() const { return norm_cost(x, 11, 3); }
int64_t GroupNorm::reduction() const { return group_shape(x, groups).columns; }
int64_t GroupNormBackward::reduction() const {
  const GroupShape s = group_shape(x, groups);
  return std::max(s.columns, s.batch * s.inner);
}

KernelSet<GroupNorm>& group_norm_kernels() {
  static auto* set = new KernelSet<GroupNorm>("group_norm", "group_norm", forward_samples);
  return *set;
}
KernelSet<GroupNormBackward>& group_norm_backward_kernels() {
  static auto* set =
      new KernelSet<GroupNormBackward>("group_norm", "group_norm_backward", backward_samples);
  return *set;
}

}  // namespace iolaus
