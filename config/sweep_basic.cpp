// The basic and zip sweepers, the basic launcher, and the frame of every sweep.
#include <algorithm>
#include <cstdio>

#include "config/interpolation.h"
#include "config/logging.h"
#include "config/paths.h"
#include "config/sweep.h"
#include "config/sweep_record.h"
#include "config/warning.h"
#include "config/yaml.h"

#include <spdlog/logger.h>

namespace iolaus::config {
namespace {

std::string visible_overrides(const std::vector<std::string>& overrides) {
  std::string text;
  for (const std::string& line : overrides) {
    if (line.starts_with("hydra.")) continue;
    text += (text.empty() ? "" : " ") + line;
  }
  return text;
}

class BasicLauncher : public Launcher {
 public:
  std::vector<JobReturn> launch(SweepRun& run, std::vector<SweepJob>& jobs) override {
    configure_hydra_logging(run.config);
    make_directories(select(run.config, "hydra.sweep.dir")->str());
    log_hydra(fmt::format("Launching {} jobs locally", jobs.size()));
    std::vector<JobReturn> results;
    for (SweepJob& job : jobs) {
      log_hydra(fmt::format("\t#{} : {}", job.num, visible_overrides(job.overrides)));
      run.record.started(job.num, job.overrides);
      results.push_back(run_sweep_job(run, job));
      const JobReturn& result = results.back();
      const bool failed = result.status == JobReturn::Status::kFailed;
      run.record.ended(job.overrides, {.num = job.num,
                                       .state = failed ? "failed" : "completed",
                                       .metric = result.metric,
                                       .seconds = result.seconds,
                                       .error = result.error});
      configure_hydra_logging(run.config);
    }
    return results;
  }
};

class BasicSweeper : public Sweeper {
 public:
  BasicSweeper(std::optional<std::int64_t> batch, bool zip) : batch_(batch), zip_(zip) {}

  void sweep(SweepRun& run, Launcher& launcher,
             const std::vector<std::string>& overrides) override {
    const auto lists = override_lists(run, sweep_overrides(run, overrides));
    const auto all = zip_ ? expand_zip(lists) : expand_product(lists);
    if (batch_ && *batch_ <= 0) {
      fail(ErrorCode::kConfig, "[sweep] expected hydra.sweeper.max_batch_size > 0, got {}",
           *batch_);
    }
    save_multirun(run);
    const std::size_t size =
        batch_ ? static_cast<std::size_t>(*batch_) : std::max<std::size_t>(all.size(), 1);
    // With nothing to sweep over there is one batch, an empty one.
    for (std::size_t begin = 0; begin == 0 || begin < all.size(); begin += size) {
      std::vector<SweepJob> jobs;
      for (std::size_t i = begin; i < std::min(begin + size, all.size()); ++i) {
        jobs.push_back({.num = static_cast<int>(i), .overrides = all[i], .config = {}});
      }
      run_batch(run, launcher, std::move(jobs));
    }
  }

  static void save_multirun(SweepRun& run) {
    const std::string directory = select(run.config, "hydra.sweep.dir")->str();
    make_directories(directory);
    write_text(join_path(directory, "multirun.yaml"), to_yaml(run.config));
  }

 private:
  // Sweeps advance together; single values stay.
  static std::vector<std::vector<std::string>> expand_zip(
      const std::vector<std::vector<std::string>>& lists) {
    std::size_t length = 1;
    for (const auto& list : lists) {
      if (list.size() == 1) continue;
      if (length != 1 && list.size() != length) {
        fail(ErrorCode::kConfig,
             "[sweep] the zip sweeper expects sweeps of one length, got {} and {} values ('{}')",
             length, list.size(), list.empty() ? "" : list[0]);
      }
      length = list.size();
    }
    std::vector<std::vector<std::string>> jobs(length);
    for (std::size_t i = 0; i < length; ++i) {
      for (const auto& list : lists) jobs[i].push_back(list[list.size() == 1 ? 0 : i]);
    }
    return jobs;
  }

