// Pooling as reductions: windows are a view (as_strided) of the padded image, joined to one last
// dimension. Adaptive windows differ in size, so that they are taken one dimension after the other.
#include "autograd/ops/pool.h"

#include <cmath>

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/pool2d.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/ops/widen.h"

namespace iolaus {
namespace {

struct Plan {
  size_t dims;
  Dims kernel, stride, padding, dilation;
  Dims after;   // padding at the end, with what ceil_mode adds
  Dims counts;  // of windows
};

Plan make_plan(const char* op, const Tensor& x, int64_t dims, const Dims& kernel,
               const PoolOptions& o) {
  const auto full_list = [&](const char* what, const Dims& list) {
    IOLAUS_CHECK(list.rank() == dims || list.size() == 1,
                 "[{}] expected 1 or {} numbers as {}, got {}", op, dims, what, list.str());
    return list.rank() == dims ? list : Dims::filled(static_cast<size_t>(dims), list[0]);
  };
  IOLAUS_CHECK(x.dim() == dims + 2, "[{}] expected an input of {} or {} dimensions, got {}", op,
               dims + 1, dims + 2, x.describe());
  Plan p{static_cast<size_t>(dims), full_list("kernel_size", kernel), {}, {}, {}, {}, {}};
  p.stride = o.stride.empty() ? p.kernel : full_list("stride", o.stride);
  p.padding = full_list("padding", o.padding);
  p.dilation = full_list("dilation", o.dilation);
  constexpr int64_t kLimit = int64_t{1} << 31;  // so that no product below overflows
  for (size_t i = 0; i < p.dims; ++i) {
    IOLAUS_CHECK(p.kernel[i] < kLimit && p.stride[i] < kLimit && p.dilation[i] < kLimit,
                 "[{}] expected kernel {}, stride {} and dilation {} below 2^31", op,
                 p.kernel.str(), p.stride.str(), p.dilation.str());
    IOLAUS_CHECK(
        p.kernel[i] > 0 && p.stride[i] > 0 && p.dilation[i] > 0 && p.padding[i] >= 0 &&
            p.padding[i] <= p.kernel[i] / 2,
        "[{}] expected positive kernel {}, stride {} and dilation {}, and padding {} in [0, "
        "kernel / 2]",
        op, p.kernel.str(), p.stride.str(), p.dilation.str(), p.padding.str());
    const int64_t size = x.sizes()[i + 2], span = p.dilation[i] * (p.kernel[i] - 1) + 1;
    const int64_t room = size + 2 * p.padding[i] - span;
    IOLAUS_CHECK(room >= 0 || o.ceil_mode, "[{}] a window of {} does not fit {}", op, span,
                 x.sizes().str());
    int64_t count = (room + (o.ceil_mode ? p.stride[i] - 1 : 0)) / p.stride[i] + 1;
    if (o.ceil_mode && (count - 1) * p.stride[i] >= size + p.padding[i]) --count;
    IOLAUS_CHECK(count > 0, "[{}] the output of {} would be empty", op, x.sizes().str());
    const int64_t reach = (count - 1) * p.stride[i] + span;
    p.counts.push_back(count);
    p.after.push_back(std::max(p.padding[i], reach - size - p.padding[i]));
  }
  return p;
}

// (N, C, counts..., kernel elements) of x padded with value.
Tensor windows_of(const Tensor& x, const Plan& p, double value) {
  Dims around;
  for (size_t i = p.dims; i-- > 0;) {
    around.push_back(p.padding[i]);
    around.push_back(p.after[i]);
  }
  const Tensor padded = pad(x, around, "constant", value);
  Dims sizes{x.sizes()[0], x.sizes()[1]}, strides{padded.strides()[0], padded.strides()[1]};
  int64_t taps = 1;
  for (size_t i = 0; i < p.dims; ++i) {
    sizes.push_back(p.counts[i]);
    strides.push_back(padded.strides()[i + 2] * p.stride[i]);
  }
  for (size_t i = 0; i < p.dims; ++i) {
    sizes.push_back(p.kernel[i]);
    strides.push_back(padded.strides()[i + 2] * p.dilation[i]);
    taps *= p.kernel[i];
  }
  Dims joined(sizes.data(), p.dims + 2);
  joined.push_back(taps);
  return reshape(as_strided(padded, sizes, strides, padded.offset()), joined);
}

// Each element's place in its flat image, as a (1, 1, ...) image; padding is never the largest.
Tensor place_image(const Tensor& x) {
  Dims sizes{1, 1};
  int64_t count = 1;
  for (size_t d = 2; d < x.sizes().size(); ++d) {
    sizes.push_back(x.sizes()[d]);
    count *= x.sizes()[d];
  }
  return reshape(arange(count, kFloat64, x.device()), sizes);
}

template <class Fn> auto as_batch(const char* op, const Tensor& x, int64_t dims, Fn&& fn) {
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[{}] expected a floating input, got {}", op, x.describe());
  return x.dim() == dims + 1 ? fn(unsqueeze(x, 0), true) : fn(x, false);
}

int64_t part_begin(int64_t i, int64_t size, int64_t parts) { return i * size / parts; }
int64_t part_end(int64_t i, int64_t size, int64_t parts) {
  return ((i + 1) * size + parts - 1) / parts;
}

void check_adaptive(const char* op, const Tensor& x, const Dims& sizes) {
  IOLAUS_CHECK(x.dim() == sizes.rank() + 1 || x.dim() == sizes.rank() + 2,
               "[{}] expected {} sizes, got {} for {}", op, x.dim() - 2, sizes.str(), x.describe());
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[{}] expected a floating input, got {}", op, x.describe());
  for (int64_t size : sizes) {
    constexpr int64_t kMost = int64_t{1} << 24;
    IOLAUS_CHECK(size >= -1 && size <= kMost, "[{}] expected sizes of 0 to {}, got {}", op, kMost,
                 sizes.str());
  }
}

// The functions below are called with lists of n numbers (see op_table.h); stride may be empty.
template <int64_t n>
Tensors boxed_max(const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding,
                  const Dims& dilation, bool ceil_mode, bool return_indices) {
  const bool plain = n == 2 && !return_indices;
  if (plain && (x.dim() == 3 || x.dim() == 4)) {
    return {max_pool2d(x, {kernel[0], kernel[1]},
                       {.stride = stride.empty() ? Pair(0) : Pair{stride[0], stride[1]},
                        .padding = {padding[0], padding[1]},
                        .dilation = {dilation[0], dilation[1]},
                        .ceil_mode = ceil_mode})};
  }
  const auto [values, places] = max_pool(x, n, kernel, {stride, padding, dilation, ceil_mode});
  return return_indices ? Tensors{values, places} : Tensors{values};
}
template <int64_t n>
Tensor boxed_avg(const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding,
                 bool ceil_mode, bool count_include_pad, std::optional<int64_t> divisor) {
  if (n == 2 && (x.dim() == 3 || x.dim() == 4) && is_floating(x.dtype()) && !divisor) {
    return avg_pool2d(x, {kernel[0], kernel[1]},
                      {.stride = stride.empty() ? Pair(0) : Pair{stride[0], stride[1]},
                       .padding = {padding[0], padding[1]},
                       .ceil_mode = ceil_mode,
                       .count_include_pad = count_include_pad});
  }
  return avg_pool(x, n, kernel, {stride, padding, {1}, ceil_mode}, count_include_pad, divisor);
}
// None, which optional entries of a size give, keeps the size.
template <int64_t n> Tensor boxed_adaptive_avg(const Tensor& x, const Dims& sizes) {
  if (n == 2 && x.numel() > 0 && sizes[0] > 0 && sizes[1] > 0) {
    return adaptive_avg_pool2d(x, {sizes[0], sizes[1]});
  }
  return adaptive_avg_pool(x, sizes);
}
template <int64_t n>
Tensors boxed_adaptive_max(const Tensor& x, const Dims& sizes, bool return_indices) {
  const auto [values, places] = adaptive_max_pool(x, sizes);
  return return_indices ? Tensors{values, places} : Tensors{values};
}

const bool kMax =
    boxed(
        "max_pool1d(Tensor input, int[1] kernel_size, int[1]? stride=None, int[1] padding=0, "
        "int[1] dilation=1, bool ceil_mode=False, bool return_indices=False) -> Tensor[]",
        boxed_max<1>) &&
    boxed(
        "max_pool2d(Tensor input, int[2] kernel_size, int[2]? stride=None, int[2] padding=0, "
        "int[2] dilation=1, bool ceil_mode=False, bool return_indices=False) -> Tensor[]",
        boxed_max<2>) &&
    boxed(
        "max_pool3d(Tensor input, int[3] kernel_size, int[3]? stride=None, int[3] padding=0, "
        "int[3] dilation=1, bool ceil_mode=False, bool return_indices=False) -> Tensor[]",
        boxed_max<3>);
const bool kAvg =
    boxed(
        "avg_pool1d(Tensor input, int[1] kernel_size, int[1]? stride=None, int[1] padding=0, "
        "bool ceil_mode=False, bool count_include_pad=True) -> Tensor",
        +[](const Tensor& x, const Dims& kernel, const Dims& stride, const Dims& padding,
            bool ceil_mode, bool count_include_pad) {
          return boxed_avg<1>(x, kernel, stride, padding, ceil_mode, count_include_pad, {});
        }) &&
    boxed(
        "avg_pool2d(Tensor input, int[2] kernel_size, int[2]? stride=None, int[2] padding=0, "
        "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
        boxed_avg<2>) &&
    boxed(
        "avg_pool3d(Tensor input, int[3] kernel_size, int[3]? stride=None, int[3] padding=0, "
        "bool ceil_mode=False, bool count_include_pad=True, int? divisor_override=None) -> Tensor",
        boxed_avg<3>);
const bool kAdaptive =
    boxed("adaptive_avg_pool1d(Tensor input, int[1] output_size) -> Tensor",
          boxed_adaptive_avg<1>) &&
    boxed("adaptive_avg_pool2d(Tensor input, int[2] output_size) -> Tensor",
          boxed_adaptive_avg<2>) &&
    boxed("adaptive_avg_pool3d(Tensor input, int[3] output_size) -> Tensor",
          boxed_adaptive_avg<3>) &&
    boxed(
        "adaptive_max_pool1d(Tensor input, int[1] output_size, bool return_indices=False) -> "
        "Tensor[]",
        boxed_adaptive_max<1>) &&
    boxed(
        "adaptive_max_pool2d(Tensor input, int[2] output_size, bool return_indices=False) -> "
        "Tensor[]",
        boxed_adaptive_max<2>) &&
    boxed(
        "adaptive_max_pool3d(Tensor input, int[3] output_size, bool return_indices=False) -> "
        "Tensor[]",
        boxed_adaptive_max<3>);

const bool kResponse = boxed(
    "local_response_norm(Tensor input, int size, float alpha=0.0001, float beta=0.75, float k=1.0) "
    "-> Tensor",
    local_response_norm);

bool add_sample(const char* op, const Dims& sizes, Tensor (*fn)(const Tensor&)) {
  return register_op({op, [=] {
                        return std::vector<OpSample>{{"sample",
                                                      {sample64(sizes, 1)},
                                                      [fn](const Tensors& x) { return fn(x[0]); }}};
                      }});
}
const bool kSamples =
    add_sample("max_pool1d", {2, 2, 7},
               [](const Tensor& x) {
                 return max_pool(x, 1, {3}, {{2}, {1}}).first;
               }) &&
    add_sample("max_pool3d", {2, 4, 3, 5},
               [](const Tensor& x) { return max_pool(x, 3, {2}, {.ceil_mode = true}).first; }) &&
    add_sample("avg_pool1d", {2, 2, 7},
               [](const Tensor& x) {
                 return avg_pool(x, 1, {3}, {{2}, {1}, {1}, true}, false);
               }) &&
    add_sample("avg_pool3d", {1, 2, 4, 3, 5},
               [](const Tensor& x) {
                 return avg_pool(x, 3, {2}, {{1}, {1}});
               }) &&
    add_sample("local_response_norm", {2, 4, 3},
               [](const Tensor& x) { return local_response_norm(x, 3, 0.5); }) &&
    add_sample("adaptive_avg_pool1d", {2, 2, 7},
               [](const Tensor& x) { return adaptive_avg_pool(x, {3}); }) &&
    add_sample("adaptive_max_pool1d", {2, 2, 7},
               [](const Tensor& x) { return adaptive_max_pool(x, {3}).first; });

}  // namespace

std::pair<Tensor, Tensor> max_pool(const Tensor& input, int64_t dims, const Dims& kernel,
                                   const PoolOptions& options) {
  using Both = std::pair<Tensor, Tensor>;
  for (int64_t d = input.dim() == dims + 2 ? 1 : 0; d < input.dim(); ++d) {
    IOLAUS_CHECK(input.size(d) > 0, "[max_pool] expected images with elements, got {}",
                 input.describe());
  }
  return as_batch("max_pool", input, dims, [&](const Tensor& x, bool single) {
    const Plan plan = make_plan("max_pool", x, dims, kernel, options);
    const auto [values, taps] = max(windows_of(x, plan, -HUGE_VAL), -1);
    const Tensor image = place_image(x);
    const Tensor all = expand(windows_of(image, plan, 0), [&] {
      Dims sizes = taps.sizes();
      sizes.push_back(windows_of(image, plan, 0).size(-1));
      return sizes;
    }());
    const Tensor places = to(squeeze(gather(all, -1, unsqueeze(taps, -1)), -1), kInt64);
    return single ? Both{squeeze(values, 0), squeeze(places, 0)} : Both{values, places};
  });
}

Tensor avg_pool(const Tensor& input, int64_t dims, const Dims& kernel, const PoolOptions& options,
                bool count_include_pad, std::optional<int64_t> divisor) {
  IOLAUS_CHECK(!divisor || *divisor != 0, "[avg_pool] expected a divisor other than 0");
  if (is_short_float(input)) {
    return to(avg_pool(widened(input), dims, kernel, options, count_include_pad, divisor),
              input.dtype());
  }
  if (input.dtype() == kInt64) {  // rounded towards zero, as C divides
    const Tensor real =
        avg_pool(to(input, kFloat64), dims, kernel, options, count_include_pad, divisor);
    return to(trunc(real), kInt64);
  }
  return as_batch("avg_pool", input, dims, [&](const Tensor& x, bool single) {
    const Plan plan = make_plan("avg_pool", x, dims, kernel, options);
    const Tensor total = sum(windows_of(x, plan, 0), {-1});
    Tensor y;
    if (divisor) {
      y = div(total, *divisor);
    } else {
      // How many elements count: those of the image, and the padding (not what ceil_mode adds).
      Dims sizes{1, 1}, around;
      for (size_t i = 0; i < plan.dims; ++i) sizes.push_back(x.sizes()[i + 2]);
      for (size_t i = plan.dims; i-- > 0;)
        around.push_back(plan.padding[i]), around.push_back(plan.padding[i]);
      Tensor counted = ones(sizes, x.options());
      Plan bare = plan;
      if (count_include_pad) {
        counted = pad(counted, around, "constant", 1);
        for (size_t i = 0; i < plan.dims; ++i) {
          bare.padding[i] = 0;
          bare.after[i] = plan.after[i] - plan.padding[i];
        }
      }
      y = div(total, sum(windows_of(counted, bare, 0), {-1}));
    }
    return single ? squeeze(y, 0) : y;
  });
}

Tensor local_response_norm(const Tensor& x, int64_t size, double alpha, double beta, double k) {
  IOLAUS_CHECK(x.dim() >= 3, "[local_response_norm] expected (N, C, ...), got {}", x.describe());
  IOLAUS_CHECK(size > 0, "[local_response_norm] expected a size above 0, got {}", size);
  if (x.numel() == 0) return clone(x);
  const Tensor wide = widened(x);
  Dims around = Dims::filled(2 * (x.sizes().size() - 2), 0);
  around.push_back(size / 2);
  around.push_back((size - 1) / 2);
  const Tensor windows = unfold(pad(square(wide), around, "constant", 0), 1, size, 1);
  const Tensor total = sum(windows, {-1});
  const Tensor mean = is_floating(x.dtype()) ? div(total, size) : floor_divide(total, size);
  const Tensor scale = pow(add(mul(mean, alpha), k), beta);
  const Tensor out = div(wide, scale);
  return is_short_float(x) ? to(out, x.dtype()) : out;
}

Tensor adaptive_avg_pool(const Tensor& x, const Dims& output_size) {
  check_adaptive("adaptive_avg_pool", x, output_size);
  if (is_short_float(x)) return to(adaptive_avg_pool(widened(x), output_size), x.dtype());
  Tensor out = x;
  for (int i = 0; i < output_size.rank(); ++i) {
    const int64_t d = x.dim() - output_size.rank() + i, size = x.size(d),
                  parts = output_size[static_cast<size_t>(i)];
    if (parts == -1 || parts == size) continue;
    Tensors pieces{narrow(out, d, 0, 0)};
    for (int64_t k = 0; k < parts; ++k) {
      const int64_t begin = part_begin(k, size, parts);
      pieces.push_back(mean(narrow(out, d, begin, part_end(k, size, parts) - begin), {d}, true));
    }
    out = cat(pieces, d);
  }
  return out;
}

std::pair<Tensor, Tensor> adaptive_max_pool(const Tensor& x, const Dims& output_size) {
  check_adaptive("adaptive_max_pool", x, output_size);
  const int64_t first = x.dim() - output_size.rank();
  Tensor out = x, places;
  {
    Dims sizes = x.sizes();
    int64_t count = 1;
    for (int64_t d = first; d < x.dim(); ++d) count *= x.size(d);
    for (int64_t d = 0; d < first; ++d) sizes[static_cast<size_t>(d)] = 1;
    places = expand(reshape(arange(count, kInt64, x.device()), sizes), x.sizes());
  }
  // From the last dimension on, so that of equal elements the first in memory is found.
  for (int i = output_size.rank() - 1; i >= 0; --i) {
    const int64_t d = first + i, size = x.size(d), parts = output_size[static_cast<size_t>(i)];
    if (parts == -1 || parts == size) continue;
    Tensors values{narrow(out, d, 0, 0)}, found{narrow(places, d, 0, 0)};
    for (int64_t k = 0; k < parts; ++k) {
      const int64_t begin = part_begin(k, size, parts), length = part_end(k, size, parts) - begin;
      const auto [value, at] = max(narrow(out, d, begin, length), d, true);
      values.push_back(value);
      found.push_back(gather(narrow(places, d, begin, length), d, at));
    }
    out = cat(values, d);
    places = cat(found, d);
  }
  return {out, contiguous(places)};
}

}  // namespace iolaus
