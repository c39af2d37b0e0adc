// Interpolation: grammar, lookups, resolvers, cycles and limits. Expected values and messages are
// OmegaConf 2.3's, except for the arithmetic, which is Python's.
#include "config/interpolation.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <string>

#include "config/update.h"
#include "config/warning.h"
#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::config;

namespace {

/// Value of key `v` in a YAML text, resolved.
Node value(const std::string& text) {
  const Node root = load_yaml(text, "f.yaml");
  const NodeRef found = resolve(root.at("v"));
  return *found;
}

std::string error_of(const std::string& text) {
  try {
    value(text);
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

}  // namespace

TEST_CASE("a lone interpolation keeps the type, in a text it becomes text") {
  CHECK(value("a: 1\nv: ${a}") == Node(1));
  CHECK(value("a: 1e-5\nv: x${a}y").as_string() == "x1e-05y");
  CHECK(value("a: null\nv: '${a} ${b}'\nb: true").as_string() == "None True");
  CHECK(value("a: [1, {b: x}]\nv: 'v ${a}'").as_string() == "v [1, {'b': 'x'}]");
  CHECK(value("a: {b: 1}\nv: ${a}").is_dict());
}

TEST_CASE("paths: dots, brackets, lists, nested and relative keys") {
  CHECK(value("a: {b: [5, 6]}\nv: ${a.b[1]}") == Node(6));
  CHECK(value("a: {b: [5, 6]}\nv: ${a[b].0}") == Node(5));
  CHECK(value("k: b\na: {b: 7}\nv: ${a.${k}}") == Node(7));
  CHECK(value("k: b\na: {b: 7}\nv: ${a[${k}]}") == Node(7));
  CHECK(value("a: {x: 1, y: '${.x}'}\nv: ${a.y}") == Node(1));
  CHECK(value("x: 3\na: {b: {y: '${...x}'}}\nv: ${a.b.y}") == Node(3));
  CHECK(value("a: [1, '${.0}']\nv: ${a.1}") == Node(1));
  CHECK(value("m: {x/y: 2}\nv: ${m.x/y}") == Node(2));
  CHECK(value("a: {b: 1}\nr: ${a}\nv: ${r.b}") == Node(1));
}

TEST_CASE("backslashes escape interpolations, and only there") {
  CHECK(value("v: \\${a}").as_string() == "${a}");
  CHECK(value("a: 1\nv: '\\\\${a}'").as_string() == "\\1");
  CHECK(value("v: '\\\\\\${a}'").as_string() == "\\${a}");
  CHECK(value("a: 1\nv: 'x\\y ${a} \\'").as_string() == "x\\y 1 \\");
  CHECK_FALSE(load_yaml("v: $a $$ '$ {a}'", "f").at("v").is_interpolation());
}

TEST_CASE("arguments of resolvers follow the grammar of elements") {
  register_resolver(
      "test.repr",
      [](const ResolverCall&, const std::vector<Node>& args) {
        std::string out;
        for (const Node& arg : args) out += (out.empty() ? "" : "|") + arg.repr();
        return Node(out);
      },
      true);
  const auto args = [](const std::string& text) {
    return resolve_text("${test.repr:" + text + "}", Node::dict()).as_string();
  };
  CHECK(args("") == "");
  CHECK(args("a, b ,c d") == "'a'|'b'|'c d'");
  CHECK(args("1,1_000,1e3,-5,inf,nan,010,0x10") == "1|1000|1000.0|-5|inf|nan|'010'|'0x10'");
  CHECK(args("true,NULL,False,yes") == "True|None|False|'yes'");
  CHECK(args("[1, [a], {}],{a:1, b : [x], 2: y}") == "[1, ['a'], {}]|{'a': 1, 'b': ['x'], 2: 'y'}");
  CHECK(args("\"a, b\",'it\\'s',\"q\\\"q\",'\\\\'") == "'a, b'|\"it's\"|'q\"q'|'\\\\'");
  CHECK(args("a\\,b,\\[x\\],x\\ ,a:b,a\\\\b") == "'a,b'|'[x]'|'x '|'a:b'|'a\\\\b'");
  CHECK(args("a,,") == "'a'|''|''");
  CHECK(args("/x-y.z,%d@*?|+$") == "'/x-y.z'|'%d@*?|+$'");
  CHECK(args("${oc.create:{a:1}},x${oc.decode:'2'}y,'${oc.decode:\"3\"}'") == "{'a': 1}|'x2y'|'3'");
}

TEST_CASE("bad syntax is refused when it is loaded, with key and place") {
  for (const char* text : {"${a", "${}", "${ }", "${a b}", "${a..b}", "${a.}", "${${a}", "${a[]}",
                           "${a[b}", "${oc.env:[1}", "${oc.env:A", "${oc.env:A,\"x}",
                           "${oc.env:#x}", "${f:a=b}", "${f:'a'b}", "${f:{a}}", "${1f:x}"}) {
    CAPTURE(text);
    CHECK_THROWS_AS(check_interpolation(text), Error);
    CHECK_THROWS_WITH_AS(load_yaml(std::string("m:\n  b: '") +
                                       (std::string(text) == "${f:'a'b}" ? "${" : text) + "'",
                                   "f.yaml"),
                         doctest::Contains("full_key: m.b\n"), Error);
  }
  for (const char* text : {"${a}}", "a}b", "${f:x}y}", "${:a}", "${f: a , b}", "${é}", "$ {", ""}) {
    CAPTURE(text);
    CHECK_NOTHROW(check_interpolation(text));
  }
}

TEST_CASE("failures carry the reference's words, the full key and the place") {
  CHECK(error_of("v: ${nope}") ==
        "Interpolation key 'nope' not found\n    full_key: v\n    object_type=dict\n"
        "    written at f.yaml:1:4");
  CHECK(error_of("lerning: 1\nv: ${learning}").find("Did you mean 'lerning'?") !=
        std::string::npos);
  CHECK(error_of("l: [1]\nv: ${l.5}").starts_with("Interpolation key 'l.5' not found\n"));
  CHECK(error_of("l: [1]\nv: ${l.x}")
            .starts_with("TypeError raised while resolving interpolation: "
                         "Index 'x' (str) is not an int\n"));
  CHECK(error_of("a: 1\nv: ${a.x}")
            .starts_with("ConfigTypeError raised while resolving interpolation: Error trying to "
                         "access a.x: node `a` is not a container and thus cannot contain `x`\n"));
  CHECK(error_of("v: ${...a}")
            .starts_with("ConfigKeyError while resolving interpolation: Error resolving key "
                         "'...a'\n"));
  CHECK(error_of("a: ???\nv: ${a}")
            .starts_with("MissingMandatoryValue while resolving interpolation: Missing mandatory "
                         "value: a\n"));
  CHECK(error_of("v: ${nosuch:1}").starts_with("Unsupported interpolation type nosuch\n"));
  CHECK(error_of("a: 1\nv: ${x.${a}}").find("should return a string, but instead returned `1`") !=
        std::string::npos);
}

TEST_CASE("cycles and runaway expansions end in an error") {
  CHECK(error_of("v: ${v}").starts_with("Recursive interpolation detected"));
  CHECK(error_of("v: ${b}\nb: ${v}").starts_with("Recursive interpolation detected"));
  CHECK(error_of("v: ${v.x}").starts_with("Recursive interpolation detected"));
  CHECK_THROWS_WITH_AS(to_resolved(load_yaml("a: {b: '${a}'}", "f")),
                       doctest::Contains("Interpolation to parent node detected"), Error);
  CHECK_THROWS_WITH_AS(to_resolved(load_yaml("a: {b: '${c}'}\nc: {d: '${a}'}", "f")),
                       doctest::Contains("Recursive interpolation detected"), Error);
  std::string doubling = "a0: xxxxxxxxxx\n";
  for (int i = 1; i < 40; ++i) {
    const std::string last = "${a" + std::to_string(i - 1) + "}";
    doubling += "a" + std::to_string(i) + ": " + last + last + "\n";
  }
  CHECK(error_of(doubling + "v: ${a39}").find("[interpolation] expected") != std::string::npos);
  std::string nested = "x";
  for (int i = 0; i < 100; ++i) nested = "${" + nested + "}";
  CHECK_THROWS_AS(check_interpolation(nested), Error);
}

TEST_CASE("oc.env reads the environment") {
  ::setenv("IOLAUS_TEST_VALUE", "from env", 1);
  ::unsetenv("IOLAUS_TEST_NONE");
  CHECK(value("v: ${oc.env:IOLAUS_TEST_VALUE}").as_string() == "from env");
  CHECK(value("v: ${oc.env:IOLAUS_TEST_NONE,10}").as_string() == "10");
  CHECK(value("v: ${oc.env:IOLAUS_TEST_NONE,null}").is_null());
  CHECK(value("v: '${oc.env:IOLAUS_TEST_NONE,[1,2]}'").as_string() == "[1, 2]");
  CHECK(error_of("v: ${oc.env:IOLAUS_TEST_NONE}")
            .starts_with("KeyError raised while resolving interpolation: "
                         "\"Environment variable 'IOLAUS_TEST_NONE' not found\"\n"));
  CHECK(error_of("v: ${oc.env:A,B,C}").find("env() takes from 1 to 2 positional arguments but 3") !=
        std::string::npos);
  CHECK(error_of("v: '${oc.env:}'").find("env() missing 1 required positional argument: 'key'") !=
        std::string::npos);
}

TEST_CASE("oc.decode, oc.create and oc.select") {
  CHECK(value("v: \"${oc.decode:'1e3'}\"") == Node(1000.0));
  CHECK(value("v: ${oc.decode:null}").is_null());
  CHECK(value("x: 5\nv: ${oc.decode:\"\\${x}\"}") == Node(5));
  CHECK(error_of("l: '[1, 2]'\nv: ${oc.decode:${l}}")
            .starts_with("Value 'list' is not a supported primitive type\n"));
  CHECK(error_of("x: 5\nv: ${oc.decode:${x}}")
            .find("`oc.decode` can only take strings or None as input, but `5` is of type int") !=
        std::string::npos);
  CHECK(value("v: '${oc.create:{x: 1, y: [2]}}'") == load_yaml("{x: 1, y: [2]}", "f"));
  CHECK(value("v: ${oc.create:${oc.decode:'[1, 2]'}}") == load_yaml("[1, 2]", "f"));
  CHECK(value("a: '${oc.create:{x: 5}}'\nv: ${a.x}") == Node(5));
  CHECK(value("v: ${oc.select:nope,7}") == Node(7));
  CHECK(value("v: ${oc.select:nope}").is_null());
  CHECK(value("a: ???\nv: ${oc.select:a,9}") == Node(9));
  CHECK(value("m: {a: 1, b: '${oc.select:.a}'}\nv: ${m.b}") == Node(1));
}

TEST_CASE("oc.dict.keys and oc.dict.values") {
  CHECK(value("m: {a: 1, 2: b}\nv: ${oc.dict.keys:m}") == load_yaml("[a, 2]", "f"));
  const Node root = load_yaml("x: 5\nm: {a: '${x}', b: {c: 1}}\nv: ${oc.dict.values:m}", "f");
  CHECK(to_resolved(root).at("v") == load_yaml("[5, {c: 1}]", "f"));
  CHECK(error_of("m: [1]\nv: ${oc.dict.keys:m}")
            .find("`oc.dict.keys` cannot be applied to objects of type: ListConfig") !=
        std::string::npos);
  CHECK(error_of("v: ${oc.dict.keys:nope}")
            .find("ConfigKeyError raised while resolving "
                  "interpolation: Key not found: 'nope'") != std::string::npos);
}

TEST_CASE("oc.deprecated warns and passes the new value on") {
  std::string seen;
  const WarningHandler before =
      set_warning_handler([&](std::string_view, std::string_view message) { seen = message; });
  CHECK(value("new: 5\nv: ${oc.deprecated:new}") == Node(5));
  CHECK(seen == "'v' is deprecated. Change your code and config to use 'new'");
  CHECK(value("new: 5\nv: ${oc.deprecated:new,\"use $NEW_KEY not $OLD_KEY\"}") == Node(5));
  CHECK(seen == "use new not v");
  set_warning_handler(before);
}

TEST_CASE("hydra and now") {
  set_hydra_config(nullptr);
  CHECK(error_of("v: ${hydra:job.name}").find("HydraConfig was not set") != std::string::npos);
  set_hydra_config(std::make_shared<Node>(load_yaml("job: {name: app, id: '${.name}_1'}", "h")));
  CHECK(value("v: ${hydra:job.name}").as_string() == "app");
  CHECK(value("v: ${hydra:job.id}").as_string() == "app_1");
  CHECK(value("v: ${hydra:nope}").is_null());
  set_hydra_config(nullptr);
  CHECK(value("v: ${now:%Y}").as_string().size() == 4);
  CHECK(value("v: ${now:%H%M%S}-${now:%H%M%S}").as_string().size() == 13);
}

TEST_CASE("arithmetic keeps integers and follows Python") {
  CHECK(value("a: 3\nv: ${mul:${a},2}").repr() == "6");
  CHECK(value("v: ${add:1,2,3.5}").repr() == "6.5");
  CHECK(value("v: ${sub:1,3}").repr() == "-2");
  CHECK(value("v: ${div:6,3}").repr() == "2.0");
  CHECK(value("v: ${floordiv:-7,2}").repr() == "-4");
  CHECK(value("v: ${mod:-7,3}").repr() == "2");
  CHECK(value("v: ${mod:-7.5,2}").repr() == "0.5");
  CHECK(value("v: ${pow:2,10}").repr() == "1024");
  CHECK(value("v: ${pow:2,-1}").repr() == "0.5");
  CHECK(value("l: [3, 1, 2]\nv: ${min:${l}}").repr() == "1");
  CHECK(value("v: ${max:1,2.5,2}").repr() == "2.5");
  CHECK(value("v: ${round:2.5}").repr() == "2");
  CHECK(value("v: ${round:2.675,2}").repr() == "2.67");
  CHECK(value("v: ${round:1234,-2}").repr() == "1200");
  CHECK(value("v: ${int:'12'}").repr() == "12");
  CHECK(value("v: ${int:-2.9}").repr() == "-2");
  CHECK(value("v: ${float:3}").repr() == "3.0");
  CHECK(value("v: ${floor:-2.5}").repr() == "-3");
  CHECK(value("v: ${ceil:2.1}").repr() == "3");
  CHECK(value("v: ${abs:-4}").repr() == "4");
  CHECK(error_of("v: ${div:1,0}").starts_with("ZeroDivisionError raised while resolving"));
  CHECK(error_of("v: ${mul:9223372036854775807,2}").starts_with("OverflowError raised"));
  CHECK(error_of("v: ${floordiv:-9223372036854775808,-1}").starts_with("OverflowError raised"));
  CHECK(error_of("v: ${add:1,x}").find("`add` expected numbers, got `x` of type str") !=
        std::string::npos);
}

TEST_CASE("resolvers register once, replace on request, and may be cached") {
  int calls = 0;
  const Resolver counter = [&](const ResolverCall&, const std::vector<Node>&) {
    return Node(++calls);
  };
  register_resolver("test.count", counter, true, true);
  CHECK_THROWS_WITH_AS(register_resolver("test.count", counter),
                       doctest::Contains("resolver 'test.count' is already registered"), Error);
  CHECK(value("v: '${test.count:a} ${test.count:a} ${test.count:b}'").as_string() == "1 1 2");
  clear_resolver_cache();
  CHECK(value("v: ${test.count:a}") == Node(3));
  register_resolver(
      "test.fails",
      [](const ResolverCall&, const std::vector<Node>&) -> Node {
        throw ResolverError("ValueError", "no");
      },
      true);
  CHECK(error_of("v: ${test.fails:}")
            .starts_with("ValueError raised while resolving interpolation: no\n"));
  register_resolver(
      "test.list",
      [](const ResolverCall&, const std::vector<Node>&) {
        Node list = Node::list();
        list.append("${x}");
        return list;
      },
      true);
  CHECK(value("x: 4\na: '${test.list:}'\nv: ${a.0}") == Node(4));
}

TEST_CASE("a resolved copy has values only, and missing stays missing") {
  const Node root = load_yaml(
      "a: 1\nb: [x, '${a}', {c: '${m}'}]\nm: {k: '${a}', n: \"???\"}\nz: ${m.n}", "f.yaml");
  const Node copy = to_resolved(root);
  CHECK(copy ==
        load_yaml("{a: 1, b: [x, 1, {c: {k: 1, n: \"???\"}}], m: {k: 1, n: \"???\"}, z: \"???\"}",
                  "g"));
  CHECK(copy.at("b").at(1).mark().text() == "f.yaml:2:8");
  CHECK(missing_keys(root) == std::vector<std::string>{"m.n"});
  CHECK(root.at("b").at(1).is_interpolation());
  CHECK(to_resolved(root.at("b")) == copy.at("b"));
}

TEST_CASE("select follows interpolations and takes what is missing for nothing") {
  const Node root = load_yaml("a: {b: '${c}'}\nc: {d: 5}\nm: ???\nn: null", "f");
  CHECK(select(root, "a.b.d")->as_int() == 5);
  CHECK_FALSE(select(root, "a.x"));
  CHECK_FALSE(select(root, "m"));
  CHECK(select(root, "n")->is_null());
  CHECK_FALSE(select(root, "n.x"));
  CHECK_FALSE(select(root, "["));
  CHECK_THROWS_WITH_AS(select(root, "m", {.throw_on_missing = true}),
                       doctest::Contains("Missing mandatory value: m"), Error);
}

TEST_CASE("a list that a resolver made can be selected, but nothing below it") {
  const Node root = load_yaml("x: \"${oc.decode:'[1, {b: 2}]'}\"\n", "f");
  CHECK(select(root, "x")->str() == "[1, {'b': 2}]");
  CHECK_FALSE(select(root, "x.0"));
  CHECK_THROWS_WITH_AS(to_resolved(root), doctest::Contains("not a supported primitive type"),
                       Error);
}
