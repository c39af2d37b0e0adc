// JSONLLogger: metrics.jsonl, one JSON object a line, for programs that follow a run:
//   {"step": 50, "epoch": 0, "time": 1764119208.25, "lr-SGD": 0.1, "train/loss": 0.693}
// JSON has no NaN and no infinities: they are the texts "NaN", "Infinity" and "-Infinity".
#pragma once

#include "config/node.h"
#include "nn/loggers/append_file.h"
#include "nn/loggers/log_directory.h"
#include "nn/loggers/logger.h"

namespace iolaus::nn {

class JSONLLogger final : public Logger {
 public:
  /// prefix: before each metric's name but "epoch", with a dash. A file that is there goes on.
  explicit JSONLLogger(LogDirectory directory, std::string prefix = "");

  void log_metrics(const Metrics& metrics, int64_t step) override;
  /// hparams.yaml beside it.
  void log_hyperparams(const config::Node& config) override;
  void save() override;
  std::string name() const override { return directory_.name(); }
  std::string version() const override { return directory_.version(); }
  std::string log_dir() const override { return directory_.path(); }

 private:
  void open();

  LogDirectory directory_;
  std::string prefix_;
  AppendFile file_;
};

}  // namespace iolaus::nn
