// An application: config::main(argc, argv, options, task) is "Hydra for C++". It reads the command
// line, composes the config, makes the output directory and calls the task, once or for each job of
// a sweep. Everything in apps/ is such an application:
//
//   int train_main(int argc, char** argv) {
//     return iolaus::config::main(argc, argv, {.name = "train", .config_dir = "/opt/iolaus/conf",
//                                              .config_name = "train"},
//                                 [](const Node& cfg, const JobContext& job) { ... });
//   }
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>

#include "config/node.h"

namespace iolaus::config {

struct AppOptions {
  std::string name;                             // hydra.job.name, and <name>.log
  std::optional<std::string> config_dir = {};   // the application's tree; --config-path replaces it
  std::optional<std::string> config_name = {};  // the primary config; --config-name replaces it
  std::string version_base = "1.3";             // "1.4" adds json_str() and extend_list()
  std::string command = {};  // how a user starts it, for help and completion; default: argv[0]
};

/// What a task may know of its run. Lives as long as the task runs.
struct JobContext {
  const Node& config;           // the whole config, with the `hydra` node
  std::string output_dir;       // absolute; exists
  std::string name;             // hydra.job.name
  std::optional<int> num = {};  // number of the job in its sweep
};

/// What a task returns. A sweeper for search optimises the metric.
struct TaskResult {
  std::optional<double> metric = {};
  TaskResult() = default;
  TaskResult(std::optional<double> value) : metric(value) {}
  TaskResult(double value) : metric(value) {}
};

/// `cfg` is the composed config without its `hydra` node; interpolations are not yet resolved
/// (config::select and config::instantiate do it). An exception marks the job as failed.
using Task = std::function<TaskResult(const Node& cfg, const JobContext& job)>;

/// Runs an application; argv[0] is the program's name. Returns the exit status: 0; 1 after an
/// error, which is on stderr; 2 for wrong flags. Never throws.
int main(int argc, char** argv, const AppOptions& options, const Task& task);

}  // namespace iolaus::config
