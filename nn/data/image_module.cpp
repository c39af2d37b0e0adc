// Reading, splitting and placing images.
#include "nn/data/image_module.h"

namespace iolaus::nn::data {

// Where batches are made on the device, there is nothing to do ahead on other threads.
DatasetPtr ImageModule::place(std::shared_ptr<const ImageDataset> dataset) const {
  if (!options_.resident) return dataset;
  return std::make_shared<DeviceImages>(std::move(dataset), options_.loader.device);
}

DataLoaderOptions ImageModule::in_order() const {
  DataLoaderOptions options = options_.loader;
  options.shuffle = options.drop_last = false;
  options.sampler = nullptr;
  options.batch_sampler = nullptr;
  return options;
}

void ImageModule::setup() {
  if (options_.resident) {
    IOLAUS_CHECK(options_.loader.num_workers == 0,
                 "[data] num_workers is {}, but resident images make their batches on the device; "
                 "leave one out",
                 options_.loader.num_workers);
    options_.loader.pin_memory = false;
  }
  const auto images = read_(true);
  std::vector<int64_t> sizes = options_.train_val_split;
  if (sizes.empty()) sizes = {images->size() - options_.val_size, options_.val_size};
  IOLAUS_CHECK(
      sizes.size() == 2 && sizes[0] > 0 && sizes[1] >= 0 && sizes[0] + sizes[1] == images->size(),
      "[data] val_size or train_val_split leaves {} images for training and {} for "
      "validation, of {}",
      sizes[0], sizes.size() == 2 ? sizes[1] : 0, images->size());
  DatasetPtr train = place(images->with_transform(options_.train_transform));
  if (sizes[1] > 0) {
    const DatasetPtr plain = options_.train_transform == options_.test_transform
                                 ? train
                                 : place(images->with_transform(options_.test_transform));
    // The same seed gives the same parts.
    train = random_split(train, sizes, options_.loader.seed)[0];
    const DatasetPtr val = random_split(plain, sizes, options_.loader.seed)[1];
    val_ = std::make_unique<DataLoader>(val, in_order());
  }
  train_ = std::make_unique<DataLoader>(train, options_.loader);
}

const DataLoader* ImageModule::test_loader() {
  if (!test_) {
    test_ = std::make_unique<DataLoader>(
        place(read_(false)->with_transform(options_.test_transform)), in_order());
  }
  return test_.get();
}

}  // namespace iolaus::nn::data
