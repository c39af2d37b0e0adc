// The course's data, under its Python names: CIFAR-10 in any official form, and images in MNIST's.
#include "config/instantiate.h"
#include "data/split_data.h"
#include "nn/data/cifar.h"
#include "nn/data/mnist.h"

namespace course {
namespace {

using namespace iolaus;
using namespace iolaus::nn::data;
using P = config::ParamType;

SplitData::Load cifar10(const std::string& path, bool train) {
  return [path, train]() -> DatasetPtr {
    const CifarImages read = read_cifar(path, Cifar::k10, train);
    return std::make_shared<ImageDataset>(read.images, read.labels, 10,
                                          cifar_normalization(Cifar::k10));
  };
}

SplitData::Load mnist(const std::string& folder, bool train) {
  return [folder, train]() -> DatasetPtr {
    return load_mnist(
        folder, train,
        folder == kFashionMnistPath ? fashion_mnist_normalization() : mnist_normalization());
  };
}

const config::Register<SplitData, DataModule> kCifar10{
    {"ptlighthydra.src.datamodule.cifar.CIFAR10DataModule"},
    "CIFAR-10; train_val_split cuts its training images",
    SplitData::params({{"data_dir", P::kString, "folder or archive", "data"},
                       {"train_val_split", P::kAny, "sizes or shares of the two", nullptr}}),
    [](const config::Args& a) {
      const auto path = a.get<std::string>("data_dir");
      return std::make_shared<SplitData>(cifar10(path, true), cifar10(path, false),
                                         Split(a, "train_val_split"), SplitData::options(a));
    }};

const config::Register<SplitData, DataModule> kCifarLoader{
    {"hydraconfig.src.dataloaders.cifar.CIFARLoader"},
    "CIFAR-10's training images, cut into three parts",
    SplitData::params({{"file_path", P::kString, "folder or archive", "data"},
                       {"train_val_test_split", P::kAny, "sizes or shares of the three", nullptr}}),
    [](const config::Args& a) {
      return std::make_shared<SplitData>(cifar10(a.get<std::string>("file_path"), true), nullptr,
                                         Split(a, "train_val_test_split"), SplitData::options(a));
    }};

const config::Register<SplitData, DataModule> kMnistLoader{
    {"hydraconfig.src.dataloaders.mnist.MNISTLoader"},
    "images in MNIST's format, cut into three parts",
    SplitData::params({{"file_path", P::kString, "folder of the four files", kFashionMnistPath},
                       {"train_val_test_split", P::kAny, "sizes or shares of the three", nullptr}}),
    [](const config::Args& a) {
      return std::make_shared<SplitData>(mnist(a.get<std::string>("file_path"), true), nullptr,
                                         Split(a, "train_val_test_split"), SplitData::options(a));
    }};

const config::Register<SplitData, DataModule> kMnist{
    {"course.MNISTDataModule"},
    "images in MNIST's format; train_val_split cuts the training images",
    SplitData::params({{"data_dir", P::kString, "folder of the four files", kFashionMnistPath},
                       {"train_val_split", P::kAny, "sizes or shares of the two", nullptr}}),
    [](const config::Args& a) {
      const auto folder = a.get<std::string>("data_dir");
      return std::make_shared<SplitData>(mnist(folder, true), mnist(folder, false),
                                         Split(a, "train_val_split"), SplitData::options(a));
    }};

}  // namespace
}  // namespace course
