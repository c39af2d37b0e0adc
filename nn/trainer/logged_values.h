// What a module logs, between log() and the loggers. Values stay where they were computed, so that
// log() waits for no device; epoch values are sums weighted by batch size. Names and forks are
// Lightning's: a value that is logged on step and on epoch appears as NAME_step and NAME_epoch.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "core/tensor.h"
#include "nn/loggers/logger.h"

namespace iolaus::nn {

/// How values of an epoch become one.
enum class Reduce { kMean, kSum, kMin, kMax };

struct LogOptions {
  std::optional<bool> on_step = {}, on_epoch = {};  // default: training on step, else on epoch
  bool prog_bar = false;
  bool logger = true;
  Reduce reduce_fx = Reduce::kMean;
  int64_t batch_size = 0;  // weight in the mean; 0: the batch's
  /// Where an evaluation has several loaders, names end with "/dataloader_idx_N". Without that
  /// each loader needs names of its own.
  bool add_dataloader_idx = true;
};

class LoggedValues {
 public:
  static constexpr int64_t kNoLoader = -1;
  /// Values that are added from here on belong to this loader of several, and values are given of
  /// it alone; kNoLoader: of none.
  void set_loader(int64_t loader) { loader_ = loader; }
  /// value: one element. Errors: kInvalidArgument for more, for a name that was logged with other
  /// options in this loop, and for one that goes nowhere.
  void add(const std::string& name, const Tensor& value, const LogOptions& options, bool training,
           int64_t batch_size);

  enum class For { kLogger, kProgressBar, kCallbacks };
  /// The newest values (waits for the device).
  Metrics step_values(For target) const;
  /// The epoch's values (waits for the device).
  Metrics epoch_values(For target) const;
  /// Forgets the epoch's sums.
  void reset();
  bool empty() const { return values_.empty(); }

  /// Values and sums of an unfinished epoch, for a checkpoint. Errors: kCorrupt.
  void save(std::map<std::string, Tensor>& tensors, const std::string& prefix) const;
  void restore(const std::map<std::string, Tensor>& tensors, const std::string& prefix);

 private:
  struct Value {
    std::string name;
    int64_t loader = kNoLoader;
    bool on_step = false, on_epoch = false, declared = false;
    LogOptions options;
    Tensor last;        // as it was logged
    Tensor reduced;     // float64, 0-dim: sum, or the smallest or largest
    double weight = 0;  // of the sum
    double result() const;
    /// "name_step/dataloader_idx_1", for "_step".
    std::string full_name(const char* fork) const;
  };
  bool goes_to(const Value& value, For target) const;
  std::map<std::string, Value> values_;  // by the name, with the loader's where it is added
  int64_t loader_ = kNoLoader;
};

}  // namespace iolaus::nn
