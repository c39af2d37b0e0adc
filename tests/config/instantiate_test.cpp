// instantiate: registered classes from configs, and what is said where a config is wrong.
#include "config/instantiate.h"

#include <doctest/doctest.h>

#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "config/yaml.h"

using namespace iolaus;
using namespace iolaus::config;
using namespace iolaus::config::types;

namespace shapes {

struct Shape {
  virtual ~Shape() = default;
  virtual double area() const = 0;
};
struct Named {
  virtual ~Named() = default;
  std::string label;
};

struct Rectangle : Named, Shape {  // Named first: a Shape* is not the object's own address
  Rectangle(double width, double height) : width_(width), height_(height) {}
  double area() const override { return width_ * height_; }
  double width_, height_;
};

struct Group : Shape {
  explicit Group(std::vector<std::shared_ptr<Shape>> parts) : parts_(std::move(parts)) {}
  double area() const override {
    double sum = 0;
    for (const auto& part : parts_) sum += part->area();
    return sum;
  }
  std::vector<std::shared_ptr<Shape>> parts_;
  std::vector<std::string> names_;
};

struct Optimizer {
  std::vector<double> parameters;
  double lr = 0;
  std::vector<std::int64_t> sizes;
  std::string mode;
  Node options;
};

const Register<Rectangle, Shape, Named> rectangle{
    {"shapes.Rectangle", "other.Rect"},
    "A rectangle",
    {{"width", kFloat, "in metres"},
     {"height", kFloat, "in metres", 2.0},
     {"label", kString, "shown to users", Node()}},
    [](const Args& a) {
      auto out = std::make_shared<Rectangle>(a.get<double>("width"), a.get<double>("height"));
      out->label = a.get<std::optional<std::string>>("label").value_or("none");
      if (out->width_ < 0) a.fail_about("width", "expected a positive number");
      return out;
    }};

const Register<Group, Shape> group{
    {"shapes.Group"},
    "Several shapes",
    {{"_args_", kObjects, "the shapes", Node()}, {"parts", kObjects, "the same", Node()}},
    [](const Args& a) {
      auto out = std::make_shared<Group>(a.objects<Shape>("_args_"));
      for (auto& part : a.objects<Shape>("parts")) out->parts_.push_back(part);
      out->names_ = a.object_names("parts");
      return out;
    }};

const Register<Optimizer> optimizer{{"shapes.Optimizer"},
                                    "Needs parameters from the program",
                                    {{"params", kObject, "handed over"},
                                     {"lr", kFloat, "learning rate"},
                                     {"sizes", kInts, "one or several", Node::list()},
                                     {"mode", kString, "how", "fast"},
                                     {"options", kDict, "free", Node::dict()}},
                                    [](const Args& a) {
                                      auto out = std::make_shared<Optimizer>();
                                      out->parameters = a.extra<std::vector<double>>("params");
                                      out->lr = a.get<double>("lr");
                                      out->sizes = a.get<std::vector<std::int64_t>>("sizes");
                                      out->mode = a.get<std::string>("mode");
                                      out->options = a.node("options");
                                      return out;
                                    }};

struct Keep {
  Node node;
};
const Register<Keep> keep{
    {"shapes.Keep"},
    "Keeps its arguments as they are",
    {{"_kwargs_", kDict, "anything", Node::dict()}, {"inner", kAny, "a nested config", Node()}},
    [](const Args& a) {
      return std::make_shared<Keep>(Keep{a.has("inner") ? a.node("inner") : a.node("_kwargs_")});
    }};

const Register<Keep> throws{
    {"shapes.Throws"}, "Fails", {}, [](const Args&) -> std::shared_ptr<Keep> {
      fail(ErrorCode::kIo, "[disk] full");
    }};

}  // namespace shapes

using namespace shapes;

namespace {

Node yaml(const std::string& text) { return load_yaml(text, "conf.yaml"); }

std::string error_of(const std::string& text) {
  const Node root = yaml(text);
  try {
    instantiate<Shape>(root.at("s"));
  } catch (const Error& error) {
    return error.what();
  }
  return "no error";
}

bool has(const std::string& text, const std::string& part) {
  if (text.find(part) != std::string::npos) return true;
  MESSAGE(text);
  return false;
}

}  // namespace

