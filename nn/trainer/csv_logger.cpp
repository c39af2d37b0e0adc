// CSVLogger: rows are appended; a new metric rewrites the file with one more column.
#include <algorithm>
#include <fstream>

#include "core/error.h"
#include "core/io/atomic_file.h"
#include "nn/trainer/logger.h"

namespace iolaus::nn {

CSVLogger::CSVLogger(const std::string& directory) : path_(directory + "/metrics.csv") {
  rewrite();
}

std::string CSVLogger::row_text(const std::map<std::string, std::string>& row) const {
  std::string text;
  for (const std::string& column : columns_) {
    const auto found = row.find(column);
    if (&column != &columns_.front()) text += ',';
    if (found != row.end()) text += found->second;
  }
  return text + "\n";
}

void CSVLogger::rewrite() const {
  std::string text;
  for (const std::string& column : columns_) {
    text += (text.empty() ? "" : ",") + column;
  }
  text += "\n";
  for (const auto& row : rows_) text += row_text(row);
  io::write_file_atomic(path_, text);
}

void CSVLogger::log(const Metrics& metrics, int64_t epoch, int64_t step) {
  std::map<std::string, std::string> row{{"epoch", std::to_string(epoch)},
                                         {"step", std::to_string(step)}};
  bool new_column = false;
  for (const auto& [name, value] : metrics) {
    row[name] = fmt::format("{:.9g}", value);
    if (std::find(columns_.begin(), columns_.end(), name) != columns_.end()) continue;
    columns_.push_back(name);
    new_column = true;
  }
  rows_.push_back(row);
  if (new_column) return rewrite();
  std::ofstream file(path_, std::ios::app);
  file << row_text(row) << std::flush;
  IOLAUS_CHECK_CODE(file.good(), ErrorCode::kIo, "cannot write to {}", path_);
}

}  // namespace iolaus::nn
