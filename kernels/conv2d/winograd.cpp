// The variant "winograd" of conv2d and its gradients on the CPU, float32: see winograd.h. Jobs are
// bands of rows of tiles, or a few small images, whose transformed tiles stay in the L2 cache. The
// gradient of the weight sums chunks of the batch, which depend on the shapes only, in order.
#include "kernels/conv2d/winograd.h"

#include <algorithm>

#include "core/parallel.h"
#include "kernels/conv2d/dense.h"
#include "kernels/reduce/reduce.h"
#include "kernels/scratch.h"

namespace iolaus {
namespace {

using namespace winograd;

constexpr int64_t kCacheElements = int64_t{1} << 17;  // of the transformed tiles of a job
constexpr int64_t kLeastTiles = 32;  // of a job, where there are as many: weights are read once
constexpr int64_t kChunkTiles = 64;  // of a chunk of the weight's gradient
constexpr int64_t kMaxChunks = 16;
constexpr int64_t kPartialElements = int64_t{1} << 25;  // of all chunks' sums together
constexpr int64_t kJobs = 8;                            // wanted, for the threads
constexpr double kGrainFlops = 4e5;

int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

// How the tiles of `batch` images are split into jobs: parts of the batch, and of an image's rows.
struct Split {
  int64_t tile;           // outputs along a side
  int64_t rows, columns;  // tiles of an image
  int64_t batch, parts, bands, band;

  Split(int64_t side, int64_t images, int64_t height, int64_t width, int64_t channels, int64_t jobs)
      : tile(side), rows(ceil_div(height, tile)), columns(ceil_div(width, tile)), batch(images) {
    const int64_t tiles = rows * columns;
    const int64_t most = std::max(kCacheElements / (kPoints * channels), kLeastTiles);
    parts = std::clamp<int64_t>(ceil_div(batch * tiles, most), std::min(jobs, batch), batch);
    bands = std::max(ceil_div(tiles, most), ceil_div(jobs, parts));
    band = ceil_div(rows, std::min(bands, rows));
    bands = ceil_div(rows, band);
  }
  int64_t jobs() const { return parts * bands; }
  int64_t first_image(int64_t job) const { return batch * (job / bands) / parts; }
  Region region(int64_t job) const {
    const int64_t part = job / bands, first_row = job % bands * band;
    return {tile, batch * (part + 1) / parts - batch * part / parts, first_row,
            std::min(band, rows - first_row), columns};
  }
};

struct Correlation {
  int64_t batch, groups;
  Planes<const float> x;  // of one group
  int64_t padding[2];
  const float* weight;
  WeightLayout layout;  // of one group
  const float* bias;
  Planes<float> out;  // of one group
  double flops;
};

void correlate(const Correlation& c) {
  const int64_t channels = c.x.channels, out_channels = c.out.channels;
  const int64_t weight_size = transformed_size(out_channels, channels);
  const int64_t taps = c.layout.kernel * c.layout.kernel;
  Scratch<float> weights(c.groups * weight_size);
  for (int64_t g = 0; g < c.groups; ++g) {
    transform_weight(c.weight + g * channels * out_channels * taps, c.layout,
                     weights.data() + g * weight_size);
  }
  const Split split(tile_of(c.layout.kernel), c.batch, c.out.height, c.out.width,
                    channels + out_channels, ceil_div(kJobs, c.groups));
  const int64_t jobs = split.jobs() * c.groups;
  const auto grain = static_cast<int64_t>(kGrainFlops * static_cast<double>(jobs) / c.flops) + 1;
  parallel_for(jobs, grain, [&](int64_t begin, int64_t end) {
    for (int64_t job = begin; job < end; ++job) {
      const int64_t group = job % c.groups, image = split.first_image(job / c.groups);
      const Region region = split.region(job / c.groups);
      const int64_t tiles = region.tiles();
      Planes<const float> x = c.x;
      x.data += image * x.image_stride + group * channels * x.height * x.width;
      Planes<float> out = c.out;
      out.data += image * out.image_stride + group * out_channels * out.height * out.width;
      Scratch<float> in(transformed_size(channels, tiles));
      Scratch<float> result(transformed_size(out_channels, tiles));
      transform_input(x, region, c.padding, in.data());
      multiply(in.data(), weights.data() + group * weight_size, tiles, channels, out_channels,
               result.data());
      transform_output(result.data(), region,
                       c.bias == nullptr ? nullptr : c.bias + group * out_channels, out);
    }
  });
}

void forward(const Conv2d& a) {
  const ConvShape s = a.shape();
  const int64_t plane = s.in_height * s.in_width, out_plane = s.out_height * s.out_width;
  const int64_t kernel = a.window.kernel[0];
  correlate({s.batch,
             s.groups,
             {a.x.data<float>(), s.groups * s.in_channels * plane, s.in_channels, s.in_height,
              s.in_width},
             {a.window.padding[0], a.window.padding[1]},
             a.weight.data<float>(),
             {kernel, s.in_channels, s.out_channels, kernel * kernel, s.window, false},
             a.bias.defined() ? a.bias.data<float>() : nullptr,
             {a.out.data<float>(), s.groups * s.out_channels * out_plane, s.out_channels,
              s.out_height, s.out_width},
             a.cost().flops});
}

void backward_input(const Conv2dBackwardInput& a) {
  const ConvShape s = a.shape();
  const int64_t plane = s.in_height * s.in_width, out_plane = s.out_height * s.out_width;
  const int64_t kernel = a.window.kernel[0];
  correlate({s.batch,
             s.groups,
             {a.g.data<float>(), s.groups * s.out_channels * out_plane, s.out_channels,
              s.out_height, s.out_width},
             {kernel - 1 - a.window.padding[0], kernel - 1 - a.window.padding[1]},
             a.weight.data<float>(),
             {kernel, s.out_channels, s.in_channels, s.window, kernel * kernel, true},
             nullptr,
             {a.dx.data<float>(), s.groups * s.in_channels * plane, s.in_channels, s.in_height,
              s.in_width},
             a.cost().flops});
}

class BackwardWeight {
 public:
  explicit BackwardWeight(const Conv2dBackwardWeight& a)
      : a_(a),
        s_(a.shape()),
        kernel_(a.window.kernel[0]),
        size_(s_.window * blocks(s_.out_channels) * lanes()) {}

