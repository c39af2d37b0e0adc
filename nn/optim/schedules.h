// The plain schedules of torch.optim.lr_scheduler: the rate follows from the epoch (or step).
// initial: the rate that a group began with.
#pragma once

#include "nn/optim/scheduler.h"

namespace iolaus::nn {

/// initial gamma^floor(epoch / step_size)
class StepLR final : public Scheduler {
 public:
  StepLR(std::shared_ptr<Optimizer> optimizer, int64_t step_size, double gamma = 0.1);
  std::string type_name() const override { return "StepLR"; }

 protected:
  std::vector<double> rates() override;
  std::vector<double> closed_form() override;

 private:
  int64_t step_size_;
  double gamma_;
};

/// initial times gamma for each milestone that is reached; one that is named twice counts twice.
class MultiStepLR final : public Scheduler {
 public:
  MultiStepLR(std::shared_ptr<Optimizer> optimizer, std::vector<int64_t> milestones,
              double gamma = 0.1);
  std::string type_name() const override { return "MultiStepLR"; }

 protected:
  std::vector<double> rates() override;
  std::vector<double> closed_form() override;

 private:
  std::vector<int64_t> milestones_;  // sorted
  double gamma_;
};

/// initial factor until epoch total_iters, then initial
class ConstantLR final : public Scheduler {
 public:
  explicit ConstantLR(std::shared_ptr<Optimizer> optimizer, double factor = 1.0 / 3,
                      int64_t total_iters = 5);
  std::string type_name() const override { return "ConstantLR"; }

 protected:
  std::vector<double> rates() override;
  std::vector<double> closed_form() override;

 private:
  double factor_;
  int64_t total_iters_;
};

/// initial times a factor that goes from start_factor to end_factor in total_iters epochs
class LinearLR final : public Scheduler {
 public:
  explicit LinearLR(std::shared_ptr<Optimizer> optimizer, double start_factor = 1.0 / 3,
                    double end_factor = 1, int64_t total_iters = 5);
  std::string type_name() const override { return "LinearLR"; }

 protected:
  std::vector<double> rates() override;
  std::vector<double> closed_form() override;

 private:
  double start_factor_, end_factor_;
  int64_t total_iters_;
};

/// initial gamma^epoch
class ExponentialLR final : public Scheduler {
 public:
  ExponentialLR(std::shared_ptr<Optimizer> optimizer, double gamma);
  std::string type_name() const override { return "ExponentialLR"; }

 protected:
  std::vector<double> rates() override;
  std::vector<double> closed_form() override;

 private:
  double gamma_;
};

/// initial (1 - epoch / total_iters)^power, and 0 from then on
class PolynomialLR final : public Scheduler {
 public:
  explicit PolynomialLR(std::shared_ptr<Optimizer> optimizer, int64_t total_iters = 5,
                        double power = 1);
  std::string type_name() const override { return "PolynomialLR"; }

 protected:
  std::vector<double> rates() override;
  std::vector<double> closed_form() override;

 private:
  int64_t total_iters_;
  double power_;
};

/// eta_min + (initial - eta_min) (1 + cos(pi epoch / T_max)) / 2 (Loshchilov and Hutter 2017)
class CosineAnnealingLR final : public Scheduler {
 public:
  CosineAnnealingLR(std::shared_ptr<Optimizer> optimizer, int64_t t_max, double eta_min = 0);
  std::string type_name() const override { return "CosineAnnealingLR"; }

 protected:
  std::vector<double> rates() override;
  std::vector<double> closed_form() override;

 private:
  int64_t t_max_;
  double eta_min_;
};

/// The same half cosine again and again, T_0 epochs long, then T_0 T_mult, T_0 T_mult^2, ...
class CosineAnnealingWarmRestarts final : public Scheduler {
 public:
  CosineAnnealingWarmRestarts(std::shared_ptr<Optimizer> optimizer, int64_t t_0, int64_t t_mult = 1,
                              double eta_min = 0);
  std::string type_name() const override { return "CosineAnnealingWarmRestarts"; }
  nlohmann::json state_dict() const override;

 protected:
  std::vector<double> rates() override;
  void advance() override;
  void load(const nlohmann::json& state) override;

 private:
  int64_t t_0_, t_mult_;
  double eta_min_;
  int64_t t_cur_ = 0, t_i_;
};

/// A factor for an epoch.
using LrLambda = std::function<double(int64_t)>;

/// initial lr_lambda(epoch); one function, or one for each group. From C++ only.
class LambdaLR final : public Scheduler {
 public:
  LambdaLR(std::shared_ptr<Optimizer> optimizer, std::vector<LrLambda> lr_lambdas);
  std::string type_name() const override { return "LambdaLR"; }

 protected:
  std::vector<double> rates() override;

 private:
  std::vector<LrLambda> lambdas_;
};

/// The last rate times lr_lambda(epoch), from epoch 1 on. From C++ only.
class MultiplicativeLR final : public Scheduler {
 public:
  MultiplicativeLR(std::shared_ptr<Optimizer> optimizer, std::vector<LrLambda> lr_lambdas);
  std::string type_name() const override { return "MultiplicativeLR"; }

 protected:
  std::vector<double> rates() override;

 private:
  std::vector<LrLambda> lambdas_;
};

}  // namespace iolaus::nn
