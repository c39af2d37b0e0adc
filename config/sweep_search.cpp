// The search sweepers, random and TPE: trials in batches as wide as the launcher, the best one in
// optimization_results.yaml. Trials that an earlier, interrupted search completed count.
#include <algorithm>
#include <cmath>
#include <random>

#include "config/interpolation.h"
#include "config/paths.h"
#include "config/search_space.h"
#include "config/sweep.h"
#include "config/sweep_record.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

struct SearchSettings {
  bool tpe = false;
  bool maximize = false;
  std::size_t trials = 20, startup = 10;
  std::uint64_t seed = 0;
  double max_failure_rate = 0;
};

std::size_t positive(const Node& config, const std::string& path) {
  const std::int64_t value = select(config, path, {.throw_on_missing = true})->as_int();
  if (value <= 0) fail(ErrorCode::kConfig, "[sweep] expected {} > 0, got {}", path, value);
  return static_cast<std::size_t>(value);
}

class SearchSweeper : public Sweeper {
 public:
  explicit SearchSweeper(SearchSettings settings) : settings_(settings), random_(settings.seed) {}

  void sweep(SweepRun& run, Launcher& launcher, const std::vector<std::string>& lines) override {
    const std::vector<Override> overrides = sweep_overrides(run, lines);
    std::vector<std::vector<std::string>> options(overrides.size());
    for (std::size_t i = 0; i < overrides.size(); ++i) {
      if (overrides[i].value_type != Override::ValueType::kGlob) continue;
      options[i] = run.session.composer.base_repository().options(overrides[i].key);
    }
    space_ = make_search_space(overrides, options);
    directory_ = select(run.config, "hydra.sweep.dir")->str();
    make_directories(directory_);
    write_text(join_path(directory_, "multirun.yaml"), to_yaml(run.config));
    read_earlier(run);
    while (trials_.size() + failed_ < settings_.trials) {
      run_trials(run, launcher, next_batch(launcher.width()));
    }
    report();
  }

 private:
  void read_earlier(SweepRun& run) {
    for (const auto& [overrides, entry] : run.record.entries()) {
      next_num_ = std::max(next_num_, entry.num + 1);
      const std::optional<std::vector<double>> point = space_.point(overrides);
      if (entry.state != "completed" || !entry.metric || !point) continue;
      add_trial(*point, *entry.metric, overrides);
    }
  }

  // Random points don't depend on each other: they all go at once. TPE learns from batch to batch.
  std::vector<std::vector<double>> next_batch(std::size_t width) {
    const std::size_t done = trials_.size() + failed_;
    std::size_t size = settings_.trials - done;
    const bool learn = settings_.tpe && done >= settings_.startup && !trials_.empty();
    if (settings_.tpe) {
      size = std::min(
          size,
          learn ? width : std::max(settings_.startup - std::min(done, settings_.startup), width));
    }
    std::vector<std::vector<double>> points;
    for (std::size_t i = 0; i < size; ++i) {
      points.push_back(learn ? tpe_point(space_, trials_, random_) : random_point(space_, random_));
    }
    return points;
  }

  void run_trials(SweepRun& run, Launcher& launcher,
                  const std::vector<std::vector<double>>& points) {
    std::vector<SweepJob> jobs;
    for (const std::vector<double>& point : points) {
      jobs.push_back({.num = next_num_++, .overrides = space_.overrides(point), .config = {}});
    }
    const std::vector<JobReturn> results = run_batch(run, launcher, std::move(jobs), false);
    const JobReturn* failure = nullptr;
    for (std::size_t i = 0; i < results.size(); ++i) {
      const JobReturn& result = results[i];
      const bool completed = result.status == JobReturn::Status::kCompleted;
      if (completed && !result.metric) {
        fail(ErrorCode::kConfig,
             "[sweep] a search needs a metric: expected the task to return a number");
      }
      if (completed && std::isfinite(*result.metric)) {
        add_trial(points[i], *result.metric, result.overrides);
      } else {
        ++failed_;
        failure = failure ? failure : &result;
      }
    }
    const double rate =
        static_cast<double>(failed_) / static_cast<double>(trials_.size() + failed_);
    if (failure && rate > settings_.max_failure_rate) {
      log_hydra(fmt::format("{} of {} trials failed", failed_, trials_.size() + failed_));
      raise_failure(*failure);
      fail(ErrorCode::kConfig, "[sweep] the metric of a trial is not finite");
    }
  }

  void add_trial(const std::vector<double>& point, double metric,
                 const std::vector<std::string>& overrides) {
    const double loss = settings_.maximize ? -metric : metric;
    if (trials_.empty() || loss < best_loss_) {
      best_loss_ = loss;
      best_ = overrides;
    }
    trials_.push_back({point, loss});
  }

  void report() {
    if (trials_.empty()) fail(ErrorCode::kConfig, "[sweep] no trial completed");
    Node results = Node::dict();
    results.set(Key("name"), Node(settings_.tpe ? "tpe" : "random"));
    Node params = Node::dict();
    for (std::size_t i = space_.fixed.size(); i < best_.size(); ++i) {
      const Override override = parse_override(best_[i]);
      params.set(Key(override.key_element()), override.value.to_node());
    }
    const double value = settings_.maximize ? -best_loss_ : best_loss_;
    log_hydra("Best parameters: " + params.str());
    log_hydra("Best value: " + Node(value).str());
    results.set(Key("best_params"), std::move(params));
    results.set(Key("best_value"), Node(value));
    results.set(Key("n_trials"), Node(trials_.size()));
    write_text(join_path(directory_, "optimization_results.yaml"), to_yaml(results));
  }

  SearchSettings settings_;
  SearchRandom random_;
  SearchSpace space_;
  std::string directory_;
  std::vector<Trial> trials_;
  std::size_t failed_ = 0;
  int next_num_ = 0;
  double best_loss_ = 0;
  std::vector<std::string> best_;
};

}  // namespace

std::unique_ptr<Sweeper> make_search_sweeper(const Node& config) {
  SearchSettings settings;
  settings.tpe = select(config, "hydra.sweeper._target_")->str().ends_with("TpeSweeper");
  settings.maximize = select(config, "hydra.sweeper.direction")->str() == "maximize";
  settings.trials = positive(config, "hydra.sweeper.n_trials");
  settings.startup = positive(config, "hydra.sweeper.n_startup_trials");
  settings.max_failure_rate = select(config, "hydra.sweeper.max_failure_rate")->as_float();
  const NodeRef seed = select(config, "hydra.sweeper.seed");
  settings.seed = seed && !seed->is_null() ? static_cast<std::uint64_t>(seed->as_int())
                                           : std::random_device{}();
  return std::make_unique<SearchSweeper>(settings);
}

}  // namespace iolaus::config
