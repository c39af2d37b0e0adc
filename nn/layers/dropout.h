// Dropout of elements, and of whole channels; the identity in evaluation.
#pragma once

#include "nn/module.h"

namespace iolaus::nn {

/// While training an element is 0 with probability p, the others grow by 1 / (1 - p).
/// (Srivastava et al. 2014)
class Dropout final : public Module {
 public:
  explicit Dropout(double p = 0.5);
  Tensor forward(const Tensor& x) override { return dropout(x, p_, is_training()); }
  std::string type_name() const override { return "Dropout"; }
  std::string describe() const override { return fmt::format("p={}", p_); }

 private:
  double p_;
};

/// The same for whole channels of x (N, C, ...) with `rank` dimensions behind C; x may lack N.
/// (Tompson et al. 2015)
class ChannelDropout final : public Module {
 public:
  ChannelDropout(int rank, double p = 0.5);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override { return fmt::format("Dropout{}d", rank_); }
  std::string describe() const override { return fmt::format("p={}", p_); }

 private:
  int rank_;
  double p_;
};

/// Dropout that puts SELU's lower limit in place of elements (or of channels of (N, C, ...)) and
/// keeps mean and variance. (Klambauer et al. 2017)
class AlphaDropout final : public Module {
 public:
  explicit AlphaDropout(double p = 0.5, bool channels = false);
  Tensor forward(const Tensor& x) override;
  std::string type_name() const override {
    return channels_ ? "FeatureAlphaDropout" : "AlphaDropout";
  }
  std::string describe() const override { return fmt::format("p={}", p_); }

 private:
  double p_;
  bool channels_;
};

}  // namespace iolaus::nn