TEST_CASE("a target becomes an object of its class, seen as any declared base") {
  const Node cfg = yaml("{_target_: shapes.Rectangle, width: 3, label: door}");
  CHECK(instantiate<Shape>(cfg)->area() == 6.0);
  CHECK(instantiate<Rectangle>(cfg)->height_ == 2.0);
  CHECK(instantiate<Named>(cfg)->label == "door");
  CHECK(instantiate<Shape>(yaml("{_target_: other.Rect, width: 1}"))->area() == 2.0);
  CHECK(instantiate<Shape>(Node()) == nullptr);
}

TEST_CASE("positional arguments go to parameters in order") {
  CHECK(instantiate<Shape>(yaml("{_target_: shapes.Rectangle, _args_: [3, 4]}"))->area() == 12.0);
  CHECK(has(error_of("s: {_target_: shapes.Rectangle, _args_: [1, 2, x, 4]}"),
            "expected at most 3 positional arguments, got 4"));
  CHECK(has(error_of("s: {_target_: shapes.Rectangle, _args_: [1], width: 2}"),
            "got multiple values for 'width'"));
  CHECK(has(error_of("s: {_target_: shapes.Rectangle, _args_: x}"),
            "Unsupported _args_ type: 'str'. value: 'x'"));
}

TEST_CASE("nested targets are made first, in lists, dicts and positional arguments") {
  const Node root = yaml(R"(
w: 5
s:
  _target_: shapes.Group
  _args_:
  - {_target_: shapes.Rectangle, width: 1, height: 1}
  parts:
    door: {_target_: shapes.Rectangle, width: "${w}", height: 2}
    all: {_target_: shapes.Group, parts: [{_target_: shapes.Rectangle, width: "${...w}"}]}
  )");
  // `${...w}` starts at the rectangle: its list, then the dict of `all`, where no `w` is.
  CHECK_THROWS_AS(instantiate<Shape>(root.at("s")), Error);
  Node fixed = root;
  fixed.at("s").at("parts").at("all").at("parts").at(0).set("width", "${w}");
  const auto made = instantiate<Group>(fixed.at("s"));
  CHECK(made->area() == 1.0 + 10.0 + 10.0);
  CHECK(made->names_ == std::vector<std::string>{"door", "all"});
}

TEST_CASE("lists and dicts of targets are instantiated as a whole") {
  const Node cfg = yaml("[{_target_: shapes.Rectangle, width: 1}, {_target_: shapes.Group}]");
  const auto all = instantiate_all<Shape>(cfg);
  REQUIRE(all.size() == 2);
  CHECK(all[0]->area() == 2.0);
  CHECK(all[1]->area() == 0.0);
  const Node named = yaml("a: {_target_: shapes.Group}\nb: {_target_: shapes.Group}");
  CHECK(instantiate_all<Shape>(named).size() == 2);
}

TEST_CASE("the call site overrides the config and hands over what a config cannot spell") {
  const Node root = yaml("lr: 0.5\no: {_target_: shapes.Optimizer, lr: '${lr}', sizes: 3}");
  const auto made =
      instantiate<Optimizer>(root.at("o"), {.overrides = yaml("{mode: slow, options: {a: [1]}}"),
                                            .extras = {{"params", std::vector<double>{1, 2}}}});
  CHECK(made->lr == 0.5);
  CHECK(made->parameters == std::vector<double>{1, 2});
  CHECK(made->sizes == std::vector<std::int64_t>{3});
  CHECK(made->mode == "slow");
  CHECK(made->options == yaml("{a: [1]}"));
  CHECK_THROWS_WITH_AS(instantiate<Optimizer>(root.at("o"), {.extras = {{"params", 5}}}),
                       doctest::Contains("as a std::vector<double"), Error);
  CHECK_THROWS_WITH_AS(instantiate<Optimizer>(root.at("o"), {.extras = {{"parms", 5}}}),
                       doctest::Contains("hands over 'parms', which target"), Error);
}

