// Handlers as sinks, and one router that every logger writes to.
#include "config/logging.h"

#include <fmt/format.h>
#include <spdlog/logger.h>
#include <spdlog/sinks/base_sink.h>
#include <spdlog/sinks/rotating_file_sink.h>
#include <spdlog/spdlog.h>

#include <cerrno>
#include <cstdio>
#include <cstring>
#include <map>
#include <mutex>

#include "config/interpolation.h"
#include "config/log_format.h"

namespace iolaus::config {
namespace {

using SinkPtr = std::shared_ptr<spdlog::sinks::sink>;

// A stream of the program; flushed with each record, so it keeps its place among what a task
// prints.
class StreamSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  explicit StreamSink(std::FILE* stream) : stream_(stream) {}

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    std::fwrite(text.data(), 1, text.size(), stream_);
    std::fflush(stream_);
  }
  void flush_() override { std::fflush(stream_); }

 private:
  std::FILE* stream_;
};

// A log file, opened at once or with the first record (`delay: true`).
class FileSink : public spdlog::sinks::base_sink<std::mutex> {
 public:
  FileSink(std::string path, std::string mode, bool delay)
      : path_(std::move(path)), mode_(std::move(mode)) {
    if (!delay) open();
  }
  ~FileSink() override {
    if (file_) std::fclose(file_);
  }
  FileSink(const FileSink&) = delete;
  FileSink& operator=(const FileSink&) = delete;

 protected:
  void sink_it_(const spdlog::details::log_msg& message) override {
    if (!file_) open();
    spdlog::memory_buf_t text;
    formatter_->format(message, text);
    std::fwrite(text.data(), 1, text.size(), file_);
    std::fflush(file_);
  }
  void flush_() override {
    if (file_) std::fflush(file_);
  }

 private:
  void open() {
    file_ = std::fopen(path_.c_str(), mode_.c_str());
    if (!file_) {
      fail(ErrorCode::kIo, "[logging] cannot open {}: {}", path_, std::strerror(errno));
    }
  }

  std::string path_, mode_;
  std::FILE* file_ = nullptr;
};

struct State {
  std::mutex mutex;
  std::vector<SinkPtr> root_sinks;
  std::map<std::string, std::vector<SinkPtr>> own_sinks;  // loggers with handlers of their own
  std::map<std::string, bool> propagates;
  spdlog::level::level_enum root_level = spdlog::level::info;
  std::map<std::string, spdlog::level::level_enum> levels;
  std::map<std::string, std::shared_ptr<spdlog::logger>> loggers;
};

State& state() {
  static auto* instance = new State;  // loggers may outlive main
  return *instance;
}

// The name's parents, nearest first: "a.b" -> "a.b", "a".
std::vector<std::string> ancestry(std::string name) {
  std::vector<std::string> names = {name};
  for (std::size_t dot = 0; (dot = name.rfind('.')) != std::string::npos;) {
    name.resize(dot);
    names.push_back(name);
  }
  return names;
}

spdlog::level::level_enum level_of(const std::string& name) {
  for (const std::string& each : ancestry(name)) {
    const auto found = state().levels.find(each);
    if (found != state().levels.end()) return found->second;
  }
  return state().root_level;
}

// Hands a record to the handlers of its logger and of the logger's parents.
class Router : public spdlog::sinks::sink {
 public:
  void log(const spdlog::details::log_msg& message) override {
    for (const SinkPtr& target :
         sinks_for({message.logger_name.data(), message.logger_name.size()})) {
      if (target->should_log(message.level)) target->log(message);
    }
  }
  void flush() override { flush_logs(); }
  void set_pattern(const std::string&) override {}
  void set_formatter(std::unique_ptr<spdlog::formatter>) override {}

 private:
  static std::vector<SinkPtr> sinks_for(const std::string& name) {
    const std::lock_guard lock(state().mutex);
    std::vector<SinkPtr> sinks;
    for (const std::string& each : ancestry(name)) {
      const auto own = state().own_sinks.find(each);
      if (own != state().own_sinks.end()) {
        sinks.insert(sinks.end(), own->second.begin(), own->second.end());
      }
      const auto propagates = state().propagates.find(each);
      if (propagates != state().propagates.end() && !propagates->second) return sinks;
    }
    sinks.insert(sinks.end(), state().root_sinks.begin(), state().root_sinks.end());
    return sinks;
  }
};

std::string text_of(const Node& dict, const char* key, const std::string& otherwise) {
  const Node* node = dict.find(Key(key));
  return node && !node->is_null() ? node->str() : otherwise;
}

bool flag_of(const Node& dict, const char* key, bool otherwise) {
  const Node* node = dict.find(Key(key));
  return node && node->is_bool() ? node->as_bool() : otherwise;
}

std::unique_ptr<spdlog::formatter> formatter_for(const Node& config, const std::string& name) {
  LogFormatOptions options;
  const Node* formatters = config.find(Key("formatters"));
  const Node* spec = formatters ? formatters->find(Key(name)) : nullptr;
  if (name.empty()) return make_log_formatter(options);
  if (!spec || !spec->is_dict()) {
    fail(ErrorCode::kConfig, "[logging] a handler uses the formatter '{}', which is not defined",
         name);
  }
  options.format = text_of(*spec, "format", options.format);
  options.date_format = text_of(*spec, "datefmt", "");
  options.style = text_of(*spec, "style", "%")[0];
  options.colors = text_of(*spec, "()", "").find("colorlog") != std::string::npos ||
                   text_of(*spec, "class", "").find("colorlog") != std::string::npos;
  options.log_colors = {{"DEBUG", "white"},
                        {"INFO", "green"},
                        {"WARNING", "yellow"},
                        {"ERROR", "red"},
                        {"CRITICAL", "bold_red"}};
  if (const Node* colors = spec->find(Key("log_colors"))) {
    for (const Node& color : *colors) options.log_colors[color.key().text()] = color.str();
  }
  return make_log_formatter(options);
}

