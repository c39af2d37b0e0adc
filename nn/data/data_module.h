// DataModule: the loaders of one experiment's data.
#pragma once

#include <memory>

#include "nn/data/loader.h"

namespace iolaus::nn::data {

class DataModule {
 public:
  virtual ~DataModule() = default;
  /// The device that training and evaluation run on, told before setup and the loaders: where
  /// batches are copied ahead (pin_memory) or made (resident). Until then it is the CPU.
  virtual void set_device(Device) {}
  /// Reads what training needs. Called once, before train_loader or val_loader; eval does without.
  virtual void setup() = 0;
  /// Null where there is no such part.
  virtual const DataLoader* train_loader() = 0;
  virtual const DataLoader* val_loader() = 0;
  virtual const DataLoader* test_loader() = 0;
  virtual const DataLoader* predict_loader() { return nullptr; }
};

}  // namespace iolaus::nn::data
