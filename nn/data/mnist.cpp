// Finding and reading the IDX files.
#include "nn/data/mnist.h"

#include <filesystem>

#include "core/io/idx.h"

namespace iolaus::nn::data {
namespace {

std::string find_file(const std::string& folder, const std::string& name) {
  for (const char* ending : {"", ".gz"}) {
    std::string path = folder + "/" + name + ending;
    std::error_code ignored;
    if (std::filesystem::exists(path, ignored)) return path;
  }
  fail(ErrorCode::kNotFound,
       "[mnist] there is neither {} nor {}.gz in {}; for Fashion-MNIST, install Debian's package "
       "dataset-fashion-mnist, which puts them into {}",
       name, name, folder, kFashionMnistPath);
}

}  // namespace

Normalization fashion_mnist_normalization() { return {{0.2860f}, {0.3530f}}; }
Normalization mnist_normalization() { return {{0.1307f}, {0.3081f}}; }

std::shared_ptr<const ImageDataset> load_mnist(const std::string& folder, bool train,
                                               const Normalization& normalization) {
  const std::string prefix = train ? "train" : "t10k";
  const std::string image_path = find_file(folder, prefix + "-images-idx3-ubyte");
  const std::string label_path = find_file(folder, prefix + "-labels-idx1-ubyte");
  const Tensor images = io::read_idx(image_path);
  const Tensor labels = io::read_idx(label_path);
  IOLAUS_CHECK_CODE(images.dtype() == kUInt8 && images.dim() == 3, ErrorCode::kCorrupt,
                    "[mnist] {}: expected images uint8[N, H, W], got {}", image_path,
                    images.describe());
  IOLAUS_CHECK_CODE(
      labels.dtype() == kUInt8 && labels.dim() == 1 && labels.size(0) == images.size(0),
      ErrorCode::kCorrupt, "[mnist] {}: expected {} labels, one for each image, got {}", label_path,
      images.size(0), labels.describe());
  constexpr int64_t kClasses = 10;
  for (int64_t i = 0; i < labels.numel(); ++i) {
    IOLAUS_CHECK_CODE(labels.data<uint8_t>()[i] < kClasses, ErrorCode::kCorrupt,
                      "[mnist] {}: expected labels below {}, got {} for image {}", label_path,
                      kClasses, labels.data<uint8_t>()[i], i);
  }
  return std::make_shared<ImageDataset>(images, labels, kClasses, normalization);
}

std::shared_ptr<const ImageDataset> load_fashion_mnist(bool train, const std::string& folder,
                                                       const Normalization& normalization) {
  return load_mnist(folder, train, normalization);
}

}  // namespace iolaus::nn::data
