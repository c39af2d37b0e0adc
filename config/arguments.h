// The command line of an application: Hydra's flags and overrides, read as Python's argparse reads
// them (abbreviated long flags, `-cjob`, `--cfg=job`, `--`), and the flags of our own.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace iolaus::config {

struct Arguments {
  std::vector<std::string> overrides;
  bool help = false, hydra_help = false, version = false;
  bool run = false, multirun = false, resolve = false, shell_completion = false;
  std::optional<std::string> cfg;      // job, hydra or all
  std::optional<std::string> package;  // of --cfg
  std::optional<std::string> config_path, config_name, config_dir, rerun;
  std::optional<std::string> info;  // all, config, defaults, ..., targets
  // Ours:
  bool blame = false;                       // --cfg: where each value was set
  bool check = false;                       // compose, resolve, check targets; run nothing
  bool resume = false;                      // a sweep: run what is missing or failed
  std::optional<std::string> diff;          // compare with a run's folder, config or overrides
  std::vector<std::string> env_files;       // NAME=value files read first
  std::optional<std::string> version_base;  // "1.3" or "1.4"
};

/// Wrong use of flags: the program prints the message and exits with 2.
struct UsageError {
  std::string message;
};

/// Reads the arguments after the program's name; throws UsageError.
Arguments parse_arguments(const std::vector<std::string>& words);

/// "-c,--cfg : Show config ..." for every flag; `completion` replaces that flag's help.
std::string flags_help(const std::string& completion);
/// One line that shows how to use the program.
std::string usage_line(const std::string& program);

}  // namespace iolaus::config
