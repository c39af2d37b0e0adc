// The gradient of conv2d's weight on the CPU: for every channel k of g and every tap t, the sum
// over pixels of g[k] * x[t's offset], with planes laid out as in direct.h, so vectors again run
// over pixels. g is copied with zeros between its rows. A register tile holds B channels by P taps;
// each accumulator is a vector whose elements are added at the end of a group of images. The batch
// is split into chunks by its size alone and their sums are added in order, so the result does not
// depend on the number of threads. Infinities in x may reach other taps as NaN (0 * inf).
#include <algorithm>
#include <cstring>

#include "core/parallel.h"
#include "kernels/conv2d/dense.h"
#include "kernels/conv2d/direct.h"
#include "kernels/reduce/reduce.h"
#include "kernels/scratch.h"
#include "kernels/vector.h"

namespace iolaus {
namespace {

using direct::kSlack;
using direct::PlaneLayout;

constexpr int64_t kMaxChunks = 16;
constexpr int64_t kPartialBytes = int64_t{8} << 20;  // all chunks' partial sums together
constexpr int64_t kCacheBytes = 24 << 10;            // g of one register tile: stays in L1

template <class T> struct WeightPass {
  // A group of images.
  int64_t images;
  const T* x;        // first image
  int64_t x_stride;  // between images
  const T* g;        // packed: (images, channels, g_stride)
  int64_t g_stride;
  // Pixels [0, main) in whole vectors, then one vector from pixel `tail`, masked in g.
  int64_t main, tail;
  bool has_tail;
  int64_t channels, taps;
  const int64_t* offsets;  // (taps, then repeats of the last)
  T* sums;                 // (channels, taps), added to
};

template <class T, int kBytes, int B, int P>
inline void tile(const WeightPass<T>& w, int64_t k, int64_t first_tap, int64_t begin) {
  using V = Vector<T, kBytes>;
  constexpr int64_t kLanes = kBytes / static_cast<int>(sizeof(T));
  V sum[B][P] = {};
  const auto step = [&](const T* g, const T* const* x, int64_t pixel) {
    V u[P];
    for (int p = 0; p < P; ++p) u[p] = load_vector<V>(x[p] + pixel);
    for (int b = 0; b < B; ++b) {
      V v = load_vector<V>(g + b * w.g_stride);
      keep_in_register(v);
      for (int p = 0; p < P; ++p) sum[b][p] += v * u[p];
    }
  };
  for (int64_t n = 0; n < w.images; ++n) {
    const T* g = w.g + (n * w.channels + k) * w.g_stride;
    const T* x[P];
    for (int p = 0; p < P; ++p) x[p] = w.x + n * w.x_stride + w.offsets[first_tap + p];
    for (int64_t i = 0; i < w.main; i += kLanes) step(g + i, x, i);
    if (w.has_tail) step(g + w.main, x, w.tail);
  }
  // Sums of kLanes accumulators at a time, by shuffles that halve their number each.
  constexpr int kTotals = (B * P + kLanes - 1) / kLanes * kLanes;
  T totals[kTotals];
  for (int first = 0; first < B * P; first += kLanes) {
    V rows[kLanes];
    for (int i = 0; i < kLanes; ++i) {
      const int from = first + i;
      rows[i] = from < B * P ? sum[from / P][from % P] : V{};
    }
    store_vector(totals + first, sum_rows<T, kBytes>(rows));
  }
  for (int p = 0; p < P; ++p) {
    if (first_tap + p < begin || first_tap + p >= w.taps) continue;
    T* to = w.sums + k * w.taps + first_tap + p;
    for (int b = 0; b < B; ++b) to[b * w.taps] += totals[b * P + p];
  }
}

// All taps of B channels; the last tile moves back to end with the last tap, and keeps only what
// is new.
template <class T, int kBytes, int B, int P> inline void strip(const WeightPass<T>& w, int64_t k) {
  for (int64_t t = 0; t < w.taps; t += P) {
    tile<T, kBytes, B, P>(w, k, std::max<int64_t>(0, std::min<int64_t>(t, w.taps - P)), t);
  }
}

template <class T, int kBytes> inline void correlate_weight(const WeightPass<T>& w) {
  for (int64_t k = 0; k < w.channels;) {
    const int64_t block = direct::channel_block(w.channels - k);
    if constexpr (kBytes == 64) {
      if (block == 8) strip<T, kBytes, 8, 3>(w, k);
      if (block == 6) strip<T, kBytes, 6, 4>(w, k);
      if (block == 4) strip<T, kBytes, 4, 6>(w, k);
    } else {
      if (block == 6) strip<T, kBytes, 6, 2>(w, k);
      if (block == 4) strip<T, kBytes, 4, 3>(w, k);
    }
    if (block == 2) strip<T, kBytes, 2, 6>(w, k);
    if (block == 1) strip<T, kBytes, 1, 8>(w, k);
    k += block;
  }
}

// Flat g of one channel, zero between the rows; the tail's vector repeats pixels and has zeros for
// those that the whole vectors have covered.
template <class T>
void pack_gradient(const T* g, int64_t rows, int64_t width, int64_t columns, const WeightPass<T>& w,
                   int64_t lanes, T* to) {
  std::memset(to, 0, static_cast<size_t>(w.g_stride) * sizeof(T));
  for (int64_t y = 0; y < rows; ++y) direct::copy_row(g + y * width, width, to + y * columns);
  if (!w.has_tail) return;
  const int64_t pixels = (rows - 1) * columns + width;
  T last[kSlack] = {};
  for (int64_t i = w.main; i < pixels; ++i) last[i - w.tail] = to[i];
  std::memcpy(to + w.main, last, static_cast<size_t>(lanes) * sizeof(T));
}

struct Geometry {
  PlaneLayout layout;
  bool pack;
  int64_t pixels;
};

Geometry make_geometry(const ConvShape& s, const Window2d& win) {
  const int64_t columns = s.out_width + (win.span(1) - 1) / win.stride[1];
  const int64_t rows = s.out_height + (win.span(0) - 1) / win.stride[0];
  Geometry geometry{{s.in_height,
                     s.in_width,
                     {win.padding[0], win.padding[1]},
                     {win.stride[0], win.stride[1]},
                     rows,
                     columns},
                    true,
                    (s.out_height - 1) * columns + s.out_width};
  geometry.pack = win.stride[0] != 1 || win.stride[1] != 1 || win.padding[0] != 0 ||
                  win.padding[1] != 0 || geometry.pixels < kSlack;
  return geometry;
}

// Adds the sum of each channel of all images of a pass, while they are in the cache.
template <class T, int kBytes> inline void add_bias_sums(const WeightPass<T>& w, T* db) {
  using V = Vector<T, kBytes>;
  constexpr int64_t kLanes = kBytes / static_cast<int>(sizeof(T));
  const int64_t length = w.main + (w.has_tail ? kLanes : 0);
  for (int64_t n = 0; n < w.images; ++n) {
    for (int64_t k = 0; k < w.channels; ++k) {
      const T* g = w.g + (n * w.channels + k) * w.g_stride;
      V sums[4] = {};
      for (int64_t i = 0, j = 0; i < length; i += kLanes, j = (j + 1) % 4) {
        sums[j] += load_vector<V>(g + i);
      }
      db[k] += sum_elements<T, kBytes>((sums[0] + sums[1]) + (sums[2] + sums[3]));
    }
  }
}

template <class T> class BackwardWeight {
 public:
  explicit BackwardWeight(const Conv2dBackwardWeight& a)
      : a_(a), s_(a.shape()), geometry_(make_geometry(s_, a.window)), offsets_(s_.window + 8) {
    direct::tap_offsets(s_, a.window, geometry_.layout, offsets_.data());
    for (int64_t t = s_.window; t < s_.window + 8; ++t) offsets_[t] = offsets_[s_.window - 1];
    lanes_ = vector_bytes() / static_cast<int64_t>(sizeof(T));
    const int64_t pixels = geometry_.pixels;
    pass_.main = pixels / lanes_ * lanes_;
    pass_.has_tail = pass_.main < pixels;
    pass_.tail = std::max<int64_t>(0, pixels - lanes_);
    pass_.g_stride = (pixels + 2 * lanes_) / 16 * 16 + 16;
    pass_.channels = s_.out_channels, pass_.taps = s_.window, pass_.offsets = offsets_.data();
  }

  void run() {
    const int64_t count = a_.dw.numel();
    const int64_t limit = std::clamp<int64_t>(
        kPartialBytes / (count * static_cast<int64_t>(sizeof(T))), 1, kMaxChunks);
    const int64_t chunk = (s_.batch + limit - 1) / limit;
    const int64_t chunks = (s_.batch + chunk - 1) / chunk;
    // For each chunk dw, then db.
    const int64_t channels = s_.groups * s_.out_channels, stride = count + channels;
    Scratch<T> sums(chunks * stride);
    std::memset(sums.data(), 0, static_cast<size_t>(chunks * stride) * sizeof(T));
    const auto jobs = chunks * s_.groups;
    const auto grain = static_cast<int64_t>(4e5 * static_cast<double>(jobs) / a_.cost().flops) + 1;
    parallel_for(jobs, grain, [&](int64_t begin, int64_t end) {
      for (int64_t job = begin; job < end; ++job) {
        const int64_t first = job / s_.groups * chunk;
        run_chunk(job % s_.groups, first, std::min(chunk, s_.batch - first),
                  sums.data() + job / s_.groups * stride);
      }
    });
    add_chunks(sums.data(), chunks, stride, count, a_.dw.data<T>());
    if (a_.db.defined()) {
      add_chunks(sums.data() + count, chunks, stride, channels, a_.db.data<T>());
    }
  }

 private:
  static void add_chunks(const T* sums, int64_t chunks, int64_t stride, int64_t count, T* out) {
    parallel_for(count, 1 << 15, [&](int64_t begin, int64_t end) {
      std::memcpy(out + begin, sums + begin, static_cast<size_t>(end - begin) * sizeof(T));
      for (int64_t c = 1; c < chunks; ++c) {
        for (int64_t i = begin; i < end; ++i) out[i] += sums[c * stride + i];
      }
    });
  }

  // Images [first, first + count) of one group of channels.
  void run_chunk(int64_t group, int64_t first, int64_t count, T* sums) const {
    const int64_t tile_bytes = 8 * pass_.g_stride * static_cast<int64_t>(sizeof(T));
    const int64_t together = std::clamp<int64_t>(kCacheBytes / tile_bytes, 1, count);
    const int64_t in_image = s_.in_channels * s_.in_height * s_.in_width;
    const int64_t packed_image = s_.in_channels * geometry_.layout.size();
    const int64_t out_plane = s_.out_height * s_.out_width;
    Scratch<T> g(together * s_.out_channels * pass_.g_stride);
    Scratch<T> x(geometry_.pack ? together * packed_image + kSlack : 0);
    WeightPass<T> pass = pass_;
    pass.sums = sums + group * s_.out_channels * s_.window;
    pass.g = g.data();
    for (int64_t n = first; n < first + count; n += together) {
      pass.images = std::min(together, first + count - n);
      const T* x0 = a_.x.data<T>() + (n * s_.groups + group) * in_image;
      pass.x = geometry_.pack ? x.data() : x0;
      pass.x_stride = geometry_.pack ? packed_image : s_.groups * in_image;
      for (int64_t m = 0; m < pass.images; ++m) {
        if (geometry_.pack) {
          direct::pack_planes(x0 + m * s_.groups * in_image, s_.in_channels, geometry_.layout,
                              x.data() + m * packed_image);
        }
        const T* from =
            a_.g.data<T>() + ((n + m) * s_.groups + group) * s_.out_channels * out_plane;
        for (int64_t k = 0; k < s_.out_channels; ++k) {
          pack_gradient(from + k * out_plane, s_.out_height, s_.out_width, geometry_.layout.columns,
                        pass, lanes_, g.data() + (m * s_.out_channels + k) * pass_.g_stride);
        }
      }
      T* db = sums + a_.dw.numel() + group * s_.out_channels;
      run_wide([&](auto bytes) {
        if (a_.db.defined()) add_bias_sums<T, decltype(bytes)::value>(pass, db);
        correlate_weight<T, decltype(bytes)::value>(pass);
      });
    }
  }

  const Conv2dBackwardWeight& a_;
  ConvShape s_;
  Geometry geometry_;
  Scratch<int64_t> offsets_;
  int64_t lanes_;
  WeightPass<T> pass_{};
};

template <class T> void backward_weight(const Conv2dBackwardWeight& a) {
  if (a.dw.numel() == 0) {  // no input channels: only the bias has a gradient
    const int64_t channels = a.g.sizes()[1];
    if (a.db.defined()) {
      reduce_into(ReduceOp::kSum,
                  make_view(a.db, {1, channels, 1, 1}, {channels, 1, 1, 1}, a.db.offset()), a.g,
                  0b1101);
    }
    return;
  }
  if (a.g.numel() > 0) return BackwardWeight<T>(a).run();
  std::memset(a.dw.raw_data(), 0, a.dw.nbytes());
  if (a.db.defined()) std::memset(a.db.raw_data(), 0, a.db.nbytes());
}

void run(const Conv2dBackwardWeight& args) {
  with_dense(args, [](const Conv2dBackwardWeight& a) {
    a.dtype() == kFloat64 ? backward_weight<double>(a) : backward_weight<float>(a);
  });
}

const bool kRegistered = conv2d_backward_weight_kernels().add(
    {"direct", kCPU, {kFloat32, kFloat64, kFloat16, kBFloat16}, run, 1});
}  // namespace

}  // namespace iolaus
