// CombinedModule: several data modules as one. The first trains; validation, test and prediction
// have the loaders of all, one after the other.
#pragma once

#include <memory>
#include <vector>

#include "nn/data/data_module.h"

namespace iolaus::nn::data {

class CombinedModule final : public DataModule {
 public:
  /// Errors: kInvalidArgument for none, or null among them.
  explicit CombinedModule(std::vector<std::shared_ptr<DataModule>> modules);
  void set_device(Device device) override;
  void setup() override;
  const Loader* train_loader() override { return modules_[0]->train_loader(); }
  Loaders val_loaders() override { return all(&DataModule::val_loaders); }
  Loaders test_loaders() override { return all(&DataModule::test_loaders); }
  Loaders predict_loaders() override { return all(&DataModule::predict_loaders); }

 private:
  Loaders all(Loaders (DataModule::*part)()) const;

  std::vector<std::shared_ptr<DataModule>> modules_;
};

}  // namespace iolaus::nn::data
