// Convolution and pooling layers, and their names in configs.
#include "nn/layers/conv.h"

#include "config/instantiate.h"
#include "nn/init.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;

std::string text(Pair p) { return fmt::format("({}, {})", p.height, p.width); }

// One number, or two.
Pair pair(const config::Args& a, const char* name) {
  const std::vector<int64_t> values = a.get<std::vector<int64_t>>(name);
  if (values.size() == 1) return values[0];
  if (values.size() != 2) a.fail_about(name, "expected one number or two");
  return {values[0], values[1]};
}

// A size, or PyTorch's words.
Pair padding(const config::Args& a, Pair kernel, Pair stride, Pair dilation) {
  const config::Node& node = a.node("padding");
  if (!node.is_string()) {
    if (node.is_int()) return node.as_int();
    if (node.is_list() && node.size() == 2) return {node.child(0).as_int(), node.child(1).as_int()};
    a.fail_about("padding", "expected a number, two numbers, 'same' or 'valid'");
  }
  if (node.as_string() == "valid") return 0;
  if (node.as_string() != "same") {
    a.fail_about("padding", "expected a number, two numbers, 'same' or 'valid'");
  }
  const int64_t h = dilation.height * (kernel.height - 1), w = dilation.width * (kernel.width - 1);
  if (!(stride == Pair(1))) a.fail_about("padding", "'same' needs stride 1");
  if (h % 2 != 0 || w % 2 != 0) a.fail_about("padding", "'same' needs an odd kernel size");
  return {h / 2, w / 2};
}

const config::Register<Conv2d, Module> kConv{
    {"iolaus.nn.Conv2d", "torch.nn.Conv2d"},
    "two-dimensional convolution",
    {{"in_channels", P::kInt, "channels of the input"},
     {"out_channels", P::kInt, "channels of the output"},
     {"kernel_size", P::kInts, "height and width of the window"},
     {"stride", P::kInts, "step of the window", 1},
     {"padding", P::kAny, "zeros on both sides, or same, or valid", 0},
     {"dilation", P::kInts, "step within the window", 1},
     {"groups", P::kInt, "groups of channels", 1},
     {"bias", P::kBool, "adds a bias", true}},
    [](const config::Args& a) {
      const Pair kernel = pair(a, "kernel_size"), stride = pair(a, "stride"),
                 dilation = pair(a, "dilation");
      return std::make_shared<Conv2d>(a.get<int64_t>("in_channels"), a.get<int64_t>("out_channels"),
                                      kernel,
                                      Conv2dOptions{.stride = stride,
                                                    .padding = padding(a, kernel, stride, dilation),
                                                    .dilation = dilation,
                                                    .groups = a.get<int64_t>("groups")},
                                      a.get<bool>("bias"));
    }};

const config::Register<MaxPool2d, Module> kMaxPool{
    {"iolaus.nn.MaxPool2d", "torch.nn.MaxPool2d"},
    "the largest element of each window",
    {{"kernel_size", P::kInts, "height and width of the window"},
     {"stride", P::kInts, "step of the window; null: the kernel size", nullptr},
     {"padding", P::kInts, "on both sides", 0},
     {"dilation", P::kInts, "step within the window", 1},
     {"ceil_mode", P::kBool, "rounds the output size up", false}},
    [](const config::Args& a) {
      return std::make_shared<MaxPool2d>(
          pair(a, "kernel_size"),
          MaxPool2dOptions{.stride = a.has("stride") ? pair(a, "stride") : Pair(0),
                           .padding = pair(a, "padding"),
                           .dilation = pair(a, "dilation"),
                           .ceil_mode = a.get<bool>("ceil_mode")});
    }};

const config::Register<AvgPool2d, Module> kAvgPool{
    {"iolaus.nn.AvgPool2d", "torch.nn.AvgPool2d"},
    "the mean of each window",
    {{"kernel_size", P::kInts, "height and width of the window"},
     {"stride", P::kInts, "step of the window; null: the kernel size", nullptr},
     {"padding", P::kInts, "zeros on both sides", 0},
     {"ceil_mode", P::kBool, "rounds the output size up", false},
     {"count_include_pad", P::kBool, "padding counts as elements", true}},
    [](const config::Args& a) {
      return std::make_shared<AvgPool2d>(
          pair(a, "kernel_size"),
          AvgPool2dOptions{.stride = a.has("stride") ? pair(a, "stride") : Pair(0),
                           .padding = pair(a, "padding"),
                           .ceil_mode = a.get<bool>("ceil_mode"),
                           .count_include_pad = a.get<bool>("count_include_pad")});
    }};

const config::Register<AdaptiveAvgPool2d, Module> kAdaptive{
    {"iolaus.nn.AdaptiveAvgPool2d", "torch.nn.AdaptiveAvgPool2d"},
    "means over windows that cut the image into output_size parts",
    {{"output_size", P::kInts, "height and width of the output"}},
    [](const config::Args& a) {
      return std::make_shared<AdaptiveAvgPool2d>(pair(a, "output_size"));
    }};

}  // namespace

Conv2d::Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel, Conv2dOptions options,
               bool bias)
    : options_(options) {
  const int64_t groups = options.groups;
  IOLAUS_CHECK(groups > 0 && in_channels % groups == 0 && out_channels % groups == 0,
               "[Conv2d] {} input and {} output channels do not divide into {} groups", in_channels,
               out_channels, groups);
  weight_ = register_parameter(
      "weight", empty({out_channels, in_channels / groups, kernel.height, kernel.width}));
  bias_ = register_parameter("bias", bias ? zeros({out_channels}) : Tensor());
  reset_weight_and_bias(weight_, bias_);
}

std::string Conv2d::describe() const {
  std::string out =
      fmt::format("{}, {}, kernel_size={}, stride={}", weight_.size(1) * options_.groups,
                  weight_.size(0), text({weight_.size(2), weight_.size(3)}), text(options_.stride));
  if (!(options_.padding == Pair(0))) out += ", padding=" + text(options_.padding);
  if (!(options_.dilation == Pair(1))) out += ", dilation=" + text(options_.dilation);
  if (options_.groups != 1) out += fmt::format(", groups={}", options_.groups);
  if (!bias_.defined()) out += ", bias=False";
  return out;
}

std::string MaxPool2d::describe() const {
  return fmt::format("kernel_size={}, stride={}, padding={}", text(kernel_),
                     text(options_.stride == Pair(0) ? kernel_ : options_.stride),
                     text(options_.padding));
}
std::string AvgPool2d::describe() const {
  return fmt::format("kernel_size={}, stride={}, padding={}", text(kernel_),
                     text(options_.stride == Pair(0) ? kernel_ : options_.stride),
                     text(options_.padding));
}
std::string AdaptiveAvgPool2d::describe() const { return "output_size=" + text(size_); }

}  // namespace iolaus::nn
