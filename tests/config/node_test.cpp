// The value tree: ownership, order, keys, flags and paths.
#include "config/node.h"

#include <doctest/doctest.h>

#include "config/update.h"
#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::config;

namespace {

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a copy of a node is deep and stands alone") {
  Node root = load_yaml("a: {b: [1, 2]}", "f");
  Node copy = root.at("a");
  copy.at("b").append(3);
  CHECK(copy.parent() == nullptr);
  CHECK(copy.at("b").parent() == &copy);
  CHECK(root.at("a").at("b").size() == 2);
  CHECK(copy.at("b").size() == 3);
}

TEST_CASE("moving and assigning keep parents right") {
  Node root = Node::dict();
  root.set("a", Node::dict()).set("x", 1);
  Node moved = std::move(root);
  CHECK(moved.at("a").parent() == &moved);
  CHECK(moved.at("a").at("x").full_key() == "a.x");
  moved.at("a") = moved.at("a").at("x");  // from below itself
  CHECK(moved.at("a").as_int() == 1);
  CHECK(moved.at("a").full_key() == "a");
}

TEST_CASE("dicts keep insertion order, also when they are large and change") {
  Node dict = Node::dict();
  for (int i = 0; i < 1000; ++i) dict.set("k" + std::to_string(i), i);
  CHECK(dict.find("k777")->as_int() == 777);
  CHECK(dict.erase("k0"));
  CHECK_FALSE(dict.erase("k0"));
  dict.set("k5", -5);
  dict.set("k0", 0);
  CHECK(dict.size() == 1000);
  CHECK(dict.child(0).key() == Key("k1"));
  CHECK(dict.child(999).key() == Key("k0"));
  CHECK(dict.child(4).as_int() == -5);
  for (int i = 0; i < 1000; ++i) CHECK(dict.contains("k" + std::to_string(i)));
}

TEST_CASE("keys are equal as in Python: 1, 1.0 and True are one key, '1' is another") {
  Node dict = Node::dict();
  dict.set(1, "int");
  CHECK(dict.find(1.0) != nullptr);
  CHECK(dict.find(true) != nullptr);
  CHECK(dict.find("1") == nullptr);
  for (int i = 0; i < 50; ++i) dict.set("x" + std::to_string(i), i);
  CHECK(dict.find(1.0)->as_string() == "int");
  CHECK(dict.find(true) != nullptr);
  CHECK(Key(1.5).text() == "1.5");
  CHECK(Key(true).repr() == "True");
  CHECK(Key("a").repr() == "'a'");
}

TEST_CASE("full keys use dots for dicts and brackets for lists") {
  const Node root = load_yaml("a: [x, {b: [[7]]}]", "f");
  const Node& leaf = root.at("a").at(1).at("b").at(0).at(0);
  CHECK(leaf.full_key() == "a[1].b[0][0]");
  CHECK(leaf.mark().text() == "f:1:14");
}

TEST_CASE("negative integers index lists from the end") {
  const Node list = load_yaml("[1, 2, 3]", "f");
  CHECK(list.at(-1).as_int() == 3);
  CHECK(list.find(-4) == nullptr);
  CHECK(list.find(3) == nullptr);
}

TEST_CASE("equality ignores the order of dicts and the type of equal numbers") {
  CHECK(load_yaml("{a: 1, b: [x]}", "f") == load_yaml("{b: [x], a: 1.0}", "g"));
  CHECK_FALSE(load_yaml("[1, 2]", "f") == load_yaml("[2, 1]", "f"));
  CHECK_FALSE(Node("1") == Node(1));
  CHECK(Node(true) == Node(1));
}

TEST_CASE("flags are inherited until a node has its own") {
  Node root = load_yaml("a: {b: {}}", "f");
  root.set_flag(Flag::kStruct, true);
  CHECK(root.at("a").at("b").flag(Flag::kStruct));
  root.at("a").set_flag(Flag::kStruct, false);
  CHECK_FALSE(root.at("a").at("b").flag(Flag::kStruct));
  root.at("a").set_flag(Flag::kStruct, std::nullopt);
  CHECK(root.at("a").at("b").flag(Flag::kStruct));
  CHECK_FALSE(root.flag(Flag::kReadonly));
}

TEST_CASE("values print as Python's str() and repr()") {
  const Node node = load_yaml("{a: [1, x, null, true], 2: 1.5, b: '${x}'}", "f");
  CHECK(node.str() == "{'a': [1, 'x', None, True], 2: 1.5, 'b': '${x}'}");
  CHECK(Node("x").str() == "x");
  CHECK(Node("x").repr() == "'x'");
}

TEST_CASE("a wrong kind is an error with the full key and the place") {
  const Node root = load_yaml("a:\n  b: text", "conf.yaml");
  const std::string message = error_of([&] { root.at("a").at("b").as_int(); });
  CHECK(message.find("expected an int, got str 'text'") != std::string::npos);
  CHECK(message.find("full_key: a.b") != std::string::npos);
  CHECK(message.find("conf.yaml:2:6") != std::string::npos);
}

TEST_CASE("a key that is not there suggests near ones") {
  const Node root = load_yaml("learning_rate: 1\nmomentum: 2", "f");
  const std::string message = error_of([&] { root.at("learning_rat"); });
  CHECK(message.find("Missing key learning_rat") != std::string::npos);
  CHECK(message.find("Did you mean 'learning_rate'?") != std::string::npos);
}

TEST_CASE("paths split as in OmegaConf") {
  using Keys = std::vector<std::string>;
  CHECK(split_path("a.b") == Keys{"a", "b"});
  CHECK(split_path("a[b].c") == Keys{"a", "b", "c"});
  CHECK(split_path("[a][0]") == Keys{"a", "0"});
  CHECK(split_path(".a.b[c].d") == Keys{"", "a", "b", "c", "d"});
  CHECK(split_path("..[a]") == Keys{"", "", "a"});
  CHECK(split_path("") == Keys{""});
  CHECK(split_path("a.") == Keys{"a", ""});
}

TEST_CASE("find_path reads without resolving, with typed keys on request") {
  const Node root = load_yaml("a: [{1: x}]\nb: ${a}", "f");
  CHECK(find_path(root, "a[0]") == &root.at("a").at(0));
  CHECK(find_path(root, "a.0.1") == nullptr);
  CHECK(find_path(root, "a.0.1", true)->as_string() == "x");
  CHECK(find_path(root, "b.0") == nullptr);
  CHECK(find_path(root, "[") == nullptr);
}
