// Muon, and its names in configs.
#include <algorithm>
#include <array>
#include <cmath>

#include "autograd/ops.h"
#include "nn/optim/composed.h"
#include "nn/optim/options.h"

namespace iolaus::nn {
namespace {

using S = OptionSpec;

constexpr OptionSpec kOptions[] = {
    {"lr", S::kNumber, 1e-3, "learning rate"},
    {"weight_decay", S::kNumber, 0.1, "decoupled decay of the weights"},
    {"momentum", S::kNumber, 0.95, "momentum factor"},
    {"nesterov", S::kFlag, 1, "Nesterov's momentum"},
    {"eps", S::kNumber, 1e-7, "the smallest norm that is divided by"},
    {"ns_steps", S::kCount, 5, "Newton-Schulz iterations"},
};
constexpr double kCoefficients[] = {3.4445, -4.7750, 2.0315};
constexpr const char* kAdjust[] = {"original", "match_rms_adamw", "spectral_unclamped"};

std::vector<config::Param> params() {
  std::vector<config::Param> all = option_params(kOptions);
  config::Node coefficients = config::Node::list();
  for (double c : kCoefficients) coefficients.append(c);
  all.emplace_back("ns_coefficients", config::ParamType::kFloats, "of the iteration's polynomial",
                   coefficients);
  all.emplace_back("adjust_lr_fn", config::ParamType::kString,
                   "how the rate follows the shape: original, match_rms_adamw or "
                   "spectral_unclamped",
                   nullptr);
  return all;
}

const config::Register<Muon, Optimizer> kMuon{
    {"iolaus.optim.Muon", "torch.optim.Muon"},
    "momentum of matrices, made orthogonal",
    params(),
    [](const config::Args& a) {
      OptimizerOptions options = options_from(kOptions, a);
      const auto c = a.get<std::vector<double>>("ns_coefficients");
      if (c.size() != 3) a.fail_about("ns_coefficients", "expected three numbers");
      options["ns_a"] = c[0];
      options["ns_b"] = c[1];
      options["ns_c"] = c[2];
      if (a.has("adjust_lr_fn")) {
        const auto* found = std::ranges::find(kAdjust, a.get<std::string>("adjust_lr_fn"));
        if (found == std::end(kAdjust)) {
          a.fail_about("adjust_lr_fn", "expected original, match_rms_adamw or spectral_unclamped");
        }
        options["adjust_lr_fn"] = static_cast<double>(found - std::begin(kAdjust));
      }
      return std::make_shared<Muon>(a.extra<std::vector<ParamGroup>>("params"), options);
    }};

OptimizerOptions all_options(OptimizerOptions given) {
  OptimizerOptions own{{"ns_a", kCoefficients[0]},
                       {"ns_b", kCoefficients[1]},
                       {"ns_c", kCoefficients[2]},
                       {"adjust_lr_fn", 0}};
  for (auto& [name, value] : own) {
    if (const auto found = given.find(name); found != given.end()) {
      value = found->second;
      given.erase(found);
    }
  }
  own.merge(with_defaults("Muon", kOptions, given));
  return own;
}

// x' = a x + (b x x^T + c (x x^T)^2) x, from x / |x|, of the wide orientation.
Tensor orthogonal(const Tensor& u, const OptimizerOptions& o) {
  const bool tall = u.size(0) > u.size(1);
  Tensor x = to(u, kBFloat16);
  if (tall) x = transpose(x, 0, 1);
  x = x / clamp(vector_norm(x), o.at("eps"), std::nullopt);
  for (int64_t i = 0; i < static_cast<int64_t>(o.at("ns_steps")); ++i) {
    const Tensor gram = matmul(x, transpose(x, 0, 1));
    const Tensor factor = addmm(gram, gram, gram, o.at("ns_b"), o.at("ns_c"));
    x = addmm(x, factor, x, o.at("ns_a"));
  }
  return to(tall ? transpose(x, 0, 1) : x, u.dtype());
}

double adjusted(const OptimizerOptions& o, const Tensor& p) {
  const double rows = static_cast<double>(p.size(0)), columns = static_cast<double>(p.size(1));
  const int rule = static_cast<int>(o.at("adjust_lr_fn"));
  if (rule == 1) return o.at("lr") * 0.2 * std::sqrt(std::max(rows, columns));
  if (rule == 2) return o.at("lr") * std::sqrt(rows / columns);
  return o.at("lr") * std::sqrt(std::max(1.0, rows / columns));
}

}  // namespace

Muon::Muon(std::vector<ParamGroup> param_groups, const OptimizerOptions& options)
    : ComposedOptimizer(std::move(param_groups), all_options(options)) {
  for (const ParamGroup& group : groups()) Muon::check_group(group);
}

void Muon::check_group(const ParamGroup& group) const {
  check_options("Muon", kOptions, group.options);
  IOLAUS_CHECK(group.options.at("ns_steps") < 100,
               "[Muon] expected fewer than 100 ns_steps, got {}", group.options.at("ns_steps"));
  for (const Tensor& p : group.params) {
    IOLAUS_CHECK(p.dim() == 2, "[Muon] expected matrices as parameters, got {}", p.describe());
  }
}

std::vector<std::string> Muon::buffer_names(const OptimizerOptions&) const {
  return {"momentum_buffer"};
}

void Muon::update_param(const Tensor& p, const Tensor& g, ParamState& state,
                        const OptimizerOptions& o) {
  const Tensor& momentum = state.buffers[0];
  copy_(momentum, lerp(momentum, g, 1 - o.at("momentum")));
  const Tensor u = o.at("nesterov") != 0 ? lerp(g, momentum, o.at("momentum")) : momentum;
  const Tensor decayed = p * (1 - o.at("lr") * o.at("weight_decay"));
  copy_(p, sub(decayed, orthogonal(u, o), adjusted(o, p)));
}

}  // namespace iolaus::nn
