// pad, im2col and col2im. A padded tensor is made of copies of its parts, so the gradient follows
// from theirs; columns are a view of windows and its adjoint.
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/views.h"

namespace iolaus {
namespace {

Tensor constant_pad(const Tensor& x, const Dims& pad, Scalar value) {
  Dims sizes = x.sizes();
  Tensor inner = x;
  const auto rank = static_cast<size_t>(x.dim());
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const size_t d = rank - 1 - i;
    const int64_t before = pad[2 * i], after = pad[2 * i + 1];
    sizes[d] += before + after;
    IOLAUS_CHECK(sizes[d] >= 0, "[pad] padding {} leaves nothing of dimension {} of {}", pad.str(),
                 d, x.sizes().str());
    const int64_t first = std::max<int64_t>(-before, 0), last = std::max<int64_t>(-after, 0);
    inner = narrow(inner, static_cast<int64_t>(d), first,
                   std::max<int64_t>(inner.sizes()[d] - first - last, 0));
  }
  const Tensor out = full(sizes, value, x.options());
  Tensor place = out;
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    const size_t d = rank - 1 - i;
    place =
        narrow(place, static_cast<int64_t>(d), std::max<int64_t>(pad[2 * i], 0), inner.sizes()[d]);
  }
  copy_(place, inner);
  return out;
}

// One dimension, by a mode that repeats elements.
Tensor pad_dim(const Tensor& x, int64_t d, int64_t before, int64_t after, const std::string& mode) {
  const int64_t size = x.sizes()[d];
  const auto part = [&](int64_t start, int64_t length) { return narrow(x, d, start, length); };
  const auto edge = [&](int64_t at, int64_t length) {
    Dims sizes = x.sizes();
    sizes[d] = length;
    return expand(part(at, 1), sizes);
  };
  Tensors parts;
  if (mode == "reflect") {
    IOLAUS_CHECK(before < size && after < size,
                 "[pad] reflection by ({}, {}) is wider than dimension {} of {}", before, after, d,
                 x.sizes().str());
    if (before > 0) parts.push_back(flip(part(1, before), {d}));
  } else if (mode == "circular") {
    // What wraps is what a negative pad on the other side leaves.
    const int64_t from = std::max<int64_t>(-before, 0), until = size - std::max<int64_t>(-after, 0);
    IOLAUS_CHECK(before <= until - from && after <= until - from,
                 "[pad] ({}, {}) wraps more than once around dimension {} of {}", before, after, d,
                 x.sizes().str());
    if (before > 0) parts.push_back(part(until - before, before));
  } else if (before > 0) {
    IOLAUS_CHECK(size > 0, "[pad] there is nothing to replicate in {}", x.describe());
    parts.push_back(edge(0, before));
  }
  const int64_t first = std::max<int64_t>(-before, 0), last = std::max<int64_t>(-after, 0);
  IOLAUS_CHECK(first + last <= size, "[pad] ({}, {}) leaves nothing of dimension {} of {}", before,
               after, d, x.sizes().str());
  parts.push_back(part(first, size - first - last));
  if (after > 0) {
    if (mode == "reflect") {
      parts.push_back(flip(part(size - 1 - after, after), {d}));
    } else {
      parts.push_back(mode == "circular" ? part(first, after) : edge(size - 1, after));
    }
  }
  return cat(parts, d);
}

// Of kernels, strides, dilations and padding: products of two stay in range.
constexpr int64_t kMost = int64_t{1} << 31;

