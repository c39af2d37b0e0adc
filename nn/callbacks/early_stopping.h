// EarlyStopping: ends training when a metric no longer improves. Lightning's arguments and meaning.
#pragma once

#include <optional>
#include <string>

#include "nn/callbacks/callback.h"

namespace iolaus::nn {

struct EarlyStoppingOptions {
  std::string monitor = {};
  double min_delta = 0;
  int64_t patience = 3;  // checks without improvement
  bool verbose = false;
  std::string mode = "min";
  bool strict = true;                             // an error where nothing has logged the metric
  bool check_finite = true;                       // a metric that is NaN or infinite ends training
  std::optional<double> stopping_threshold = {};  // good enough
  std::optional<double> divergence_threshold = {};  // hopeless
  bool check_on_train_epoch_end = false;            // else after each validation
};

class EarlyStopping final : public Callback {
 public:
  /// Errors: kInvalidArgument without a monitor or for another mode than min and max.
  explicit EarlyStopping(EarlyStoppingOptions options);
  void on_evaluation_end(Trainer&, LightningModule&, Stage) override;
  void on_train_epoch_end(Trainer&, LightningModule&) override;
  std::string state_key() const override;
  nlohmann::json state_dict() const override;
  void load_state_dict(const nlohmann::json& state) override;
  /// The epoch it stopped in; 0: it did not.
  int64_t stopped_epoch() const { return stopped_epoch_; }
  int64_t wait_count() const { return wait_count_; }

 private:
  void check(Trainer& trainer);
  bool is_better(double a, double b) const;

  EarlyStoppingOptions options_;
  int64_t wait_count_ = 0, stopped_epoch_ = 0;
  std::optional<double> best_;
};

}  // namespace iolaus::nn
