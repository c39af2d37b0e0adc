// The passes of direct convolution: bands of images over the threads, each in scratch memory of its
// thread: pack the planes, correlate into flat planes, copy the outputs' rows out of them.
#include "kernels/conv2d/direct.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/scratch.h"

namespace iolaus::direct {
namespace {

constexpr double kGrainFlops = 4e5;                  // worth a thread
constexpr int64_t kFlatElements = int64_t{1} << 18;  // of a band's output: stays in the L2 cache

template <class T>
void unflatten(const T* flat, int64_t flat_stride, int64_t flat_columns, const Plan<T>& plan,
               const Phase<T>& phase, int64_t rows, T* out) {
  for (int64_t k = 0; k < plan.out_channels; ++k) {
    const T* from = flat + k * flat_stride;
    T* to = out + k * plan.out_plane;
    for (int64_t y = 0; y < rows; ++y, from += flat_columns, to += phase.row_stride) {
      if (phase.column_stride == 1) {
        copy_row(from, phase.columns, to);
      } else {
        for (int64_t x = 0; x < phase.columns; ++x) to[x * phase.column_stride] = from[x];
      }
    }
  }
}

template <class T> struct Band {
  int64_t group, first_row;
  const T* planes;  // as the offsets of the phases see them
  T* out;           // (out_channels, out_plane)
  T* flat;          // scratch
  int64_t flat_stride;
};

template <class T> void run_phase(const Plan<T>& plan, const Phase<T>& phase, const Band<T>& band) {
  const int64_t rows = std::min(plan.band, phase.rows - band.first_row);
  if (rows <= 0 || phase.columns <= 0) return;
  T* out = band.out + phase.out_offset + band.first_row * phase.row_stride;
  const int64_t columns = plan.layout.columns;
  Correlation<T> c{band.planes,
                   phase.offsets,
                   phase.taps,
                   phase.weights + band.group * plan.out_channels * phase.taps,
                   plan.bias == nullptr ? nullptr : plan.bias + band.group * plan.out_channels,
                   plan.out_channels,
                   (rows - 1) * columns + phase.columns,
                   out,
                   plan.out_plane};
  const bool dense = phase.column_stride == 1 && phase.row_stride == columns;
  if (dense && phase.columns == columns && c.pixels >= kSlack) return correlate(c);
  c.out = band.flat, c.out_stride = band.flat_stride;
  correlate(c);
  unflatten(band.flat, band.flat_stride, columns, plan, phase, rows, out);
}

}  // namespace

int64_t choose_band(int64_t images, int64_t channels, int64_t rows, int64_t columns) {
  int64_t band = std::clamp<int64_t>(kFlatElements / std::max<int64_t>(channels * columns, 1), 1,
                                     std::max<int64_t>(rows, 1));
  if (images < 8) {
    const int64_t parts = (8 + images - 1) / std::max<int64_t>(images, 1);
    const int64_t least = 4 * kSlack / std::max<int64_t>(columns, 1) + 1;
    band = std::min(band, std::max((rows + parts - 1) / parts, least));
  }
  return band;
}

template <class T> void run(const Plan<T>& plan) {
  const PlaneLayout& l = plan.layout;
  const int64_t bands = (plan.max_rows + plan.band - 1) / plan.band;
  const int64_t jobs = plan.batch * plan.groups * bands;
  const int64_t in_plane = l.in_height * l.in_width;
  const int64_t flat_stride = std::max(plan.band * l.columns, kSlack) + 16;
  const double flops = std::max(plan.flops, 1.0);  // none without input channels
  const auto grain = static_cast<int64_t>(kGrainFlops * static_cast<double>(jobs) / flops) + 1;
  parallel_for(jobs, grain, [&](int64_t begin, int64_t end) {
    Scratch<T> packed(plan.pack ? plan.in_channels * l.size() + kSlack : 0);
    Scratch<T> flat(plan.out_channels * flat_stride);
    for (int64_t job = begin; job < end; ++job) {
      const int64_t image = job / bands;  // of (batch, groups)
      const int64_t first_row = job % bands * plan.band;
      const int64_t first_source_row = first_row * plan.rows_per_out_row;
      const T* source = plan.source + image * plan.in_channels * in_plane;
      Band<T> band{image % plan.groups,
                   first_row,
                   source + first_source_row * l.in_width,
                   plan.out + image * plan.out_channels * plan.out_plane,
                   flat.data(),
                   flat_stride};
      if (plan.pack) {
        PlaneLayout shifted = l;
        shifted.margin[0] -= first_source_row;
        pack_planes(source, plan.in_channels, shifted, packed.data());
        band.planes = packed.data();
      }
      for (int64_t i = 0; i < plan.phase_count; ++i) run_phase(plan, plan.phases[i], band);
    }
  });
}

template void run(const Plan<float>&);
template void run(const Plan<double>&);

}  // namespace iolaus::direct
