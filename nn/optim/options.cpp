// Tables of options: defaults, checks, configs.
#include "nn/optim/options.h"

namespace iolaus::nn {

OptimizerOptions with_defaults(const char* name, OptionSpecs specs, const OptimizerOptions& given) {
  OptimizerOptions options;
  for (const OptionSpec& spec : specs) {
    if (spec.kind == OptionSpec::kBetas) {
      options["beta1"] = spec.value;
      options["beta2"] = spec.second;
    } else {
      options[spec.name] = spec.value;
    }
  }
  for (const auto& [key, value] : given) {
    const auto found = options.find(key);
    IOLAUS_CHECK(found != options.end(), "[{}] there is no option '{}'", name, key);
    found->second = value;
  }
  return options;
}

void check_options(const std::string& name, OptionSpecs specs, const OptimizerOptions& options) {
  for (const OptionSpec& spec : specs) {
    if (spec.kind == OptionSpec::kBetas) {
      for (const char* beta : {"beta1", "beta2"}) {
        IOLAUS_CHECK(options.at(beta) >= 0 && options.at(beta) < 1,
                     "[{}] expected betas in [0, 1), got {}", name, options.at(beta));
      }
    } else if (spec.kind != OptionSpec::kFlag) {
      IOLAUS_CHECK(options.at(spec.name) >= 0, "[{}] {} must not be negative, got {}", name,
                   spec.name, options.at(spec.name));
    }
  }
}

std::vector<config::Param> option_params(OptionSpecs specs) {
  using P = config::ParamType;
  std::vector<config::Param> params{
      {"params", P::kObjects, "what to train; the program hands it over", nullptr}};
  for (const OptionSpec& spec : specs) {
    switch (spec.kind) {
      case OptionSpec::kNumber:
        params.emplace_back(spec.name, P::kFloat, spec.what, spec.value);
        break;
      case OptionSpec::kCount:
        params.emplace_back(spec.name, P::kInt, spec.what, static_cast<int64_t>(spec.value));
        break;
      case OptionSpec::kFlag:
        params.emplace_back(spec.name, P::kBool, spec.what, spec.value != 0);
        break;
      case OptionSpec::kBetas: {
        config::Node betas = config::Node::list();
        betas.append(spec.value);
        betas.append(spec.second);
        params.emplace_back(spec.name, P::kFloats, spec.what, betas);
      }
    }
  }
  params.emplace_back("foreach", P::kBool, "without effect: all tensors are stepped at once",
                      nullptr);
  params.emplace_back("fused", P::kBool, "without effect: steps are fused", nullptr);
  return params;
}

OptimizerOptions options_from(OptionSpecs specs, const config::Args& args) {
  OptimizerOptions options;
  for (const OptionSpec& spec : specs) {
    switch (spec.kind) {
      case OptionSpec::kNumber:
        options[spec.name] = args.get<double>(spec.name);
        break;
      case OptionSpec::kCount:
        options[spec.name] = static_cast<double>(args.get<int64_t>(spec.name));
        break;
      case OptionSpec::kFlag:
        options[spec.name] = args.get<bool>(spec.name) ? 1 : 0;
        break;
      case OptionSpec::kBetas: {
        const auto betas = args.get<std::vector<double>>(spec.name);
        if (betas.size() != 2) args.fail_about(spec.name, "expected two numbers");
        options["beta1"] = betas[0];
        options["beta2"] = betas[1];
      }
    }
  }
  return options;
}

}  // namespace iolaus::nn
