// The kernel sets of pool2d, what they cost, and their sample arguments: windows that overlap,
// leave gaps, hang over the end (ceil_mode) or reach into the padding, ties, and empty batches.
#include "kernels/pool2d/pool2d.h"

#include "kernels/check.h"
#include "kernels/copy/copy.h"

namespace iolaus {
namespace {

struct Problem {
  Dims x;
  Window2d window = {};
  bool ceil_mode = false;
  bool count_include_pad = true;
  int64_t divisor = 0;
  Dims adaptive = {};
};

std::vector<Problem> problems() {
  return {
      {{2, 3, 8, 8}, {.kernel = {2, 2}, .stride = {2, 2}}},
      {{1, 2, 24, 24}, {.kernel = {2, 2}, .stride = {2, 2}}},
      {{1, 1, 1, 1}},
      {{0, 3, 4, 4}, {.kernel = {2, 2}, .stride = {2, 2}}},
      {{3, 7, 9}, {.kernel = {2, 2}, .stride = {2, 2}}},
      {{2, 1, 7, 33}, {.kernel = {2, 2}, .stride = {2, 2}}, true},
      {{2, 2, 9, 10}, {.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}},
      {{1, 3, 6, 35}, {.kernel = {3, 3}, .stride = {1, 1}, .padding = {1, 1}}, false, false},
      {{1, 2, 5, 7}, {.kernel = {2, 3}, .stride = {3, 2}, .padding = {1, 1}}, true, true},
      {{1, 2, 5, 7}, {.kernel = {3, 3}, .stride = {2, 2}, .padding = {1, 1}}, true, false},
      {{1, 2, 6, 6}, {.kernel = {3, 2}, .stride = {1, 2}}, false, true, 5},
      {{1, 2, 6, 6}, {.kernel = {6, 6}, .stride = {1, 1}}},
  };
}

Dims output_sizes(const Problem& p) {
  Dims sizes = p.x;
  const size_t first = sizes.size() - 2;
  for (int d = 0; d < 2; ++d) {
    int64_t& size = sizes[first + static_cast<size_t>(d)];
    size = p.adaptive.empty() ? p.window.output(d, size, p.ceil_mode)
                              : p.adaptive[static_cast<size_t>(d)];
  }
  return sizes;
}

AveragePooling average(const Problem& p) {
  return {p.window, !p.adaptive.empty(), p.count_include_pad, p.divisor};
}

// Maximum pooling also knows dilation.
std::vector<Problem> max_problems() {
  std::vector<Problem> list = problems();
  list.push_back({{2, 2, 9, 11}, {.kernel = {3, 2}, .stride = {1, 2}, .dilation = {2, 3}}});
  return list;
}
std::vector<Problem> average_problems() {
  std::vector<Problem> list = problems();
  for (const Dims& out : {Dims{1, 1}, Dims{3, 2}, Dims{7, 9}, Dims{10, 4}}) {
    Problem& p = list.emplace_back();
    p.x = {2, 3, 7, 9}, p.adaptive = out;
  }
  return list;
}

std::vector<MaxPool2d> max_samples(DType dtype) {
  std::vector<MaxPool2d> samples;
  for (const Problem& p : max_problems()) {
    for (bool ties : {false, true}) {
      MaxPool2d& a = samples.emplace_back();
      a.x = ties ? sample_tensor(p.x, kInt8, 2, -2, 2) : sample_tensor(p.x, dtype, 1);
      if (ties) a.x = convert(a.x, dtype, a.x.device());
      a.out = empty(output_sizes(p), {.dtype = dtype});
      a.indices = empty(output_sizes(p), {.dtype = kInt32});
      a.window = p.window;
    }
  }
  return samples;
}

// Indices as the forward gives them.
Tensor sample_indices(const Problem& p) {
  MaxPool2d a;
  a.x = sample_tensor(p.x, kFloat64, 3), a.window = p.window;
  a.out = empty(output_sizes(p), {.dtype = kFloat64});
  a.indices = empty(output_sizes(p), {.dtype = kInt32});
  for (const VariantInfo* v : max_pool2d_kernels().variants()) {
    if (v->name == "reference") max_pool2d_kernels().run(*v, a);
  }
  return a.indices;
}

std::vector<MaxPool2dBackward> max_backward_samples(DType dtype) {
  std::vector<MaxPool2dBackward> samples;
  for (const Problem& p : max_problems()) {
    MaxPool2dBackward& a = samples.emplace_back();
    a.g = sample_tensor(output_sizes(p), dtype, 4);
    a.indices = sample_indices(p);
    a.dx = empty(p.x, {.dtype = dtype});
  }
  return samples;
}

std::vector<MaxPool2dGather> gather_samples(DType dtype) {
  std::vector<MaxPool2dGather> samples;
  for (const Problem& p : max_problems()) {
    MaxPool2dGather& a = samples.emplace_back();
    a.x = sample_tensor(p.x, dtype, 5);
    a.indices = sample_indices(p);
    a.out = empty(output_sizes(p), {.dtype = dtype});
  }
  return samples;
}

std::vector<AvgPool2d> avg_samples(DType dtype) {
  std::vector<AvgPool2d> samples;
  for (const Problem& p : average_problems()) {
    AvgPool2d& a = samples.emplace_back();
    a.x = sample_tensor(p.x, dtype, 6), a.out = empty(output_sizes(p), {.dtype = dtype});
    a.pooling = average(p);
  }
  return samples;
}

std::vector<AvgPool2dBackward> avg_backward_samples(DType dtype) {
  std::vector<AvgPool2dBackward> samples;
  for (const Problem& p : average_problems()) {
    AvgPool2dBackward& a = samples.emplace_back();
    a.g = sample_tensor(output_sizes(p), dtype, 7), a.dx = empty(p.x, {.dtype = dtype});
    a.pooling = average(p);
  }
  return samples;
}

std::string describe_pool(const Tensor& from, const Tensor& to, const std::string& how) {
  return fmt::format("{} -> {}, {}", from.describe(), to.sizes().str(), how);
}

// Every element of both sides is touched once, with one operation for each input element.
Cost pool_cost(const Tensor& a, const Tensor& b, const Tensor& c = {}) {
  const size_t bytes = a.nbytes() + b.nbytes() + (c.defined() ? c.nbytes() : 0);
  return {static_cast<double>(a.numel()), static_cast<double>(bytes)};
}

int64_t average_length(const AveragePooling& pooling, const Tensor& input, const Tensor& output) {
  if (!pooling.adaptive) return pooling.window.kernel[0] * pooling.window.kernel[1];
  return input.numel() / std::max<int64_t>(output.numel(), 1) + 4;
}

}  // namespace

PoolShape pool_shape(const Tensor& input, const Tensor& output) {
  const auto rank = static_cast<size_t>(input.dim());
  PoolShape s{1, input.sizes()[rank - 2], input.sizes()[rank - 1], output.sizes()[rank - 2],
              output.sizes()[rank - 1]};
  for (size_t d = 0; d + 2 < rank; ++d) s.planes *= input.sizes()[d];
  return s;
}

std::string AveragePooling::str() const {
  if (adaptive) return "adaptive";
  return fmt::format("{}, count_include_pad {}, divisor_override {}", window.str(),
                     count_include_pad, divisor_override);
}

std::string MaxPool2d::describe() const { return describe_pool(x, out, window.str()); }
std::string MaxPool2dBackward::describe() const { return describe_pool(g, dx, "by indices"); }
std::string MaxPool2dGather::describe() const { return describe_pool(x, out, "by indices"); }
std::string AvgPool2d::describe() const { return describe_pool(x, out, pooling.str()); }
std::string AvgPool2dBackward::describe() const { return describe_pool(g, dx, pooling.str()); }

Cost MaxPool2d::cost() const { return pool_cost(x, out, indices); }
Cost MaxPool2dBackward::cost() const { return pool_cost(g, dx, indices); }
Cost MaxPool2dGather::cost() const {
  return {0, static_cast<double>(2 * out.nbytes() + indices.nbytes())};
}
Cost AvgPool2d::cost() const { return pool_cost(x, out); }
Cost AvgPool2dBackward::cost() const { return pool_cost(dx, g); }

int64_t AvgPool2d::reduction() const { return average_length(pooling, x, out); }
int64_t AvgPool2dBackward::reduction() const { return average_length(pooling, g, dx); }

KernelSet<MaxPool2d>& max_pool2d_kernels() {
  static auto* set = new KernelSet<MaxPool2d>("pool2d", "max_pool2d", max_samples);
  return *set;
}
KernelSet<MaxPool2dBackward>& max_pool2d_backward_kernels() {
  static auto* set =
      new KernelSet<MaxPool2dBackward>("pool2d", "max_pool2d_backward", max_backward_samples);
  return *set;
}
KernelSet<MaxPool2dGather>& max_pool2d_gather_kernels() {
  static auto* set = new KernelSet<MaxPool2dGather>("pool2d", "max_pool2d_gather", gather_samples);
  return *set;
}
KernelSet<AvgPool2d>& avg_pool2d_kernels() {
  static auto* set = new KernelSet<AvgPool2d>("pool2d", "avg_pool2d", avg_samples);
  return *set;
}
KernelSet<AvgPool2dBackward>& avg_pool2d_backward_kernels() {
  static auto* set =
      new KernelSet<AvgPool2dBackward>("pool2d", "avg_pool2d_backward", avg_backward_samples);
  return *set;
}

}  // namespace iolaus
