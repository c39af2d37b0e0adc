// A window's rows and columns each map to a row or column of the image, or to none (the fill). On
// the CPU the part of a row that lies inside is copied at once, or mirrored.
#include "nn/data/windows.h"

#include <algorithm>

#include "autograd/ops.h"
#include "core/error.h"

namespace iolaus::nn::data {
namespace {

// The pixel that stands at i of an axis of n pixels; -1 for the fill.
int64_t source_of(int64_t i, int64_t n, PadMode mode) {
  if (i >= 0 && i < n) return i;
  if (mode == PadMode::kConstant) return -1;
  if (mode == PadMode::kEdge) return i < 0 ? 0 : n - 1;
  // Mirrored again and again: reflect does not repeat the border, symmetric does.
  const int64_t period = mode == PadMode::kSymmetric ? 2 * n : std::max<int64_t>(1, 2 * (n - 1));
  const int64_t place = ((i % period) + period) % period;
  return place < n ? place : (mode == PadMode::kSymmetric ? period - 1 - place : period - place);
}

void check_windows(const Tensor& images, size_t count) {
  IOLAUS_CHECK(
      images.dim() == 4 && images.is_contiguous() && images.size(0) == static_cast<int64_t>(count),
      "[transforms] expected {} contiguous images (B, C, H, W), got {}", count, images.describe());
  IOLAUS_CHECK(images.size(2) > 0 && images.size(3) > 0,
               "[transforms] expected images with pixels, got {}", images.describe());
  IOLAUS_CHECK_CODE(images.dtype() == kUInt8 || images.dtype() == kFloat32, ErrorCode::kType,
                    "[transforms] expected uint8 or float32 images, got {}", images.describe());
}

// One row of a window: columns [begin, end) lie inside of the image's row.
template <class T> struct RowCopier {
  const Window& window;
  const WindowShape& shape;
  int64_t columns;  // of the image
  T fill;
  int64_t begin = std::clamp<int64_t>(-window.left, 0, shape.width);
  int64_t end = std::clamp<int64_t>(columns - window.left, begin, shape.width);

  T outside(const T* row, int64_t i) const {
    const int64_t source = source_of(window.left + i, columns, shape.mode);
    return source < 0 ? fill : row[source];
  }
  void copy(const T* row, T* to) const {
    if (row == nullptr) return std::fill_n(to, shape.width, fill), void();
    if (window.flip_columns) {
      T* last = to + shape.width - 1;
      for (int64_t i = 0; i < begin; ++i) last[-i] = outside(row, i);
      std::reverse_copy(row + window.left + begin, row + window.left + end, last + 1 - end);
      for (int64_t i = end; i < shape.width; ++i) last[-i] = outside(row, i);
    } else {
      for (int64_t i = 0; i < begin; ++i) to[i] = outside(row, i);
      std::copy(row + window.left + begin, row + window.left + end, to + begin);
      for (int64_t i = end; i < shape.width; ++i) to[i] = outside(row, i);
    }
  }
};

template <class T>
void take_on_cpu(const Tensor& images, std::span<const Window> windows, const WindowShape& shape,
                 const Tensor& out) {
  const int64_t channels = images.size(1), height = images.size(2), width = images.size(3);
  const T* from = images.data<T>();
  T* to = out.data<T>();
  for (const Window& window : windows) {
    const RowCopier<T> row{window, shape, width, static_cast<T>(shape.fill)};
    for (int64_t c = 0; c < channels; ++c, from += height * width) {
      for (int64_t y = 0; y < shape.height; ++y, to += shape.width) {
        const int64_t place = window.top + (window.flip_rows ? shape.height - 1 - y : y);
        const int64_t source = source_of(place, height, shape.mode);
        row.copy(source < 0 ? nullptr : from + source * width, to);
      }
    }
  }
}

// Rows, then columns, of all windows: (B, height + width), -1 for the fill.
Tensor index_maps(std::span<const Window> windows, const WindowShape& shape, int64_t rows,
                  int64_t columns) {
  std::vector<int64_t> maps;
  maps.reserve(windows.size() * static_cast<size_t>(shape.height + shape.width));
  for (const Window& w : windows) {
    for (int64_t y = 0; y < shape.height; ++y) {
      const int64_t place = w.top + (w.flip_rows ? shape.height - 1 - y : y);
      maps.push_back(source_of(place, rows, shape.mode));
    }
    for (int64_t x = 0; x < shape.width; ++x) {
      const int64_t place = w.left + (w.flip_columns ? shape.width - 1 - x : x);
      maps.push_back(source_of(place, columns, shape.mode));
    }
  }
  return from_values(maps, {static_cast<int64_t>(windows.size()), shape.height + shape.width});
}

Scalar fill_scalar(const Tensor& images, double value) {
  if (images.dtype() == kUInt8) return static_cast<int64_t>(value);
  return value;
}

}  // namespace

Tensor take_windows(const Tensor& images, std::span<const Window> windows,
                    const WindowShape& shape) {
  if (!images.device().is_cpu()) return take_windows_by_ops(images, windows, shape);
  check_windows(images, windows.size());
  const Tensor out =
      empty({images.size(0), images.size(1), shape.height, shape.width}, {.dtype = images.dtype()});
  if (images.dtype() == kUInt8) {
    take_on_cpu<uint8_t>(images, windows, shape, out);
  } else {
    take_on_cpu<float>(images, windows, shape, out);
  }
  return out;
}

Tensor take_windows_by_ops(const Tensor& images, std::span<const Window> windows,
                           const WindowShape& shape) {
  check_windows(images, windows.size());
  const int64_t batch = images.size(0), channels = images.size(1), width = images.size(3);
  const int64_t pixels = shape.height * shape.width;
  const Tensor maps = to(index_maps(windows, shape, images.size(2), width), images.device());
  const Tensor rows = unsqueeze(narrow(maps, 1, 0, shape.height), 2);               // (B, h, 1)
  const Tensor columns = unsqueeze(narrow(maps, 1, shape.height, shape.width), 1);  // (B, 1, w)
  const Tensor flat = view(images, {batch, channels, images.size(2) * width});
  const auto take = [&](const Tensor& places) {
    const Tensor index = expand(reshape(places, {batch, 1, pixels}), {batch, channels, pixels});
    return view(gather(flat, 2, index), {batch, channels, shape.height, shape.width});
  };
  if (shape.mode != PadMode::kConstant) return take(rows * width + columns);
  const Tensor inside = unsqueeze(logical_and(ge(rows, 0), ge(columns, 0)), 1);  // (B, 1, h, w)
  const Tensor taken = take(clamp(rows, 0, {}) * width + clamp(columns, 0, {}));
  return where(inside, taken, fill_scalar(images, shape.fill));
}

Tensor fill_rectangles(const Tensor& images, std::span<const Rectangle> rectangles, double value) {
  if (!images.device().is_cpu()) return fill_rectangles_by_ops(images, rectangles, value);
  check_windows(images, rectangles.size());
  const Tensor out = clone(images);
  const int64_t channels = images.size(1), height = images.size(2), width = images.size(3);
  const auto fill = [&](auto* plane) {
    using T = std::remove_pointer_t<decltype(plane)>;
    for (const Rectangle& r : rectangles) {
      for (int64_t c = 0; c < channels; ++c, plane += height * width) {
        for (int64_t y = r.top; y < r.bottom; ++y) {
          std::fill(plane + y * width + r.left, plane + y * width + r.right, static_cast<T>(value));
        }
      }
    }
  };
  if (images.dtype() == kUInt8) {
    fill(out.data<uint8_t>());
  } else {
    fill(out.data<float>());
  }
  return out;
}

Tensor fill_rectangles_by_ops(const Tensor& images, std::span<const Rectangle> rectangles,
                              double value) {
  check_windows(images, rectangles.size());
  std::vector<int64_t> bounds;
  for (const Rectangle& r : rectangles) {
    bounds.insert(bounds.end(), {r.top, r.bottom, r.left, r.right});
  }
  const int64_t batch = images.size(0);
  const Device device = images.device();
  const Tensor all = to(from_values(bounds, {batch, 4, 1}), device);
  // (B, n): whether a place on an axis lies between two of the bounds.
  const auto between = [&](int64_t first, int64_t n) {
    const Tensor place = view(arange(n, kInt64, device), {1, n});
    return logical_and(ge(place, select(all, 1, first)), lt(place, select(all, 1, first + 1)));
  };
  const Tensor rows = view(between(0, images.size(2)), {batch, 1, images.size(2), 1});
  const Tensor columns = view(between(2, images.size(3)), {batch, 1, 1, images.size(3)});
  return where(logical_and(rows, columns), fill_scalar(images, value), images);
}

}  // namespace iolaus::nn::data
