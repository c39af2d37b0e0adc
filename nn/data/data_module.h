// DataModule: the loaders of one experiment's data. Training has one; validation, test and
// prediction have one each or several, which are gone through one after the other.
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
  /// Reads what training needs. Called once, before the loaders of training and validation; eval
  /// does without.
  virtual void setup() = 0;
  /// Null where there is no such part.
  virtual const Loader* train_loader() { return nullptr; }
  virtual const Loader* val_loader() { return nullptr; }
  virtual const Loader* test_loader() { return nullptr; }
  virtual const Loader* predict_loader() { return nullptr; }
  /// Where there are several; Batch::dataloader_idx is a loader's place among them.
  virtual Loaders val_loaders() { return one(val_loader()); }
  virtual Loaders test_loaders() { return one(test_loader()); }
  virtual Loaders predict_loaders() { return one(predict_loader()); }

 private:
  static Loaders one(const Loader* loader) {
    return loader == nullptr ? Loaders{} : Loaders{loader};
  }
};

}  // namespace iolaus::nn::data
