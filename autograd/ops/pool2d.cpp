// Pooling. Average pooling is linear, so its gradient's gradient is pooling again. Maximum pooling
// keeps the indices of its maxima: its gradient scatters to them and the gradient's gradient
// gathers from them.
#include "autograd/ops/pool2d.h"

#include "autograd/op_registry.h"
#include "autograd/ops/copy.h"
#include "autograd/record.h"
#include "kernels/pool2d/adaptive_max.h"

namespace iolaus {
namespace {

// The sizes of x with other last two.
Dims plane_sizes(const Dims& x, int64_t height, int64_t width) {
  Dims sizes = x;
  sizes[sizes.size() - 2] = height;
  sizes[sizes.size() - 1] = width;
  return sizes;
}

Tensor gather_maxima(const Tensor& x, const Tensor& indices);

Tensor scatter_maxima(const Tensor& g, const Tensor& indices, const Dims& x_sizes) {
  const Tensor dense = contiguous(g);
  const Tensor dx = empty(x_sizes, g.options());
  max_pool2d_backward_kernels()({dense, indices, dx});
  if (needs_grad(dense)) {
    record("max_pool2d_gradient", dx, edges(dense),
           [indices](const Node&, const Tensor& ddx) { return gather_maxima(ddx, indices); });
  }
  return dx;
}

Tensor gather_maxima(const Tensor& x, const Tensor& indices) {
  const Tensor dense = contiguous(x);
  const Tensor out = empty(indices.sizes(), x.options());
  max_pool2d_gather_kernels()({dense, indices, out});
  if (needs_grad(dense)) {
    record("max_pool2d_gather", out, edges(dense),
           [indices, sizes = x.sizes()](const Node&, const Tensor& g) {
             return scatter_maxima(g, indices, sizes);
           });
  }
  return out;
}

Tensor average(const Tensor& x, const AveragePooling& pooling, const Dims& out_sizes);

Tensor spread(const Tensor& g, const AveragePooling& pooling, const Dims& x_sizes) {
  const Tensor dense = contiguous(g);
  const Tensor dx = empty(x_sizes, g.options());
  avg_pool2d_backward_kernels()({dense, dx, pooling});
  if (needs_grad(dense)) {
    record("avg_pool2d_gradient", dx, edges(dense),
           [pooling, sizes = g.sizes()](const Node&, const Tensor& ddx) {
             return average(ddx, pooling, sizes);
           });
  }
  return dx;
}

Tensor average(const Tensor& x, const AveragePooling& pooling, const Dims& out_sizes) {
  const Tensor dense = contiguous(x);
  const Tensor out = empty(out_sizes, x.options());
  avg_pool2d_kernels()({dense, out, pooling});
  if (needs_grad(dense)) {
    record("avg_pool2d", out, edges(dense),
           [pooling, sizes = x.sizes()](const Node&, const Tensor& g) {
             return spread(g, pooling, sizes);
           });
  }
  return out;
}

void check_input(const char* op, const Tensor& x) {
  IOLAUS_CHECK(x.dim() == 3 || x.dim() == 4,
               "[{}] expected an input (N, C, H, W) or (C, H, W), got {}", op, x.describe());
  IOLAUS_CHECK_CODE(is_floating(x.dtype()), ErrorCode::kType,
                    "[{}] expected a floating input, got {}", op, dtype_name(x.dtype()));
  IOLAUS_CHECK(x.size(-1) > 0 && x.size(-2) > 0 && x.size(-3) > 0,
               "[{}] expected an input whose dimensions other than the batch are not 0, got {}", op,
               x.describe());
}

Window2d make_window(const char* op, const Pair& kernel, const Pair& stride, const Pair& padding,
                     const Pair& dilation) {
  const Pair step{stride.height == 0 ? kernel.height : stride.height,
                  stride.width == 0 ? kernel.width : stride.width};
  IOLAUS_CHECK(kernel.height > 0 && kernel.width > 0 && step.height > 0 && step.width > 0 &&
                   dilation.height > 0 && dilation.width > 0,
               "[{}] expected kernel, stride and dilation >= 1, got ({}, {}), ({}, {}), ({}, {})",
               op, kernel.height, kernel.width, step.height, step.width, dilation.height,
               dilation.width);
  constexpr int64_t kLimit = int64_t{1} << 31;  // so that no product overflows
  for (const Pair& p : {kernel, step, padding, dilation}) {
    IOLAUS_CHECK(p.height < kLimit && p.width < kLimit,
                 "[{}] expected kernel, stride, padding and dilation below 2^31, got ({}, {})", op,
                 p.height, p.width);
  }
  Window2d window{{kernel.height, kernel.width},
                  {step.height, step.width},
                  {padding.height, padding.width},
                  {dilation.height, dilation.width}};
  for (int d = 0; d < 2; ++d) {
    IOLAUS_CHECK(window.padding[d] >= 0 && window.padding[d] <= window.span(d) / 2,
                 "[{}] expected padding between 0 and half of the window, got padding ({}, {}) for "
                 "a window of {} x {}",
                 op, padding.height, padding.width, window.span(0), window.span(1));
  }
  return window;
}

Dims output_sizes(const char* op, const Tensor& x, const Window2d& window, bool ceil_mode) {
  const int64_t height = window.output(0, x.size(-2), ceil_mode);
  const int64_t width = window.output(1, x.size(-1), ceil_mode);
  IOLAUS_CHECK(height > 0 && width > 0,
               "[{}] expected an input of at least the window's size, got {} for {}", op,
               x.sizes().str(), window.str());
  return plane_sizes(x.sizes(), height, width);
}

// With dilation a window may step over a small input: it would have no maximum.
void check_windows(const Window2d& window, const Tensor& x, const Dims& out) {
  for (int d = 0; d < 2; ++d) {
    const int64_t size = x.size(d - 2), outputs = out[out.size() - 2 + static_cast<size_t>(d)];
    if (window.dilation[d] == 1 || window.padding[d] == 0) continue;
    for (int64_t o = 0; o < outputs; ++o) {
      bool any = false;
      for (int64_t r = 0; r < window.kernel[d]; ++r) {
        const int64_t at = o * window.stride[d] - window.padding[d] + r * window.dilation[d];
        any = any || (at >= 0 && at < size);
      }
      IOLAUS_CHECK(any, "[max_pool2d] expected every window to meet the input, got {} for {}",
                   x.sizes().str(), window.str());
    }
  }
}

void check_plane(const char* op, const Tensor& x) {
  IOLAUS_CHECK(x.size(-1) <= INT32_MAX / x.size(-2),
               "[{}] expected planes of fewer than 2^31 elements, got {}", op, x.describe());
}

// pool(dense x, out, indices) runs the kernel.
template <class Fn>
Tensor max_pool(const char* op, const Tensor& x, const Dims& out_sizes, Fn&& pool) {
  const Tensor dense = contiguous(x);
  const Tensor out = empty(out_sizes, x.options());
  const Tensor indices = empty(out_sizes, {.dtype = kInt32, .device = x.device()});
  pool(dense, out, indices);
  if (needs_grad(dense)) {
    record(op, out, edges(dense), [indices, sizes = x.sizes()](const Node&, const Tensor& g) {
      return scatter_maxima(g, indices, sizes);
    });
  }
  return out;
}

void check_output_size(const char* op, const Pair& size) {
  IOLAUS_CHECK(size.height > 0 && size.width > 0, "[{}] expected an output size >= 1, got ({}, {})",
               op, size.height, size.width);
}

OpSample sample(const char* what, const Dims& x, std::function<Tensor(const Tensor&)> fn) {
  return {what, {sample64(x, 1)}, [fn = std::move(fn)](const Tensors& t) { return fn(t[0]); }};
}

const bool kRegistered =
    register_op(
        {"max_pool2d",
         [] {
           return std::vector<OpSample>{
               sample("2 x 2", {2, 2, 4, 6}, [](const Tensor& x) { return max_pool2d(x, 2); }),
               sample("overlapping, padded", {1, 2, 5, 6},
                      [](const Tensor& x) {
                        return max_pool2d(x, 3, {.stride = {2, 1}, .padding = 1});
                      }),
               sample("dilated, ceil", {2, 6, 7}, [](const Tensor& x) {
                 return max_pool2d(x, {2, 3}, {.stride = 2, .dilation = 2, .ceil_mode = true});
               })};
         }}) &&
    register_op(
        {"avg_pool2d",
         [] {
           return std::vector<OpSample>{
               sample("2 x 2", {2, 2, 4, 6}, [](const Tensor& x) { return avg_pool2d(x, 2); }),
               sample("padded, ceil", {1, 2, 5, 6}, [](const Tensor& x) {
                 return avg_pool2d(
                     x, 3,
                     {.stride = 2, .padding = 1, .ceil_mode = true, .count_include_pad = false});
               })};
         }}) &&
    register_op({"adaptive_max_pool2d",
                 [] {
                   return std::vector<OpSample>{
                       sample("global", {2, 2, 3, 4},
                              [](const Tensor& x) { return adaptive_max_pool2d(x, 1); }),
                       sample("uneven", {1, 2, 5, 7}, [](const Tensor& x) {
                         return adaptive_max_pool2d(x, {3, 4});
                       })};
                 }}) &&
    register_op({"adaptive_avg_pool2d", [] {
                   return std::vector<OpSample>{
                       sample("global", {2, 2, 3, 4},
                              [](const Tensor& x) { return adaptive_avg_pool2d(x, 1); }),
                       sample("uneven", {1, 2, 5, 7}, [](const Tensor& x) {
                         return adaptive_avg_pool2d(x, {3, 4});
                       })};
                 }});

}  // namespace

Tensor max_pool2d(const Tensor& x, Pair kernel_size, const MaxPool2dOptions& options) {
  check_input("max_pool2d", x);
  Window2d window =
      make_window("max_pool2d", kernel_size, options.stride, options.padding, options.dilation);
  check_plane("max_pool2d", x);
  const Dims sizes = output_sizes("max_pool2d", x, window, options.ceil_mode);
  // What is beyond the image changes no maximum.
  for (size_t d = 0; d < 2; ++d) {
    const int64_t reach = x.sizes()[x.sizes().size() - 2 + d] + 2 * window.padding[d];
    window.kernel[d] = std::min(window.kernel[d], (reach - 1) / window.dilation[d] + 1);
  }
  check_windows(window, x, sizes);
  return max_pool("max_pool2d", x, sizes,
                  [&](const Tensor& dense, const Tensor& out, const Tensor& indices) {
                    max_pool2d_kernels()({dense, out, indices, window});
                  });
}

Tensor adaptive_max_pool2d(const Tensor& x, Pair output_size) {
  check_input("adaptive_max_pool2d", x);
  check_output_size("adaptive_max_pool2d", output_size);
  check_plane("adaptive_max_pool2d", x);
  return max_pool("adaptive_max_pool2d", x,
                  plane_sizes(x.sizes(), output_size.height, output_size.width),
                  [](const Tensor& dense, const Tensor& out, const Tensor& indices) {
                    adaptive_max_pool2d_kernels()({dense, out, indices});
                  });
}

Tensor avg_pool2d(const Tensor& x, Pair kernel_size, const AvgPool2dOptions& options) {
  check_input("avg_pool2d", x);
  const Window2d window =
      make_window("avg_pool2d", kernel_size, options.stride, options.padding, 1);
  const Dims sizes = output_sizes("avg_pool2d", x, window, options.ceil_mode);
  return average(x, {window, false, options.count_include_pad, 0}, sizes);
}

Tensor adaptive_avg_pool2d(const Tensor& x, Pair output_size) {
  check_input("adaptive_avg_pool2d", x);
  check_output_size("adaptive_avg_pool2d", output_size);
  const AveragePooling pooling{{}, true, true, 0};
  return average(x, pooling, plane_sizes(x.sizes(), output_size.height, output_size.width));
}

}  // namespace iolaus
