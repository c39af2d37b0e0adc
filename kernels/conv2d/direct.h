// Direct convolution on the CPU. Each plane of the input is one flat array of pixels: output (h, w)
// is pixel h * columns + w, and a tap (channel, row, column of the window) is the same array from
// another offset. So vectors run over pixels, whatever the row length; the few pixels between the
// end of an output row and the next are computed and dropped. Padding and stride are dealt with
// beforehand: planes are copied with a margin and, for a stride, split into phases (every second
// row and column, and so on), within which the stride is one.
#pragma once

#include "kernels/conv2d/conv2d.h"

namespace iolaus::direct {

/// More pixels than any register tile spans: readable behind each packed block of planes, and
/// writable behind each flat output plane.
inline constexpr int64_t kSlack = 128;

/// How a plane is packed: row y, column x of phase (a, b) is element
/// (y * phases[0] + a - margin[0], x * phases[1] + b - margin[1]) of the source, or zero outside.
struct PlaneLayout {
  int64_t in_height, in_width;
  int64_t margin[2];  // may be negative: cropped
  int64_t phases[2];
  int64_t rows, columns;  // of one phase

  int64_t size() const { return phases[0] * phases[1] * rows * columns; }
};

/// Where each tap (c, r, s) of a forward convolution begins in packed planes: (window) offsets.
void tap_offsets(const ConvShape& shape, const Window2d& window, const PlaneLayout& layout,
                 int64_t* offsets);

/// Packs consecutive planes; writes zeros to kSlack elements behind them.
template <class T>
void pack_planes(const T* source, int64_t channels, const PlaneLayout& layout, T* packed);

/// Copies a dense row.
template <class T> void copy_row(const T* from, int64_t count, T* to);

/// out[k][p] = bias[k] + sum over taps t of x[p + offsets[t]] * weight[k][t], for pixels p.
template <class T> struct Correlation {
  const T* x;
  const int64_t* offsets;  // (taps)
  int64_t taps;
  const T* weight;  // packed, see pack_weights
  const T* bias;    // (channels) or null
  int64_t channels;
  int64_t pixels;  // fewer than kSlack: tiles read and write up to kSlack
  T* out;
  int64_t out_stride;  // between channels
};
template <class T> void correlate(const Correlation<T>& c);

/// Reorders weight[k * channel_stride + tap_offsets[t]] (k < channels, t < taps) into the blocks
/// of channels that correlate works on, taps outermost in each.
template <class T>
void pack_weights(const T* weight, int64_t channel_stride, const int64_t* tap_offsets, int64_t taps,
                  int64_t channels, T* packed);

/// Channels that share a register tile, where this many are left.
int64_t channel_block(int64_t left);

/// A subset of the outputs that one correlation computes: all of them in the forward; in the
/// gradient of the input one for each remainder of the position by the stride.
template <class T> struct Phase {
  int64_t rows, columns;  // outputs
  int64_t taps;
  const int64_t* offsets;  // (taps), into packed planes
  const T* weights;        // (groups, channels * taps), packed
  int64_t out_offset, row_stride, column_stride;
};

/// A whole pass: for each image, group and band of rows, pack the planes and run the phases.
template <class T> struct Plan {
  int64_t batch, groups;
  const T* source;  // (batch, groups, in_channels, layout.in_height, layout.in_width)
  int64_t in_channels;
  PlaneLayout layout;        // of one band
  bool pack;                 // false: planes are used as they lie
  int64_t band;              // output rows of a band
  int64_t rows_per_out_row;  // source rows that the window moves by for the next output row
  const Phase<T>* phases;
  int64_t phase_count;
  const T* bias;  // (groups, out_channels) or null
  T* out;         // (batch, groups, out_channels, out_plane)
  int64_t out_channels, out_plane;
  int64_t max_rows;  // of all phases
  double flops;
};
template <class T> void run(const Plan<T>& plan);

/// Output rows of a band: all of them, unless the planes are large or there are few images.
int64_t choose_band(int64_t images, int64_t channels, int64_t rows, int64_t columns);

}  // namespace iolaus::direct
