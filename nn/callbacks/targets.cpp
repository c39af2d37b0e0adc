// The callbacks' names in configs.
#include "config/instantiate.h"
#include "nn/callbacks/early_stopping.h"
#include "nn/callbacks/learning_rate_monitor.h"
#include "nn/callbacks/model_checkpoint.h"
#include "nn/callbacks/model_summary.h"
#include "nn/callbacks/progress_bar.h"
#include "nn/callbacks/stochastic_weight_averaging.h"
#include "nn/trainer/duration.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;
using config::Args;

std::vector<std::string> names(const std::string& name) {
  return {"iolaus.nn." + name, "pytorch_lightning.callbacks." + name,
          "lightning.pytorch.callbacks." + name};
}
std::vector<std::string> names(const std::string& name, const std::string& module) {
  std::vector<std::string> all = names(name);
  all.push_back("pytorch_lightning.callbacks." + module + "." + name);
  all.push_back("lightning.pytorch.callbacks." + module + "." + name);
  return all;
}

template <class T> T or_else(const Args& a, const char* name, T otherwise) {
  return a.has(name) ? a.get<T>(name) : otherwise;
}

const config::Register<ModelCheckpoint, Callback> kModelCheckpoint{
    names("ModelCheckpoint", "model_checkpoint"),
    "saves training, and keeps the best or newest checkpoints",
    {{"dirpath", P::kString, "folder; null: checkpoints/ beside the first logger's files", nullptr},
     {"filename", P::kString, "template such as '{epoch:03d}-{val/acc:.2f}'", nullptr},
     {"monitor", P::kString, "metric that decides; null: the newest stay", nullptr},
     {"verbose", P::kBool, "logs what is saved", false},
     {"save_last", P::kBool, "keeps last.ckpt, always the newest", nullptr},
     {"save_top_k", P::kInt, "how many stay; -1: all", 1},
     {"save_weights_only", P::kBool, "without optimizer and progress", false},
     {"mode", P::kString, "min or max", "min"},
     {"auto_insert_metric_name", P::kBool, "'{epoch}' becomes 'epoch=3'", true},
     {"every_n_train_steps", P::kInt, "saves at every so many optimizer steps", nullptr},
     {"train_time_interval", P::kAny, "saves at intervals: seconds, 'HH:MM:SS' or a dict", nullptr},
     {"every_n_epochs", P::kInt, "saves at every so many epochs", nullptr},
     {"save_on_train_epoch_end", P::kBool, "after training, not after validation", nullptr},
     {"enable_version_counter", P::kBool, "a name that is taken gets -v1; always so here", true},
     {"asynchronous", P::kBool, "writes in the background", false}},
    [](const Args& a) {
      ModelCheckpointOptions o;
      o.dirpath = or_else<std::string>(a, "dirpath", "");
      o.filename = or_else<std::string>(a, "filename", "");
      o.monitor = or_else<std::string>(a, "monitor", "");
      o.verbose = a.get<bool>("verbose");
      o.save_last = or_else(a, "save_last", false);
      o.save_top_k = a.get<int64_t>("save_top_k");
      o.save_weights_only = a.get<bool>("save_weights_only");
      o.mode = a.get<std::string>("mode");
      o.auto_insert_metric_name = a.get<bool>("auto_insert_metric_name");
      o.every_n_train_steps = or_else<int64_t>(a, "every_n_train_steps", 0);
      if (a.has("train_time_interval")) {
        o.train_time_interval = parse_duration(a, "train_time_interval");
      }
      if (a.has("every_n_epochs")) o.every_n_epochs = a.get<int64_t>("every_n_epochs");
      if (a.has("save_on_train_epoch_end")) {
        o.save_on_train_epoch_end = a.get<bool>("save_on_train_epoch_end");
      }
      o.asynchronous = a.get<bool>("asynchronous");
      return std::make_shared<ModelCheckpoint>(std::move(o));
    }};

const config::Register<EarlyStopping, Callback> kEarlyStopping{
    names("EarlyStopping", "early_stopping"),
    "ends training when a metric no longer improves",
    {{"monitor", P::kString, "the metric"},
     {"min_delta", P::kFloat, "smaller changes are none", 0.0},
     {"patience", P::kInt, "checks without improvement", 3},
     {"verbose", P::kBool, "logs improvements", false},
     {"mode", P::kString, "min or max", "min"},
     {"strict", P::kBool, "an error where nothing has logged the metric", true},
     {"check_finite", P::kBool, "stops at NaN and infinity", true},
     {"stopping_threshold", P::kFloat, "stops once past it", nullptr},
     {"divergence_threshold", P::kFloat, "stops once worse than it", nullptr},
     {"check_on_train_epoch_end", P::kBool, "after training epochs, not after validation", nullptr},
     {"log_rank_zero_only", P::kBool, "one process logs anyway", false}},
    [](const Args& a) {
      EarlyStoppingOptions o;
      o.monitor = a.get<std::string>("monitor");
      o.min_delta = a.get<double>("min_delta");
      o.patience = a.get<int64_t>("patience");
      o.verbose = a.get<bool>("verbose");
      o.mode = a.get<std::string>("mode");
      o.strict = a.get<bool>("strict");
      o.check_finite = a.get<bool>("check_finite");
      if (a.has("stopping_threshold")) o.stopping_threshold = a.get<double>("stopping_threshold");
      if (a.has("divergence_threshold")) {
        o.divergence_threshold = a.get<double>("divergence_threshold");
      }
      o.check_on_train_epoch_end = or_else(a, "check_on_train_epoch_end", false);
      return std::make_shared<EarlyStopping>(std::move(o));
    }};

