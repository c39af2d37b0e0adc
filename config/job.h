// One job: its output directory, saved configs, logging, environment, callbacks and task.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/app.h"
#include "config/node.h"

namespace iolaus::config {

class Callbacks;

struct JobReturn {
  enum class Status { kUnknown, kCompleted, kFailed };
  Status status = Status::kUnknown;
  std::vector<std::string> overrides;  // of the task
  Node cfg;                            // without the hydra node
  Node hydra_cfg;                      // {hydra: ...}
  std::string working_dir;
  std::string output_dir;  // absolute
  std::string name;
  std::optional<int> num;
  std::optional<double> metric;
  std::string error;   // message of a failed task
  double seconds = 0;  // of the task
};

struct JobPlace {
  std::string dir_key = "hydra.run.dir";
  std::optional<std::string> subdir_key;  // of a sweep: "hydra.sweep.subdir"
};

/// Runs a task on a composed config. A task that throws makes a failed JobReturn; what is wrong
/// with the run's own settings (directory, logging) throws.
JobReturn run_job(Node& config, const Task& task, const JobPlace& place, Callbacks& callbacks);

/// Reports a failed job on stderr and throws its error; nothing for a completed one.
void raise_failure(const JobReturn& job);

/// The config that `${hydra:...}` looks into; nullptr: none.
void set_current_config(const Node* config);

}  // namespace iolaus::config