  std::optional<std::int64_t> batch_;
  bool zip_;
};

std::string target_of(const Node& config, const std::string& path) {
  const NodeRef target = select(config, path + "._target_");
  if (!target || !target->is_string()) {
    fail(ErrorCode::kConfig, "Input config does not have a `_target_` field: {}", path);
  }
  return target->as_string();
}

// The job as a result of an earlier run.
JobReturn earlier_result(const SweepJob& job, const SweepRecord::Entry* entry) {
  JobReturn result;
  result.status = JobReturn::Status::kCompleted;
  result.overrides = job.overrides;
  result.num = job.num;
  if (entry) {
    result.metric = entry->metric;
    result.seconds = entry->seconds;
  }
  return result;
}

bool is_complete(const SweepRun& run, const SweepJob& job) {
  const SweepRecord::Entry* entry = run.record.find(job.overrides);
  return entry != nullptr && entry->state == "completed";
}

}  // namespace

std::unique_ptr<Launcher> make_launcher(const Node& config) {
  const std::string target = target_of(config, "hydra.launcher");
  if (target.ends_with("BasicLauncher")) return std::make_unique<BasicLauncher>();
  if (target.ends_with("LocalLauncher")) return make_local_launcher(config);
  fail(ErrorCode::kConfig,
       "Unknown launcher '{}'. There are hydra/launcher=basic and hydra/launcher=local.", target);
}

std::unique_ptr<Sweeper> make_sweeper(const Node& config) {
  const std::string target = target_of(config, "hydra.sweeper");
  const bool zip = target.ends_with("ZipSweeper");
  if (zip || target.ends_with("BasicSweeper")) {
    const NodeRef batch = select(config, "hydra.sweeper.max_batch_size");
    const bool has_batch = batch && !batch->is_null();
    return std::make_unique<BasicSweeper>(has_batch ? std::optional(batch->as_int()) : std::nullopt,
                                          zip);
  }
  if (target.ends_with("RandomSweeper") || target.ends_with("TpeSweeper")) {
    return make_search_sweeper(config);
  }
  fail(ErrorCode::kConfig,
       "Unknown sweeper '{}'. There are hydra/sweeper=basic, zip, random and tpe.", target);
}

JobReturn run_sweep_job(SweepRun& run, SweepJob& job) {
  JobReturn result =
      run_job(job.config, run.task,
              {.dir_key = "hydra.sweep.dir", .subdir_key = "hydra.sweep.subdir"}, run.callbacks);
  // Thousands of jobs need no thousand configs.
  job.config = Node();
  result.cfg = Node();
  result.hydra_cfg = Node();
  result.num = job.num;
  return result;
}

std::vector<JobReturn> run_batch(SweepRun& run, Launcher& launcher, std::vector<SweepJob> jobs,
                                 bool raise) {
  std::vector<std::string> hydra_lines;
  for (const Node& line : *select(run.config, "hydra.overrides.hydra")) {
    hydra_lines.push_back(line.str());
  }
  std::vector<JobReturn> results(jobs.size());
  std::vector<SweepJob> todo;
  std::vector<std::size_t> places;
  const NodeRef name = select(run.config, "hydra.job.config_name");
  const std::optional<std::string> config_name =
      name && !name->is_null() ? std::optional(name->str()) : std::nullopt;
  for (std::size_t i = 0; i < jobs.size(); ++i) {
    SweepJob& job = jobs[i];
    if (is_complete(run, job)) {
      results[i] = earlier_result(job, run.record.find(job.overrides));
      continue;
    }
    std::vector<std::string> lines = hydra_lines;
    lines.insert(lines.end(), job.overrides.begin(), job.overrides.end());
    Composition composition = run.session.composer.compose(config_name, lines);
    warn_once(composition.warnings);
    run.session.composer.check_schemas(composition, config_name);
    job.config = std::move(composition.config);
    Node& settings = job.config.at(Key("hydra")).at(Key("job"));
    settings.set(Key("id"), Node(std::to_string(job.num)));
    settings.set(Key("num"), Node(job.num));
    places.push_back(i);
    todo.push_back(std::move(job));
  }
  std::vector<JobReturn> fresh = launcher.launch(run, todo);
  for (std::size_t i = 0; i < fresh.size(); ++i) results[places[i]] = std::move(fresh[i]);
  for (const JobReturn& result : results) run.done.push_back(result);
  if (raise) {
    for (const JobReturn& result : results) raise_failure(result);
  }
  return results;
}

void log_hydra(const std::string& message) {
  get_logger("hydra")->log(spdlog::level::info, message);
}

void configure_hydra_logging(const Node& config) {
  if (const NodeRef logging = select(config, "hydra.hydra_logging")) {
    configure_logging(*logging, *resolve(config.at(Key("hydra")).at(Key("verbose"))), "hydra");
  }
}

int multirun(Session& session, const Task& task, Composition composition) {
  Node& config = composition.config;
  set_current_config(&config);
  configure_hydra_logging(config);
  Callbacks callbacks(config);
  callbacks.on_multirun_start(config);
  const std::unique_ptr<Sweeper> sweeper = make_sweeper(config);
  const std::unique_ptr<Launcher> launcher = make_launcher(config);
  SweepRecord record(select(config, "hydra.sweep.dir", {.throw_on_missing = true})->str(),
                     session.arguments.resume);
  SweepRun run{session, config, task, callbacks, record};
  std::vector<std::string> lines;
  for (const Node& line : *select(config, "hydra.overrides.task")) lines.push_back(line.str());
  const auto summary = [&] {
    if (run.done.size() > 1) {
      std::fflush(stdout);
      std::fprintf(stderr, "\n%s", sweep_table(run.done).c_str());
    }
  };
  try {
    sweeper->sweep(run, *launcher, lines);
  } catch (...) {
    summary();
    throw;
  }
  summary();
  if (select(config, "hydra.launcher._target_")->str().ends_with("BasicLauncher")) record.remove();
  callbacks.on_multirun_end(config);
  return 0;
}

}  // namespace iolaus::config
