// The kernel sets of batch_norm, what they cost, and their sample arguments: contiguous and
// channels-last, one element a channel, missing parameters, parameters of the statistics' dtype.
#include "kernels/batch_norm/batch_norm.h"

#include "kernels/check.h"
#include "kernels/copy/copy.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

struct Problem {
  Dims x;
  bool affine = true;
  bool running = true;
  bool channels_last = false;
  bool wide_parameters = false;  // in the statistics' dtype
};

std::vector<Problem> problems() {
  return {
      {{4, 3, 5, 7}},
      {{2, 8, 16, 16}},
      {{2, 1, 1, 1}},
      {{16, 33}},
      {{3, 5, 31}, false},
      {{1, 4, 6, 6}, true, false},
      {{0, 3, 4, 4}, true, false},
      {{4, 6, 3, 5}, true, true, true},
      {{3, 17, 4, 4}, true, true, true, true},
      {{5, 4, 33, 32}, true, true, false, true},
      {{6, 3, 29, 31}, true, true, true},  // blocks share a channel
  };
}

Tensor random_input(const Problem& p, DType dtype, uint64_t seed) {
  const Tensor values = sample_tensor(p.x, dtype, seed, -1, 2);
  if (!p.channels_last) return values;
  const Tensor out = empty(p.x, {.dtype = dtype, .memory_format = MemoryFormat::kChannelsLast});
  copy(values, out);
  return out;
}
Tensor parameter(const Problem& p, DType dtype, uint64_t seed, double low, double high) {
  return sample_tensor({p.x[1]}, p.wide_parameters ? statistics_dtype(dtype) : dtype, seed, low,
                       high);
}
Tensor statistic(const Problem& p, DType dtype, uint64_t seed, double low, double high) {
  return sample_tensor({p.x[1]}, statistics_dtype(dtype), seed, low, high);
}

std::vector<BatchNorm> training_samples(DType dtype) {
  std::vector<BatchNorm> samples;
  for (const Problem& p : problems()) {
    if (p.x[0] == 0) continue;  // a batch without elements has no statistics
    BatchNorm& a = samples.emplace_back();
    a.x = random_input(p, dtype, 1), a.out = empty_like(a.x);
    if (p.affine) a.gamma = parameter(p, dtype, 2, 0, 2), a.beta = parameter(p, dtype, 3, -1, 1);
    if (p.running) {
      a.running_mean = parameter(p, dtype, 4, -1, 1);
      a.running_var = parameter(p, dtype, 5, 0, 2);
    }
    a.mean = empty({p.x[1]}, {.dtype = statistics_dtype(dtype)});
    a.invstd = empty({p.x[1]}, {.dtype = statistics_dtype(dtype)});
  }
  return samples;
}

std::vector<BatchNormEval> eval_samples(DType dtype) {
  std::vector<BatchNormEval> samples;
  for (const Problem& p : problems()) {
    BatchNormEval& a = samples.emplace_back();
    a.x = random_input(p, dtype, 6), a.out = empty_like(a.x);
    if (p.affine) a.gamma = parameter(p, dtype, 7, 0, 2), a.beta = parameter(p, dtype, 8, -1, 1);
    a.mean = parameter(p, dtype, 9, -1, 1), a.var = parameter(p, dtype, 10, 0.5, 2);
  }
  return samples;
}

std::vector<BatchNormBackward> backward_samples(DType dtype) {
  std::vector<BatchNormBackward> samples;
  for (const Problem& p : problems()) {
    for (bool training : {true, false}) {
      if (training && p.x[0] == 0) continue;
      BatchNormBackward& a = samples.emplace_back();
      a.g = random_input(p, dtype, 11), a.x = random_input(p, dtype, 12);
      a.dx = empty_like(a.x);
      a.mean = statistic(p, dtype, 13, 0, 1), a.invstd = statistic(p, dtype, 14, 0.5, 2);
      if (p.affine) {
        a.gamma = parameter(p, dtype, 15, 0, 2);
        a.dgamma = empty_like(a.gamma), a.dbeta = empty_like(a.gamma);
      }
      a.training = training;
    }
  }
  return samples;
}

int64_t elements_per_channel(const Tensor& x) {
  return x.numel() / std::max<int64_t>(x.sizes()[1], 1);
}
Cost norm_cost(const Tensor& x, double flops, double passes) {
  return {flops * static_cast<double>(x.numel()), passes * static_cast<double>(x.nbytes())};
}

}  // namespace

ChannelLayout channel_layout(const Tensor& x) {
  const Dims& sizes = x.sizes();
  ChannelLayout l{sizes[0], sizes[1], 1, 0, 0, 0, true};
  for (size_t d = 2; d < sizes.size(); ++d) l.inner *= sizes[d];
  l.batch_stride = l.channels * l.inner;
  if (x.is_contiguous()) {
    l.channel_stride = l.inner, l.inner_stride = 1;
  } else {
    l.channel_stride = 1, l.inner_stride = l.channels;
    l.dense = sizes.size() >= 4 && x.is_contiguous(MemoryFormat::kChannelsLast);
  }
  return l;
}

std::array<int64_t, 3> channel_sizes(const Tensor& x) {
  const int64_t outer = x.sizes()[0] * x.sizes()[1];
  return {x.sizes()[0], x.sizes()[1], outer == 0 ? 0 : x.numel() / outer};
}

std::string BatchNorm::describe() const {
  return x.describe() + (x.is_contiguous() ? "" : " channels-last");
}
std::string BatchNormEval::describe() const {
  return x.describe() + (x.is_contiguous() ? "" : " channels-last");
}
std::string BatchNormBackward::describe() const {
  return x.describe() + (x.is_contiguous() ? "" : " channels-last") +
         (training ? " training" : " evaluation");
}

Cost BatchNorm::cost() const { return norm_cost(x, 7, 3); }
Cost BatchNormEval::cost() const { return norm_cost(x, 2, 2); }
Cost BatchNormBackward::cost() const { return norm_cost(x, 9, 5); }
int64_t BatchNorm::reduction() const { return elements_per_channel(x); }
int64_t BatchNormBackward::reduction() const { return elements_per_channel(x); }

KernelSet<BatchNorm>& batch_norm_kernels() {
  static auto* set = new KernelSet<BatchNorm>("batch_norm", "batch_norm", training_samples);
  return *set;
}
KernelSet<BatchNormEval>& batch_norm_eval_kernels() {
  static auto* set = new KernelSet<BatchNormEval>("batch_norm", "batch_norm_eval", eval_samples);
  return *set;
}
KernelSet<BatchNormBackward>& batch_norm_backward_kernels() {
  static auto* set =
      new KernelSet<BatchNormBackward>("batch_norm", "batch_norm_backward", backward_samples);
  return *set;
}

}  // namespace iolaus
