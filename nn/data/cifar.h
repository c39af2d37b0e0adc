// CIFAR-10 and CIFAR-100 (Krizhevsky 2009) in every form that cs.toronto.edu/~kriz/cifar.html
// offers: Python's pickles and plain binary, in folders or still in their .tar.gz.
#pragma once

#include <string>
#include <vector>

#include "nn/data/images.h"

namespace iolaus::nn::data {

enum class Cifar { k10, k100 };

/// Mean and deviation of the training images.
Normalization cifar_normalization(Cifar kind);

struct CifarImages {
  Tensor images;                     // uint8 (N, 3, 32, 32)
  Tensor labels;                     // int64 (N); of CIFAR-100 the fine ones
  std::vector<std::string> classes;  // 10 or 100 names
};

/// The training (50,000) or test (10,000) images below path, which is a folder with the files, the
/// folder around that one or around the archive, or the archive itself. Pickles are read without
/// running anything. Another number of images is fine but for a warning.
/// Errors: kNotFound, with the names that were looked for; kCorrupt where a file's bytes do not fit
/// the format; kIo.
CifarImages read_cifar(const std::string& path, Cifar kind, bool train);

}  // namespace iolaus::nn::data
