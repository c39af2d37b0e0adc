// The options of an optimizer as a table: what C++ may leave out, what a config may say, and which
// values make sense all follow from it.
#pragma once

#include <span>

#include "config/instantiate.h"
#include "nn/optim/optimizer.h"

namespace iolaus::nn {

struct OptionSpec {
  enum Kind { kNumber, kCount, kFlag, kBetas };
  const char* name;  // kBetas: "betas" in configs, "beta1" and "beta2" among the options
  Kind kind;
  double value;  // the default
  const char* what;
  double second = 0;  // kBetas: the default of beta2
};

using OptionSpecs = std::span<const OptionSpec>;

/// The given options and the table's defaults. Errors: kInvalidArgument for an unknown name.
OptimizerOptions with_defaults(const char* name, OptionSpecs specs, const OptimizerOptions& given);
/// Checks that numbers are not negative and betas in [0, 1). Errors: kInvalidArgument.
void check_options(const std::string& name, OptionSpecs specs, const OptimizerOptions& options);
/// The parameters of a config's target: `params`, which the program hands over, the table's, and
/// `foreach` and `fused`, which are taken as PyTorch's configs have them: a step is always fused.
std::vector<config::Param> option_params(OptionSpecs specs);
OptimizerOptions options_from(OptionSpecs specs, const config::Args& args);

/// Registers an optimizer whose constructor takes groups and options.
template <class T>
config::Register<T, Optimizer> register_optimizer(std::vector<std::string> names, std::string what,
                                                  OptionSpecs specs) {
  return {std::move(names), std::move(what), option_params(specs), [specs](const config::Args& a) {
            return std::make_shared<T>(a.extra<std::vector<ParamGroup>>("params"),
                                       options_from(specs, a));
          }};
}

}  // namespace iolaus::nn
