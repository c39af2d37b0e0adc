// Scheduler: sets the learning rate of each group of an optimizer, once an epoch (or step), as
// torch.optim.lr_scheduler's. The rates are computed from those that the groups have, so that
// schedules can be chained. The schedules themselves: schedules.h, cyclic.h, combined.h, plateau.h.
#pragma once

#include <nlohmann/json_fwd.hpp>

#include "nn/optim/optimizer.h"

namespace iolaus::nn {

class Scheduler {
 public:
  /// Notes each group's rate as its "initial_lr", where it has none.
  explicit Scheduler(std::shared_ptr<Optimizer> optimizer);
  virtual ~Scheduler() = default;
  virtual std::string type_name() const = 0;

  /// One epoch (or step) on: sets the rates.
  void step() { advance(); }
  /// The same, with the metric that ReduceLROnPlateau watches; others do not look at it.
  void step(double metric) { advance_with(metric); }
  /// Whether step() cannot do without the metric.
  virtual bool needs_metric() const { return false; }
  int64_t last_epoch() const { return last_epoch_; }
  /// Goes to a point of the schedule, as after so many steps.
  void set_last_epoch(int64_t epoch);
  /// The rate of each group that was set last.
  const std::vector<double>& get_last_lr() const { return last_lr_; }

  /// All that changes: last_epoch, base_lrs, _step_count, _last_lr and what a schedule adds. The
  /// rates themselves are among the optimizer's options.
  virtual nlohmann::json state_dict() const;
  /// Errors: kInvalidArgument for a state that is not one of this schedule.
  void load_state_dict(const nlohmann::json& state);

 protected:
  friend class SequentialLR;
  friend class ChainedScheduler;

  /// The rates of last_epoch().
  virtual std::vector<double> rates() = 0;
  /// The same as a function of last_epoch() alone, where there is one.
  virtual std::vector<double> closed_form() { return rates(); }
  virtual void advance();
  virtual void advance_with(double) { advance(); }
  virtual void load(const nlohmann::json& state);
  /// The step of a constructor: the rates of epoch 0.
  void start();
  /// From the beginning, with the rates that groups have now.
  virtual void restart();
  /// What SequentialLR does where a schedule's turn comes: epoch 0, closed form.
  virtual void begin_turn();
  /// Takes the constructor's step back, but not the rates.
  virtual void undo() { --last_epoch_; }

  bool is_initial() const { return initial_; }
  const std::vector<double>& base_lrs() const { return base_lrs_; }
  std::vector<double> current() const;
  /// current() times a factor.
  std::vector<double> scaled(double factor) const;
  /// base_lrs() times a factor.
  std::vector<double> base_scaled(double factor) const;
  void apply(const std::vector<double>& rates);

  std::shared_ptr<Optimizer> optimizer_;
  std::vector<double> base_lrs_, last_lr_;
  int64_t last_epoch_ = -1, step_count_ = 0;

 private:
  bool initial_ = false;
};

}  // namespace iolaus::nn
