// Python's logging formats and levels, on records with known content.
#include <doctest/doctest.h>
#include <spdlog/details/log_msg.h>

#include "config/interpolation.h"
#include "config/log_format.h"
#include "config/logging.h"
#include "config/yaml.h"
#include "core/error.h"
#include "tests/config/support_app.h"

#include <spdlog/logger.h>

using namespace iolaus;
using namespace iolaus::config;

namespace {

std::string formatted(const LogFormatOptions& options,
                      spdlog::level::level_enum level = spdlog::level::warn) {
  const spdlog::details::log_msg message(spdlog::source_loc{"src/file.cpp", 42, "func"}, "a.b",
                                         level, "hello");
  spdlog::memory_buf_t out;
  make_log_formatter(options)->format(message, out);
  return {out.data(), out.size()};
}

}  // namespace

TEST_CASE("fields, widths and percent signs print as in Python") {
  CHECK(formatted({.format = "[%(name)s][%(levelname)s] - %(message)s"}) ==
        "[a.b][WARNING] - hello\n");
  CHECK(formatted({.format = "%(levelname)-9s|%(lineno)05d|%(filename)s|100%%"}) ==
        "WARNING  |00042|file.cpp|100%\n");
  CHECK(formatted({.format = "{levelname}: {message}", .style = '{'}) == "WARNING: hello\n");
  CHECK(formatted({.format = "%(asctime)s", .date_format = "%Y"}).size() == 5);
  CHECK(formatted({.format = "%(asctime)s"}).size() == 24);
}

TEST_CASE("colorlog colours by level") {
  const LogFormatOptions options{.format = "%(log_color)s%(message)s%(reset)s",
                                 .colors = true,
                                 .log_colors = {{"WARNING", "yellow"}}};
  CHECK(formatted(options) == "\033[33mhello\033[0m\033[0m\n");
}

TEST_CASE("unknown fields and levels are errors with suggestions") {
  CHECK_THROWS_WITH_AS(formatted({.format = "%(filenam)s"}),
                       "[logging] expected a field of a log record, got 'filenam'. Did you mean "
                       "'filename'?",
                       Error);
  CHECK(parse_level("warn") == spdlog::level::warn);
  CHECK(parse_level("10") == spdlog::level::debug);
  CHECK_THROWS_AS(parse_level("LOUD"), Error);
}

TEST_CASE("loggers write to the configured file at their own levels") {
  const testing::TempTree tree;
  const Node config = load_yaml(
      "formatters: {f: {format: '%(name)s %(levelname)s %(message)s'}}\n"
      "handlers: {file: {class: logging.FileHandler, formatter: f, filename: " +
          (tree / "x.log") +
          "}}\n"
          "root: {level: WARNING, handlers: [file]}\n"
          "loggers: {quiet: {level: ERROR}}\n",
      "test");
  configure_logging(config, load_yaml("[loud.one]", "test"), "job");
  get_logger("job")->info("dropped");
  get_logger("job")->warn("kept");
  get_logger("quiet.child")->warn("dropped");
  get_logger("loud.one")->debug("kept");
  flush_logs();
  CHECK(tree.read("x.log") == "job WARNING kept\nloud.one DEBUG kept\n");
}

// Found by tests/conformance/differential.
TEST_CASE("hydra.verbose is a bool, a name or names, and nothing else") {
  const Node config = load_yaml("{root: null}", "f");
  for (const char* wrong : {"{a: 1}", "1", "null"}) {
    const Node verbose = load_yaml(std::string("v: ") + wrong, "f");
    CHECK_THROWS_WITH_AS(configure_logging(config, verbose.at("v"), "job"),
                         doctest::Contains("expected hydra.verbose to be a bool, a name"), Error);
  }
  configure_logging(config, Node("job"), "job");
}
