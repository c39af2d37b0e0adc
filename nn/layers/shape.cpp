// Layers that move elements about, their names in configs: Flatten, padding, columns, sizes of
// images. All are functions of autograd/ops.
#include "autograd/ops/vision.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;
using Layer = config::Register<FunctionLayer, Module>;

const Layer kIdentity{names("Identity"),
                      "x; takes any arguments",
                      {{"_args_", P::kAny, "ignored", config::Node::list()},
                       {"_kwargs_", P::kDict, "ignored", config::Node::dict()}},
                      [](const Args&) {
                        return std::make_shared<FunctionLayer>("Identity", "",
                                                               [](const Tensor& x) { return x; });
                      }};
const Layer kFlatten = function(
    "Flatten", "dimensions start_dim to end_dim become one",
    {{"start_dim", P::kInt, "first dimension", 1}, {"end_dim", P::kInt, "last dimension", -1}},
    [](const Args& a) -> Fn {
      const int64_t start = a.get<int64_t>("start_dim"), end = a.get<int64_t>("end_dim");
      return [=](const Tensor& x) { return flatten(x, start, end); };
    });
const Layer kUnflatten =
    function("Unflatten", "a dimension becomes several",
             {{"dim", P::kInt, "the dimension"},
              {"unflattened_size", P::kInts, "their sizes, of which one may be -1"}},
             [](const Args& a) -> Fn {
               const int64_t dim = a.get<int64_t>("dim");
               const Dims sizes = a.get<std::vector<int64_t>>("unflattened_size");
               return [=](const Tensor& x) { return unflatten(x, dim, sizes); };
             });
const Layer kMean{
    {"iolaus.nn.Mean"},
    "the mean along a dimension",
    {{"dim", P::kInts, "the dimensions"}, {"keepdim", P::kBool, "keeps them with size 1", false}},
    [](const Args& a) {
      const Dims dim = a.get<std::vector<int64_t>>("dim");
      const bool keepdim = a.get<bool>("keepdim");
      return std::make_shared<FunctionLayer>(
          "Mean", "dim=" + dim.str(), [=](const Tensor& x) { return mean(x, dim, keepdim); });
    }};

const config::Param kFactor{"upscale_factor", P::kInt, "times larger"};
const Layer kShuffle = function(
    "PixelShuffle", "(N, C r^2, H, W) to (N, C, H r, W r)", {kFactor}, [](const Args& a) -> Fn {
      return
          [r = a.get<int64_t>("upscale_factor")](const Tensor& x) { return pixel_shuffle(x, r); };
    });
const Layer kUnshuffle =
    function("PixelUnshuffle", "(N, C, H r, W r) to (N, C r^2, H, W)",
             {{"downscale_factor", P::kInt, "times smaller"}}, [](const Args& a) -> Fn {
               return [r = a.get<int64_t>("downscale_factor")](const Tensor& x) {
                 return pixel_unshuffle(x, r);
               };
             });
// Channels of (N, g, C / g, ...) as (N, C / g, g, ...). (Zhang et al. 2018)
const Layer kChannels =
    function("ChannelShuffle", "takes channels of all groups in turn",
             {{"groups", P::kInt, "groups of channels"}}, [](const Args& a) -> Fn {
               return [groups = a.get<int64_t>("groups")](const Tensor& x) {
                 return reshape(transpose(unflatten(x, 1, {groups, -1}), 1, 2), x.sizes());
               };
             });

const config::Param kKernel{"kernel_size", P::kInts, "height and width of the window"},
    kDilation{"dilation", P::kInts, "step within the window", 1},
    kPadding{"padding", P::kInts, "zeros on both sides", 0},
    kStride{"stride", P::kInts, "step of the window", 1};
ColumnOptions columns(const Args& a) {
  return {dims(a, "dilation", 2), dims(a, "padding", 2), dims(a, "stride", 2)};
}
// A batch of images (C, H, W), or columns (C, L), of one.
Tensor batched(const Tensor& x, int64_t rank, const Fn& fn) {
  return x.dim() == rank ? squeeze(fn(unsqueeze(x, 0)), 0) : fn(x);
}
const Layer kUnfold =
    function("Unfold", "windows of images as columns", {kKernel, kDilation, kPadding, kStride},
             [](const Args& a) -> Fn {
               return [kernel = dims(a, "kernel_size", 2), o = columns(a)](const Tensor& x) {
                 return batched(x, 3, [&](const Tensor& t) { return im2col(t, kernel, o); });
               };
             });
const Layer kFold =
    function("Fold", "sums of columns where Unfold took them",
             {{"output_size", P::kInts, "height and width"}, kKernel, kDilation, kPadding, kStride},
             [](const Args& a) -> Fn {
               return [size = dims(a, "output_size", 2), kernel = dims(a, "kernel_size", 2),
                       o = columns(a)](const Tensor& x) {
                 return batched(x, 2, [&](const Tensor& t) { return col2im(t, size, kernel, o); });
               };
             });

InterpolateOptions sizes(const Args& a) {
  InterpolateOptions o;
  if (a.has("size")) o.size = a.get<std::vector<int64_t>>("size");
  if (a.has("scale_factor")) o.scale_factor = a.get<std::vector<double>>("scale_factor");
  if (a.has("size") == a.has("scale_factor")) {
    a.fail_about("size", "expected either size or scale_factor");
  }
  return o;
}
// One size stands for all dimensions.
Tensor resize(const Tensor& x, InterpolateOptions o) {
  const auto rank = static_cast<size_t>(std::max<int64_t>(x.dim() - 2, 1));
  if (o.size.size() == 1) o.size = Dims::filled(rank, o.size[0]);
  return interpolate(x, o);
}
const config::Param kSize{"size", P::kInts, "of the result's last dimensions", nullptr},
    kScale{"scale_factor", P::kFloats, "how much larger each becomes", nullptr};
const Layer kUpsample = function(
    "Upsample", "images in another size",
    {kSize,
     kScale,
     {"mode", P::kString, "nearest, linear, bilinear, bicubic or trilinear", "nearest"},
     {"align_corners", P::kBool, "corners of both images lie on each other", nullptr},
     {"recompute_scale_factor", P::kBool, "the scale is that of the rounded sizes", nullptr}},
    [](const Args& a) -> Fn {
      InterpolateOptions o = sizes(a);
      o.mode = a.get<std::string>("mode");
      o.align_corners = a.get<std::optional<bool>>("align_corners").value_or(false);
      o.recompute_scale_factor =
          a.get<std::optional<bool>>("recompute_scale_factor").value_or(false);
      return [o](const Tensor& x) { return resize(x, o); };
    });
Layer upsampling(const char* type, const char* mode, bool align_corners) {
  return function(type, "images in another size", {kSize, kScale}, [=](const Args& a) -> Fn {
    InterpolateOptions o = sizes(a);
    o.mode = mode;
    o.align_corners = align_corners;
    return [o](const Tensor& x) { return resize(x, o); };
  });
}
const Layer kNearest = upsampling("UpsamplingNearest2d", "nearest", false);
const Layer kBilinear = upsampling("UpsamplingBilinear2d", "bilinear", true);

}  // namespace
}  // namespace iolaus::nn
