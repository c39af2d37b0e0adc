// Composition over small trees: defaults lists, packages, overrides, errors that name the place.
// The conformance suite compares hundreds of these with the reference; here is what it cannot say.
#include <doctest/doctest.h>

#include "config/compose.h"
#include "config/interpolation.h"
#include "config/yaml.h"
#include "tests/config/support_app.h"

using namespace iolaus;
using namespace iolaus::config;
using config::testing::TempTree;

namespace {

Composition composed(const TempTree& tree, const std::string& name,
                     const std::vector<std::string>& overrides = {}) {
  Composer composer({.job_name = "test", .config_dir = tree.path()});
  return composer.compose(name, overrides);
}

std::string yaml_of(const TempTree& tree, const std::string& name,
                    const std::vector<std::string>& overrides = {}) {
  Node config = composed(tree, name, overrides).config;
  config.erase(Key("hydra"));
  return to_yaml(config);
}

std::string error_of(const TempTree& tree, const std::string& name,
                     const std::vector<std::string>& overrides = {}) {
  try {
    composed(tree, name, overrides);
  } catch (const Error& error) {
    return error.what();
  }
  return "";
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

const std::map<std::string, std::string> kTree = {
    {"config.yaml", "defaults:\n- db: mysql\n- _self_\nlr: 0.1\nopts:\n  deep: [1, 2]\n"},
    {"db/mysql.yaml", "host: a\nport: 3306\n"},
    {"db/pg.yaml", "host: b\nport: 5432\n"},
    {"extra/top.yaml", "# @package _global_\nlr: 7\n"},
    {"experiment/big.yaml", "# @package _global_\ndefaults:\n- override /db: pg\nlr: 0.01\n"}};

}  // namespace

TEST_CASE("options, packages and experiments compose in the order of the defaults list") {
  const TempTree tree(kTree);
  CHECK(yaml_of(tree, "config") ==
        "db:\n  host: a\n  port: 3306\nlr: 0.1\nopts:\n  deep:\n  - 1\n  - 2\n");
  CHECK(contains(yaml_of(tree, "config", {"db=pg"}), "host: b"));
  CHECK(contains(yaml_of(tree, "config", {"+db@backup=pg"}), "backup:\n  host: b\n"));
  const std::string experiment = yaml_of(tree, "config", {"+experiment=big"});
  CHECK(contains(experiment, "host: b"));
  CHECK(contains(experiment, "lr: 0.01"));
  CHECK(contains(yaml_of(tree, "config", {"+extra=top"}), "lr: 7"));
  CHECK(!contains(yaml_of(tree, "config", {"~db"}), "host"));
}

TEST_CASE("every value knows the file and line or the override that set it") {
  const TempTree tree(kTree);
  const Composition composition = composed(tree, "config", {"db=pg", "lr=2", "+new={a: 1}"});
  const Node& config = composition.config;
  const auto mark = [&](const char* path) { return select(config, path)->mark().text(); };
  CHECK(mark("db.port") == tree / "db/pg.yaml:2:7");
  CHECK(mark("opts.deep") == tree / "config.yaml:6:9");
  CHECK(mark("lr") == "override 2: lr=2");
  CHECK(mark("new.a") == "override 3: +new={a: 1}");
}

TEST_CASE("wrong names get suggestions and the options there are") {
  const TempTree tree(kTree);
  const std::string option = error_of(tree, "config", {"db=myql"});
  CHECK(contains(option, "Could not find 'db/myql'"));
  CHECK(contains(option, "Did you mean 'mysql'?"));
  CHECK(contains(option, "\tmysql\n\tpg"));
  CHECK(contains(option, "override 1: db=myql"));
  const std::string key = error_of(tree, "config", {"opts.dep=1"});
  CHECK(contains(key, "Could not override 'opts.dep'."));
  CHECK(contains(key, "Did you mean 'deep'?"));
  CHECK(contains(error_of(tree, "confg"), "Did you mean 'config'?"));
  CHECK(contains(error_of(tree, "config", {"dv=pg"}), "Did you mean 'db'?"));
}

TEST_CASE("errors of composition name the file that causes them") {
  TempTree tree(kTree);
  tree.write("bad.yaml", "defaults:\n- db: mysql\n- nothing_here\n");
  CHECK(contains(error_of(tree, "bad"), tree / "bad.yaml:3:3"));
  tree.write("clash.yaml", "defaults:\n- db: mysql\n- _self_\ndb: [1]\n");
  CHECK(contains(error_of(tree, "clash"), "Cannot merge DictConfig with ListConfig"));
  CHECK(contains(error_of(tree, "clash"), "clash.yaml"));
  tree.write("keys.yaml", "defaults:\n- {a: b, c: d}\n");
  CHECK(contains(error_of(tree, "keys"), "Too many keys in default item"));
}

TEST_CASE("yml and json configs are found, and yaml wins over them") {
  TempTree tree(kTree);
  tree.write("db/j.json", "{\"host\": \"json\", \"port\": 1}");
  tree.write("db/y.yml", "host: yml\n");
  tree.write("db/pg.json", "{\"host\": \"never\"}");
  CHECK(contains(yaml_of(tree, "config", {"db=j"}), "host: json"));
  CHECK(contains(yaml_of(tree, "config", {"db=y"}), "host: yml"));
  CHECK(contains(yaml_of(tree, "config", {"db=pg"}), "host: b"));
  CHECK(contains(error_of(tree, "config", {"db=nope"}), "\tj\n\tmysql\n\tpg\n\ty"));
}

TEST_CASE("names cannot leave the search path") {
  const TempTree outer({{"secret.yaml", "key: 1\n"}, {"conf/config.yaml", "a: 1\n"}});
  Composer composer({.job_name = "test", .config_dir = outer / "conf"});
  CHECK_THROWS_AS(composer.compose("../secret", {}), Error);
  CHECK_THROWS_AS(composer.compose("config", {"+x=../secret"}).config.at(Key("x")).as_int(), Error);
  CHECK(normal_path("a/./b/../c") == "a/c");
  CHECK(!normal_path("a/../../b"));
  CHECK(!normal_path(std::string("a\0b", 3)));
}

TEST_CASE("a composer reads each file once, so later edits don't reach queued jobs") {
  const TempTree tree(kTree);
  Composer composer({.job_name = "test", .config_dir = tree.path()});
  const std::string before = to_yaml(composer.compose("config", {}).config.at(Key("db")));
  tree.write("db/mysql.yaml", "host: edited\n");
  CHECK(to_yaml(composer.compose("config", {}).config.at(Key("db"))) == before);
}

TEST_CASE("override_dirname sorts the overrides and replaces the equal signs") {
  CHECK(override_dirname({"x=1", "lr=0.5"}, ":", "+") == "lr:0.5+x:1");
  const TempTree tree(kTree);
  const Composition composition = composed(tree, "config", {"lr=1", "db=pg", "hydra.job.name=n"});
  CHECK(select(composition.config, "hydra.job.override_dirname")->str() == "db=pg,lr=1");
}

TEST_CASE("defaults lists that include each other are an error, not a crash") {
  const TempTree tree({{"a.yaml", "defaults:\n- b\n"}, {"b.yaml", "defaults:\n- a\n"}});
  CHECK(contains(error_of(tree, "a"), "nested more than"));
}

TEST_CASE("extend_list appends to a list of the config") {
  const TempTree tree(kTree);
  Composer composer({.job_name = "test", .version_base = "1.4", .config_dir = tree.path()});
  Composition composition = composer.compose("config", {"opts.deep=extend_list(3,[4])"});
  CHECK(select(composition.config, "opts.deep")->str() == "[1, 2, 3, [4]]");
  CHECK_THROWS_AS(composer.compose("config", {"lr=extend_list(3)"}), Error);
}

TEST_CASE("the missing _self_ of a primary config is a warning") {
  const TempTree tree({{"config.yaml", "defaults:\n- db: a\nx: 1\n"}, {"db/a.yaml", "y: 1\n"}});
  const Composition composition = composed(tree, "config");
  REQUIRE(composition.warnings.size() == 1);
  CHECK(contains(composition.warnings[0], "Defaults list is missing `_self_`"));
}

// Found by tests/conformance/differential.
TEST_CASE("an override without a target is reported before the options that it lists") {
  const TempTree tree({{"config.yaml", "a: 1\n"}, {"db/pg.yaml", "x: 1\n"}});
  CHECK(contains(error_of(tree, "config", {"db=[7]"}), "Could not override 'db'."));
  CHECK(contains(error_of(tree, "config", {"+db=[7]"}),
                 "Options of a config group must be strings. Got int"));
  CHECK(contains(error_of(tree, "nowhere", {"+db=[7]"}), "Cannot find primary config 'nowhere'"));
  CHECK(contains(error_of(tree, "config", {"~db=[pg]"}),
                 "Config group override deletion value must be a string"));
}

TEST_CASE("adding to what cannot be resolved is an error, also for containers") {
  const TempTree tree;
  tree.write("config.yaml", "b: ${no.such}\nl: ['${no}']\n");
  CHECK(contains(error_of(tree, "config", {"+b={a: 1}"}), "Interpolation key 'no.such' not found"));
  CHECK(contains(error_of(tree, "config", {"+b.c={a: 1}"}), "Error merging override +b.c={a: 1}"));
  CHECK(contains(error_of(tree, "config", {"+l.0=[1]"}), "Interpolation key 'no' not found"));
}

TEST_CASE("an item that is there already is blamed on where it was written") {
  const TempTree tree;
  tree.write("config.yaml", "a: ${b}\nb: 1\n");
  CHECK(contains(error_of(tree, "config", {"+a=2"}),
                 "It was set at " + tree.path() + "/config.yaml:1:4"));
}
