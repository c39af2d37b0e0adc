// Uses the installed package: a gradient, a layer by its name in a config, and the registries.
#include <cstdio>

#include "autograd/ops.h"
#include "config/instantiate.h"
#include "config/yaml.h"
#include "kernels/kernel_set.h"
#include "nn/module.h"

int main() {
  using namespace iolaus;
  const Tensor x = ones({2, 3}).set_requires_grad();
  sum(x * x).backward();
  const auto layer = config::instantiate<nn::Module>(config::load_yaml(
      "{_target_: torch.nn.Linear, in_features: 3, out_features: 4}", "consumer.yaml"));
  const bool ok = x.grad().to_vector<double>() == std::vector<double>(6, 2.0) &&
                  layer->forward(x).sizes() == Dims{2, 4} && all_kernel_sets().size() > 60;
  std::printf("%s\n", ok ? "the installed package works" : "the installed package does not work");
  return ok ? 0 : 1;
}
