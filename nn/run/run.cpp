// The tasks of training and testing.
#include "nn/run/run.h"

#include <spdlog/spdlog.h>

#include <cstdio>

#include "config/interpolation.h"
#include "config/merge.h"
#include "config/update.h"
#include "config/yaml.h"
#include "core/parallel.h"
#include "core/random.h"
#include "core/warning.h"
#include "kernels/kernel_set.h"
#include "nn/callbacks/model_checkpoint.h"
#include "nn/loggers/logger.h"
#include "nn/run/assemble.h"
#include "nn/run/device_failure_exit.h"
#include "nn/run/kernel_config.h"
#include "nn/trainer/signals.h"
#include "nn/weights.h"

namespace iolaus::nn {
namespace {

using detail::value_at;

// The signal that ended the newest run of this process, for its exit status.
int g_interrupted_by = 0;

bool flag(const config::Node& cfg, const char* key) {
  const config::NodeRef node = value_at(cfg, key);
  if (!node) return true;
  if (!node->is_bool()) {
    config::fail_at(*node, fmt::format("{} must be true or false, got {}", key, node->repr()));
  }
  return node->as_bool();
}

std::string text(const config::Node& cfg, const char* key) {
  const config::NodeRef node = value_at(cfg, key);
  return node ? node->str() : "";
}

void print_metrics(const Metrics& metrics) {
  for (const auto& [name, value] : metrics) std::printf("%s: %.4f\n", name.c_str(), value);
  std::fflush(stdout);
}

config::TaskResult result(const config::Node& cfg, const Metrics& metrics) {
  const std::string wanted = text(cfg, "optimized_metric");
  const auto found = metrics.find(wanted.empty() ? "test/acc" : wanted);
  if (found != metrics.end()) return found->second;
  if (wanted.empty()) return {};
  std::string known;
  for (const auto& [name, value] : metrics) known += (known.empty() ? "" : ", ") + name;
  fail(ErrorCode::kConfig, "optimized_metric '{}' was not logged; there is {}", wanted, known);
}

// The weights that are tested: the best, where a metric says which.
std::string to_test(const Trainer& trainer) {
  const ModelCheckpoint* checkpoints = trainer.checkpoint_callback();
  const bool chosen = checkpoints != nullptr && !checkpoints->options().monitor.empty() &&
                      !checkpoints->best_model_path().empty();
  return chosen ? "best" : "";
}

}  // namespace

void set_up(const config::Node& cfg) {
  if (const auto seed = value_at(cfg, "seed")) manual_seed(static_cast<uint64_t>(seed->as_int()));
  if (const auto threads = value_at(cfg, "threads")) {
    set_num_threads(static_cast<int>(threads->as_int()));
  }
  set_warning_handler([](const std::string& message) { spdlog::warn("{}", message); });
  const config::NodeRef kernels = value_at(cfg, "kernels");
  apply_kernel_config(kernels ? config::to_resolved(*kernels) : config::Node::dict());
}

config::TaskResult train(const config::Node& cfg, const config::JobContext& job) {
  set_up(cfg);
  const bool trains = flag(cfg, "train");
  const auto trainer = detail::make_trainer(cfg, job.output_dir);
  const auto data = detail::make_data(cfg);
  const auto module = detail::make_module(cfg, trains);
  const config::Node resolved = config::to_resolved(cfg);
  trainer->config_text = config::to_yaml(resolved);
  spdlog::info("{} parameters on {}, {} threads, output in {}", module->parameter_count(),
               trainer->device().str(), num_threads(), job.output_dir);
  trainer->for_each_logger([&](Logger& logger) { logger.log_hyperparams(resolved); });

  const std::string ckpt_path = text(cfg, "ckpt_path");
  if (const std::string weights = text(cfg, "weights"); !weights.empty()) {
    module->checkpointed().load_state_dict(load_weights(weights));
    spdlog::info("weights from {}", weights);
  }
  if (trains) {
    if (!ckpt_path.empty()) spdlog::info("resuming from {}", find_checkpoint(ckpt_path));
    trainer->fit(*module, *data, ckpt_path);
  }
  g_interrupted_by = trainer->interrupted_by();
  if (g_interrupted_by != 0) {
    fail(ErrorCode::kUnsupported,
         "stopped by signal {} at epoch {}, step {}; go on with ckpt_path={}", g_interrupted_by,
         trainer->current_epoch(), trainer->global_step(), trainer->log_dir());
  }
  Metrics metrics = trainer->callback_metrics();
  if (flag(cfg, "test") && !data->test_loaders().empty()) {
    const Metrics tested = trainer->test(*module, *data, trains ? to_test(*trainer) : ckpt_path);
    for (const auto& [name, value] : tested) {
      metrics[name] = value;
      spdlog::info("{}: {:.4f}", name, value);
    }
    print_metrics(tested);
  }
  for (const std::string& line : kernels_that_ran()) spdlog::debug("kernel {}", line);
  write_kernel_record(job.output_dir + "/kernels.json");
  return result(cfg, metrics);
}

config::TaskResult evaluate(const config::Node& cfg, const config::JobContext&) {
  const config::NodeRef path = config::select(cfg, "ckpt_path", {.throw_on_missing = true});
  const Checkpoint checkpoint = load_checkpoint(path->as_string());
  config::Node saved = config::load_yaml(checkpoint.config, path->as_string() + "/config.yaml");
  if (const auto override = value_at(cfg, "override")) config::merge(saved, *override);
  if (const auto threads = config::select(cfg, "threads")) saved.set("threads", *threads);
  if (const auto device = value_at(cfg, "device")) saved.at("trainer").set("accelerator", *device);
  set_up(saved);
  const auto trainer = detail::make_tester(saved);
  const auto data = detail::make_data(saved);
  const auto module = detail::make_module(saved, false);
  module->checkpointed().load_state_dict(checkpoint.model);
  const Metrics metrics = trainer->test(*module, *data);
  print_metrics(metrics);
  return result(saved, metrics);
}

int train_main(int argc, char** argv, const config::AppOptions& options) {
  exit_on_device_failure();
  const int status = config::main(argc, argv, options, train);
  return g_interrupted_by != 0 ? interrupted_exit_status(g_interrupted_by) : status;
}

}  // namespace iolaus::nn
