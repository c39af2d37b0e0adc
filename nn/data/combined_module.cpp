// The loaders of several modules, and their name in configs.
#include "nn/data/combined_module.h"

#include "config/instantiate.h"
#include "core/error.h"

namespace iolaus::nn::data {

CombinedModule::CombinedModule(std::vector<std::shared_ptr<DataModule>> modules)
    : modules_(std::move(modules)) {
  IOLAUS_CHECK(!modules_.empty(), "[data] expected one data module or more to combine, got none");
  for (const auto& module : modules_) {
    IOLAUS_CHECK(module != nullptr, "[data] one of the data modules to combine is null");
  }
}

void CombinedModule::set_device(Device device) {
  for (const auto& module : modules_) module->set_device(device);
}

void CombinedModule::setup() {
  for (const auto& module : modules_) module->setup();
}

Loaders CombinedModule::all(Loaders (DataModule::*part)()) const {
  Loaders loaders;
  for (const auto& module : modules_) {
    for (const Loader* loader : ((*module).*part)()) loaders.push_back(loader);
  }
  return loaders;
}

namespace {

const config::Register<CombinedModule, DataModule> kCombined{
    {"iolaus.nn.data.Combined"},
    "trains on the first module's data, evaluates on all of them",
    {{"modules", config::ParamType::kObjects, "the data modules"}},
    [](const config::Args& a) {
      return std::make_shared<CombinedModule>(a.objects<DataModule>("modules"));
    }};

}  // namespace
}  // namespace iolaus::nn::data
