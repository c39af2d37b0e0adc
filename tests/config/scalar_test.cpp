// Types of plain scalars, as measured on OmegaConf 2.3 with PyYAML 6.0.3.
#include "config/scalar.h"

#include <doctest/doctest.h>

#include <cmath>

#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::config;

namespace {
Node value_of(const std::string& text) { return load_yaml("k: " + text, "f").at("k"); }
}  // namespace

TEST_CASE("plain scalars get the types of YAML 1.1 with OmegaConf's floats") {
  CHECK(value_of("1e3") == Node(1000.0));
  CHECK(value_of("1e3").is_float());
  CHECK(value_of(".5e+3") == Node(500.0));
  CHECK(value_of("1:30.5") == Node(90.5));
  CHECK(value_of("1e400") == Node(HUGE_VAL));
  CHECK(value_of("017") == Node(15));
  CHECK(value_of("1:30") == Node(90));
  CHECK(value_of("-1:30") == Node(-90));
  CHECK(value_of("1_000") == Node(1000));
  CHECK(value_of("0b11") == Node(3));
  CHECK(value_of("0x1F") == Node(31));
  CHECK(value_of("-0x1F") == Node(-31));
  CHECK(value_of("-.inf") == Node(-HUGE_VAL));
  CHECK(std::isnan(value_of(".nan").as_float()));
  for (const char* yes : {"yes", "on", "True", "ON"}) CHECK(value_of(yes) == Node(true));
  for (const char* no : {"no", "OFF", "False"}) CHECK(value_of(no) == Node(false));
  for (const char* null : {"~", "null", "Null", ""}) CHECK(value_of(null).is_null());
}

TEST_CASE("what looks like a number to others stays a string") {
  for (const char* text : {".5e3",
                           "-.5",
                           "0o17",
                           "09",
                           "y",
                           "n",
                           "tRue",
                           "nan",
                           "inf",
                           "2001-01-01",
                           "2001-01-01 10:00:00",
                           "1e",
                           "0x",
                           "1__",
                           "+",
                           "1.2.3",
                           "12e03x",
                           "1:60",
                           "0b2",
                           "08:30"}) {
    CAPTURE(text);
    if (std::string(text) == "1__") {
      CHECK(value_of(text) == Node(1));  // the pattern allows underscores at the end
      continue;
    }
    CHECK(value_of(text).is_string());
  }
}

TEST_CASE("integers of 64 bits load exactly, larger ones are an error and never wrap") {
  CHECK(value_of("9223372036854775807") == Node(INT64_MAX));
  CHECK(value_of("-9223372036854775808") == Node(INT64_MIN));
  CHECK_THROWS_WITH_AS(value_of("9223372036854775808"),
                       doctest::Contains("at most 64 bits, got 9223372036854775808"), Error);
  CHECK_THROWS_AS(value_of("0xFFFFFFFFFFFFFFFFF"), Error);
  CHECK_THROWS_AS(value_of("999999999999999999:59"), Error);
}

TEST_CASE("explicit tags convert, and say where they cannot") {
  CHECK(value_of("!!str 1") == Node("1"));
  CHECK(value_of("!!int \"5\"") == Node(5));
  CHECK(value_of("!!float 3").is_float());
  CHECK(value_of("!!bool \"yes\"") == Node(true));
  CHECK(value_of("!!binary aGVsbG8=").is_bytes());
  CHECK(value_of("!!binary aGVsbG8=").as_string() == "hello");
  CHECK(value_of("! 1") == Node(1));
  CHECK_THROWS_WITH_AS(value_of("!!int abc"), doctest::Contains("line 1, column 4"), Error);
  CHECK_THROWS_WITH_AS(value_of("!foo 1"),
                       doctest::Contains("could not determine a constructor for the tag '!foo'"),
                       Error);
  CHECK_THROWS_WITH_AS(value_of("="), doctest::Contains("tag:yaml.org,2002:value"), Error);
}
