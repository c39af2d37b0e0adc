// MNIST and the datasets in its format (Fashion-MNIST, KMNIST): four IDX files, plain or gzipped.
#pragma once

#include <string>

#include "nn/data/images.h"

namespace iolaus::nn::data {

/// Where Debian's package dataset-fashion-mnist puts its files.
inline constexpr const char* kFashionMnistPath = "/usr/share/datasets/fashion-mnist";
/// Mean and deviation of the training images of each.
Normalization fashion_mnist_normalization();
Normalization mnist_normalization();

/// The training (60,000) or test (10,000) images of a folder in MNIST's format: 28 x 28, one
/// channel, 10 classes. Files are train-images-idx3-ubyte and so on, also with .gz.
/// Errors: kNotFound where they are not there, with what to install; kCorrupt where images and
/// labels do not fit each other or the format.
std::shared_ptr<const ImageDataset> load_mnist(const std::string& folder, bool train,
                                               const Normalization& normalization);
std::shared_ptr<const ImageDataset> load_fashion_mnist(
    bool train, const std::string& folder = kFashionMnistPath,
    const Normalization& normalization = fashion_mnist_normalization());

}  // namespace iolaus::nn::data
