// JSON schemas of groups, and the header that makes lists grow.
#include <doctest/doctest.h>

#include "config/compose.h"
#include "config/json_schema.h"
#include "config/yaml.h"
#include "tests/config/support_app.h"

using namespace iolaus;
using namespace iolaus::config;
using config::testing::AppResult;
using config::testing::compose_app;
using config::testing::TempTree;

namespace {

using Texts = std::vector<std::string>;

Texts problems(const std::string& config, const std::string& schema) {
  Texts all;
  for (const std::string& problem :
       schema_problems(load_yaml(config, "c"), load_json(schema, "s"))) {
    all.push_back(problem.substr(problem.find(": ") + 2));  // without the place
  }
  return all;
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("types, bounds and choices of a schema are checked with the full key") {
  const std::string schema = R"({"type": "object", "required": ["port"],
    "additionalProperties": false,
    "properties": {"port": {"type": "integer", "minimum": 1, "maximum": 65535},
                   "kind": {"enum": ["mysql", "pg"]},
                   "hosts": {"type": "array", "minItems": 1, "items": {"pattern": "^[a-z]+$"}}}})";
  CHECK(problems("port: 80\nkind: pg\nhosts: [a, b]", schema).empty());
  CHECK(problems("port: 0", schema) == Texts{"port: expected >= 1, got 0"});
  CHECK(problems("port: x", schema) == Texts{"port: expected integer, got 'x'"});
  CHECK(problems("kind: pg", schema) == Texts{"the config: the key 'port' is required"});
  CHECK(problems("port: 1\nkind: myqsl", schema) ==
        Texts{"kind: expected one of 'mysql', 'pg', got 'myqsl'. Did you mean 'mysql'?"});
  CHECK(problems("port: 1\nprt: 2", schema) ==
        Texts{"prt: there is no such key in the schema. Did you mean 'port'?"});
  CHECK(problems("port: 1\nhosts: [a, B1]", schema) ==
        Texts{"hosts[1]: expected a text that matches '^[a-z]+$', got 'B1'"});
  CHECK(problems("port: ???", schema).empty());
  CHECK(problems("port: ${p}\np: 1", R"({"properties": {"port": {"type": "string"}}})").size() ==
        1);
}

TEST_CASE("schemas combine and refer to definitions") {
  CHECK(problems("a: 1", R"({"anyOf": [{"required": ["b"]}, {"required": ["a"]}]})").empty());
  CHECK(problems("a: 1", R"({"not": {"required": ["a"]}})").size() == 1);
  CHECK(problems("a: 1", R"({"oneOf": [{"required": ["a"]}, {"type": "object"}]})").size() == 1);
  const std::string tree = R"({"$defs": {"n": {"type": "object",
    "properties": {"next": {"$ref": "#/$defs/n"}, "v": {"type": "number"}}}},
    "$ref": "#/$defs/n"})";
  CHECK(problems("v: 1\nnext: {v: 2, next: {v: x}}", tree) ==
        Texts{"next.next.v: expected number, got 'x'"});
  CHECK(!problems("a: 1", R"({"$ref": "#"})").empty());
}

TEST_CASE("a group's schema is checked before anything runs") {
  TempTree tree;
  tree.write("config.yaml", "defaults:\n- db: mysql\n- _self_\nx: 1\n");
  tree.write("db/mysql.yaml", "port: 3306\n");
  tree.write("db.schema.json", R"({"properties": {"port": {"type": "integer"}}})");
  CHECK(compose_app(tree, {"-cn", "config", "hydra.run.dir=o"}).status == 0);
  const AppResult bad = compose_app(tree, {"-cn", "config", "hydra.run.dir=p", "db.port=many"});
  CHECK(bad.status == 1);
  CHECK(contains(bad.err, "override 2: db.port=many: db.port: expected integer, got 'many'"));
  CHECK(!tree.has("p"));
  CHECK(compose_app(tree, {"-cn", "config", "--check", "db.port=many"}).status == 1);
  CHECK(compose_app(tree, {"-cn", "db.schema", "--cfg", "job"}).status == 1);  // no config itself
}

TEST_CASE("a header makes the lists of a config extend what is there") {
  TempTree tree;
  tree.write("config.yaml", "defaults:\n- _self_\n- more: plain\ncallbacks: [a, b]\n");
  tree.write("more/plain.yaml", "# @package _global_\ncallbacks: [c]\n");
  tree.write("more/append.yaml", "# @package _global_\n# @lists extend\ncallbacks: [b, c]\n");
  tree.write("more/unique.yaml",
             "# @package _global_\n# @lists extend_unique\ncallbacks: [b, c]\n");
  tree.write("more/wrong.yaml", "# @lists sometimes\na: 1\n");
  const auto callbacks = [&](const std::string& option) {
    Composer composer({.job_name = "test", .config_dir = tree.path()});
    return composer.compose("config", {"more=" + option}).config.at(Key("callbacks")).str();
  };
  CHECK(callbacks("plain") == "['c']");
  CHECK(callbacks("append") == "['a', 'b', 'b', 'c']");
  CHECK(callbacks("unique") == "['a', 'b', 'c']");
  CHECK_THROWS_AS(callbacks("wrong"), Error);
}