TEST_CASE("a partial is called later, as often as one likes, with what was missing") {
  const Node root = yaml("o: {_target_: shapes.Optimizer, _partial_: true, lr: 1}");
  const auto make = instantiate<Partial>(root.at("o"));
  CHECK(make->target().name() == "shapes.Optimizer");
  const auto a = make->call<Optimizer>({{"params", std::vector<double>{1}}});
  const auto b = make->call<Optimizer>({{"params", std::vector<double>{2}}}, yaml("{lr: 9}"));
  CHECK(a != b);
  CHECK(a->lr == 1.0);
  CHECK(b->lr == 9.0);
  CHECK_THROWS_WITH_AS(make->call<Optimizer>(),
                       doctest::Contains("missing required parameter 'params'"), Error);
  CHECK_THROWS_WITH_AS(instantiate<Optimizer>(root.at("o")), doctest::Contains("got a partial"),
                       Error);
}

TEST_CASE("_recursive_: false leaves nested targets alone") {
  const Node cfg =
      yaml("{_target_: shapes.Keep, _recursive_: false, inner: {_target_: shapes.Group, x: 1}}");
  CHECK(instantiate<Keep>(cfg)->node == yaml("{_target_: shapes.Group, x: 1}"));
}

TEST_CASE("_kwargs_ takes what is not declared") {
  CHECK(instantiate<Keep>(yaml("{_target_: shapes.Keep, a: 1, b: [x]}"))->node ==
        yaml("{a: 1, b: [x]}"));
}

TEST_CASE("unknown names are errors with suggestions, full key, file and line") {
  const std::string target = error_of("s:\n  _target_: shapes.Rectangel\n");
  CHECK(has(target, "Error locating target 'shapes.Rectangel'"));
  CHECK(has(target, "Did you mean 'shapes.Rectangle'?"));
  CHECK(has(target, "full_key: s\n"));
  CHECK(has(target, "conf.yaml:2:13"));
  const std::string param = error_of("s:\n  _target_: shapes.Rectangle\n  widht: 3\n");
  CHECK(has(param,
            "unknown parameter 'widht' of target 'shapes.Rectangle'; its parameters: "
            "width, height=2.0, label=None"));
  CHECK(has(param, "Did you mean 'width'?"));
  CHECK(has(param, "full_key: s.widht\n    written at conf.yaml:3:3"));
}

TEST_CASE("missing and mistyped parameters are errors with file and line") {
  CHECK(has(error_of("s:\n  _target_: shapes.Rectangle\n"),
            "missing required parameter 'width' (float) of target 'shapes.Rectangle'\n"
            "    full_key: s\n    written at conf.yaml:1:1"));
  CHECK(has(error_of("s:\n  _target_: shapes.Rectangle\n  width: wide\n"),
            "parameter 'width' of target 'shapes.Rectangle': expected float, got str 'wide'\n"
            "    full_key: s.width\n    written at conf.yaml:3:10"));
  CHECK(has(error_of("s: {_target_: shapes.Rectangle, width: true}"), "expected float, got bool"));
  CHECK(has(error_of("s: {_target_: shapes.Rectangle, width: null}"), "expected float, got null"));
  CHECK(has(error_of("s:\n  _target_: shapes.Rectangle\n  width: ???\n"),
            "missing mandatory value: parameter 'width'"));
  CHECK(has(error_of("s: {_target_: shapes.Group, parts: [5]}"),
            "expected objects (a list or dict of dicts with _target_), got list [5]"));
  CHECK(has(error_of("s: {_target_: 5}"), "Expected a callable target, got '5' of type 'int'"));
  CHECK(has(error_of("s: {_target_: shapes.Group, _partial_: maybe}"),
            "_partial_ flag must be a bool"));
  CHECK(has(error_of("s: {_target_: shapes.Group, _convert_: some}"),
            "expected _convert_ to be none, partial, object or all"));
}

