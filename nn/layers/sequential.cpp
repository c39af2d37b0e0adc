// Containers, and their names in configs: layers as `_args_`, or by name under `layers`.
#include "nn/layers/sequential.h"

#include "nn/layers/target.h"

namespace iolaus::nn {
namespace {

using namespace target;

template <class Container> void add_layers(Container& container, const Args& a, const char* name) {
  const auto layers = a.objects<Module>(name);
  const auto layer_names = a.object_names(name);
  for (size_t i = 0; i < layers.size(); ++i) container.add(layers[i], layer_names[i]);
}

const config::Param kArgs{"_args_", P::kObjects, "the layers", config::Node::list()};
const config::Param kLayers{"layers", P::kObjects, "the layers as a dict of names, or as a list",
                            nullptr};
const config::Register<Sequential, Module> kSequential{
    names("Sequential"), "layers one after the other", {kArgs, kLayers}, [](const Args& a) {
      auto model = std::make_shared<Sequential>(a.objects<Module>("_args_"));
      if (a.has("layers")) add_layers(*model, a, "layers");
      return model;
    }};
const config::Register<Residual, Module> kResidual{
    {"iolaus.nn.Residual"},
    "layers one after the other, plus their input or a shortcut of it",
    {kLayers, {"shortcut", P::kObject, "what the input goes through; null: nothing", nullptr}},
    [](const Args& a) {
      auto model = std::make_shared<Residual>();
      if (a.has("layers")) add_layers(*model, a, "layers");
      if (a.has("shortcut")) model->set_shortcut(a.object<Module>("shortcut"));
      return model;
    }};
const config::Register<ModuleList, Module> kList{
    names("ModuleList"),
    "modules by number",
    {{"modules", P::kObjects, "the modules", nullptr}},
    [](const Args& a) { return std::make_shared<ModuleList>(a.objects<Module>("modules")); }};
const config::Register<ModuleDict, Module> kDict{
    names("ModuleDict"),
    "modules by name",
    {{"modules", P::kObjects, "the modules", nullptr}},
    [](const Args& a) {
      auto dict = std::make_shared<ModuleDict>();
      const auto modules = a.objects<Module>("modules");
      const auto module_names = a.object_names("modules");
      for (size_t i = 0; i < modules.size(); ++i) dict->insert(module_names[i], modules[i]);
      return dict;
    }};

[[noreturn]] void no_forward(const char* type) {
  fail(ErrorCode::kUnsupported, "[{}] has no forward: call its members", type);
}

}  // namespace

Sequential::Sequential(const Modules& layers) {
  for (const auto& layer : layers) add(layer);
}

void Sequential::add(std::shared_ptr<Module> layer, const std::string& name) {
  register_module(name.empty() ? std::to_string(children().size()) : name, std::move(layer));
}

Tensor Sequential::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& [name, layer] : children()) y = (*layer)(y);
  return y;
}

void Residual::add(std::shared_ptr<Module> layer, const std::string& name) {
  layers_.push_back(
      register_module(name.empty() ? std::to_string(layers_.size()) : name, std::move(layer)));
}

void Residual::set_shortcut(std::shared_ptr<Module> shortcut) {
  shortcut_ = register_module("shortcut", std::move(shortcut));
}

Tensor Residual::forward(const Tensor& x) {
  Tensor y = x;
  for (const auto& layer : layers_) y = (*layer)(y);
  return iolaus::add(y, shortcut_ ? (*shortcut_)(x) : x);
}

ModuleList::ModuleList(const Modules& modules) {
  for (const auto& module : modules) append(module);
}
void ModuleList::append(std::shared_ptr<Module> module) {
  register_module(std::to_string(size()), std::move(module));
}
Tensor ModuleList::forward(const Tensor&) { no_forward("ModuleList"); }

void ModuleDict::insert(const std::string& name, std::shared_ptr<Module> module) {
  register_module(name, std::move(module));
}
const std::shared_ptr<Module>& ModuleDict::operator[](const std::string& name) const {
  for (const auto& [own, module] : children()) {
    if (own == name) return module;
  }
  fail(ErrorCode::kNotFound, "[ModuleDict] there is no module '{}'", name);
}
Tensor ModuleDict::forward(const Tensor&) { no_forward("ModuleDict"); }

ParameterList::ParameterList(const Tensors& values) {
  for (const Tensor& value : values) append(value);
}
Tensor ParameterList::append(const Tensor& value) {
  IOLAUS_CHECK(value.defined(), "[ParameterList] expected a tensor, got an undefined one");
  return register_parameter(std::to_string(count_++), value);
}
Tensor ParameterList::operator[](size_t i) const { return parameter(std::to_string(i)); }
Tensor ParameterList::forward(const Tensor&) { no_forward("ParameterList"); }

}  // namespace iolaus::nn
