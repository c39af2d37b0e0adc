// Hyperparameters for TensorBoard's page of that name. Its messages hide in a summary's metadata.
#include "nn/loggers/summaries.h"

namespace iolaus::nn {
namespace {

constexpr int kTypeText = 1, kTypeNumber = 3;          // hparams/api.proto, DataType
constexpr int kStatusSuccess = 1, kStatusFailure = 2;  // hparams/api.proto, Status

Proto hidden(const char* tag, const Proto& data) {
  const Proto plugin = Proto().text(1, "hparams").one_text(2, data.bytes());
  return Proto().message(1, Proto().text(1, tag).message(9, Proto().message(1, plugin)));
}

void flatten(const config::Node& node, const std::string& path, HParams& out) {
  if (node.is_dict()) {
    for (const config::Node& entry : node) {
      const std::string key = entry.key().text();
      flatten(entry, path.empty() ? key : path + "/" + key, out);
    }
    return;
  }
  bool dicts_only = node.is_list();
  if (node.is_list()) {
    for (const config::Node& item : node) dicts_only = dicts_only && item.is_dict();
  }
  if (dicts_only) {
    for (size_t i = 0; i < node.size(); ++i) {
      flatten(node.child(i), path + "/" + std::to_string(i), out);
    }
  } else if (node.is_int() || node.is_float()) {
    out.emplace_back(path, node.as_float());
  } else if (node.is_bool()) {
    out.emplace_back(path, node.as_bool() ? 1.0 : 0.0);
  } else {
    out.emplace_back(path, node.str());
  }
}

}  // namespace

HParams flatten_hparams(const config::Node& config) {
  HParams out;
  flatten(config, "", out);
  return out;
}

Proto hparams_experiment(const HParams& hparams, const std::vector<std::string>& metrics) {
  Proto experiment;
  for (const auto& [name, value] : hparams) {
    const bool number = std::holds_alternative<double>(value);
    experiment.message(4, Proto().text(1, name).integer(4, number ? kTypeNumber : kTypeText));
  }
  for (const std::string& metric : metrics) {
    experiment.message(5, Proto().message(1, Proto().text(2, metric)));
  }
  return hidden("_hparams_/experiment", Proto().message(2, experiment));
}

Proto hparams_start(const HParams& hparams, double start_time) {
  Proto start;
  for (const auto& [name, value] : hparams) {
    Proto held;  // google.protobuf.Value
    if (const auto* number = std::get_if<double>(&value)) {
      held.one_real(2, *number);
    } else {
      held.one_text(3, std::get<std::string>(value));
    }
    start.message(1, Proto().one_text(1, name).message(2, held));
  }
  start.real(5, start_time);
  return hidden("_hparams_/session_start_info", Proto().message(3, start));
}

Proto hparams_end(bool success, double end_time) {
  Proto end;
  end.integer(1, success ? kStatusSuccess : kStatusFailure).real(2, end_time);
  return hidden("_hparams_/session_end_info", Proto().message(4, end));
}

}  // namespace iolaus::nn
