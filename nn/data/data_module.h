// DataModule: the loaders of one experiment's data.
#pragma once

#include <memory>

#include "nn/data/loader.h"

namespace iolaus::nn::data {

class DataModule {
 public:
  virtual ~DataModule() = default;
  /// Reads the files. Called once, before any loader is asked for.
  virtual void setup() = 0;
  /// Null where there is no such part.
  virtual const DataLoader* train_loader() const = 0;
  virtual const DataLoader* val_loader() const = 0;
  virtual const DataLoader* test_loader() const = 0;
};

}  // namespace iolaus::nn::data
