// Sequential, and its name in configs: layers as `_args_`, or by name under `layers`.
#include "nn/layers/sequential.h"

#include "config/instantiate.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;

const config::Register<Sequential, Module> kSequential{
    {"iolaus.nn.Sequential", "torch.nn.Sequential"},
    "layers one after the other",
    {{"_args_", P::kObjects, "the layers", config::Node::list()},
     {"layers", P::kObjects, "the layers as a dict of names, or as a list", nullptr}},
    [](const config::Args& a) {
      auto model = std::make_shared<Sequential>(a.objects<Module>("_args_"));
      if (a.has("layers")) {
        const auto layers = a.objects<Module>("layers");
        const auto names = a.object_names("layers");
        for (size_t i = 0; i < layers.size(); ++i) model->add(layers[i], names[i]);
      }
      return model;
    }};

}  // namespace

Sequential::Sequential(const std::vector<std::shared_ptr<Module>>& layers) {
  for (const auto& layer : layers) add(layer);
}

void Sequential::add(std::shared_ptr<Module> layer, const std::string& name) {
  register_module(name.empty() ? std::to_string(children().size()) : name, std::move(layer));
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& [name, layer] : children()) y = layer->forward(y);
  return y;
}

}  // namespace iolaus::nn
