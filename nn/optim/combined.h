// Schedules of schedules, as torch.optim.lr_scheduler has them: one after the other, or all at
// once. In configs the list holds targets with `_partial_: true`, which get the optimizer:
//   scheduler:
//     _target_: torch.optim.lr_scheduler.SequentialLR
//     _partial_: true
//     schedulers:
//       - {_target_: torch.optim.lr_scheduler.LinearLR, _partial_: true, total_iters: 5}
//       - {_target_: torch.optim.lr_scheduler.CosineAnnealingLR, _partial_: true, T_max: 95}
//     milestones: [5]
#pragma once

#include "nn/optim/scheduler.h"

namespace iolaus::nn {

using Schedulers = std::vector<std::shared_ptr<Scheduler>>;

/// schedulers[i] from milestones[i - 1] on, each from its own beginning.
/// Errors: kInvalidArgument for a number of milestones that is not one less than that of the
/// schedulers, for ReduceLROnPlateau among them, and for one of another optimizer.
class SequentialLR final : public Scheduler {
 public:
  SequentialLR(std::shared_ptr<Optimizer> optimizer, Schedulers schedulers,
               std::vector<int64_t> milestones);
  std::string type_name() const override { return "SequentialLR"; }
  nlohmann::json state_dict() const override;

 protected:
  std::vector<double> rates() override { return current(); }
  void advance() override;
  void load(const nlohmann::json& state) override;
  void restart() override;
  void begin_turn() override;
  void undo() override;

 private:
  size_t turn() const;

  Schedulers schedulers_;
  std::vector<int64_t> milestones_;
};

/// All schedulers step, in order, each from the rate that the last one left.
/// Errors: kInvalidArgument without schedulers, for ReduceLROnPlateau, for another optimizer.
class ChainedScheduler final : public Scheduler {
 public:
  ChainedScheduler(std::shared_ptr<Optimizer> optimizer, Schedulers schedulers);
  std::string type_name() const override { return "ChainedScheduler"; }
  nlohmann::json state_dict() const override;

 protected:
  std::vector<double> rates() override { return current(); }
  void advance() override;
  void load(const nlohmann::json& state) override;
  void restart() override;
  void begin_turn() override;
  void undo() override;

 private:
  Schedulers schedulers_;
};

}  // namespace iolaus::nn
