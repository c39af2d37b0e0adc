// Merge and checked updates, as OmegaConf 2.3 does them.
#include "config/merge.h"

#include <doctest/doctest.h>

#include <string>

#include "config/type.h"
#include "config/update.h"
#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::config;

namespace {

Node yaml(const std::string& text, const char* source = "f.yaml") {
  return load_yaml(text, source);
}

std::string merged_text(const std::string& into, const std::string& from,
                        ListMerge lists = ListMerge::kReplace) {
  Node node = yaml(into, "into.yaml");
  merge(node, yaml(from, "from.yaml"), lists);
  return to_yaml(node);
}

std::string error_of(auto&& action) {
  try {
    action();
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("dicts recurse and keep their order, lists replace") {
  CHECK(merged_text("a: {x: 1, y: 2}\nl: [1, 2]", "a: {y: 3, z: 4}\nl: [9]\nnew: 0") ==
        "a:\n  x: 1\n  'y': 3\n  z: 4\nl:\n- 9\nnew: 0\n");
}

TEST_CASE("lists extend on request") {
  CHECK(merged_text("l: [1, 2]", "l: [2, 3]", ListMerge::kExtend) == "l:\n- 1\n- 2\n- 2\n- 3\n");
  CHECK(merged_text("l: [1, 2]", "l: [2, 3]", ListMerge::kExtendUnique) == "l:\n- 1\n- 2\n- 3\n");
}

TEST_CASE("missing never overwrites, null and interpolations do") {
  CHECK(merged_text("a: 1\nb: {x: 1}", "a: ???\nb: ???\nc: ???") == "a: 1\nb:\n  x: 1\nc: ???\n");
  CHECK(merged_text("a: 1\nb: {x: 1}\nc: [1]", "a: null\nb: ${a}\nc: null") ==
        "a: null\nb: ${a}\nc: null\n");
}

TEST_CASE("scalars and containers replace each other, dict against list is an error") {
  CHECK(merged_text("a: 1\nb: {x: 1}\nc: [1]", "a: {y: 2}\nb: 5\nc: x") ==
        "a:\n  'y': 2\nb: 5\nc: x\n");
  const std::string message = error_of([] { merged_text("a:\n  b: {x: 1}", "a: {b: [1]}"); });
  CHECK(message.starts_with("Cannot merge DictConfig with ListConfig\n    full_key: \n"));
  CHECK(message.find("while merging 'a.b', written at into.yaml:2:6, with from.yaml:1:8") !=
        std::string::npos);
}

TEST_CASE("a destination that stands for a dict is merged as that dict") {
  CHECK(merged_text("src: {a: 1}\nd: ${src}", "d: {b: 2}") == "src:\n  a: 1\nd:\n  a: 1\n  b: 2\n");
  CHECK(merged_text("d: ${nope}", "d: {b: 2}") == "d:\n  b: 2\n");
}

TEST_CASE("every value still says where it was set") {
  Node node = yaml("a: 1\nb: 2", "one.yaml");
  merge(node, yaml("b: 3\nc: 4", "two.yaml"));
  CHECK(node.at("a").mark().text() == "one.yaml:1:4");
  CHECK(node.at("b").mark().text() == "two.yaml:1:4");
  CHECK(node.at("c").key_mark().text() == "two.yaml:2:1");
}

TEST_CASE("merging a copy leaves the source alone") {
  Node node = yaml("a: {x: 1}");
  const Node from = yaml("a: {y: [1]}");
  merge(node, from);
  CHECK(from == yaml("a: {y: [1]}"));
  CHECK(merged({&node, &from}).at("a").size() == 2);
}

TEST_CASE("struct forbids new keys and suggests near ones") {
  Node node = yaml("optim: {lr: 1, momentum: 2}");
  node.set_flag(Flag::kStruct, true);
  const std::string message = error_of([&] { merge(node, yaml("optim: {momentm: 3}")); });
  CHECK(message.starts_with("Key 'momentm' is not in struct\n"));
  CHECK(message.find("Did you mean 'momentum'?") != std::string::npos);
  CHECK(message.find("full_key: optim.momentm\n") != std::string::npos);
  CHECK_THROWS_AS(update(node, "optim.new", 1), StructError);
  CHECK_THROWS_AS(update(node, "a.b.c", 1), StructError);
  CHECK(update(node, "optim.new", 1, {.force_add = true}).as_int() == 1);
  CHECK(update(node, "optim.lr", 5).as_int() == 5);
  CHECK(node.at("optim").own_flag(Flag::kStruct) == std::nullopt);
}

TEST_CASE("readonly forbids every change") {
  Node node = yaml("a: {x: 1}\nl: [1]");
  node.set_flag(Flag::kReadonly, true);
  CHECK(error_of([&] {
          update(node, "a.x", 2);
        }).starts_with("Cannot change read-only config container\n    full_key: a.x\n"));
  CHECK(error_of([&] {
          merge(node, yaml("a: {x: 2}"));
        }).starts_with("Cannot change read-only config container\n    full_key: a.x\n"));
  CHECK(error_of([&] { update(node, "l.0", 2); }).starts_with("ListConfig is read-only\n"));
  CHECK(error_of([&] {
          remove(node, "a.x");
        }).starts_with("DictConfig in read-only mode does not support deletion\n"));
  CHECK(node == yaml("a: {x: 1}\nl: [1]"));
}

TEST_CASE("update makes dicts on the way, merges containers, indexes lists") {
  Node node = yaml("a: 1\nl: [1, 2]\nm: {x: 1}");
  update(node, "p.q.r", 5);
  update(node, "a.b", 6);  // a scalar gives way
  update(node, "l[1]", 7);
  update(node, "m", yaml("{y: 2}"));
  CHECK(to_yaml(node) == "a:\n  b: 6\nl:\n- 1\n- 7\nm:\n  x: 1\n  'y': 2\np:\n  q:\n    r: 5\n");
  update(node, "m", yaml("{z: 3}"), {.merge = false});
  CHECK(node.at("m") == yaml("{z: 3}"));
  CHECK(error_of([&] {
          update(node, "l.x", 1);
        }).starts_with("invalid literal for int() with base 10: 'x'\n"));
  CHECK(error_of([&] { update(node, "l.9", 1); }).starts_with("list index out of range\n"));
  CHECK(error_of([&] { update(node, "m.z", "${"); }).find("full_key: m.z") != std::string::npos);
}

TEST_CASE("remove deletes what is there") {
  Node node = yaml("a: {x: 1, y: 2}\nl: [1, 2]");
  remove(node, "a.x");
  remove(node, "l.0");
  CHECK(node == yaml("a: {y: 2}\nl: [2]"));
  CHECK(error_of([&] { remove(node, "a.z"); }).starts_with("Key not found: 'z'\n"));
  node.set_flag(Flag::kStruct, true);
  CHECK(error_of([&] {
          remove(node, "a.y");
        }).starts_with("DictConfig in struct mode does not support deletion\n"));
}

namespace {

const Type kIntType{.base = Type::Base::kInt};
const Type kTextType{.base = Type::Base::kString};
const Type kMaybeBool{.base = Type::Base::kBool, .optional = true};
const Type kTexts{.base = Type::Base::kList, .element = &kTextType};
const Type kTextDict{.base = Type::Base::kDict, .element = &kTextType};
const Type kRun{.base = Type::Base::kClass, .name = "RunDir", .fields = {{"dir", &kTextType}}};
const Type kJob{.base = Type::Base::kClass,
                .name = "JobConf",
                .fields = {{"num", &kIntType},
                           {"chdir", &kMaybeBool},
                           {"env_copy", &kTexts},
                           {"env_set", &kTextDict},
                           {"run", &kRun}}};

Node typed() {
  Node root = yaml("job: {num: \"???\", chdir: null, env_copy: [], env_set: {}, run: {dir: .}}");
  apply_type(root.at("job"), &kJob);
  return root;
}

}  // namespace

TEST_CASE("typed fields convert what fits") {
  Node root = typed();
  update(root, "job.num", "5");
  update(root, "job.chdir", "yes");
  update(root, "job.env_copy", yaml("[1, a]"));
  update(root, "job.env_set", yaml("{A: 2}"));
  merge(root, yaml("job: {run: {dir: 7}}"));
  CHECK(root.at("job") ==
        yaml("{num: 5, chdir: true, env_copy: ['1', a], env_set: {A: '2'}, run: {dir: '7'}}"));
  update(root, "job.num", "${x}");
  CHECK(root.at("job").at("num").is_interpolation());
}

TEST_CASE("typed fields refuse what does not fit, in the reference's words") {
  Node root = typed();
  CHECK(error_of([&] { update(root, "job.num", "abc"); })
            .starts_with("Value 'abc' of type 'str' could not be converted to Integer\n"
                         "    full_key: job.num\n    object_type=JobConf"));
  CHECK(error_of([&] { update(root, "job.env_copy", "A"); })
            .starts_with("Invalid value assigned: str is not a ListConfig, list or tuple.\n"
                         "    full_key: job.env_copy\n"));
  CHECK(error_of([&] {
          update(root, "job.run", 5);
        }).starts_with("Invalid type assigned: int is not a subclass of RunDir. value: 5\n"));
  CHECK(error_of([&] { merge(root, yaml("job: {run: 5}")); })
            .starts_with("Merge error: int is not a subclass of RunDir. value: 5\n"
                         "    full_key: \n"));
  CHECK(
      error_of([&] { update(root, "job.nope", 1); }).starts_with("Key 'nope' not in 'JobConf'\n"));
  CHECK(error_of([&] {
          merge(root, yaml("job: {run: {dri: x}}"));
        }).starts_with("Key 'dri' not in 'RunDir'\n"));
  CHECK(error_of([&] {
          update(root, "job.num", nullptr);
        }).starts_with("field 'job.num' is not Optional\n"));
}