struct Windows {
  int64_t rows, columns;  // of windows
};
Windows windows_of(const char* op, int64_t height, int64_t width, const Dims& kernel,
                   const ColumnOptions& o) {
  for (const Dims* pair : {&kernel, &o.dilation, &o.padding, &o.stride}) {
    IOLAUS_CHECK(pair->size() == 2, "[{}] expected two numbers, got {}", op, pair->str());
    for (const int64_t number : *pair) {
      IOLAUS_CHECK(number < kMost, "[{}] expected numbers below 2^31, got {}", op, pair->str());
    }
  }
  IOLAUS_CHECK(height >= 0 && height < kMost && width >= 0 && width < kMost,
               "[{}] expected a height and width from 0 below 2^31, got {} x {}", op, height,
               width);
  IOLAUS_CHECK(kernel[0] > 0 && kernel[1] > 0 && o.stride[0] > 0 && o.stride[1] > 0 &&
                   o.dilation[0] > 0 && o.dilation[1] > 0 && o.padding[0] >= 0 && o.padding[1] >= 0,
               "[{}] expected positive kernel {}, stride {} and dilation {}, and padding >= 0, got "
               "{}",
               op, kernel.str(), o.stride.str(), o.dilation.str(), o.padding.str());
  const auto count = [&](int64_t size, size_t i) {
    return (size + 2 * o.padding[i] - o.dilation[i] * (kernel[i] - 1) - 1) / o.stride[i] + 1;
  };
  const auto span = [&](size_t i) { return o.dilation[i] * (kernel[i] - 1) + 1; };
  IOLAUS_CHECK(height + 2 * o.padding[0] >= span(0) && width + 2 * o.padding[1] >= span(1),
               "[{}] a window of {} x {} does not fit {} x {}", op, span(0), span(1), height,
               width);
  return {count(height, 0), count(width, 1)};
}

const bool kBoxed =
    boxed(
        "pad(Tensor input, int[] pad, str mode='constant', float? value=None) -> Tensor",
        +[](const Tensor& x, const Dims& amounts, const std::string& mode,
            std::optional<double> value) {
          const double number = value.value_or(0);
          const bool whole = !is_floating(x.dtype());
          return pad(x, amounts, mode,
                     whole ? Scalar(static_cast<int64_t>(number)) : Scalar(number));
        }) &&
    boxed(
        "im2col(Tensor input, int[2] kernel_size, int[2] dilation=1, int[2] padding=0, "
        "int[2] stride=1) -> Tensor",
        +[](const Tensor& x, const Dims& kernel, const Dims& dilation, const Dims& padding,
            const Dims& stride) {
          return im2col(x, kernel, {dilation, padding, stride});
        }) &&
    boxed(
        "col2im(Tensor input, int[2] output_size, int[2] kernel_size, int[2] dilation=1, "
        "int[2] padding=0, int[2] stride=1) -> Tensor",
        +[](const Tensor& x, const Dims& sizes, const Dims& kernel, const Dims& dilation,
            const Dims& padding, const Dims& stride) {
          return col2im(x, sizes, kernel, {dilation, padding, stride});
        });

// The same under torch.nn.functional's name (its unfold would be Tensor.unfold here).
const bool kFold = boxed(
    "fold(Tensor input, int[2] output_size, int[2] kernel_size, int[2] dilation=1, "
    "int[2] padding=0, int[2] stride=1) -> Tensor",
    +[](const Tensor& x, const Dims& sizes, const Dims& kernel, const Dims& dilation,
        const Dims& padding, const Dims& stride) {
      return col2im(x, sizes, kernel, {dilation, padding, stride});
    });

const bool kSamples =
    register_op({"pad",
                 [] {
                   std::vector<OpSample> samples;
                   for (const char* mode : {"constant", "reflect", "replicate", "circular"}) {
                     samples.push_back({mode, {sample64({2, 3, 4}, 1)}, [mode](const Tensors& x) {
                                          return pad(x[0], {1, 2, 2, 0}, mode, 0.5);
                                        }});
                   }
                   return samples;
                 }}) &&
    register_op({"im2col",
                 [] {
                   return std::vector<OpSample>{
                       {"windows", {sample64({2, 2, 4, 5}, 1)}, [](const Tensors& x) {
                          return im2col(x[0], {2, 3}, {{1, 1}, {1, 0}, {2, 1}});
                        }}};
                 }}) &&
    register_op({"col2im", [] {
                   return std::vector<OpSample>{
                       {"windows", {sample64({2, 12, 9}, 1)}, [](const Tensors& x) {
                          return col2im(x[0], {4, 5}, {2, 3}, {{1, 1}, {1, 0}, {2, 1}});
                        }}};
                 }});

}  // namespace

