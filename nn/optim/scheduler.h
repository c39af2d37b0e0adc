// Learning rate schedules: the rate of each group as a function of the number of epochs (or steps)
// done and of the rate it began with. Closed forms of PyTorch's schedulers.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "nn/optim/optimizer.h"

namespace iolaus::nn {

class Scheduler {
 public:
  explicit Scheduler(std::shared_ptr<Optimizer> optimizer);
  virtual ~Scheduler() = default;
  /// One epoch (or step) on: sets the rates.
  void step();
  /// The same for a schedule that looks at a metric (needs_metric()); others ignore it.
  virtual void step(double metric);
  virtual bool needs_metric() const { return false; }
  /// What a checkpoint keeps of it.
  virtual nlohmann::json state_dict() const;
  virtual void load_state_dict(const nlohmann::json& state);
  int64_t last_epoch() const { return last_epoch_; }
  /// Goes to a point of the schedule, as after so many steps; for resuming.
  void set_last_epoch(int64_t epoch);

 protected:
  virtual double rate(double initial, int64_t epoch) const = 0;

 private:
  std::shared_ptr<Optimizer> optimizer_;
  std::vector<double> initial_;
  int64_t last_epoch_ = 0;
};

/// initial gamma^floor(epoch / step_size)
class StepLR final : public Scheduler {
 public:
  StepLR(std::shared_ptr<Optimizer> optimizer, int64_t step_size, double gamma = 0.1);

 protected:
  double rate(double initial, int64_t epoch) const override;

 private:
  int64_t step_size_;
  double gamma_;
};

/// eta_min + (initial - eta_min) (1 + cos(pi epoch / T_max)) / 2 (Loshchilov and Hutter 2017)
class CosineAnnealingLR final : public Scheduler {
 public:
  CosineAnnealingLR(std::shared_ptr<Optimizer> optimizer, int64_t t_max, double eta_min = 0);

 protected:
  double rate(double initial, int64_t epoch) const override;

 private:
  int64_t t_max_;
  double eta_min_;
};

}  // namespace iolaus::nn
