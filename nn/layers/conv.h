// Convolution and pooling layers of images (N, C, H, W).
#pragma once

#include <optional>

#include "nn/module.h"

namespace iolaus::nn {

class Conv2d final : public Module {
 public:
  /// padding: a size, or "same" (stride 1 only) and "valid" through the config.
  Conv2d(int64_t in_channels, int64_t out_channels, Pair kernel_size, Conv2dOptions options = {},
         bool bias = true);
  Tensor forward(const Tensor& x) override { return conv2d(x, weight_, bias_, options_); }
  std::string type_name() const override { return "Conv2d"; }
  std::string describe() const override;

 private:
  Conv2dOptions options_;
  Tensor weight_, bias_;
};

class MaxPool2d final : public Module {
 public:
  explicit MaxPool2d(Pair kernel_size, MaxPool2dOptions options = {})
      : kernel_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override { return max_pool2d(x, kernel_, options_); }
  std::string type_name() const override { return "MaxPool2d"; }
  std::string describe() const override;

 private:
  Pair kernel_;
  MaxPool2dOptions options_;
};

class AvgPool2d final : public Module {
 public:
  explicit AvgPool2d(Pair kernel_size, AvgPool2dOptions options = {})
      : kernel_(kernel_size), options_(options) {}
  Tensor forward(const Tensor& x) override { return avg_pool2d(x, kernel_, options_); }
  std::string type_name() const override { return "AvgPool2d"; }
  std::string describe() const override;

 private:
  Pair kernel_;
  AvgPool2dOptions options_;
};

class AdaptiveAvgPool2d final : public Module {
 public:
  explicit AdaptiveAvgPool2d(Pair output_size) : size_(output_size) {}
  Tensor forward(const Tensor& x) override { return adaptive_avg_pool2d(x, size_); }
  std::string type_name() const override { return "AdaptiveAvgPool2d"; }
  std::string describe() const override;

 private:
  Pair size_;
};

}  // namespace iolaus::nn
