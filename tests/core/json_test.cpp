// Strict JSON: what the library alone would let pass is refused.
#include "core/io/json.h"

#include <nlohmann/json.hpp>

#include "core/io/atomic_file.h"
#include "tests/core/io_helpers.h"

using namespace iolaus;
using namespace iolaus::io;

namespace {
void check_corrupt(const std::string& text, const char* words) {
  test::check_error(ErrorCode::kCorrupt, words, [&] { parse_json(text, "x.json"); });
}
}  // namespace

TEST_CASE("JSON parses into values, 64-bit integers exactly") {
  const auto value =
      parse_json(R"({"a": [1, -2, 2.5, null, true], "seed": 18446744073709551615})", "x.json");
  CHECK(value["a"].size() == 5);
  CHECK(value["seed"].get<uint64_t>() == UINT64_MAX);
}

TEST_CASE("duplicate keys are refused at any depth, the same key in two objects is not") {
  check_corrupt(R"({"a": 1, "b": 2, "a": 3})", "the key 'a' is there twice");
  check_corrupt(R"([{"a": {"b": 1, "b": 1}}])", "the key 'b' is there twice");
  check_corrupt("{\"a\": 1, \"\\u0061\": 3}", "the key 'a' is there twice");
  CHECK_NOTHROW(parse_json(R"([{"a": {"a": 1}}, {"a": {"a": 1}}, {"b": 1, "c": {"b": 1}}])", "x"));
}

TEST_CASE("eight levels parse, nine do not") {
  CHECK_NOTHROW(parse_json(std::string(8, '[') + std::string(8, ']'), "x.json"));
  check_corrupt(std::string(9, '[') + std::string(9, ']'), "deeper than 8 levels");
  check_corrupt(std::string(1000000, '['), "deeper than 8 levels");
  check_corrupt(R"([[[[[[[[{}]]]]]]]])", "deeper than 8 levels");
}

TEST_CASE("syntax errors name the byte") {
  check_corrupt("{\"a\": 01}", "x.json: invalid JSON at byte 8");
  check_corrupt("", "invalid JSON at byte 1");
  check_corrupt("{} x", "invalid JSON at byte 4");
  check_corrupt("// comment\n1", "invalid JSON");
  check_corrupt("\"\xff\"", "invalid JSON");
  check_corrupt("1e999", "number overflow");
  check_corrupt("\"" + std::string(100000, 'x'), "...");
}

TEST_CASE("size is limited and files are read") {
  test::check_error(ErrorCode::kCorrupt, "more than the 2 allowed",
                    [] { parse_json("[1]", "x.json", {.nbytes = 2}); });
  const test::TempDir dir;
  write_file_atomic(dir / "a.json", "[1, 2]");
  CHECK(read_json(dir / "a.json").size() == 2);
  test::check_error(ErrorCode::kNotFound, "b.json", [&] { read_json(dir / "b.json"); });
}
