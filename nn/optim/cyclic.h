// Schedules that move the learning rate and the momentum (beta1 of Adam and its kin) against each
// other: OneCycleLR (Smith and Topin 2019) and CyclicLR (Smith 2017), as torch.optim.lr_scheduler.
#pragma once

#include "nn/optim/scheduler.h"

namespace iolaus::nn {

/// What a group's momentum moves between. Lists are one number, or one for each group.
struct MomentumCycle {
  bool cycle_momentum = true;
  std::vector<double> base_momentum, max_momentum;
};

struct OneCycleOptions {
  std::vector<double> max_lr;
  int64_t total_steps = 0;
  double pct_start = 0.3;
  bool linear = false;  // anneal_strategy: linear, or the half cosine
  MomentumCycle momentum{true, {0.85}, {0.95}};
  double div_factor = 25, final_div_factor = 1e4;
  bool three_phase = false;
};

/// Up from max_lr / div_factor to max_lr in pct_start of total_steps, then down to
/// max_lr / div_factor / final_div_factor; with three_phase first down as it went up.
/// Errors: kInvalidArgument for a step beyond total_steps.
class OneCycleLR final : public Scheduler {
 public:
  OneCycleLR(std::shared_ptr<Optimizer> optimizer, OneCycleOptions options);
  std::string type_name() const override { return "OneCycleLR"; }

 protected:
  std::vector<double> rates() override;

 private:
  struct Phase {
    double end;
    double from, to;                  // of the rates: 0 the first, 1 the largest, 2 the last
    bool momentum_from, momentum_to;  // whether at its largest
  };
  double anneal(double from, double to, double part) const;
  double rate_at(size_t group, double which) const;

  OneCycleOptions options_;
  std::vector<Phase> phases_;
};

struct CyclicOptions {
  std::vector<double> base_lr, max_lr;
  int64_t step_size_up = 2000;
  int64_t step_size_down = 0;       // 0: as step_size_up
  std::string mode = "triangular";  // triangular, triangular2 or exp_range
  double gamma = 1;                 // exp_range
  MomentumCycle momentum{true, {0.8}, {0.9}};
};

/// Between base_lr and max_lr along straight lines; triangular2 halves the height each cycle,
/// exp_range multiplies it by gamma^step.
class CyclicLR final : public Scheduler {
 public:
  CyclicLR(std::shared_ptr<Optimizer> optimizer, CyclicOptions options);
  std::string type_name() const override { return "CyclicLR"; }

 protected:
  std::vector<double> rates() override;

 private:
  CyclicOptions options_;
  double total_, ratio_;
};

}  // namespace iolaus::nn
