// When to save, and which checkpoints stay.
#include "nn/callbacks/model_checkpoint.h"

#include <fmt/args.h>
#include <spdlog/spdlog.h>

#include <algorithm>
#include <cmath>
#include <filesystem>
#include <limits>
#include <nlohmann/json.hpp>

#include "core/near_names.h"
#include "core/warning.h"
#include "nn/trainer/trainer.h"

namespace iolaus::nn {

namespace fs = std::filesystem;

ModelCheckpoint::ModelCheckpoint(ModelCheckpointOptions options) : options_(std::move(options)) {
  IOLAUS_CHECK(options_.mode == "min" || options_.mode == "max",
               "[ModelCheckpoint] mode must be 'min' or 'max', got '{}'", options_.mode);
  IOLAUS_CHECK(options_.save_top_k >= -1, "[ModelCheckpoint] save_top_k must be -1 or more, got {}",
               options_.save_top_k);
  IOLAUS_CHECK(options_.every_n_train_steps >= 0 && options_.every_n_epochs.value_or(0) >= 0,
               "[ModelCheckpoint] every_n_train_steps and every_n_epochs must not be negative");
  const int triggers = (options_.every_n_train_steps > 0) +
                       (options_.every_n_epochs.value_or(0) > 0) +
                       options_.train_time_interval.has_value();
  IOLAUS_CHECK(triggers <= 1,
               "[ModelCheckpoint] only one of every_n_train_steps, every_n_epochs "
               "and train_time_interval can be set");
  if (triggers == 0 && !options_.every_n_epochs) options_.every_n_epochs = 1;
  if (!options_.every_n_epochs) options_.every_n_epochs = 0;
}

std::string ModelCheckpoint::state_key() const {
  return fmt::format(
      "ModelCheckpoint{{monitor={}, mode={}, every_n_train_steps={}, "
      "every_n_epochs={}, train_time_interval={}}}",
      options_.monitor, options_.mode, options_.every_n_train_steps, *options_.every_n_epochs,
      options_.train_time_interval.value_or(0));
}

std::string ModelCheckpoint::directory(const Trainer& trainer) const {
  return options_.dirpath.empty() ? trainer.log_dir() + "/checkpoints" : options_.dirpath;
}

std::string ModelCheckpoint::last_link(const Trainer& trainer) const {
  return directory(trainer) + "/last.ckpt";
}

std::string ModelCheckpoint::format_name(const std::string& filename,
                                         const std::map<std::string, double>& metrics,
                                         bool auto_insert_metric_name) {
  std::string out;
  for (size_t at = 0; at < filename.size();) {
    const size_t open = filename.find('{', at);
    const size_t close = open == std::string::npos ? open : filename.find('}', open);
    if (close == std::string::npos) {
      out += filename.substr(at);
      break;
    }
    out += filename.substr(at, open - at);
    const std::string field = filename.substr(open + 1, close - open - 1);
    const size_t colon = field.find(':');
    const std::string name = field.substr(0, colon);
    const std::string spec = colon == std::string::npos ? "{}" : "{" + field.substr(colon) + "}";
    const auto found = metrics.find(name);
    const double value = found == metrics.end() ? 0 : found->second;
    std::string shown = name;
    std::replace(shown.begin(), shown.end(), '/', '_');
    if (auto_insert_metric_name) out += shown + "=";
    try {
      out += name == "epoch" || name == "step"
                 ? fmt::format(fmt::runtime(spec), static_cast<int64_t>(value))
                 : fmt::format(fmt::runtime(spec), value);
    } catch (const fmt::format_error& e) {
      fail(ErrorCode::kInvalidArgument, "[ModelCheckpoint] filename '{}': '{{{}}}' is wrong: {}",
           filename, field, e.what());
    }
    at = close + 1;
  }
  return out;
}

bool ModelCheckpoint::saves_on_train_epoch_end(const Trainer& trainer) const {
  if (options_.save_on_train_epoch_end) return *options_.save_on_train_epoch_end;
  const TrainerOptions& o = trainer.options();
  if (o.check_val_every_n_epoch != 1) return false;
  if (trainer.evaluation_plan(Stage::kValidate, *trainer.datamodule()).is_empty()) return true;
  return o.val_check_interval.count < 0 && o.val_check_interval.share == 1.0;
}

bool ModelCheckpoint::skips(const Trainer& trainer) const {
  return trainer.stage() != Stage::kFit || trainer.sanity_checking() ||
         last_saved_step_ == trainer.global_step();
}

void ModelCheckpoint::on_train_start(Trainer&, LightningModule&) {
  last_time_ = std::chrono::steady_clock::now();
}

void ModelCheckpoint::on_train_batch_end(Trainer& trainer, LightningModule&, const Tensor&,
                                         const data::Batch&, int64_t) {
  if (skips(trainer)) return;
  if (options_.train_time_interval) {
    const auto now = std::chrono::steady_clock::now();
    if (std::chrono::duration<double>(now - last_time_).count() < *options_.train_time_interval) {
      return;
    }
    last_time_ = now;
  } else if (options_.every_n_train_steps < 1 ||
             trainer.global_step() % options_.every_n_train_steps != 0) {
    return;
  }
  save(trainer);
}

void ModelCheckpoint::on_evaluation_end(Trainer& trainer, LightningModule&, Stage) {
  if (skips(trainer) || saves_on_train_epoch_end(trainer) || *options_.every_n_epochs < 1 ||
      (trainer.current_epoch() + 1) % *options_.every_n_epochs != 0) {
    return;
  }
  save(trainer);
}

void ModelCheckpoint::on_train_epoch_end(Trainer& trainer, LightningModule&) {
  // An epoch that max_steps cut short is saved too, or its work would be lost.
  const bool cut_short = !trainer.epoch_is_complete();
  if (skips(trainer) || *options_.every_n_epochs < 1) return;
  if (!cut_short && (!saves_on_train_epoch_end(trainer) ||
                     (trainer.current_epoch() + 1) % *options_.every_n_epochs != 0)) {
    return;
  }
  save(trainer);
}

// The end is never lost; and after a kill between a save and its link, the link follows here.
void ModelCheckpoint::on_train_end(Trainer& trainer, LightningModule&) {
  writer_.wait();
  if (!options_.save_last || trainer.global_step() == 0 ||
      checkpoint_step(last_link(trainer)) == trainer.global_step()) {
    return;
  }
  last_path_ = last_link(trainer);
  write(trainer, last_path_, {});
  writer_.wait();
}

void ModelCheckpoint::save(Trainer& trainer) {
  std::map<std::string, double> metrics = trainer.callback_metrics();
  metrics["epoch"] = static_cast<double>(trainer.current_epoch());
  metrics["step"] = static_cast<double>(trainer.global_step());
  save_top_k(trainer, metrics);
  if (options_.save_last && last_saved_step_ != trainer.global_step()) {
    last_path_ = last_link(trainer);
    write(trainer, last_path_, {});
  }
  last_saved_step_ = trainer.global_step();
}

bool ModelCheckpoint::is_better(double a, double b) const {
  return options_.mode == "min" && !options_.monitor.empty() ? a < b : a > b;
}

void ModelCheckpoint::save_top_k(Trainer& trainer, const std::map<std::string, double>& metrics) {
  if (options_.save_top_k == 0) return;
  double score = metrics.at("step");  // without a monitor the newest are the best
  if (!options_.monitor.empty()) {
    const auto found = metrics.find(options_.monitor);
    if (found == metrics.end()) {
      std::vector<std::string> known;
      for (const auto& [name, value] : metrics) known.push_back(name);
      warn("[ModelCheckpoint] nothing has logged the monitored '{}'; nothing is saved.{}",
           options_.monitor, did_you_mean(options_.monitor, known));
      return;
    }
    score = found->second;
    if (std::isnan(score)) {
      score = (options_.mode == "min" ? 1 : -1) * std::numeric_limits<double>::infinity();
    }
  }
  const auto worst =
      std::min_element(kept_.begin(), kept_.end(),
                       [&](const auto& a, const auto& b) { return is_better(b.second, a.second); });
  const bool full =
      options_.save_top_k > 0 && static_cast<int64_t>(kept_.size()) >= options_.save_top_k;
  if (full && !is_better(score, worst->second)) return;
  SaveOptions save;
  if (full) {
    save.remove.push_back(worst->first);
    kept_.erase(worst);
  }
  const std::string path = new_path(trainer, metrics);
  kept_[path] = score;
  if (best_path_.empty() || !best_score_ || is_better(score, *best_score_)) {
    best_path_ = path;
    best_score_ = score;
  }
  last_path_ = path;
  if (options_.save_last) save.link = last_path_ = last_link(trainer);
  write(trainer, path, save);
  last_saved_step_ = trainer.global_step();
}

// A name that is taken gets a version, as in Lightning: "epoch=2-v1".
std::string ModelCheckpoint::new_path(const Trainer& trainer,
                                      const std::map<std::string, double>& metrics) const {
  const std::string stem =
      directory(trainer) + "/" +
      format_name(options_.filename.empty() ? "{epoch}-{step}" : options_.filename, metrics,
                  options_.auto_insert_metric_name);
  std::string path = stem + ".ckpt";
  std::error_code ignored;
  for (int version = 1; fs::exists(path, ignored) || kept_.contains(path); ++version) {
    path = fmt::format("{}-v{}.ckpt", stem, version);
  }
  return path;
}

void ModelCheckpoint::write(Trainer& trainer, const std::string& path, const SaveOptions& options) {
  saved_dir_ = directory(trainer);
  Checkpoint checkpoint = trainer.dump_checkpoint();
  if (options_.save_weights_only) {
    checkpoint.optimizer.clear();
    checkpoint.trainer.clear();
    checkpoint.optimizer_options.clear();
    checkpoint.schedulers.clear();
  }
  if (options_.asynchronous) {
    writer_.save(path, checkpoint.snapshot(), options);
  } else {
    save_checkpoint(path, checkpoint, options);
  }
  if (options_.verbose) {
    spdlog::info("epoch {}, step {}: saved {}", trainer.current_epoch(), trainer.global_step(),
                 path);
  }
}

void ModelCheckpoint::save_interrupted(Trainer& trainer) {
  writer_.wait();
  if (last_saved_step_ == trainer.global_step()) return;
  const std::string path = directory(trainer) + "/interrupted.ckpt";
  save_checkpoint(path, trainer.dump_checkpoint());
  last_path_ = path;
}

nlohmann::json ModelCheckpoint::state_dict() const {
  nlohmann::json kept = nlohmann::json::object();
  for (const auto& [path, score] : kept_) {
    if (std::isfinite(score)) kept[path] = score;
  }
  nlohmann::json state{{"dirpath", saved_dir_},
                       {"best_k_models", kept},
                       {"best_model_path", best_path_},
                       {"last_model_path", last_path_}};
  if (best_score_ && std::isfinite(*best_score_)) state["best_model_score"] = *best_score_;
  return state;
}

void ModelCheckpoint::load_state_dict(const nlohmann::json& state) {
  saved_dir_ = state.at("dirpath").get<std::string>();
  best_path_ = state.at("best_model_path").get<std::string>();
  last_path_ = state.at("last_model_path").get<std::string>();
  if (state.contains("best_model_score")) best_score_ = state.at("best_model_score").get<double>();
  for (const auto& [path, score] : state.at("best_k_models").items()) {
    std::error_code ignored;
    if (fs::exists(path, ignored)) kept_[path] = score.get<double>();
  }
}

// In another folder the old checkpoints are not this run's to remove; the best one stays the best.
void ModelCheckpoint::on_load_checkpoint(Trainer& trainer, LightningModule&, const Checkpoint& c) {
  std::error_code ignored;
  if (fs::weakly_canonical(saved_dir_, ignored) !=
      fs::weakly_canonical(directory(trainer), ignored)) {
    kept_.clear();
  }
  last_saved_step_ = c.global_step;
}

}  // namespace iolaus::nn
