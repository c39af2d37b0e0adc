// One line a call, in the file when the call returns.
#include "nn/loggers/jsonl_logger.h"

#include <cmath>
#include <filesystem>
#include <fstream>
#include <nlohmann/json.hpp>

#include "config/instantiate.h"
#include "nn/loggers/event_file.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;
using Json = nlohmann::ordered_json;

std::vector<config::Param> params() {
  std::vector<config::Param> all = LogDirectory::params();
  all.emplace_back("prefix", P::kString, "before each metric's name, with a dash", nullptr);
  return all;
}

const config::Register<JSONLLogger, Logger> kJsonlLogger{
    {"iolaus.nn.JSONLLogger"},
    "metrics.jsonl and hparams.yaml in save_dir/name/version",
    params(),
    [](const config::Args& a) {
      return std::make_shared<JSONLLogger>(LogDirectory::from(a), text_or_empty(a, "prefix"));
    }};

Json number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value > 0 ? "Infinity" : "-Infinity";
  return value;
}

// An epoch is written without a point.
Json whole_number(double value) {
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  return whole ? Json(static_cast<int64_t>(value)) : number(value);
}

}  // namespace

JSONLLogger::JSONLLogger(LogDirectory directory, std::string prefix)
    : directory_(std::move(directory)), prefix_(std::move(prefix)) {}

void JSONLLogger::open() {
  directory_.create();
  const std::string path = directory_.path() + "/metrics.jsonl";
  char last = '\n';
  std::error_code none;
  if (std::filesystem::is_regular_file(path, none)) {
    std::ifstream before(path, std::ios::ate);
    if (before.tellg() > 0) before.seekg(-1, std::ios::end).get(last);
  }
  file_.open(path);
  if (last != '\n') file_.append("\n");  // a line that was cut off spoils no other
}

void JSONLLogger::log_metrics(const Metrics& metrics, int64_t step) {
  Json line = {{"step", step}};
  if (const auto epoch = metrics.find("epoch"); epoch != metrics.end()) {
    line["epoch"] = whole_number(epoch->second);
  }
  line["time"] = wall_time();
  for (const auto& [name, value] : metrics) {
    const std::string key = prefixed(prefix_, name);
    if (name != "epoch" && !line.contains(key)) line[key] = number(value);
  }
  if (!file_.is_open()) open();
  file_.append(line.dump(-1, ' ', false, Json::error_handler_t::replace) + "\n");
}

void JSONLLogger::log_hyperparams(const config::Node& config) {
  directory_.create();
  write_hparams(directory_.path(), config);
}

void JSONLLogger::save() {
  if (file_.is_open()) file_.sync();
}

}  // namespace iolaus::nn
