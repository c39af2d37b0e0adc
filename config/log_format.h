// Python's logging formats for spdlog: `[%(asctime)s][%(name)s][%(levelname)s] - %(message)s`,
// `{asctime}` with style `{`, and the colours of colorlog. A format is split into parts once.
#pragma once

#include <spdlog/formatter.h>

#include <map>
#include <memory>
#include <string>
#include <vector>

namespace iolaus::config {

struct LogFormatOptions {
  std::string format = "%(message)s";
  std::string date_format = {};  // empty: 2024-01-31 23:59:59,123
  char style = '%';
  bool colors = false;
  std::map<std::string, std::string> log_colors = {};  // level name -> colour
};

/// kConfig for a field that there is not.
std::unique_ptr<spdlog::formatter> make_log_formatter(const LogFormatOptions& options);

/// Python's name of a level: "INFO", "WARNING", ...
const char* level_name(spdlog::level::level_enum level);
/// From a name ("info", "WARN") or a number (10, 20, ...). kConfig otherwise.
spdlog::level::level_enum parse_level(const std::string& text);

}  // namespace iolaus::config
