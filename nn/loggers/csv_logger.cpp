// Rows are appended; a new metric writes the file anew with one more column.
#include "nn/loggers/csv_logger.h"

#include <algorithm>
#include <cmath>
#include <filesystem>

#include "config/instantiate.h"
#include "config/python_text.h"
#include "core/error.h"
#include "core/io/atomic_file.h"
#include "core/io/file.h"
#include "core/warning.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;
constexpr uint64_t kLargestFile = uint64_t{1} << 32;

std::vector<config::Param> params() {
  std::vector<config::Param> all = LogDirectory::params();
  all.emplace_back("prefix", P::kString, "before each metric's name, with a dash", nullptr);
  all.emplace_back("flush_logs_every_n_steps", P::kInt, "steps between two writes", 100);
  return all;
}

const config::Register<CSVLogger, Logger> kCsvLogger{
    {"iolaus.nn.CSVLogger", "lightning.pytorch.loggers.CSVLogger",
     "lightning.pytorch.loggers.csv_logs.CSVLogger", "pytorch_lightning.loggers.CSVLogger",
     "pytorch_lightning.loggers.csv_logs.CSVLogger"},
    "metrics.csv and hparams.yaml in save_dir/name/version",
    params(),
    [](const config::Args& a) {
      return std::make_shared<CSVLogger>(LogDirectory::from(a), text_or_empty(a, "prefix"),
                                         a.get<int64_t>("flush_logs_every_n_steps"));
    }};

// As Python's csv writes it: epochs are integers there, all other metrics floats.
std::string field_text(const std::string& name, double value) {
  if (name == "epoch" && value == std::floor(value) && std::abs(value) < 1e15) {
    return std::to_string(static_cast<int64_t>(value));
  }
  return config::python_float(value);
}

CsvRow in_columns(const CsvRow& columns, const std::map<std::string, std::string>& row) {
  CsvRow fields;
  for (const std::string& column : columns) {
    const auto found = row.find(column);
    fields.push_back(found == row.end() ? "" : found->second);
  }
  return fields;
}

}  // namespace

CSVLogger::CSVLogger(LogDirectory directory, std::string prefix, int64_t flush_logs_every_n_steps)
    : directory_(std::move(directory)),
      prefix_(std::move(prefix)),
      flush_every_(flush_logs_every_n_steps) {
  IOLAUS_CHECK(flush_every_ > 0, "[CSVLogger] flush_logs_every_n_steps must be positive, got {}",
               flush_every_);
}

CSVLogger::~CSVLogger() {
  try {
    write();
  } catch (const Error& error) {
    warn("{}; {} rows of metrics are lost", error.what(), rows_.size());
  }
}

void CSVLogger::log_metrics(const Metrics& metrics, int64_t step) {
  Row row;
  for (const auto& [name, value] : metrics) {
    row[prefixed(prefix_, name)] = field_text(name, value);
  }
  row["step"] = std::to_string(step);
  rows_.push_back(std::move(row));
  // Lightning asks for step + 1 to be a multiple; steps that are logged may never be one.
  const bool passed = (step + 1) / flush_every_ > (flushed_step_ + 1) / flush_every_;
  if (!passed && (step + 1) % flush_every_ != 0) return;
  write();
  flushed_step_ = step;
}

void CSVLogger::log_hyperparams(const config::Node& config) {
  directory_.create();
  write_hparams(directory_.path(), config);
}

void CSVLogger::save() {
  write();
  if (file_.is_open()) file_.sync();
}

void CSVLogger::open() {
  directory_.create();
  std::error_code none;
  if (std::filesystem::is_regular_file(path(), none)) {
    const std::string text = io::read_file(path(), kLargestFile);
    const std::vector<CsvRow> rows = parse_csv(text.substr(0, text.find('\n')));
    // A last row without its end was cut off: columns_ stays empty, so that all is written anew.
    if (!rows.empty() && text.ends_with('\n')) columns_ = rows.front();
  }
  file_.open(path());
}

void CSVLogger::write() {
  if (rows_.empty()) return;
  if (!file_.is_open()) open();
  CsvRow columns = columns_;
  for (const Row& row : rows_) {
    for (const auto& [name, text] : row) {
      if (std::find(columns.begin(), columns.end(), name) == columns.end()) columns.push_back(name);
    }
  }
  if (columns.size() > columns_.size()) {
    rewrite(columns);
  } else {
    std::string text;
    for (const Row& row : rows_) text += csv_row(in_columns(columns_, row));
    file_.append(text);
  }
  rows_.clear();
}

void CSVLogger::rewrite(const CsvRow& columns) {
  std::vector<CsvRow> old;
  std::error_code none;
  if (std::filesystem::is_regular_file(path(), none)) {
    old = parse_csv(io::read_file(path(), kLargestFile));
  }
  CsvRow all = columns;
  if (!old.empty()) all.insert(all.end(), old.front().begin(), old.front().end());
  std::sort(all.begin(), all.end());
  all.erase(std::unique(all.begin(), all.end()), all.end());

  std::string text = csv_row(all);
  for (size_t i = 1; i < old.size(); ++i) {
    Row row;
    for (size_t k = 0; k < std::min(old[i].size(), old[0].size()); ++k) row[old[0][k]] = old[i][k];
    text += csv_row(in_columns(all, row));
  }
  for (const Row& row : rows_) text += csv_row(in_columns(all, row));
  io::write_file_atomic(path(), text);
  file_.open(path());  // the new file
  columns_ = std::move(all);
}

}  // namespace iolaus::nn