SinkPtr make_sink(const Node& config, const std::string& name, const Node& handler) {
  const std::string type = text_of(handler, "class", "");
  SinkPtr sink;
  if (type == "logging.StreamHandler" || type == "colorlog.StreamHandler") {
    const bool to_stdout = text_of(handler, "stream", "").find("stdout") != std::string::npos;
    sink = std::make_shared<StreamSink>(to_stdout ? stdout : stderr);
  } else if (type == "logging.FileHandler") {
    sink =
        std::make_shared<FileSink>(text_of(handler, "filename", name + ".log"),
                                   text_of(handler, "mode", "a"), flag_of(handler, "delay", false));
  } else if (type == "logging.handlers.RotatingFileHandler") {
    const std::string bytes = text_of(handler, "maxBytes", "0");
    const std::size_t limit = std::strtoull(bytes.c_str(), nullptr, 10);
    const std::size_t kept =
        std::strtoull(text_of(handler, "backupCount", "0").c_str(), nullptr, 10);
    try {
      sink = std::make_shared<spdlog::sinks::rotating_file_sink_mt>(
          text_of(handler, "filename", name + ".log"), limit == 0 ? SIZE_MAX : limit, kept);
    } catch (const std::exception& error) {
      fail(ErrorCode::kIo, "[logging] {}", error.what());
    }
  } else if (type == "logging.NullHandler") {
    return nullptr;
  } else {
    fail(ErrorCode::kConfig,
         "[logging] Unable to configure handler '{}': expected class logging.StreamHandler, "
         "logging.FileHandler, logging.handlers.RotatingFileHandler or logging.NullHandler, got "
         "'{}'",
         name, type);
  }
  sink->set_formatter(formatter_for(config, text_of(handler, "formatter", "")));
  const std::string level = text_of(handler, "level", "");
  sink->set_level(level.empty() ? spdlog::level::trace : parse_level(level));
  return sink;
}

std::vector<SinkPtr> sinks_of(const Node& owner, const std::map<std::string, SinkPtr>& made) {
  std::vector<SinkPtr> sinks;
  const Node* names = owner.find(Key("handlers"));
  if (!names || !names->is_list()) return sinks;
  for (const Node& name : *names) {
    const auto found = made.find(name.str());
    if (found == made.end()) {
      fail(ErrorCode::kConfig, "[logging] Unable to add handler '{}': it is not defined",
           name.str());
    }
    if (found->second) sinks.push_back(found->second);
  }
  return sinks;
}

void check_verbose(const Node& verbose) {
  if (verbose.is_bool() || verbose.is_list() || verbose.is_string()) return;
  fail(ErrorCode::kConfig,
       "[logging] expected hydra.verbose to be a bool, a name or a list of names, got {} {}{}",
       verbose.type_name(), verbose.repr(),
       verbose.mark().known() ? "\n    written at " + verbose.mark().text() : "");
}

void apply_verbose(const Node& verbose) {
  if (verbose.is_bool()) {
    if (verbose.as_bool()) state().root_level = spdlog::level::debug;
  } else if (verbose.is_list()) {
    for (const Node& name : verbose) state().levels[name.str()] = spdlog::level::debug;
  } else if (verbose.is_string()) {
    state().levels[verbose.as_string()] = spdlog::level::debug;
  }
}

}  // namespace

void configure_logging(const Node& config, const Node& verbose, const std::string& default_name) {
  check_verbose(verbose);
  const Node resolved = to_resolved(config);
  const Node* root = resolved.find(Key("root"));
  if (root && !root->is_null()) {
    std::map<std::string, SinkPtr> made;
    if (const Node* handlers = resolved.find(Key("handlers"))) {
      for (const Node& handler : *handlers) {
        const std::string name = handler.key().text();
        made[name] = make_sink(resolved, name, handler);
      }
    }
    const std::lock_guard lock(state().mutex);
    State& now = state();
    now.root_sinks = sinks_of(*root, made);
    now.root_level = parse_level(text_of(*root, "level", "WARNING"));
    now.levels.clear();
    now.own_sinks.clear();
    now.propagates.clear();
    if (const Node* loggers = resolved.find(Key("loggers"))) {
      for (const Node& logger : *loggers) {
        const std::string name = logger.key().text();
        const std::string level = text_of(logger, "level", "");
        if (!level.empty()) now.levels[name] = parse_level(level);
        now.own_sinks[name] = sinks_of(logger, made);
        now.propagates[name] = flag_of(logger, "propagate", true);
      }
    }
  }
  {
    const std::lock_guard lock(state().mutex);
    apply_verbose(verbose);
    for (auto& [name, logger] : state().loggers) logger->set_level(level_of(name));
  }
  spdlog::set_default_logger(get_logger(default_name));
}

std::shared_ptr<spdlog::logger> get_logger(const std::string& name) {
  const std::lock_guard lock(state().mutex);
  std::shared_ptr<spdlog::logger>& logger = state().loggers[name];
  if (!logger) {
    static const auto router = std::make_shared<Router>();
    logger = std::make_shared<spdlog::logger>(name, router);
    logger->set_level(level_of(name));
  }
  return logger;
}

void flush_logs() {
  std::vector<SinkPtr> sinks;
  {
    const std::lock_guard lock(state().mutex);
    sinks = state().root_sinks;
  }
  for (const SinkPtr& sink : sinks) sink->flush();
  std::fflush(stdout);
}

}  // namespace iolaus::config
