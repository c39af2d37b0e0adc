// From calls to events.
#include "nn/loggers/tensorboard_logger.h"

#include <filesystem>

#include "config/instantiate.h"
#include "core/error.h"
#include "core/warning.h"
#include "nn/loggers/graph.h"
#include "nn/loggers/summaries.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;

std::vector<config::Param> params() {
  std::vector<config::Param> all = LogDirectory::params();
  all.emplace_back("log_graph", P::kBool, "also the model's graph", false);
  all.emplace_back("default_hp_metric", P::kBool, "a metric hp_metric for hyperparameters", true);
  all.emplace_back("prefix", P::kString, "before each metric's name, with a dash", nullptr);
  all.emplace_back("sub_dir", P::kString, "a folder below the version's", nullptr);
  all.emplace_back("filename_suffix", P::kString, "at the end of the file's name", nullptr);
  all.emplace_back("max_queue", P::kInt, "ignored: nothing is held back", 10);
  all.emplace_back("flush_secs", P::kInt, "ignored: nothing is held back", 120);
  return all;
}

const config::Register<TensorBoardLogger, Logger> kTensorBoardLogger{
    {"iolaus.nn.TensorBoardLogger", "lightning.pytorch.loggers.TensorBoardLogger",
     "lightning.pytorch.loggers.tensorboard.TensorBoardLogger",
     "pytorch_lightning.loggers.TensorBoardLogger",
     "pytorch_lightning.loggers.tensorboard.TensorBoardLogger"},
    "TensorBoard's event files and hparams.yaml in save_dir/name/version",
    params(),
    [](const config::Args& a) {
      return std::make_shared<TensorBoardLogger>(
          LogDirectory::from(a),
          TensorBoardOptions{.log_graph = a.get<bool>("log_graph"),
                             .default_hp_metric = a.get<bool>("default_hp_metric"),
                             .prefix = text_or_empty(a, "prefix"),
                             .filename_suffix = text_or_empty(a, "filename_suffix")});
    }};

std::string record(const Proto& summary, std::optional<int64_t> step, double time) {
  return tf_record(summary_event(time, step, summary).bytes());
}

}  // namespace

TensorBoardLogger::TensorBoardLogger(LogDirectory directory, TensorBoardOptions options)
    : directory_(std::move(directory)), options_(std::move(options)) {}

EventFile& TensorBoardLogger::file() {
  if (!file_.is_open()) {
    directory_.create();
    file_.open(directory_.path(), options_.filename_suffix);
  }
  return file_;
}

void TensorBoardLogger::add(const Proto& summary, std::optional<int64_t> step) {
  file().append(record(summary, step, wall_time()));
}

void TensorBoardLogger::log_metrics(const Metrics& metrics, int64_t step) {
  std::string records;
  const double now = wall_time();
  for (const auto& [name, value] : metrics) {
    records += record(scalar_summary(prefixed(options_.prefix, name), value), step, now);
  }
  file().append(records);
}

void TensorBoardLogger::log_hyperparams(const config::Node& config) {
  directory_.create();
  // As in Lightning, the first run of a version says what its parameters were.
  std::error_code none;
  if (!std::filesystem::exists(directory_.path() + "/hparams.yaml", none)) {
    write_hparams(directory_.path(), config);
  }
  if (!options_.default_hp_metric) return;
  const HParams hparams = flatten_hparams(config);
  const std::string metric = prefixed(options_.prefix, "hp_metric");
  const double now = wall_time();
  file().append(record(scalar_summary(metric, -1), {}, now) +
                record(hparams_experiment(hparams, {"hp_metric"}), {}, now) +
                record(hparams_start(hparams, now), {}, now));
  has_hparams_ = true;
}

void TensorBoardLogger::log_histogram(const std::string& name, const Tensor& values, int64_t step) {
  add(histogram_summary(name, values.to_vector<double>()), step);
}

void TensorBoardLogger::log_image(const std::string& name, const Tensor& image, int64_t step) {
  add(image_summary(name, image), step);
}

void TensorBoardLogger::log_text(const std::string& name, const std::string& text, int64_t step) {
  add(text_summary(name, text), step);
}

void TensorBoardLogger::log_graph(Module& model, const Dims& input_sizes) {
  if (!options_.log_graph) return;
  Proto graph;
  try {
    graph = graph_def(trace_graph(model, input_sizes));
  } catch (const Error& error) {
    warn("[TensorBoardLogger] there is no graph: {}", error.what());
    return;
  }
  const double now = wall_time();
  file().append(tf_record(graph_event(now, graph).bytes()) +
                tf_record(graph_metadata_event(now).bytes()));
}

void TensorBoardLogger::save() {
  if (file_.is_open()) file_.sync();
}

void TensorBoardLogger::finalize(const std::string& status) {
  if (has_hparams_ && status != "interrupted") {
    const double now = wall_time();
    file().append(record(hparams_end(status == "success", now), {}, now));
  }
  save();
}

}  // namespace iolaus::nn
