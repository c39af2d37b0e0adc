// Dropout layers and their names in configs.
#include "nn/layers/dropout.h"

#include <cmath>

#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

std::vector<config::Param> params() {
  return {{"p", P::kFloat, "probability of zero", 0.5}, inplace()};
}
template <int kRank> struct ChannelDropoutTarget {
  config::Register<ChannelDropout, Module> target{
      names(fmt::format("Dropout{}d", kRank)), "zeros channels at random while training", params(),
      [](const Args& a) { return std::make_shared<ChannelDropout>(kRank, a.get<double>("p")); }};
};

const config::Register<Dropout, Module> kDropout{
    names("Dropout"), "zeros elements at random while training", params(),
    [](const Args& a) { return std::make_shared<Dropout>(a.get<double>("p")); }};
const ChannelDropoutTarget<1> kDropout1d;
const ChannelDropoutTarget<2> kDropout2d;
const ChannelDropoutTarget<3> kDropout3d;
const config::Register<AlphaDropout, Module> kAlpha{
    names("AlphaDropout"), "dropout for networks of SELU", params(),
    [](const Args& a) { return std::make_shared<AlphaDropout>(a.get<double>("p")); }};
const config::Register<AlphaDropout, Module> kFeatureAlpha{
    names("FeatureAlphaDropout"), "dropout of channels for networks of SELU", params(),
    [](const Args& a) { return std::make_shared<AlphaDropout>(a.get<double>("p"), true); }};

void check_probability(const char* layer, double p) {
  IOLAUS_CHECK(p >= 0 && p <= 1, "[{}] expected p in [0, 1], got {}", layer, p);
}

// x's first `kept` sizes, then ones.
Dims leading_sizes(const Tensor& x, int64_t kept) {
  Dims sizes = x.sizes();
  for (size_t d = static_cast<size_t>(kept); d < sizes.size(); ++d) sizes[d] = 1;
  return sizes;
}

}  // namespace

Dropout::Dropout(double p) : p_(p) { check_probability("Dropout", p); }

ChannelDropout::ChannelDropout(int rank, double p) : rank_(rank), p_(p) {
  check_probability(type_name().c_str(), p);
}

Tensor ChannelDropout::forward(const Tensor& x) {
  IOLAUS_CHECK(x.dim() == rank_ + 1 || x.dim() == rank_ + 2,
               "[{}] expected {} or {} dimensions, got {}", type_name(), rank_ + 1, rank_ + 2,
               x.describe());
  if (!is_training() || p_ == 0) return x;
  // PyTorch takes three dimensions for (N, C, L) in Dropout2d.
  const int64_t kept = x.dim() == rank_ + 2 || rank_ == 2 ? 2 : 1;
  return mul(x, dropout(ones(leading_sizes(x, kept), x.options()), p_, true));
}

AlphaDropout::AlphaDropout(double p, bool channels) : p_(p), channels_(channels) {
  check_probability(type_name().c_str(), p);
}

Tensor AlphaDropout::forward(const Tensor& x) {
  if (!is_training() || p_ == 0) return x;
  if (p_ == 1) return mul(x, 0);
  IOLAUS_CHECK(!channels_ || x.dim() >= 2, "[FeatureAlphaDropout] expected (N, C, ...), got {}",
               x.describe());
  constexpr double kLimit = -1.7580993408473766;  // SELU for x to -inf
  const double scale = 1 / std::sqrt((1 - p_) * (1 + p_ * kLimit * kLimit));
  const Dims sizes = channels_ ? leading_sizes(x, 2) : x.sizes();
  const Tensor kept = bernoulli(full(sizes, 1 - p_, x.options()));
  const Tensor shift = scale * (kLimit * (1 - kept)) - scale * kLimit * p_;
  return mul(x, scale * kept) + shift;
}

}  // namespace iolaus::nn
