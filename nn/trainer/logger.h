// Loggers: where metrics go.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace iolaus::nn {

/// Metrics by name: "train/loss", "val/acc", "lr".
using Metrics = std::map<std::string, double>;

class Logger {
 public:
  virtual ~Logger() = default;
  /// step counts optimizer steps over all epochs; epoch from 0.
  virtual void log(const Metrics& metrics, int64_t epoch, int64_t step) = 0;
};

/// metrics.csv in Lightning's layout: one row a call, columns epoch, step and every metric that
/// ever came, empty where a row has none. Each row is on the file when log returns.
class CSVLogger final : public Logger {
 public:
  /// Writes to directory/metrics.csv, which it starts anew. Errors: kIo.
  explicit CSVLogger(const std::string& directory);
  void log(const Metrics& metrics, int64_t epoch, int64_t step) override;

 private:
  void rewrite() const;
  std::string row_text(const std::map<std::string, std::string>& row) const;

  std::string path_;
  std::vector<std::string> columns_{"epoch", "step"};
  std::vector<std::map<std::string, std::string>> rows_;
};

}  // namespace iolaus::nn
