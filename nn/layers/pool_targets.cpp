// The pooling layers' names in configs.
#include <cmath>

#include "nn/layers/pool.h"
#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

std::vector<config::Param> avg_params(bool divisor) {
  std::vector<config::Param> params{
      {"kernel_size", P::kInts, "sizes of the window"},
      {"stride", P::kInts, "step of the window; null: the kernel size", nullptr},
      {"padding", P::kInts, "zeros on both sides", 0},
      {"ceil_mode", P::kBool, "rounds the output size up", false},
      {"count_include_pad", P::kBool, "padding counts as elements", true}};
  if (divisor) {
    params.emplace_back("divisor_override", P::kInt, "divides instead of the number of elements",
                        nullptr);
  }
  return params;
}

template <int kRank> struct PoolTargets {
  config::Register<MaxPoolNd<kRank>, MaxPool, Module> max{
      names(fmt::format("MaxPool{}d", kRank)),
      "the largest element of each window",
      {{"kernel_size", P::kInts, "sizes of the window"},
       {"stride", P::kInts, "step of the window; null: the kernel size", nullptr},
       {"padding", P::kInts, "on both sides", 0},
       {"dilation", P::kInts, "step within the window", 1},
       {"return_indices", P::kBool, "false; see MaxPool::forward_with_indices", false},
       {"ceil_mode", P::kBool, "rounds the output size up", false}},
      [](const Args& a) {
        if (a.get<bool>("return_indices")) {
          a.fail_about("return_indices", "a layer of a config has one result");
        }
        return std::make_shared<MaxPoolNd<kRank>>(
            dims(a, "kernel_size", kRank), PoolOptions{.stride = dims_or_none(a, "stride", kRank),
                                                       .padding = dims(a, "padding", kRank),
                                                       .dilation = dims(a, "dilation", kRank),
                                                       .ceil_mode = a.get<bool>("ceil_mode")});
      }};
  config::Register<AvgPoolNd<kRank>, AvgPool, Module> avg{
      names(fmt::format("AvgPool{}d", kRank)), "the mean of each window", avg_params(kRank > 1),
      [](const Args& a) {
        AvgPoolOptions o{.stride = dims_or_none(a, "stride", kRank),
                         .padding = dims(a, "padding", kRank),
                         .ceil_mode = a.get<bool>("ceil_mode"),
                         .count_include_pad = a.get<bool>("count_include_pad")};
        if (kRank > 1) o.divisor_override = a.get<std::optional<int64_t>>("divisor_override");
        return std::make_shared<AvgPoolNd<kRank>>(dims(a, "kernel_size", kRank), o);
      }};
  config::Register<AdaptiveAvgPoolNd<kRank>, AdaptivePool, Module> adaptive_avg{
      names(fmt::format("AdaptiveAvgPool{}d", kRank)),
      "means over windows that cut the image into output_size parts",
      {{"output_size", P::kInts, "sizes of the output; -1 keeps one"}},
      [](const Args& a) {
        return std::make_shared<AdaptiveAvgPoolNd<kRank>>(dims(a, "output_size", kRank));
      }};
  config::Register<AdaptiveMaxPoolNd<kRank>, AdaptivePool, Module> adaptive_max{
      names(fmt::format("AdaptiveMaxPool{}d", kRank)),
      "maxima over windows that cut the image into output_size parts",
      {{"output_size", P::kInts, "sizes of the output; -1 keeps one"}},
      [](const Args& a) {
        return std::make_shared<AdaptiveMaxPoolNd<kRank>>(dims(a, "output_size", kRank));
      }};
};
const PoolTargets<1> k1d;
const PoolTargets<2> k2d;
const PoolTargets<3> k3d;

// (sum x^p)^(1 / p), with PyTorch's treatment of negative sums.
template <int kRank> config::Register<FunctionLayer, Module> power_average(const char* type) {
  return function(type, "the p-norm of each window",
                  {{"norm_type", P::kFloat, "p"},
                   {"kernel_size", P::kInts, "sizes of the window"},
                   {"stride", P::kInts, "step of the window; null: the kernel size", nullptr},
                   {"ceil_mode", P::kBool, "rounds the output size up", false}},
                  [](const Args& a) -> Fn {
                    const double p = a.get<double>("norm_type");
                    const Dims kernel = dims(a, "kernel_size", kRank);
                    const PoolOptions o{.stride = dims_or_none(a, "stride", kRank),
                                        .ceil_mode = a.get<bool>("ceil_mode")};
                    int64_t count = 1;
                    for (const int64_t k : kernel) count *= k;
                    return [=](const Tensor& x) {
                      const Tensor mean = avg_pool(pow(x, p), kRank, kernel, o);
                      return pow(sign(mean.detach()) * relu(abs(mean)) * count, 1 / p);
                    };
                  });
}
const auto kPower1d = power_average<1>("LPPool1d");
const auto kPower2d = power_average<2>("LPPool2d");
const auto kPower3d = power_average<3>("LPPool3d");

}  // namespace
}  // namespace iolaus::nn
