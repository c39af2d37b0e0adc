// The trainer's name and flags in configs.
#include "config/instantiate.h"
#include "core/near_names.h"
#include "nn/callbacks/callback.h"
#include "nn/loggers/logger.h"
#include "nn/trainer/duration.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;
using config::Args;

BatchLimit limit(const Args& a, const char* name, BatchLimit otherwise = {}) {
  const config::Node& node = a.node(name);
  if (node.is_null()) return otherwise;
  if (node.is_int() && node.as_int() >= 0) return {1.0, node.as_int()};
  if (node.is_float() && node.as_float() >= 0 && node.as_float() <= 1) return {node.as_float(), -1};
  a.fail_about(name,
               "expected a number of batches (an int) or a share in [0.0, 1.0] (a float), "
               "got " +
                   node.repr());
}

int64_t count(const Args& a, const char* name, int64_t otherwise) {
  return a.has(name) ? a.get<int64_t>(name) : otherwise;
}

int64_t fast_dev_run(const Args& a) {
  const config::Node& node = a.node("fast_dev_run");
  if (node.is_bool()) return node.as_bool() ? 1 : 0;
  if (node.is_int() && node.as_int() >= 0) return node.as_int();
  a.fail_about("fast_dev_run", "expected true, false or a number of batches, got " + node.repr());
}

// One device: which. Several would be several processes.
int64_t device_index(const Args& a, const char* name) {
  const config::Node& node = a.node(name);
  if (node.is_null() || (node.is_string() && node.as_string() == "auto")) return 0;
  const auto wrong = [&]() {
    a.fail_about(name,
                 "expected 1, 'auto' or a list with one device's index; a process trains on "
                 "one device. Got " +
                     node.repr());
  };
  if (node.is_int() && (node.as_int() == 1 || node.as_int() == -1)) return 0;
  if (node.is_string() && node.as_string() == "1") return 0;
  if (node.is_list() && node.size() == 1 && (*node.begin()).is_int())
    return (*node.begin()).as_int();
  wrong();
  return 0;
}

void one_process(const Args& a) {
  const std::string strategy = a.has("strategy") ? a.get<std::string>("strategy") : "auto";
  const std::vector<std::string> known{"auto",         "ddp", "ddp_spawn",
                                       "ddp_notebook", "dp",  "single_device"};
  if (std::find(known.begin(), known.end(), strategy) == known.end()) {
    a.fail_about("strategy", "'" + strategy +
                                 "' is not offered; with one process and device, "
                                 "'auto' and 'ddp' are the same." +
                                 did_you_mean(strategy, known));
  }
  if (a.get<int64_t>("num_nodes") != 1) a.fail_about("num_nodes", "one process trains; expected 1");
}

NanPolicy nan_policy(const Args& a) {
  const std::string name = a.get<std::string>("nan_policy");
  if (name == "error") return NanPolicy::kError;
  if (name == "skip") return NanPolicy::kSkip;
  if (name != "ignore") {
    a.fail_about("nan_policy", "expected 'error', 'skip' or 'ignore', got '" + name + "'");
  }
  return NanPolicy::kIgnore;
}

std::string precision(const Args& a) {
  const config::Node& node = a.node("precision");
  return node.is_null() ? "32-true" : node.is_int() ? std::to_string(node.as_int()) : node.str();
}

std::vector<std::shared_ptr<Logger>> loggers(const Args& a) {
  using List = std::vector<std::shared_ptr<Logger>>;
  if (a.has_extra("logger")) return a.extra<List>("logger");
  const config::Instance& given = a.instance("logger");
  List out;
  if (given.kind == config::Instance::Kind::kObject) out.push_back(given.as<Logger>());
  for (const config::Instance& item : given.items) out.push_back(item.as<Logger>());
  return out;
}

std::vector<std::shared_ptr<Callback>> callbacks(const Args& a) {
  using List = std::vector<std::shared_ptr<Callback>>;
  List out =
      a.has_extra("callbacks") ? a.extra<List>("callbacks") : a.objects<Callback>("callbacks");
  return out;
}

// `gpus` is the older name: 0 or null is the CPU, 1 or [k] a GPU.
void older_names(const Args& a, TrainerOptions& o) {
  const config::Node& gpus = a.node("gpus");
  if (gpus.is_null()) return;
  if (gpus.is_int() && gpus.as_int() == 0) {
    o.accelerator = "cpu";
    return;
  }
  o.accelerator = "gpu";
  o.device_index = device_index(a, "gpus");
}

