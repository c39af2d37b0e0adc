// The command line, as argparse reads it.
#include <doctest/doctest.h>

#include "config/arguments.h"

using namespace iolaus::config;

TEST_CASE("flags may be joined, abbreviated and mixed with overrides") {
  const Arguments arguments =
      parse_arguments({"a=1", "--config-na", "conf", "-cjob", "--package=db", "-rm", "-5", "b=2"});
  CHECK(arguments.config_name == "conf");
  CHECK(arguments.cfg == "job");
  CHECK(arguments.package == "db");
  CHECK(arguments.run);
  CHECK(arguments.multirun);
  CHECK(arguments.overrides == std::vector<std::string>{"a=1", "-5", "b=2"});
}

TEST_CASE("two dashes end the flags") {
  const Arguments arguments = parse_arguments({"--", "-m", "x=1"});
  CHECK(!arguments.multirun);
  CHECK(arguments.overrides == std::vector<std::string>{"-m", "x=1"});
}

TEST_CASE("--info alone asks for everything") {
  CHECK(parse_arguments({"-i"}).info == "all");
  CHECK(parse_arguments({"--info", "defaults"}).info == "defaults");
  CHECK_THROWS_AS(parse_arguments({"--info", "x=1"}), UsageError);
}

TEST_CASE("wrong flags are usage errors") {
  CHECK_THROWS_AS(parse_arguments({"--nope"}), UsageError);
  CHECK_THROWS_AS(parse_arguments({"--config", "x"}), UsageError);  // ambiguous
  CHECK_THROWS_AS(parse_arguments({"-cn"}), UsageError);
  CHECK_THROWS_AS(parse_arguments({"--cfg", "foo"}), UsageError);
  CHECK_THROWS_AS(parse_arguments({"--run=x"}), UsageError);
  CHECK_THROWS_AS(parse_arguments({"-x=2"}), UsageError);
}
