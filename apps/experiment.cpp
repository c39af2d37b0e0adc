// Building experiments from configs.
#include "apps/experiment.h"

#include <spdlog/spdlog.h>
#include <unistd.h>

#include <cstdio>
#include <cstdlib>
#include <filesystem>

#include "apps/kernel_config.h"
#include "config/instantiate.h"
#include "config/interpolation.h"
#include "config/update.h"
#include "core/device_info.h"
#include "core/parallel.h"
#include "core/random.h"
#include "core/warning.h"

namespace iolaus {
namespace {

namespace fs = std::filesystem;

// The resolved value at a path; kConfig where it is not there or missing.
config::NodeRef required(const config::Node& cfg, const char* path) {
  config::NodeRef found = config::select(cfg, path, {.throw_on_missing = true});
  IOLAUS_CHECK_CODE(static_cast<bool>(found), ErrorCode::kConfig, "the config has no '{}'", path);
  return found;
}

bool has(const config::Node& cfg, const char* path) {
  const config::NodeRef found = config::select(cfg, path);
  return found && !found->is_null();
}

Device parse_device_or_auto(const std::string& name) {
  if (name != "auto") return parse_device(name);
  return is_available(kCUDA) && !is_cuda_simulated() ? Device(kCUDA, 0) : Device();
}

[[noreturn]] void wrong(const config::Node& node, const std::string& what) {
  config::fail_at(node, what);
}

int64_t integer(const config::Node& trainer, const char* key) {
  const config::NodeRef node = required(trainer, key);
  if (!node->is_int())
    wrong(*node, fmt::format("trainer.{} must be an integer, got {}", key, node->repr()));
  return node->as_int();
}
double number(const config::Node& trainer, const char* key) {
  const config::NodeRef node = required(trainer, key);
  if (node->is_null()) return 0;
  if (!node->is_int() && !node->is_float()) {
    wrong(*node, fmt::format("trainer.{} must be a number, got {}", key, node->repr()));
  }
  return node->as_float();
}
bool boolean(const config::Node& trainer, const char* key) {
  const config::NodeRef node = required(trainer, key);
  if (!node->is_bool())
    wrong(*node, fmt::format("trainer.{} must be true or false, got {}", key, node->repr()));
  return node->as_bool();
}
nn::BatchLimit limit(const config::Node& trainer, const char* key) {
  const config::NodeRef node = required(trainer, key);
  nn::BatchLimit out;
  if (node->is_int() && node->as_int() >= 0) {
    out.count = node->as_int();
  } else if (node->is_float() && node->as_float() >= 0 && node->as_float() <= 1) {
    out.share = node->as_float();
  } else {
    wrong(*node, fmt::format("trainer.{} must be a number of batches or a share in [0.0, 1.0], "
                             "got {}",
                             key, node->repr()));
  }
  return out;
}

constexpr const char* kTrainerKeys[] = {"max_epochs",          "max_steps",
                                        "limit_train_batches", "limit_val_batches",
                                        "limit_test_batches",  "gradient_clip_val",
                                        "log_every_n_steps",   "check_val_every_n_epoch",
                                        "enable_progress_bar", "enable_checkpointing",
                                        "save_top_k"};

}  // namespace

std::string conf_dir() {
  if (const char* path = std::getenv("IOLAUS_CONF")) return path;
  char buffer[4096];
  const ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer);
  const fs::path program =
      fs::path(std::string(buffer, static_cast<size_t>(std::max<ssize_t>(length, 0))));
  for (const fs::path& candidate :
       {program.parent_path() / "../share/iolaus/conf", fs::path(IOLAUS_BUILT_CONF_DIR)}) {
    std::error_code ignored;
    if (fs::exists(candidate / "train.yaml", ignored))
      return fs::weakly_canonical(candidate).string();
  }
  fail(ErrorCode::kNotFound,
       "the shipped config tree was found neither beside {} nor at {}; set IOLAUS_CONF",
       program.string(), IOLAUS_BUILT_CONF_DIR);
}

Device set_up(const config::Node& cfg) {
  if (has(cfg, "seed")) manual_seed(static_cast<uint64_t>(required(cfg, "seed")->as_int()));
  if (has(cfg, "threads")) set_num_threads(static_cast<int>(required(cfg, "threads")->as_int()));
  const Device device = parse_device_or_auto(required(cfg, "device")->as_string());
  set_warning_handler([](const std::string& message) { spdlog::warn("{}", message); });
  apply_kernel_config(has(cfg, "kernels") ? config::to_resolved(*required(cfg, "kernels"))
                                          : config::Node::dict());
  return device;
}

nn::Experiment make_experiment(const config::Node& cfg, Device device) {
  nn::Experiment e;
  e.device = device;
  e.data = config::instantiate<nn::data::DataModule>(*required(cfg, "data"));
  e.model = config::instantiate<nn::Module>(*required(cfg, "model"));
  e.loss = config::instantiate<nn::Loss>(*required(cfg, "loss"));
  IOLAUS_CHECK_CODE(e.data && e.model && e.loss, ErrorCode::kConfig,
                    "data, model and loss must not be null");
  e.model->to(device);
  return e;
}

void add_optimizer(const config::Node& cfg, nn::Experiment& e) {
  const auto optimizer = config::instantiate<config::Partial>(*required(cfg, "optimizer"));
  IOLAUS_CHECK_CODE(optimizer != nullptr, ErrorCode::kConfig, "optimizer must not be null");
  e.optimizer = optimizer->call<nn::Optimizer>({{"params", nn::one_group(e.model->parameters())}});
  if (!has(cfg, "scheduler") || required(cfg, "scheduler")->empty()) return;
  e.scheduler = config::instantiate<config::Partial>(*required(cfg, "scheduler"))
                    ->call<nn::Scheduler>({{"optimizer", e.optimizer}});
}

nn::TrainerOptions trainer_options(const config::Node& trainer) {
  std::vector<std::string> known(std::begin(kTrainerKeys), std::end(kTrainerKeys));
  for (const config::Node& entry : trainer) {
    const std::string key = entry.key().text();
    if (std::find(known.begin(), known.end(), key) == known.end()) {
      wrong(entry, "the trainer has no option '" + key + "'." + did_you_mean(key, known));
    }
  }
  return {.max_epochs = integer(trainer, "max_epochs"),
          .max_steps = integer(trainer, "max_steps"),
          .limit_train_batches = limit(trainer, "limit_train_batches"),
          .limit_val_batches = limit(trainer, "limit_val_batches"),
          .limit_test_batches = limit(trainer, "limit_test_batches"),
          .gradient_clip_val = number(trainer, "gradient_clip_val"),
          .log_every_n_steps = integer(trainer, "log_every_n_steps"),
          .check_val_every_n_epoch = integer(trainer, "check_val_every_n_epoch"),
          .enable_progress_bar = boolean(trainer, "enable_progress_bar"),
          .enable_checkpointing = boolean(trainer, "enable_checkpointing"),
          .save_top_k = integer(trainer, "save_top_k")};
}

void print_metrics(const nn::Metrics& metrics, const std::string& prefix) {
  for (const auto& [name, value] : metrics) {
    if (name.starts_with(prefix)) std::printf("%s: %.4f\n", name.c_str(), value);
  }
  std::fflush(stdout);
}

}  // namespace iolaus
