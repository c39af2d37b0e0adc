// Reading YAML: structure, messages with places, and limits. Messages are those of PyYAML 6.0.3.
#include <doctest/doctest.h>

#include <chrono>
#include <string>

#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::config;

namespace {

Node load(const std::string& text) { return load_yaml(text, "f.yaml"); }

std::string error_of(const std::string& text) {
  try {
    load(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("nodes know where they and their keys were written") {
  const Node root = load("a: 1\nb:\n  c: x\n  d:\n  - 7\n");
  CHECK(root.at("b").at("c").mark().text() == "f.yaml:3:6");
  CHECK(root.at("b").key_mark().text() == "f.yaml:2:1");
  CHECK(root.at("b").mark().text() == "f.yaml:3:3");
  CHECK(root.at("b").at("d").at(0).mark().text() == "f.yaml:5:5");
}

TEST_CASE("aliases copy, merge keys come first and lose against own keys") {
  const Node root = load("b: &b {x: 1, y: 2}\nc: {z: 3, <<: *b, x: 9}\nl: [*b, *b]\n");
  CHECK(root.at("c") == load("{x: 9, y: 2, z: 3}"));
  CHECK(root.at("c").child(0).key() == Key("x"));
  CHECK(root.at("c").child(2).key() == Key("z"));
  CHECK(root.at("l").at(0) == root.at("b"));
  CHECK(&root.at("l").at(0) != &root.at("l").at(1));
  const Node many = load("a: &a {x: 1}\nb: &b {x: 2, y: 2}\nc:\n  <<: [*a, *b]\n");
  CHECK(many.at("c") == load("{x: 1, y: 2}"));
}

TEST_CASE("an empty text is null, and one document is enough") {
  CHECK(load("").is_null());
  CHECK(load("# only a comment\n").is_null());
  CHECK(load("---\na: 1\n...\n") == load("a: 1"));
  CHECK(load("\xEF\xBB\xBF"
             "a: 1")
            .at("a")
            .mark()
            .text() == "f.yaml:1:4");
  CHECK(error_of("a: 1\n---\nb: 2\n") ==
        "expected a single document in the stream\n  in \"f.yaml\", line 1, column 1\n"
        "but found another document\n  in \"f.yaml\", line 2, column 1");
}

TEST_CASE("errors read as PyYAML's, with line and column") {
  CHECK(error_of("a: [1, 2\nb: 3\n") ==
        "while parsing a flow sequence\n  in \"f.yaml\", line 1, column 4\n"
        "expected ',' or ']', but got ':'\n  in \"f.yaml\", line 2, column 2");
  CHECK(error_of("a: 1\n b: 2\n") ==
        "mapping values are not allowed here\n  in \"f.yaml\", line 2, column 3");
  CHECK(error_of("a: 1\na: 2\n") ==
        "while constructing a mapping\n  in \"f.yaml\", line 1, column 1\n"
        "found duplicate key a\n  in \"f.yaml\", line 2, column 1");
  CHECK(error_of("a: *nope\n") ==
        "found undefined alias 'nope'\n  in \"f.yaml\", line 1, column 4");
  CHECK(error_of("a: &x 1\nb: &x 2\n") ==
        "found duplicate anchor 'x'; first occurrence\n  in \"f.yaml\", line 1, column 4\n"
        "second occurrence\n  in \"f.yaml\", line 2, column 4");
  CHECK(error_of("a: \"\\q\"\n") ==
        "while scanning a double-quoted scalar\n  in \"f.yaml\", line 1, column 4\n"
        "found unknown escape character 'q'\n  in \"f.yaml\", line 1, column 6");
  CHECK(error_of("a: 1\nb") ==
        "while scanning a simple key\n  in \"f.yaml\", line 2, column 1\n"
        "could not find expected ':'\n  in \"f.yaml\", line 2, column 2");
  CHECK(error_of("- a\nb: 1\n") ==
        "while parsing a block collection\n  in \"f.yaml\", line 1, column 1\n"
        "expected <block end>, but found '?'\n  in \"f.yaml\", line 2, column 1");
  CHECK(error_of("? [a]\n: 1\n") ==
        "while constructing a mapping\n  in \"f.yaml\", line 1, column 1\n"
        "found unhashable key\n  in \"f.yaml\", line 1, column 3");
  CHECK(error_of("a:\n  <<: 5\n") ==
        "while constructing a mapping\n  in \"f.yaml\", line 2, column 3\n"
        "expected a mapping or list of mappings for merging, but found scalar\n"
        "  in \"f.yaml\", line 2, column 7");
}

TEST_CASE("tabs between tokens are errors, as for PyYAML, though libyaml takes them") {
  const std::string cannot = "found character '\\t' that cannot start any token\n";
  CHECK(error_of("a: 1\t# c\n").find(cannot + "  in \"f.yaml\", line 1, column 5") !=
        std::string::npos);
  CHECK(error_of("a:\t1\n").find(cannot) != std::string::npos);
  CHECK(error_of("a: x\ty\n").find(cannot) != std::string::npos);
  CHECK(load("a: 'x\ty' # c\tc\n").at("a") == Node("x\ty"));
  CHECK(load("a: |\n  x\ty\n").at("a") == Node("x\ty\n"));
}

TEST_CASE("what PyYAML reads and libyaml refuses is read") {
  CHECK(load("a: [b:[1]]\n") == load("a: [{b: [1]}]\n"));
  CHECK(load("a: {b:}\nc: 1\n") == load("a: {b: null}\nc: 1\n"));
  const Node tabbed = load("k:\n  a: |\n    \tx\n     y\n");
  CHECK(tabbed.at("k").at("a") == Node("\tx\n y\n"));
  CHECK(load("[a:[b], c: d]").at(1).at("c").mark().text() == "f.yaml:1:12");
}

TEST_CASE("unknown directives are skipped, but want a document start behind them") {
  CHECK(load("%FOO bar\n---\na: 1\n") == load("a: 1"));
  CHECK(error_of("%FOO bar\na: 1\n") ==
        "expected '<document start>', but found '<scalar>'\n"
        "  in \"f.yaml\", line 2, column 1");
  CHECK(error_of("%d").starts_with("expected '<document start>', but found '<stream end>'"));
}

TEST_CASE("values that OmegaConf does not take are named with their full key") {
  CHECK(error_of("a: {b: !!set {x}}\n")
            .starts_with("Value 'set' is not a supported primitive type\n    full_key: a.b\n"));
  CHECK(error_of("null: 1\n")
            .starts_with("Incompatible key type 'NoneType'\n    full_key: \n    object_type=dict"));
  CHECK(error_of("a: [x, '${']\n").find("full_key: a[1]") != std::string::npos);
}

TEST_CASE("bytes that are no text are refused with their position") {
  CHECK(error_of("a: \xff\n")
            .starts_with("'utf-8' codec can't decode byte 0xff in position 3: invalid start byte"));
  CHECK(error_of("a: \xc3(\n").find("invalid continuation byte") != std::string::npos);
  CHECK(error_of("a: \xe6\x97").find("unexpected end of data") != std::string::npos);
  CHECK(error_of(std::string("a: \x01", 4)) ==
        "unacceptable character #x0001: special characters are not allowed\n"
        "  in \"f.yaml\", position 3");
}

TEST_CASE("depth, size and expansion are limited, quickly") {
  const auto start = std::chrono::steady_clock::now();
  CHECK(error_of(std::string(100'000, '[')).find("64 levels") != std::string::npos);
  std::string keys;
  for (int i = 0; i < 50'000; ++i) keys += "[? ";
  CHECK(error_of(keys).find("64 levels") != std::string::npos);
  CHECK(error_of(std::string(2 << 20, 'a')).find("at most 1048576 bytes") != std::string::npos);
  std::string bomb = "a0: &a0 [x, x, x, x, x, x, x, x, x]\n";
  for (int i = 1; i < 10; ++i) {
    const std::string name = "a" + std::to_string(i), last = "*a" + std::to_string(i - 1);
    bomb += name + ": &" + name + " [" + last;
    for (int k = 0; k < 8; ++k) bomb += ", " + last;
    bomb += "]\n";
  }
  CHECK(error_of(bomb).find("expected aliases to add at most 10000 nodes") != std::string::npos);
  CHECK(error_of("a: &a [*a]\n").find("recursive alias 'a'") != std::string::npos);
  const auto time = std::chrono::steady_clock::now() - start;
  CHECK(std::chrono::duration<double>(time).count() < 5.0);  // generous: sanitizers, busy machines
  CHECK(load(std::string(60, '[') + std::string(60, ']')).size() == 1);
}

TEST_CASE("ten thousand keys load in linear time, and the last duplicate is found") {
  std::string text;
  for (int i = 0; i < 10'000; ++i)
    text += "key" + std::to_string(i) + ": " + std::to_string(i) + "\n";
  CHECK(load(text).at("key9999").as_int() == 9999);
  CHECK(error_of(text + "key0: 1\n").find("found duplicate key key0") != std::string::npos);
}

TEST_CASE("!!omap and !!pairs become lists of pairs") {
  CHECK(load("a: !!omap [x: 1, 2: y]").at("a") == load("[[x, 1], [2, y]]"));
  CHECK(error_of("a: !!omap [1]").find("expected a mapping of length 1, but found scalar") !=
        std::string::npos);
}

TEST_CASE("files load by their extension, and say when they are not there") {
  CHECK_THROWS_WITH_AS(load_file("/nonexistent/x.yaml"),
                       doctest::Contains("cannot open /nonexistent/x.yaml"), Error);
}

TEST_CASE("a key that cannot be one is reported before its value is looked at") {
  const std::string error = error_of("a: 1\nnull: '${a'\n");
  CHECK(error.find("Incompatible key type 'NoneType'") == 0);
  CHECK(error.find("line 2, column 1") != std::string::npos);
  CHECK(error_of("x: '${a'\nnull: 1\n").find("expected '}'") != std::string::npos);
}