const config::Register<Trainer> kTrainer{
    {"iolaus.nn.Trainer", "pytorch_lightning.Trainer", "lightning.pytorch.Trainer",
     "lightning.Trainer", "pytorch_lightning.trainer.Trainer"},
    "trains, validates and tests",
    {{"accelerator", P::kString, "auto, cpu, gpu, cuda, or a device: cuda:1", "auto"},
     {"strategy", P::kString, "auto or ddp, the same for one process", "auto"},
     {"devices", P::kAny, "1, auto, or [k] for the device k", "auto"},
     {"num_nodes", P::kInt, "machines; 1", 1},
     {"precision", P::kAny, "32-true, 64-true, bf16-true, 16-true, bf16-mixed, 16-mixed", nullptr},
     {"logger", P::kAny, "a logger, several, or false", nullptr},
     {"callbacks", P::kObjects, "callbacks", nullptr},
     {"fast_dev_run", P::kAny, "true or a number: that many batches of everything, nothing written",
      false},
     {"max_epochs", P::kInt, "epochs; -1: no limit; null: 1000 unless max_steps or max_time",
      nullptr},
     {"min_epochs", P::kInt, "early stopping waits for them", nullptr},
     {"max_steps", P::kInt, "optimizer steps; -1: no limit", -1},
     {"min_steps", P::kInt, "early stopping waits for them", nullptr},
     {"max_time", P::kAny, "seconds, 'DD:HH:MM:SS', or a dict of days, hours, ...", nullptr},
     {"limit_train_batches", P::kAny, "a share (float) or a number of batches (int)", nullptr},
     {"limit_val_batches", P::kAny, "likewise", nullptr},
     {"limit_test_batches", P::kAny, "likewise", nullptr},
     {"limit_predict_batches", P::kAny, "likewise", nullptr},
     {"overfit_batches", P::kAny, "trains on these first batches, unshuffled", 0.0},
     {"val_check_interval", P::kAny, "validates after this part of an epoch, or so many batches",
      nullptr},
     {"check_val_every_n_epoch", P::kInt, "null: val_check_interval counts over epochs", 1},
     {"num_sanity_val_steps", P::kInt, "batches of validation before training; -1: all", nullptr},
     {"log_every_n_steps", P::kInt, "rows of on_step values", nullptr},
     {"enable_checkpointing", P::kBool, "adds a ModelCheckpoint where there is none", nullptr},
     {"enable_progress_bar", P::kBool, "shows progress", nullptr},
     {"enable_model_summary", P::kBool, "shows the layers before training", nullptr},
     {"accumulate_grad_batches", P::kInt, "batches of one optimizer step", 1},
     {"gradient_clip_val", P::kFloat, "limit of the gradients; null or 0: none", nullptr},
     {"gradient_clip_algorithm", P::kString, "norm or value", nullptr},
     {"deterministic", P::kAny, "always so: the same seed gives the same bits", nullptr},
     {"benchmark", P::kBool, "accepted; kernels.tune chooses kernels by measurement", nullptr},
     {"inference_mode", P::kBool, "accepted; evaluation records no graph", true},
     {"use_distributed_sampler", P::kBool, "accepted; one process", true},
     {"profiler", P::kString, "simple: where the time went", nullptr},
     {"detect_anomaly", P::kBool, "names the op whose gradient is not finite", false},
     {"cuda_graphs", P::kBool, "forward and backward of a batch are launched as one CUDA graph",
      false},
     {"sync_batchnorm", P::kBool, "accepted; one process", false},
     {"default_root_dir", P::kString, "files, where no logger says where", nullptr},
     {"nan_policy", P::kString, "loss not finite: error, skip or ignore", "error"},
     {"nan_patience", P::kInt, "skip: an error after so many batches in a row", 10},
     {"handle_signals", P::kBool, "SIGTERM, SIGINT, SIGUSR1: save at the next step, then stop",
      true},
     {"resume_from_checkpoint", P::kString, "older name of ckpt_path", nullptr},
     {"gpus", P::kAny, "older name: 0, 1 or [k]", nullptr}},
    [](const Args& a) {
      one_process(a);
      TrainerOptions o;
      o.accelerator = a.has("accelerator") ? a.get<std::string>("accelerator") : "auto";
      o.device_index = device_index(a, "devices");
      o.precision = precision(a);
      o.loggers = loggers(a);
      o.callbacks = callbacks(a);
      if (a.has("default_root_dir")) o.default_root_dir = a.get<std::string>("default_root_dir");
      o.fast_dev_run = fast_dev_run(a);
      o.max_steps = a.get<int64_t>("max_steps");
      if (a.has("max_time")) o.max_time = parse_duration(a, "max_time");
      o.max_epochs = count(a, "max_epochs", o.max_steps >= 0 || o.max_time ? -1 : 1000);
      o.min_epochs = count(a, "min_epochs", 0);
      o.min_steps = count(a, "min_steps", 0);
      o.limit_train_batches = limit(a, "limit_train_batches");
      o.limit_val_batches = limit(a, "limit_val_batches");
      o.limit_test_batches = limit(a, "limit_test_batches");
      o.limit_predict_batches = limit(a, "limit_predict_batches");
      o.overfit_batches = limit(a, "overfit_batches", {0.0, -1});
      o.val_check_interval = limit(a, "val_check_interval");
      o.check_val_every_n_epoch = a.has("check_val_every_n_epoch")
                                      ? std::optional(a.get<int64_t>("check_val_every_n_epoch"))
                                      : std::nullopt;
      o.num_sanity_val_steps = count(a, "num_sanity_val_steps", 2);
      o.log_every_n_steps = count(a, "log_every_n_steps", 50);
      const auto flag = [&](const char* name) { return !a.has(name) || a.get<bool>(name); };
      o.enable_checkpointing = flag("enable_checkpointing");
      o.enable_progress_bar = flag("enable_progress_bar");
      o.enable_model_summary = flag("enable_model_summary");
      o.accumulate_grad_batches = a.get<int64_t>("accumulate_grad_batches");
      if (a.has("gradient_clip_val")) o.gradient_clip_val = a.get<double>("gradient_clip_val");
      if (a.has("gradient_clip_algorithm")) {
        o.gradient_clip_algorithm = a.get<std::string>("gradient_clip_algorithm");
      }
      if (a.has("profiler")) o.profiler = a.get<std::string>("profiler");
      o.detect_anomaly = a.get<bool>("detect_anomaly");
      o.cuda_graphs = a.get<bool>("cuda_graphs");
      o.nan_policy = nan_policy(a);
      o.nan_patience = a.get<int64_t>("nan_patience");
      o.handle_signals = a.get<bool>("handle_signals");
      if (a.has("resume_from_checkpoint")) {
        o.resume_from_checkpoint = a.get<std::string>("resume_from_checkpoint");
      }
      older_names(a, o);
      return std::make_shared<Trainer>(std::move(o));
    }};

}  // namespace
}  // namespace iolaus::nn