  void run() {
    const int64_t tiles = tiles_of(tile_of(kernel_), s_.out_height, s_.out_width);
    const int64_t most = std::min(kMaxChunks, kPartialElements / (s_.groups * size_) + 1);
    const int64_t chunks =
        std::clamp<int64_t>(s_.batch * tiles / kChunkTiles, 1, std::min(most, s_.batch));
    const int64_t jobs = chunks * s_.groups;
    Scratch<float> sums(jobs * size_);  // (chunks, groups, kernel^2, C, K)
    const auto grain =
        static_cast<int64_t>(kGrainFlops * static_cast<double>(jobs) / a_.cost().flops) + 1;
    parallel_for(jobs, grain, [&](int64_t begin, int64_t end) {
      for (int64_t job = begin; job < end; ++job) {
        const int64_t chunk = job / s_.groups, first = s_.batch * chunk / chunks;
        run_chunk(job % s_.groups, first, s_.batch * (chunk + 1) / chunks - first,
                  sums.data() + job * size_);
      }
    });
    for (int64_t g = 0; g < s_.groups; ++g) add_chunks(sums.data() + g * size_, g, chunks);
    if (!a_.db.defined()) return;
    const int64_t channels = a_.db.numel();
    reduce_into(ReduceOp::kSum,
                make_view(a_.db, {1, channels, 1, 1}, {channels, 1, 1, 1}, a_.db.offset()), a_.g,
                0b1101);
  }

