// avg_pool2d by cuDNN (its resampling forward). Not the others: its maximum gives the index of an
// element within the window, as bytes, where max_pool2d promises the position in the plane, and the
// front end has no resampling backward. Planes are images of one channel, for which contiguous and
// channels-last are the same. Not bfloat16, of which cuDNN 9.19 made numbers near 1e38 on an H200.
#include "kernels/cudnn/graph.h"
#include "kernels/pool2d/pool2d.h"

namespace iolaus {
namespace {

using cudnn::Graph;
using cudnn::Id;
using cudnn::Problem;

Id planes_of(Problem& problem, const Tensor& t, int64_t height, int64_t width) {
  const int64_t planes = t.numel() / (height * width);
  return problem.tensor(t.raw_data(), t.dtype(), {planes, 1, height, width},
                        {height * width, 1, width, 1});
}

struct Forward {
  Problem problem;
  Id x, y;
  Window2d window;
  int64_t after[2];  // elements that windows reach beyond the end
  bool count_padding;

  explicit Forward(const AvgPool2d& a)
      : problem("avg_pool2d", a.device()),
        window(a.pooling.window),
        count_padding(a.pooling.count_include_pad) {
    const PoolShape s = pool_shape(a.x, a.out);
    x = planes_of(problem, a.x, s.in_height, s.in_width);
    y = planes_of(problem, a.out, s.out_height, s.out_width);
    const int64_t in[2] = {s.in_height, s.in_width}, out[2] = {s.out_height, s.out_width};
    for (int d = 0; d < 2; ++d) {
      const int64_t end = (out[d] - 1) * window.stride[d] + window.kernel[d] - window.padding[d];
      after[d] = std::max<int64_t>(end - in[d], 0);
    }
    problem.depends_on(window);
    problem.depends_on(
        {static_cast<double>(after[0]), static_cast<double>(after[1]), count_padding ? 1.0 : 0.0});
  }
  void operator()(Graph& g) const { g.average_pool(x, y, window, after, count_padding); }
};

const char* why_not(const AvgPool2d& a) {
  if (const char* missing = cudnn::missing()) return missing;
  if (a.x.numel() == 0 || a.out.numel() == 0) return "a tensor is empty";
  if (a.pooling.adaptive) return "cuDNN has no adaptive pooling";
  if (a.pooling.divisor_override != 0) return "cuDNN's divisor cannot be chosen";
  const Forward p(a);
  for (int d = 0; d < 2 && p.count_padding; ++d) {
    // Beyond the padding (ceil_mode) cuDNN would count elements that are not there.
    if (p.after[d] > p.window.padding[d]) return "windows must not hang over the padding";
  }
  const std::string& problem = p.problem.why_not(std::cref(p));
  return problem.empty() ? nullptr : problem.c_str();
}

void run(const AvgPool2d& a) {
  const Forward p(a);
  p.problem.run(std::cref(p));
}

const bool kRegistered =
    avg_pool2d_kernels().add({"cudnn", kCUDA, {kFloat32, kFloat16}, run, 0, why_not});

}  // namespace
}  // namespace iolaus