const config::Register<LearningRateMonitor, Callback> kLearningRateMonitor{
    names("LearningRateMonitor", "lr_monitor"),
    "logs the learning rates",
    {{"logging_interval", P::kString, "step, epoch, or null for both", nullptr},
     {"log_momentum", P::kBool, "the momentum too", false},
     {"log_weight_decay", P::kBool, "the weight decay too", false}},
    [](const Args& a) {
      return std::make_shared<LearningRateMonitor>(or_else<std::string>(a, "logging_interval", ""),
                                                   a.get<bool>("log_momentum"),
                                                   a.get<bool>("log_weight_decay"));
    }};

// A number of epochs (an int from 1 on) or a share of them (a float).
void start_of(const Args& a, WeightAveragingOptions& o) {
  const config::Node& start = a.node("swa_epoch_start");
  if (start.is_int()) {
    o.epoch_start = start.as_int();
  } else if (start.is_float()) {
    o.share_start = start.as_float();
  } else {
    a.fail_about("swa_epoch_start",
                 "expected an int > 0 or a float in [0, 1], got " + start.repr());
  }
}

const config::Register<StochasticWeightAveraging, Callback> kWeightAveraging{
    names("StochasticWeightAveraging", "stochastic_weight_avg"),
    "the module gets the mean of its weights in the last epochs (Izmailov et al. 2018)",
    {{"swa_lrs", P::kFloats, "the rate meanwhile, one number or one a group"},
     {"swa_epoch_start", P::kAny, "the first epoch, from 1 (int), or after this share (float)",
      0.8},
     {"annealing_epochs", P::kInt, "epochs until the rate is reached", 10},
     {"annealing_strategy", P::kString, "cos or linear", "cos"},
     {"avg_fn", P::kAny, "null: the mean; other functions are not offered", nullptr},
     {"device", P::kString, "where the mean is kept; null: where the module is", "cpu"}},
    [](const Args& a) {
      WeightAveragingOptions o;
      o.swa_lrs = a.get<std::vector<double>>("swa_lrs");
      start_of(a, o);
      o.annealing_epochs = a.get<int64_t>("annealing_epochs");
      const auto strategy = a.get<std::string>("annealing_strategy");
      if (strategy != "cos" && strategy != "linear") {
        a.fail_about("annealing_strategy", "expected cos or linear, got " + strategy);
      }
      o.linear = strategy == "linear";
      if (!a.node("avg_fn").is_null()) {
        a.fail_about("avg_fn", "expected null, the mean of all; other functions are not offered");
      }
      o.device = a.has("device") ? std::optional(parse_device(a.get<std::string>("device")))
                                 : std::nullopt;
      return std::make_shared<StochasticWeightAveraging>(std::move(o));
    }};

std::vector<std::string> summary_names() {
  std::vector<std::string> all = names("ModelSummary", "model_summary");
  for (const std::string& rich : names("RichModelSummary", "rich_model_summary")) {
    all.push_back(rich);
  }
  return all;
}

const config::Register<ModelSummaryCallback, Callback> kModelSummary{
    summary_names(),
    "shows the model's layers before training",
    {{"max_depth", P::kInt, "levels of modules that are listed; -1: all", 1}},
    [](const Args& a) {
      return std::make_shared<ModelSummaryCallback>(a.get<int64_t>("max_depth"));
    }};

const config::Register<ProgressBar, Callback> kProgressBar{
    {"iolaus.nn.ProgressBar", "pytorch_lightning.callbacks.TQDMProgressBar",
     "lightning.pytorch.callbacks.TQDMProgressBar", "pytorch_lightning.callbacks.RichProgressBar",
     "lightning.pytorch.callbacks.RichProgressBar"},
    "shows how far training is",
    {{"refresh_rate", P::kInt, "accepted for Lightning's sake; drawn ten times a second", 1}},
    [](const Args&) { return std::make_shared<ProgressBar>(); }};

}  // namespace
}  // namespace iolaus::nn