 private:
  void run_chunk(int64_t group, int64_t first, int64_t count, float* sums) const {
    const int64_t channels = s_.in_channels, out_channels = s_.out_channels;
    const int64_t plane = s_.in_height * s_.in_width, out_plane = s_.out_height * s_.out_width;
    const Split split(tile_of(kernel_), count, s_.out_height, s_.out_width, channels + out_channels,
                      1);
    Scratch<float> dw(transformed_size(out_channels, channels));
    for (int64_t job = 0; job < split.jobs(); ++job) {
      const int64_t image = first + split.first_image(job);
      const Region region = split.region(job);
      Scratch<float> x(transformed_size(channels, region.tiles()));
      Scratch<float> g(transformed_size(out_channels, region.tiles()));
      transform_input({a_.x.data<float>() + (image * s_.groups + group) * channels * plane,
                       s_.groups * channels * plane, channels, s_.in_height, s_.in_width},
                      region, a_.window.padding, x.data());
      transform_gradient(
          {a_.g.data<float>() + (image * s_.groups + group) * out_channels * out_plane,
           s_.groups * out_channels * out_plane, out_channels, s_.out_height, s_.out_width},
          region, g.data());
      multiply_gradient(x.data(), g.data(), region.tiles(), channels, out_channels, job > 0,
                        dw.data());
    }
    transform_weight_gradient(dw.data(), kernel_, channels, out_channels, sums);
  }

  // Adds the chunks of a group to the first, which then goes to dw (K, C, kernel, kernel).
  void add_chunks(float* sums, int64_t group, int64_t chunks) const {
    const int64_t channels = s_.in_channels, out_channels = s_.out_channels;
    const int64_t row = blocks(out_channels) * lanes();
    float* dw = a_.dw.data<float>() + group * out_channels * s_.window;
    const int64_t taps = kernel_ * kernel_;
    parallel_for(s_.window, 32768 / (row * chunks) + 1, [&](int64_t begin, int64_t end) {
      for (int64_t chunk = 1; chunk < chunks; ++chunk) {
        const float* from = sums + chunk * s_.groups * size_;
        for (int64_t i = begin * row; i < end * row; ++i) sums[i] += from[i];
      }
      for (int64_t i = begin; i < end; ++i) {
        float* to = dw + i % channels * taps + i / channels;
        for (int64_t k = 0; k < out_channels; ++k) to[k * s_.window] = sums[i * row + k];
      }
    });
  }

  const Conv2dBackwardWeight& a_;
  ConvShape s_;
  int64_t kernel_, size_;
};

template <class Args> const char* why_not(const Args& a) {
  const Window2d& w = a.window;
  if (w.kernel[0] != w.kernel[1] || (w.kernel[0] != 3 && w.kernel[0] != 5)) {
    return "expected a kernel of 3 x 3 or 5 x 5";
  }
  for (int d = 0; d < 2; ++d) {
    if (w.stride[d] != 1) return "expected a stride of 1";
    if (w.dilation[d] != 1) return "expected a dilation of 1";
  }
  const char* why = nullptr;
  Args tensors = a;
  tensors.visit([&](const char*, Tensor& t, Role) {
    if (t.defined() && t.numel() == 0) why = "expected tensors with elements";
  });
  return why;
}

void run(const Conv2d& args) { with_dense(args, forward); }
void run(const Conv2dBackwardInput& args) { with_dense(args, backward_input); }
void run(const Conv2dBackwardWeight& args) {
  with_dense(args, [](const Conv2dBackwardWeight& a) { BackwardWeight(a).run(); });
}

const bool kForward = conv2d_kernels().add({"winograd", kCPU, {kFloat32}, run, 0, why_not});
const bool kBackwardInput =
    conv2d_backward_input_kernels().add({"winograd", kCPU, {kFloat32}, run, 0, why_not});
const bool kBackwardWeight =
    conv2d_backward_weight_kernels().add({"winograd", kCPU, {kFloat32}, run, 0, why_not});
}  // namespace

}  // namespace iolaus
