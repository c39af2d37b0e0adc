// The formatter: literal text and fields with Python's width and flags.
#include "config/log_format.h"

#include <spdlog/details/os.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <ctime>

#include "config/update.h"
#include "core/error.h"

namespace iolaus::config {
namespace {

using spdlog::level::level_enum;

const std::vector<std::string>& field_names() {
  static const std::vector<std::string> names = {
      "asctime", "created",     "filename",        "funcName", "levelname",  "levelno",
      "lineno",  "message",     "module",          "msecs",    "name",       "pathname",
      "process", "processName", "relativeCreated", "thread",   "threadName", "log_color"};
  return names;
}

// ANSI codes of colorlog's names; nothing for another name.
const char* color_code(std::string_view name) {
  static const std::map<std::string_view, const char*> codes = {
      {"reset", "\033[0m"},   {"black", "\033[30m"},  {"red", "\033[31m"},
      {"green", "\033[32m"},  {"yellow", "\033[33m"}, {"blue", "\033[34m"},
      {"purple", "\033[35m"}, {"cyan", "\033[36m"},   {"white", "\033[37m"}};
  const bool bold = name.starts_with("bold_");
  const auto found = codes.find(bold ? name.substr(5) : name);
  if (found == codes.end()) return nullptr;
  if (!bold) return found->second;
  static std::map<std::string, std::string> bold_codes = [] {
    std::map<std::string, std::string> made;
    for (const auto& [color, code] : codes)
      made[std::string(color)] = "\033[01m" + std::string(code);
    return made;
  }();
  return bold_codes[std::string(name.substr(5))].c_str();
}

int python_level(level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return 5;
    case spdlog::level::debug:
      return 10;
    case spdlog::level::info:
      return 20;
    case spdlog::level::warn:
      return 30;
    case spdlog::level::err:
      return 40;
    default:
      return 50;
  }
}

std::string time_text(spdlog::log_clock::time_point time, const std::string& format) {
  const std::time_t seconds = spdlog::log_clock::to_time_t(time);
  std::tm local{};
  ::localtime_r(&seconds, &local);
  char text[256];
  const char* pattern = format.empty() ? "%Y-%m-%d %H:%M:%S" : format.c_str();
  std::string result(text, std::strftime(text, sizeof(text), pattern, &local));
  if (!format.empty()) return result;
  const auto since = std::chrono::duration_cast<std::chrono::milliseconds>(time.time_since_epoch());
  return result + fmt::format(",{:03}", since.count() % 1000);
}

double seconds_of(spdlog::log_clock::time_point time) {
  return std::chrono::duration<double>(time.time_since_epoch()).count();
}

std::string file_name(const char* path) {
  const std::string_view text = path ? path : "";
  return std::string(text.substr(text.rfind('/') + 1));
}

class PythonFormatter : public spdlog::formatter {
 public:
  struct Part {
    bool is_field = false;
    std::string text;  // literal, or the field's name
    std::size_t width = 0;
    bool left = false, zero = false;
  };

  PythonFormatter(std::vector<Part> parts, LogFormatOptions options)
      : parts_(std::move(parts)), options_(std::move(options)) {}

  void format(const spdlog::details::log_msg& message, spdlog::memory_buf_t& out) override {
    const auto append = [&](std::string_view text) {
      out.append(text.data(), text.data() + text.size());
    };
    for (const Part& part : parts_) {
      if (!part.is_field) {
        append(part.text);
        continue;
      }
      const std::string value = field(part.text, message);
      const std::size_t fill = part.width > value.size() ? part.width - value.size() : 0;
      if (!part.left) append(std::string(fill, part.zero ? '0' : ' '));
      append(value);
      if (part.left) append(std::string(fill, ' '));
    }
    // colorlog ends every record with a reset.
    if (options_.colors) append("\033[0m");
    append("\n");
  }

  std::unique_ptr<spdlog::formatter> clone() const override {
    return std::make_unique<PythonFormatter>(parts_, options_);
  }

 private:
  std::string field(const std::string& name, const spdlog::details::log_msg& message) const {
    if (name == "message") return {message.payload.data(), message.payload.size()};
    if (name == "asctime") return time_text(message.time, options_.date_format);
    if (name == "name") return {message.logger_name.data(), message.logger_name.size()};
    if (name == "levelname") return level_name(message.level);
    if (name == "levelno") return std::to_string(python_level(message.level));
    if (name == "lineno") return std::to_string(message.source.line);
    if (name == "pathname") return message.source.filename ? message.source.filename : "";
    if (name == "filename") return file_name(message.source.filename);
    if (name == "module") {
      const std::string file = file_name(message.source.filename);
      return file.substr(0, file.rfind('.'));
    }
    if (name == "funcName") return message.source.funcname ? message.source.funcname : "";
    if (name == "process") return std::to_string(::getpid());
    if (name == "processName") return "MainProcess";
    if (name == "thread" || name == "threadName") return std::to_string(message.thread_id);
    if (name == "created") return fmt::format("{:.6f}", seconds_of(message.time));
    if (name == "relativeCreated") {
      return fmt::format("{:.3f}", 1000 * (seconds_of(message.time) - start_));
    }
    if (name == "msecs") {
      const double seconds = seconds_of(message.time);
      return std::to_string(static_cast<int>(
          1000 * (seconds - static_cast<double>(static_cast<long long>(seconds)))));
    }
    if (name == "log_color") {
      const auto color = options_.log_colors.find(level_name(message.level));
      const char* code = color == options_.log_colors.end() ? nullptr : color_code(color->second);
      return code ? code : "";
    }
    const char* code = color_code(name);
    return code ? code : "";
  }

