// Training steps against PyTorch: the same networks, weights and batches give the same losses, on
// every device.
#include <doctest/doctest.h>

#include <cmath>
#include <fstream>
#include <nlohmann/json.hpp>

#include "autograd/grad_mode.h"
#include "config/instantiate.h"
#include "config/yaml.h"
#include "core/device_info.h"
#include "core/parallel.h"
#include "nn/module.h"
#include "nn/optim/optimizer.h"
#include "tests/devices.h"

using namespace iolaus;

namespace {

constexpr const char* kLenet = R"(
_target_: torch.nn.Sequential
_args_:
- {_target_: torch.nn.Conv2d, in_channels: 1, out_channels: 6, kernel_size: 5}
- {_target_: torch.nn.ReLU}
- {_target_: torch.nn.MaxPool2d, kernel_size: 2}
- {_target_: torch.nn.Conv2d, in_channels: 6, out_channels: 16, kernel_size: 5}
- {_target_: torch.nn.ReLU}
- {_target_: torch.nn.MaxPool2d, kernel_size: 2}
- {_target_: torch.nn.Flatten}
- {_target_: torch.nn.Linear, in_features: 256, out_features: 120}
- {_target_: torch.nn.ReLU}
- {_target_: torch.nn.Linear, in_features: 120, out_features: 84}
- {_target_: torch.nn.ReLU}
- {_target_: torch.nn.Linear, in_features: 84, out_features: 10}
)";
constexpr const char* kNorms = R"(
_target_: torch.nn.Sequential
_args_:
- {_target_: torch.nn.Conv2d, in_channels: 1, out_channels: 8, kernel_size: 3, stride: 2, padding: 1}
- {_target_: torch.nn.BatchNorm2d, num_features: 8}
- {_target_: torch.nn.GELU}
- {_target_: torch.nn.Conv2d, in_channels: 8, out_channels: 16, kernel_size: 3, padding: 1, groups: 2}
- {_target_: torch.nn.BatchNorm2d, num_features: 16}
- {_target_: torch.nn.ReLU}
- {_target_: torch.nn.AvgPool2d, kernel_size: 2}
- {_target_: torch.nn.Flatten}
- {_target_: torch.nn.Linear, in_features: 784, out_features: 32}
- {_target_: torch.nn.LayerNorm, normalized_shape: 32}
- {_target_: torch.nn.Tanh}
- {_target_: torch.nn.Linear, in_features: 32, out_features: 10}
)";
constexpr const char* kSgd =
    "{_target_: torch.optim.SGD, _partial_: true, lr: 0.05, momentum: 0.9, nesterov: true, "
    "weight_decay: 0.001}";
constexpr const char* kAdamW = "{_target_: torch.optim.AdamW, _partial_: true, lr: 0.01}";

// scale sin(rate i + phase), as the script that made the reference.
Tensor wave(const Dims& sizes, double rate, double phase, double scale) {
  Tensor out = empty(sizes);
  for (int64_t i = 0; i < out.numel(); ++i) {
    out.data<float>()[i] =
        static_cast<float>(scale * std::sin(rate * static_cast<double>(i) + phase));
  }
  return out;
}

std::shared_ptr<nn::Module> make_model(const char* yaml) {
  auto model = config::instantiate<nn::Module>(config::load_yaml(yaml, "test.yaml"));
  const NoGrad no_grad;
  int k = 0;
  for (const Tensor& p : model->parameters()) {
    const double scale =
        p.dim() > 1 ? 1 / std::sqrt(static_cast<double>(p.numel() / p.size(0))) : 0.1;
    copy_(p, wave(p.sizes(), 0.7, k++, scale));
  }
  return model;
}

struct Trained {
  std::vector<double> losses;
  std::map<std::string, Tensor> state;
};

Trained train(const char* model_yaml, const char* optimizer_yaml, Device device = {},
              int steps = 20) {
  const auto model = make_model(model_yaml);
  model->to(device);
  const auto optimizer =
      config::instantiate<config::Partial>(config::load_yaml(optimizer_yaml, "test.yaml"))
          ->call<nn::Optimizer>({{"params", nn::one_group(model->parameters())}});
  Trained result;
  for (int s = 0; s < steps; ++s) {
    const Tensor x = wave({16, 1, 28, 28}, 0.37, s % 4, 1);
    std::vector<int64_t> target;
    for (int64_t i = 0; i < 16; ++i) target.push_back((3 * i + s % 4) % 10);
    optimizer->zero_grad();
    const Tensor loss =
        cross_entropy(model->forward(to(x, device)), to(from_values(target, {16}), device));
    loss.backward();
    optimizer->step();
    result.losses.push_back(loss.item<double>());
  }
  result.state = model->state_dict();
  return result;
}

void compare(const char* name, const char* model, const char* optimizer) {
  std::ifstream file(IOLAUS_SOURCE_DIR "/tests/data/nn/twenty_losses.json");
  const auto expected = nlohmann::json::parse(file).at(name).get<std::vector<double>>();
  for (const Device device : test::all_devices()) {
    // Half a million multiplications a step: the simulated device gets fewer of them.
    const int steps = device.is_cuda() && is_cuda_simulated() ? 4 : 20;
    const Trained trained = train(model, optimizer, device, steps);
    for (size_t i = 0; i < trained.losses.size(); ++i) {
      CAPTURE(device.str());
      CAPTURE(i);
      CHECK(std::abs(trained.losses[i] - expected[i]) <= 1e-5 * expected[i]);
    }
  }
}

}  // namespace

TEST_CASE("twenty steps of a convolutional network with SGD give PyTorch's losses") {
  compare("lenet_sgd", kLenet, kSgd);
}

TEST_CASE("twenty steps with batch norm, layer norm, groups and AdamW give PyTorch's losses") {
  compare("norms_adamw", kNorms, kAdamW);
}

TEST_CASE("training is bitwise the same twice, and for one and two threads") {
  const int threads = num_threads();
  const Trained first = train(kNorms, kAdamW);
  for (int count : {threads, 1, 2}) {
    set_num_threads(count);
    const Trained again = train(kNorms, kAdamW);
    for (const auto& [name, tensor] : first.state) {
      INFO(name, " with ", count, " threads");
      CHECK(tensor.to_vector<float>() == again.state.at(name).to_vector<float>());
    }
  }
  set_num_threads(threads);
}

TEST_CASE("training on a CUDA device is bitwise the same twice") {
  if (!is_available(kCUDA)) {
    MESSAGE("skipped: no CUDA device");
    return;
  }
  const Trained first = train(kNorms, kAdamW, kCUDA, 2), again = train(kNorms, kAdamW, kCUDA, 2);
  for (const auto& [name, tensor] : first.state) {
    INFO(name);
    CHECK(tensor.to_vector<float>() == again.state.at(name).to_vector<float>());
  }
}
