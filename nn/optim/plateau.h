// ReduceLROnPlateau: lowers the rates when a metric stops to improve, as
// torch.optim.lr_scheduler's.
#pragma once

#include "nn/optim/scheduler.h"

namespace iolaus::nn {

struct PlateauOptions {
  bool maximize = false;  // mode: min or max
  double factor = 0.1;
  int64_t patience = 10;          // epochs without improvement that are borne
  double threshold = 1e-4;        // by how much a metric must be better
  bool relative = true;           // threshold_mode: rel or abs
  int64_t cooldown = 0;           // epochs after a change in which nothing is counted
  std::vector<double> min_lr{0};  // one number, or one for each group
  double eps = 1e-8;              // smaller changes are not made
};

class ReduceLROnPlateau final : public Scheduler {
 public:
  ReduceLROnPlateau(std::shared_ptr<Optimizer> optimizer, PlateauOptions options);
  std::string type_name() const override { return "ReduceLROnPlateau"; }
  bool needs_metric() const override { return true; }
  /// Also best (null before the first step), num_bad_epochs and cooldown_counter.
  nlohmann::json state_dict() const override;

 protected:
  std::vector<double> rates() override { return current(); }
  [[noreturn]] void advance() override;
  void advance_with(double metric) override;
  void load(const nlohmann::json& state) override;
  void restart() override;

 private:
  bool is_better(double metric) const;

  PlateauOptions options_;
  double best_;
  int64_t bad_epochs_ = 0, cooldown_counter_ = 0;
};

}  // namespace iolaus::nn
