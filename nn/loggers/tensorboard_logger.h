// TensorBoardLogger: event files that TensorBoard shows, and hparams.yaml, in Lightning's layout.
// Each call is in the file when it returns; save() brings it to the disk.
#pragma once

#include "config/node.h"
#include "nn/loggers/event_file.h"
#include "nn/loggers/log_directory.h"
#include "nn/loggers/logger.h"

namespace iolaus::nn {

struct TensorBoardOptions {
  bool log_graph = false;         // whether log_graph() writes
  bool default_hp_metric = true;  // hyperparameters come with a metric hp_metric, -1
  std::string prefix;             // before each metric's name, with a dash
  std::string filename_suffix;
};

class TensorBoardLogger final : public Logger {
 public:
  explicit TensorBoardLogger(LogDirectory directory, TensorBoardOptions options = {});

  void log_metrics(const Metrics& metrics, int64_t step) override;
  /// Without default_hp_metric only hparams.yaml is written: TensorBoard's page of hyperparameters
  /// needs a metric.
  void log_hyperparams(const config::Node& config) override;
  void log_histogram(const std::string& name, const Tensor& values, int64_t step) override;
  void log_image(const std::string& name, const Tensor& image, int64_t step) override;
  void log_text(const std::string& name, const std::string& text, int64_t step) override;
  /// Where options.log_graph is set. A model that cannot be followed is a warning.
  void log_graph(Module& model, const Dims& input_sizes) override;
  void save() override;
  /// Also enters how the run ended; an interrupted one may be resumed, so nothing is entered then.
  void finalize(const std::string& status) override;
  std::string name() const override { return directory_.name(); }
  std::string version() const override { return directory_.version(); }
  std::string log_dir() const override { return directory_.path(); }

 private:
  void add(const Proto& summary, std::optional<int64_t> step);
  EventFile& file();

  LogDirectory directory_;
  TensorBoardOptions options_;
  bool has_hparams_ = false;
  EventFile file_;
};

}  // namespace iolaus::nn
