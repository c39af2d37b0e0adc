// CSVLogger: metrics.csv and hparams.yaml in Lightning's layout. One row a call; the columns are
// the names of all metrics that ever came and "step", sorted; a field is empty where a row has no
// such metric. Rows are kept back and written together.
//
// Lightning deletes an older metrics.csv of the same version. Here its rows stay and new ones come
// after them, so that a resumed run loses nothing.
#pragma once

#include <string>
#include <vector>

#include "config/node.h"
#include "nn/loggers/append_file.h"
#include "nn/loggers/csv_text.h"
#include "nn/loggers/log_directory.h"
#include "nn/loggers/logger.h"

namespace iolaus::nn {

class CSVLogger final : public Logger {
 public:
  /// prefix: before each metric's name, with a dash. Rows are written once the steps have passed
  /// another multiple of flush_logs_every_n_steps, and by save().
  explicit CSVLogger(LogDirectory directory, std::string prefix = "",
                     int64_t flush_logs_every_n_steps = 100);
  /// Writes what is left; an error is a warning here.
  ~CSVLogger() override;

  void log_metrics(const Metrics& metrics, int64_t step) override;
  void log_hyperparams(const config::Node& config) override;
  void save() override;
  std::string name() const override { return directory_.name(); }
  std::string version() const override { return directory_.version(); }
  std::string log_dir() const override { return directory_.path(); }

 private:
  using Row = std::map<std::string, std::string>;
  std::string path() const { return directory_.path() + "/metrics.csv"; }
  void open();
  void write();
  void rewrite(const CsvRow& columns);

  LogDirectory directory_;
  std::string prefix_;
  int64_t flush_every_, flushed_step_ = -1;
  CsvRow columns_;         // of the file
  std::vector<Row> rows_;  // not yet in the file
  AppendFile file_;
};

}  // namespace iolaus::nn
