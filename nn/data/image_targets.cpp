// Datasets of images and their names in configs: MNIST, Fashion-MNIST, CIFAR-10, CIFAR-100.
#include "config/instantiate.h"
#include "nn/data/cifar.h"
#include "nn/data/image_module.h"
#include "nn/data/mnist.h"

namespace iolaus::nn::data {
namespace {

using P = config::ParamType;

std::vector<config::Param> params(const char* folder_doc, const char* folder) {
  return {{"data_dir", P::kString, folder_doc, folder},
          {"batch_size", P::kInt, "samples in a batch", 64},
          {"shuffle", P::kBool, "another order of the training samples in each epoch", true},
          {"drop_last", P::kBool, "leaves out a smaller last batch", false},
          {"num_workers", P::kInt, "threads that make batches ahead; 0: none", 0},
          {"val_size", P::kInt, "training samples to set aside for validation", 0},
          {"seed", P::kInt, "of order, split and augmentation", 0},
          {"train_val_split", P::kInts, "sizes of both parts, instead of val_size", config::Node()},
          {"train_transform", P::kObject, "of training images, see iolaus.nn.data.transforms",
           config::Node()},
          {"test_transform", P::kObject, "of the other images", config::Node()},
          {"pin_memory", P::kBool, "copies batches to the GPU while it computes", false},
          {"resident", P::kBool, "keeps all images on the device, and makes batches there", false},
          {"on_bad_record", P::kString, "error, or skip: leave out what cannot be read", "error"}};
}

ImageModuleOptions options(const config::Args& a) {
  ImageModuleOptions o;
  o.loader = {.batch_size = a.get<int64_t>("batch_size"),
              .shuffle = a.get<bool>("shuffle"),
              .drop_last = a.get<bool>("drop_last"),
              .num_workers = a.get<int>("num_workers"),
              .seed = static_cast<uint64_t>(a.get<int64_t>("seed")),
              .pin_memory = a.get<bool>("pin_memory")};
  const auto bad = a.get<std::string>("on_bad_record");
  if (bad != "error" && bad != "skip") {
    a.fail_about("on_bad_record", "expected error or skip, got " + bad);
  }
  o.loader.skip_bad_records = bad == "skip";
  o.val_size = a.get<int64_t>("val_size");
  if (a.has("train_val_split")) o.train_val_split = a.get<std::vector<int64_t>>("train_val_split");
  o.resident = a.get<bool>("resident");
  o.train_transform = a.object<Transform>("train_transform");
  o.test_transform = a.object<Transform>("test_transform");
  return o;
}

std::shared_ptr<ImageModule> make_mnist(const config::Args& a, const Normalization& normalization) {
  return std::make_shared<ImageModule>(
      [folder = a.get<std::string>("data_dir"), normalization](bool train) {
        return load_mnist(folder, train, normalization);
      },
      options(a));
}

std::shared_ptr<ImageModule> make_cifar(const config::Args& a, Cifar kind) {
  return std::make_shared<ImageModule>(
      [path = a.get<std::string>("data_dir"), kind](bool train) {
        const CifarImages read = read_cifar(path, kind, train);
        return std::make_shared<const ImageDataset>(
            read.images, read.labels, kind == Cifar::k10 ? 10 : 100, cifar_normalization(kind));
      },
      options(a));
}

constexpr const char* kIdxFolder = "folder of the four IDX files, plain or gzipped";
constexpr const char* kCifarFolder =
    "folder of the files or around it, of pickles or binary, or the .tar.gz";

const config::Register<ImageModule, DataModule> kFashion{
    {"iolaus.nn.data.FashionMNIST"},
    "60,000 + 10,000 grey images of clothes, 28 x 28, 10 classes (Xiao et al. 2017)",
    params(kIdxFolder, kFashionMnistPath),
    [](const config::Args& a) { return make_mnist(a, fashion_mnist_normalization()); }};
const config::Register<ImageModule, DataModule> kMnist{
    {"iolaus.nn.data.MNIST"},
    "60,000 + 10,000 grey images of digits, 28 x 28, 10 classes",
    params(kIdxFolder, "data/mnist"),
    [](const config::Args& a) { return make_mnist(a, mnist_normalization()); }};
const config::Register<ImageModule, DataModule> kCifar10{
    {"iolaus.nn.data.CIFAR10"},
    "50,000 + 10,000 colour images, 32 x 32, 10 classes (Krizhevsky 2009)",
    params(kCifarFolder, "data/cifar10"),
    [](const config::Args& a) { return make_cifar(a, Cifar::k10); }};
const config::Register<ImageModule, DataModule> kCifar100{
    {"iolaus.nn.data.CIFAR100"},
    "50,000 + 10,000 colour images, 32 x 32, 100 classes (Krizhevsky 2009)",
    params(kCifarFolder, "data/cifar100"),
    [](const config::Args& a) { return make_cifar(a, Cifar::k100); }};

}  // namespace
}  // namespace iolaus::nn::data
