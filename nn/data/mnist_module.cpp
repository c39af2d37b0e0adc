// MNIST and Fashion-MNIST as data modules, and their names in configs.
#include "config/instantiate.h"
#include "nn/data/data_module.h"
#include "nn/data/mnist.h"

namespace iolaus::nn::data {
namespace {

using P = config::ParamType;

struct Options {
  std::string folder;
  Normalization normalization;
  int64_t val_size = 0;
  DataLoaderOptions loader;
};

class MnistModule final : public DataModule {
 public:
  explicit MnistModule(Options options) : options_(std::move(options)) {}

  void setup() override {
    DatasetPtr train = load_mnist(options_.folder, true, options_.normalization);
    if (options_.val_size > 0) {
      IOLAUS_CHECK(options_.val_size < train->size(),
                   "[data] val_size {} leaves nothing of {} training images", options_.val_size,
                   train->size());
      const auto parts = random_split(train, {train->size() - options_.val_size, options_.val_size},
                                      options_.loader.seed);
      train = parts[0];
      val_ = std::make_unique<DataLoader>(parts[1], in_order());
    }
    train_ = std::make_unique<DataLoader>(train, options_.loader);
  }
  const DataLoader* train_loader() override { return train_.get(); }
  const DataLoader* val_loader() override { return val_.get(); }
  // Read when it is asked for: training starts without it, and testing reads nothing else.
  const DataLoader* test_loader() override {
    if (!test_) {
      test_ = std::make_unique<DataLoader>(
          load_mnist(options_.folder, false, options_.normalization), in_order());
    }
    return test_.get();
  }

 private:
  DataLoaderOptions in_order() const {
    DataLoaderOptions options = options_.loader;
    options.shuffle = options.drop_last = false;
    return options;
  }

  Options options_;
  std::unique_ptr<DataLoader> train_, val_, test_;
};

std::vector<config::Param> params(const char* folder) {
  return {{"data_dir", P::kString, "folder of the four IDX files, plain or gzipped", folder},
          {"batch_size", P::kInt, "samples in a batch", 64},
          {"shuffle", P::kBool, "another order of the training samples in each epoch", true},
          {"drop_last", P::kBool, "leaves out a smaller last batch", false},
          {"num_workers", P::kInt, "threads that make batches ahead; 0: none", 0},
          {"val_size", P::kInt, "training samples to set aside for validation", 0},
          {"seed", P::kInt, "of order and split", 0}};
}

Options options(const config::Args& a, Normalization normalization) {
  return {.folder = a.get<std::string>("data_dir"),
          .normalization = std::move(normalization),
          .val_size = a.get<int64_t>("val_size"),
          .loader = {.batch_size = a.get<int64_t>("batch_size"),
                     .shuffle = a.get<bool>("shuffle"),
                     .drop_last = a.get<bool>("drop_last"),
                     .num_workers = a.get<int>("num_workers"),
                     .seed = static_cast<uint64_t>(a.get<int64_t>("seed"))}};
}

const config::Register<MnistModule, DataModule> kFashion{
    {"iolaus.nn.data.FashionMNIST"},
    "60,000 + 10,000 grey images of clothes, 28 x 28, 10 classes (Xiao et al. 2017)",
    params(kFashionMnistPath),
    [](const config::Args& a) {
      return std::make_shared<MnistModule>(options(a, fashion_mnist_normalization()));
    }};
const config::Register<MnistModule, DataModule> kMnist{
    {"iolaus.nn.data.MNIST"},
    "60,000 + 10,000 grey images of digits, 28 x 28, 10 classes",
    params("data/mnist"),
    [](const config::Args& a) {
      return std::make_shared<MnistModule>(options(a, mnist_normalization()));
    }};

}  // namespace
}  // namespace iolaus::nn::data
