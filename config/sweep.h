// Sweeps (`-m`): a sweeper decides which overrides each job gets, a launcher runs the jobs. Each
// job is composed once, before the first one starts, so a mistake in one shows at once.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/app.h"
#include "config/callbacks.h"
#include "config/compose.h"
#include "config/job.h"
#include "config/show.h"

namespace iolaus::config {

struct SweepJob {
  int num = 0;
  std::vector<std::string> overrides;
  Node config;  // composed; empty where an earlier run has completed the job
};

class SweepRecord;

/// What sweepers and launchers work with.
struct SweepRun {
  Session& session;
  Node& config;  // the sweep's own config, with the `hydra` node
  const Task& task;
  Callbacks& callbacks;
  SweepRecord& record;
  std::vector<JobReturn> done = {};  // in the order of their numbers, for the summary
};

class Launcher {
 public:
  virtual ~Launcher() = default;
  /// Runs the jobs; the results are in the jobs' order. A job that fails has a failed result.
  virtual std::vector<JobReturn> launch(SweepRun& run, std::vector<SweepJob>& jobs) = 0;
  /// How many jobs run at a time; a search asks for so many trials at once.
  virtual std::size_t width() const { return 1; }
};

class Sweeper {
 public:
  virtual ~Sweeper() = default;
  virtual void sweep(SweepRun& run, Launcher& launcher,
                     const std::vector<std::string>& overrides) = 0;
};

/// By `hydra.launcher._target_` and `hydra.sweeper._target_`. kConfig for an unknown target.
std::unique_ptr<Launcher> make_launcher(const Node& config);
std::unique_ptr<Sweeper> make_sweeper(const Node& config);
std::unique_ptr<Launcher> make_local_launcher(const Node& config);
std::unique_ptr<Sweeper> make_search_sweeper(const Node& config);

/// Composes the jobs of a batch, all or none, and launches those that no earlier run completed.
/// With `raise`, throws the first failed job's error when the batch is through.
std::vector<JobReturn> run_batch(SweepRun& run, Launcher& launcher, std::vector<SweepJob> jobs,
                                 bool raise = true);

/// Runs one job of a sweep in this process.
JobReturn run_sweep_job(SweepRun& run, SweepJob& job);

/// Overrides of a sweep with its `hydra.sweeper.params` first.
std::vector<Override> sweep_overrides(SweepRun& run, const std::vector<std::string>& lines);

/// All combinations, in the order of the product (the last one changes fastest).
std::vector<std::vector<std::string>> expand_product(
    const std::vector<std::vector<std::string>>& lists);

/// One list of "key=value" for each key: the values of a sweep, or the one value.
std::vector<std::vector<std::string>> override_lists(SweepRun& run,
                                                     const std::vector<Override>& overrides);

/// `-m`: composes the sweep's config, saves multirun.yaml, sweeps. Returns the exit status.
int multirun(Session& session, const Task& task, Composition composition);

/// The log of the program itself, as hydra_logging configures it.
void log_hydra(const std::string& message);
void configure_hydra_logging(const Node& config);

}  // namespace iolaus::config
