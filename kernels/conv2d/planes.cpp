// Packing of planes with a margin, split into phases.
#include <algorithm>
#include <cstring>

#include "kernels/conv2d/direct.h"

namespace iolaus::direct {

void tap_offsets(const ConvShape& s, const Window2d& win, const PlaneLayout& l, int64_t* offsets) {
  // The first channel's; the others' are the same, one plane later each.
  const int64_t window = win.kernel[0] * win.kernel[1], plane = l.rows * l.columns;
  for (int64_t r = 0; r < win.kernel[0]; ++r) {
    for (int64_t q = 0; q < win.kernel[1]; ++q) {
      const int64_t i = r * win.dilation[0], j = q * win.dilation[1];
      const int64_t phase = i % l.phases[0] * l.phases[1] + j % l.phases[1];
      offsets[r * win.kernel[1] + q] =
          phase * plane + i / l.phases[0] * l.columns + j / l.phases[1];
    }
  }
  for (int64_t t = window; t < s.window; ++t) offsets[t] = offsets[t - window] + l.size();
}

template <class T> void copy_row(const T* from, int64_t count, T* to) {
  // Two overlapping copies of a fixed size stand for one of any size up to its double.
  const auto bytes = static_cast<size_t>(count) * sizeof(T);
  const auto* in = reinterpret_cast<const char*>(from);
  auto* out = reinterpret_cast<char*>(to);
  if (bytes >= 64) {
    for (size_t at = 0; at + 64 <= bytes; at += 64) std::memcpy(out + at, in + at, 64);
    std::memcpy(out + bytes - 64, in + bytes - 64, 64);
  } else if (bytes >= 32) {
    std::memcpy(out, in, 32);
    std::memcpy(out + bytes - 32, in + bytes - 32, 32);
  } else if (bytes >= 16) {
    std::memcpy(out, in, 16);
    std::memcpy(out + bytes - 16, in + bytes - 16, 16);
  } else {
    for (int64_t i = 0; i < count; ++i) to[i] = from[i];
  }
}

template <class T>
void pack_planes(const T* source, int64_t channels, const PlaneLayout& l, T* packed) {
  std::memset(packed, 0, static_cast<size_t>(channels * l.size() + kSlack) * sizeof(T));
  const int64_t step_h = l.phases[0], step_w = l.phases[1];
  for (int64_t c = 0; c < channels; ++c) {
    const T* plane = source + c * l.in_height * l.in_width;
    for (int64_t a = 0; a < step_h; ++a) {
      for (int64_t b = 0; b < step_w; ++b, packed += l.rows * l.columns) {
        // First and one past the last column whose source is inside.
        const int64_t shift = l.margin[1] - b;
        const int64_t x0 = std::max<int64_t>(0, shift > 0 ? (shift + step_w - 1) / step_w : 0);
        const int64_t room = l.in_width + shift;
        const int64_t x1 = std::min(l.columns, room > 0 ? (room + step_w - 1) / step_w : 0);
        if (x1 <= x0) continue;
        for (int64_t y = 0; y < l.rows; ++y) {
          const int64_t i = y * step_h + a - l.margin[0];
          if (i < 0 || i >= l.in_height) continue;
          const T* from = plane + i * l.in_width + x0 * step_w - shift;
          T* to = packed + y * l.columns + x0;
          if (step_w == 1) {
            copy_row(from, x1 - x0, to);
          } else {
            for (int64_t x = 0; x < x1 - x0; ++x) to[x] = from[x * step_w];
          }
        }
      }
    }
  }
}

template void copy_row(const float*, int64_t, float*);
template void copy_row(const double*, int64_t, double*);
template void pack_planes(const float*, int64_t, const PlaneLayout&, float*);
template void pack_planes(const double*, int64_t, const PlaneLayout&, double*);

}  // namespace iolaus::direct
