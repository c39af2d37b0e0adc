// Layers of matrix products.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

/// y = x W^T + b, W (out, in), b (out).
class Linear final : public Module {
 public:
  Linear(int64_t in_features, int64_t out_features, bool bias = true);
  Tensor forward(const Tensor& x) override { return linear(x, weight_, bias_); }
  std::string type_name() const override { return "Linear"; }
  std::string describe() const override;

 private:
  int64_t in_, out_;
  Tensor weight_, bias_;
};

/// y_k = x1 W_k x2 + b_k, W (out, in1, in2).
class Bilinear final : public Module {
 public:
  Bilinear(int64_t in1_features, int64_t in2_features, int64_t out_features, bool bias = true);
  Tensor forward(const Tensor& x1, const Tensor& x2) { return bilinear(x1, x2, weight_, bias_); }
  /// x with itself.
  Tensor forward(const Tensor& x) override { return forward(x, x); }
  std::string type_name() const override { return "Bilinear"; }
  std::string describe() const override;

 private:
  Tensor weight_, bias_;
};

/// A linear layer whose weight stays as it is, plus a trained product of two narrow matrices:
/// y = x W^T + b + (alpha / rank) dropout(x) A^T B^T, A (rank, in), B (out, rank), B = 0 at first.
/// Names are those of the peft package: base_layer.*, lora_A.weight, lora_B.weight. (Hu et al.
/// 2021)
class LoraLinear final : public Module {
 public:
  struct Options {
    int64_t rank = 8;
    double alpha = 8;
    double dropout = 0;
    bool bias = true;
  };
  LoraLinear(int64_t in_features, int64_t out_features, const Options& options);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return "LoraLinear"; }
  std::string describe() const override;

 private:
  std::shared_ptr<Linear> base_, down_, up_;
  Options options_;
};

}  // namespace iolaus::nn
