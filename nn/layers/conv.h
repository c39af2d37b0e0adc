// Convolution layers of one to three dimensions, and their transposes, of (N, C, ...) or (C, ...).
#pragma once

#include "autograd/ops/conv.h"
#include "nn/module.h"

namespace iolaus::nn {

struct ConvLayerOptions {
  Dims stride = {1}, padding = {0}, dilation = {1};  // one number, or one for each dimension
  int64_t groups = 1;
  bool bias = true;
  std::string padding_mode = "zeros";  // zeros, reflect, replicate, circular
  std::string same_or_valid = {};      // instead of numbers in padding
};

/// Weight (out_channels, in_channels / groups, window...), as PyTorch's layers start it.
class Conv : public Module {
 public:
  Conv(int rank, int64_t in_channels, int64_t out_channels, const Dims& kernel_size,
       const ConvLayerOptions& options = {});
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return fmt::format("Conv{}d", weight_.dim() - 2); }
  std::string describe() const override;

 private:
  ConvOptions options_;
  std::string padding_mode_;
  Dims around_;  // what pad() adds first, last dimension first; empty: nothing
  Tensor weight_, bias_;
};
template <int kRank> class ConvNd final : public Conv {
 public:
  ConvNd(int64_t in_channels, int64_t out_channels, const Dims& kernel_size,
         const ConvLayerOptions& options = {})
      : Conv(kRank, in_channels, out_channels, kernel_size, options) {}
};
using Conv1d = ConvNd<1>;
using Conv2d = ConvNd<2>;
using Conv3d = ConvNd<3>;

struct ConvTransposeLayerOptions {
  Dims stride = {1}, padding = {0}, output_padding = {0};
  int64_t groups = 1;
  bool bias = true;
  Dims dilation = {1};
};

/// Weight (in_channels, out_channels / groups, window...).
class ConvTranspose : public Module {
 public:
  ConvTranspose(int rank, int64_t in_channels, int64_t out_channels, const Dims& kernel_size,
                const ConvTransposeLayerOptions& options = {});
  Tensor forward(const Tensor& x) override { return conv_transpose(x, weight_, bias_, options_); }
  /// The sizes of the result's last dimensions, where several would fit.
  Tensor forward(const Tensor& x, const Dims& output_size);
  std::string type_name() const override {
    return fmt::format("ConvTranspose{}d", weight_.dim() - 2);
  }
  std::string describe() const override;

 private:
  ConvOptions options_;
  Tensor weight_, bias_;
};
template <int kRank> class ConvTransposeNd final : public ConvTranspose {
 public:
  ConvTransposeNd(int64_t in_channels, int64_t out_channels, const Dims& kernel_size,
                  const ConvTransposeLayerOptions& options = {})
      : ConvTranspose(kRank, in_channels, out_channels, kernel_size, options) {}
};
using ConvTranspose1d = ConvTransposeNd<1>;
using ConvTranspose2d = ConvTransposeNd<2>;
using ConvTranspose3d = ConvTransposeNd<3>;

}  // namespace iolaus::nn
