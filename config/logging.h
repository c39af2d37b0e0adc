// Logging after `hydra.job_logging` and `hydra.hydra_logging` (Python's dictConfig: formatters,
// handlers, root, loggers), done with spdlog. All loggers share the handlers of the configuration
// in force; configuring again redirects loggers that exist already. spdlog's default logger is
// replaced, so that spdlog::info(...) goes to the job's console and file.
#pragma once

#include <memory>
#include <string>

#include "config/node.h"

namespace spdlog {
class logger;
}

namespace iolaus::config {

/// Applies a logging config. `verbose`: true sets the root to DEBUG, a name or a list of names sets
/// these loggers. Nothing happens for a config with `root: null`. kConfig for an unknown handler
/// class, format field or level; kIo where a log file cannot be opened.
void configure_logging(const Node& config, const Node& verbose, const std::string& default_name);

/// The logger of that name; levels come from its nearest configured parent ("a.b" from "a").
std::shared_ptr<spdlog::logger> get_logger(const std::string& name);

/// Writes out what handlers hold back.
void flush_logs();

}  // namespace iolaus::config
