// ImageModule: the loaders of a dataset of images that has a training and a test part.
#pragma once

#include <functional>
#include <memory>
#include <vector>

#include "nn/data/data_module.h"
#include "nn/data/images.h"

namespace iolaus::nn::data {

struct ImageModuleOptions {
  DataLoaderOptions loader;
  int64_t val_size = 0;                  // training images set aside for validation
  std::vector<int64_t> train_val_split;  // or both sizes, which add up to all
  TransformPtr train_transform, test_transform;
  bool resident = false;  // all images on the device, batches are made there
};

class ImageModule final : public DataModule {
 public:
  /// Reads a part: (train).
  using Reader = std::function<std::shared_ptr<const ImageDataset>(bool)>;
  ImageModule(Reader read, ImageModuleOptions options)
      : read_(std::move(read)), options_(std::move(options)) {}

  void set_device(Device device) override { options_.loader.device = device; }
  void setup() override;
  const DataLoader* train_loader() override { return train_.get(); }
  const DataLoader* val_loader() override { return val_.get(); }
  /// Read when it is asked for: training starts without it, and testing reads nothing else.
  const DataLoader* test_loader() override;

 private:
  DatasetPtr place(std::shared_ptr<const ImageDataset> dataset) const;
  DataLoaderOptions in_order() const;

  Reader read_;
  ImageModuleOptions options_;
  std::unique_ptr<DataLoader> train_, val_, test_;
};

}  // namespace iolaus::nn::data