TEST_CASE("an object of another class is refused by name") {
  CHECK(has(error_of("s: {_target_: shapes.Keep}"),
            "expected a shapes::Shape, got 'shapes.Keep', which is a shapes::Keep"));
  CHECK(has(error_of("s: {a: 1}"), "expected a shapes::Shape, got a plain value (dict)"));
}

TEST_CASE("errors inside a factory are named once, by the innermost target") {
  const std::string message =
      error_of("s:\n  _target_: shapes.Group\n  parts:\n  - _target_: shapes.Throws\n");
  CHECK(has(message,
            "Error in call to target 'shapes.Throws':\n[disk] full\n"
            "    full_key: s.parts[0]\n    written at conf.yaml:4:5"));
  CHECK(message.find("shapes.Group") == std::string::npos);
  CHECK(has(error_of("s: {_target_: shapes.Rectangle, width: -1}"),
            "parameter 'width' of target 'shapes.Rectangle': expected a positive number"));
}

TEST_CASE("check_targets finds every problem at once without making anything") {
  const auto problems = check_targets(yaml(R"(
a: {_target_: shapes.Throws}
b: {_target_: shapes.Nope}
c:
  _target_: shapes.Group
  parts:
  - {_target_: shapes.Rectangle, widht: 1}
w: wide
d: {_target_: shapes.Rectangle, width: "${w}"}
e: {_target_: shapes.Rectangle, width: "${nope}"}
)"));
  REQUIRE(problems.size() == 5);
  CHECK(has(problems[0], "shapes.Nope"));
  CHECK(has(problems[1], "unknown parameter 'widht'"));
  CHECK(has(problems[2], "missing required parameter 'width'"));
  CHECK(has(problems[3], "expected float, got str 'wide'"));
  CHECK(has(problems[4], "Interpolation key 'nope' not found"));
  CHECK(check_targets(yaml("a: {_target_: shapes.Group}")).empty());
}

TEST_CASE("the registry lists targets with their parameters") {
  const Target* target = find_target("other.Rect");
  REQUIRE(target != nullptr);
  CHECK(target->name() == "shapes.Rectangle");
  CHECK(target->find("width")->required());
  CHECK_FALSE(target->find("height")->required());
  CHECK(std::string(param_type_name(target->find("width")->type)) == "float");
  CHECK(find_target("nope") == nullptr);
  bool listed = false;
  for (const Target* each : targets()) listed |= each == target;
  CHECK(listed);
}

TEST_CASE("_convert_ none leaves missing values inside an argument for whoever reads them") {
  const Node cfg = yaml("{_target_: shapes.Keep, inner: {a: 1, b: \"???\", c: '${.a}'}}");
  const auto kept = instantiate<Keep>(cfg);
  CHECK(kept->node.at("c").as_int() == 1);
  CHECK(kept->node.at("b").is_missing());
}

TEST_CASE("_convert_ partial, object and all want plain values, in nested targets too") {
  for (const char* mode : {"partial", "object", "all", "ALL"}) {
    const std::string convert = std::string("_convert_: ") + mode;
    const Node good =
        yaml("{_target_: shapes.Keep, " + convert + ", inner: {a: [1, '${oc.select:x,2}']}}");
    CHECK(instantiate<Keep>(good)->node.at("a").child(1).as_int() == 2);
    CHECK(has(error_of("s: {_target_: shapes.Group, " + convert +
                       ", _args_: [{_target_: shapes.Keep, inner: {a: [1, \"???\"]}}]}"),
              "missing mandatory value inside an argument"));
    CHECK(has(error_of("s: {_target_: shapes.Group, " + convert +
                       ", _args_: [{_target_: shapes.Keep, inner: {a: [1, \"???\"]}}]}"),
              "full_key: s._args_[0].inner.a[1]"));
  }
  // A nested target may say otherwise; then the sum fails for another reason: Keep is no Shape.
  CHECK(has(error_of("s: {_target_: shapes.Group, _convert_: all, _args_: "
                     "[{_target_: shapes.Keep, _convert_: none, inner: {a: \"???\"}}]}"),
            "expected a shapes::Shape"));
}