  std::vector<Part> parts_;
  LogFormatOptions options_;
  double start_ = seconds_of(spdlog::log_clock::now());
};

using Part = PythonFormatter::Part;

void check_field(const std::string& name, bool colors) {
  const auto& names = field_names();
  const bool known = std::find(names.begin(), names.end(), name) != names.end();
  if (known && (name != "log_color" || colors)) return;
  if (colors && color_code(name)) return;
  fail(ErrorCode::kConfig, "[logging] expected a field of a log record, got '{}'.{}", name,
       did_you_mean(name, names));
}

// "-8s" -> width and flags; the conversion itself is the field's own.
void read_flags(std::string_view flags, Part& part) {
  for (const char c : flags) {
    if (c == '-' || c == '<') part.left = true;
    if (c == '0' && part.width == 0) part.zero = true;
    if (c >= '0' && c <= '9')
      part.width = std::min<std::size_t>(part.width * 10 + static_cast<std::size_t>(c - '0'), 1000);
    if (c == '.') break;
  }
}

std::vector<Part> split_percent(const std::string& format, bool colors) {
  std::vector<Part> parts(1);
  for (std::size_t i = 0; i < format.size(); ++i) {
    if (format.compare(i, 2, "%%") == 0) {
      parts.back().text += '%';
      ++i;
      continue;
    }
    const std::size_t close = format.find(')', i);
    if (format.compare(i, 2, "%(") != 0 || close == std::string::npos) {
      parts.back().text += format[i];
      continue;
    }
    Part field{.is_field = true, .text = format.substr(i + 2, close - i - 2)};
    check_field(field.text, colors);
    const std::size_t end = format.find_first_of("sdfrixgeXc", close);
    if (end == std::string::npos) {
      fail(ErrorCode::kConfig, "[logging] expected a conversion (as in %(name)s) after '%({})'",
           field.text);
    }
    read_flags(std::string_view(format).substr(close + 1, end - close - 1), field);
    parts.push_back(field);
    parts.emplace_back();
    i = end;
  }
  return parts;
}

std::vector<Part> split_braces(const std::string& format, bool colors) {
  std::vector<Part> parts(1);
  for (std::size_t i = 0; i < format.size(); ++i) {
    const std::string two = format.substr(i, 2);
    if (two == "{{" || two == "}}") {
      parts.back().text += format[i++];
      continue;
    }
    const std::size_t close = format.find('}', i);
    if (format[i] != '{' || close == std::string::npos) {
      parts.back().text += format[i];
      continue;
    }
    const std::string body = format.substr(i + 1, close - i - 1);
    Part field{.is_field = true, .text = body.substr(0, body.find(':'))};
    check_field(field.text, colors);
    if (body.find(':') != std::string::npos) read_flags(body.substr(body.find(':') + 1), field);
    parts.push_back(field);
    parts.emplace_back();
    i = close;
  }
  return parts;
}

}  // namespace

const char* level_name(level_enum level) {
  switch (level) {
    case spdlog::level::trace:
      return "TRACE";
    case spdlog::level::debug:
      return "DEBUG";
    case spdlog::level::info:
      return "INFO";
    case spdlog::level::warn:
      return "WARNING";
    case spdlog::level::err:
      return "ERROR";
    default:
      return "CRITICAL";
  }
}

level_enum parse_level(const std::string& text) {
  static const std::map<std::string, level_enum> levels = {
      {"NOTSET", spdlog::level::trace},  {"TRACE", spdlog::level::trace},
      {"DEBUG", spdlog::level::debug},   {"INFO", spdlog::level::info},
      {"WARN", spdlog::level::warn},     {"WARNING", spdlog::level::warn},
      {"ERROR", spdlog::level::err},     {"CRITICAL", spdlog::level::critical},
      {"FATAL", spdlog::level::critical}};
  std::string upper = text;
  std::transform(upper.begin(), upper.end(), upper.begin(),
                 [](unsigned char c) { return std::toupper(c); });
  const auto found = levels.find(upper);
  if (found != levels.end()) return found->second;
  if (!text.empty() && text.find_first_not_of("0123456789") == std::string::npos &&
      text.size() < 5) {
    const int number = std::stoi(text);
    if (number <= 5) return spdlog::level::trace;
    if (number <= 10) return spdlog::level::debug;
    if (number <= 20) return spdlog::level::info;
    if (number <= 30) return spdlog::level::warn;
    return number <= 40 ? spdlog::level::err : spdlog::level::critical;
  }
  std::vector<std::string> names;
  for (const auto& [name, level] : levels) names.push_back(name);
  fail(ErrorCode::kConfig, "[logging] expected a level (DEBUG, INFO, WARNING, ...), got '{}'.{}",
       text, did_you_mean(text, names));
}

std::unique_ptr<spdlog::formatter> make_log_formatter(const LogFormatOptions& options) {
  std::vector<Part> parts = options.style == '{' ? split_braces(options.format, options.colors)
                                                 : split_percent(options.format, options.colors);
  return std::make_unique<PythonFormatter>(std::move(parts), options);
}

}  // namespace iolaus::config