Tensor pad(const Tensor& x, const Dims& pad, const std::string& mode, Scalar value) {
  IOLAUS_CHECK(pad.size() % 2 == 0 && static_cast<int64_t>(pad.size()) <= 2 * x.dim(),
               "[pad] expected an even number of at most {} sizes, got {}", 2 * x.dim(), pad.str());
  constexpr int64_t kLimit = int64_t{1} << 48;  // so that no size overflows
  for (const int64_t number : pad) {
    IOLAUS_CHECK(number > -kLimit && number < kLimit,
                 "[pad] expected padding between -2^48 and 2^48, got {}", pad.str());
  }
  if (mode == "constant") return constant_pad(x, pad, value);
  IOLAUS_CHECK(mode == "reflect" || mode == "replicate" || mode == "circular",
               "[pad] expected mode 'constant', 'reflect', 'replicate' or 'circular', got '{}'",
               mode);
  Tensor out = x;
  for (size_t i = 0; i < pad.size() / 2; ++i) {
    out = pad_dim(out, x.dim() - 1 - static_cast<int64_t>(i), pad[2 * i], pad[2 * i + 1], mode);
  }
  return out.is_same(x) ? clone(x) : out;
}

Tensor im2col(const Tensor& x, const Dims& kernel, const ColumnOptions& o) {
  IOLAUS_CHECK(x.dim() == 3 || x.dim() == 4, "[im2col] expected (N, C, H, W) or (C, H, W), got {}",
               x.describe());
  if (x.dim() == 3) return squeeze(im2col(unsqueeze(x, 0), kernel, o), 0);
  const Windows w = windows_of("im2col", x.sizes()[2], x.sizes()[3], kernel, o);
  const Tensor padded =
      pad(x, {o.padding[1], o.padding[1], o.padding[0], o.padding[0]}, "constant", 0);
  const Dims& s = padded.strides();
  // (N, C, kh, kw, rows, columns): windows overlap in memory.
  const Tensor windows =
      as_strided(padded, {x.sizes()[0], x.sizes()[1], kernel[0], kernel[1], w.rows, w.columns},
                 {s[0], s[1], o.dilation[0] * s[2], o.dilation[1] * s[3], o.stride[0] * s[2],
                  o.stride[1] * s[3]},
                 padded.offset());
  return reshape(windows, {x.sizes()[0], x.sizes()[1] * kernel[0] * kernel[1], w.rows * w.columns});
}

Tensor col2im(const Tensor& columns, const Dims& output_size, const Dims& kernel,
              const ColumnOptions& o) {
  if (columns.dim() == 2) return squeeze(col2im(unsqueeze(columns, 0), output_size, kernel, o), 0);
  IOLAUS_CHECK(columns.dim() == 3 && output_size.size() == 2,
               "[col2im] expected (N, C kh kw, L) and a size of two, got {} and {}",
               columns.describe(), output_size.str());
  const Windows w = windows_of("col2im", output_size[0], output_size[1], kernel, o);
  const int64_t taps = kernel[0] * kernel[1];
  IOLAUS_CHECK(columns.sizes()[1] % taps == 0 && columns.sizes()[2] == w.rows * w.columns,
               "[col2im] expected columns [N, C * {}, {}], got {}", taps, w.rows * w.columns,
               columns.sizes().str());
  const int64_t batch = columns.sizes()[0], channels = columns.sizes()[1] / taps;
  const Tensor parts = reshape(columns, {batch, channels, kernel[0], kernel[1], w.rows, w.columns});
  const int64_t height = output_size[0] + 2 * o.padding[0],
                width = output_size[1] + 2 * o.padding[1];
  const Tensor padded = zeros({batch, channels, height, width}, columns.options());
  for (int64_t i = 0; i < kernel[0]; ++i) {
    for (int64_t j = 0; j < kernel[1]; ++j) {
      const int64_t top = i * o.dilation[0], left = j * o.dilation[1];
      const Tensor rows = slice(padded, 2, top, top + (w.rows - 1) * o.stride[0] + 1, o.stride[0]);
      add_(slice(rows, 3, left, left + (w.columns - 1) * o.stride[1] + 1, o.stride[1]),
           select(select(parts, 2, i), 2, j));
    }
  }
  return narrow(narrow(padded, 2, o.padding[0], output_size[0]), 3, o.padding[1], output_size[1]);
}

}  // namespace iolaus
