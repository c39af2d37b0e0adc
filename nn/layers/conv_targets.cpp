// The convolution layers' names in configs.
#include "nn/layers/conv.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

// A size, or PyTorch's words.
void read_padding(const Args& a, size_t rank, ConvLayerOptions& options) {
  const config::Node& node = a.node("padding");
  if (node.is_string()) {
    options.same_or_valid = node.as_string();
    if (options.same_or_valid != "same" && options.same_or_valid != "valid") {
      a.fail_about("padding", "expected numbers, 'same' or 'valid', got " + node.repr());
    }
    return;
  }
  Dims padding;
  const auto add = [&](const config::Node& value) {
    if (!value.is_int()) a.fail_about("padding", "expected numbers, 'same' or 'valid'");
    padding.push_back(value.as_int());
  };
  if (node.is_list()) {
    for (const config::Node& value : node) add(value);
  } else {
    add(node);
  }
  if (padding.size() != 1 && padding.size() != rank) {
    a.fail_about("padding", fmt::format("expected one number or {}", rank));
  }
  options.padding = padding;
}

template <int kRank> struct ConvTargets {
  config::Register<ConvNd<kRank>, Conv, Module> conv{
      names(fmt::format("Conv{}d", kRank)),
      "convolution",
      {{"in_channels", P::kInt, "channels of the input"},
       {"out_channels", P::kInt, "channels of the output"},
       {"kernel_size", P::kInts, "sizes of the window"},
       {"stride", P::kInts, "step of the window", 1},
       {"padding", P::kAny, "on both sides, or same, or valid", 0},
       {"dilation", P::kInts, "step within the window", 1},
       {"groups", P::kInt, "groups of channels", 1},
       {"bias", P::kBool, "adds a bias", true},
       {"padding_mode", P::kString, "zeros, reflect, replicate or circular", "zeros"}},
      [](const Args& a) {
        ConvLayerOptions o{.stride = dims(a, "stride", kRank),
                           .dilation = dims(a, "dilation", kRank),
                           .groups = a.get<int64_t>("groups"),
                           .bias = a.get<bool>("bias"),
                           .padding_mode = a.get<std::string>("padding_mode")};
        read_padding(a, kRank, o);
        return std::make_shared<ConvNd<kRank>>(a.get<int64_t>("in_channels"),
                                               a.get<int64_t>("out_channels"),
                                               dims(a, "kernel_size", kRank), o);
      }};
  config::Register<ConvTransposeNd<kRank>, ConvTranspose, Module> transpose{
      names(fmt::format("ConvTranspose{}d", kRank)),
      "the transpose of a convolution",
      {{"in_channels", P::kInt, "channels of the input"},
       {"out_channels", P::kInt, "channels of the output"},
       {"kernel_size", P::kInts, "sizes of the window"},
       {"stride", P::kInts, "step of the window", 1},
       {"padding", P::kInts, "what is cut off on both sides", 0},
       {"output_padding", P::kInts, "what is added at the end", 0},
       {"groups", P::kInt, "groups of channels", 1},
       {"bias", P::kBool, "adds a bias", true},
       {"dilation", P::kInts, "step within the window", 1},
       {"padding_mode", P::kString, "zeros", "zeros"}},
      [](const Args& a) {
        if (a.get<std::string>("padding_mode") != "zeros") {
          a.fail_about("padding_mode", "expected 'zeros'");
        }
        return std::make_shared<ConvTransposeNd<kRank>>(
            a.get<int64_t>("in_channels"), a.get<int64_t>("out_channels"),
            dims(a, "kernel_size", kRank),
            ConvTransposeLayerOptions{.stride = dims(a, "stride", kRank),
                                      .padding = dims(a, "padding", kRank),
                                      .output_padding = dims(a, "output_padding", kRank),
                                      .groups = a.get<int64_t>("groups"),
                                      .bias = a.get<bool>("bias"),
                                      .dilation = dims(a, "dilation", kRank)});
      }};
};

const ConvTargets<1> k1d;
const ConvTargets<2> k2d;
const ConvTargets<3> k3d;

}  // namespace
}  // namespace iolaus::nn
