// The validator: one function per family of keywords, problems collected in order.
#include "config/json_schema.h"

#include <algorithm>
#include <cmath>
#include <regex>

#include "config/interpolation.h"
#include "config/update.h"

namespace iolaus::config {
namespace {

constexpr int kMaxDepth = 64;

bool is_type(const Node& node, const std::string& type) {
  if (type == "null") return node.is_null();
  if (type == "boolean") return node.is_bool();
  if (type == "integer") {
    return node.is_int() || (node.is_float() && node.as_float() == std::trunc(node.as_float()));
  }
  if (type == "number") return node.is_int() || node.is_float();
  if (type == "string") return node.is_string();
  if (type == "array") return node.is_list();
  return type == "object" && node.is_dict();
}

std::string listed(const Node& values) {
  std::string text;
  for (const Node& value : values) text += (text.empty() ? "" : ", ") + value.repr();
  return text;
}

class Validator {
 public:
  Validator(const Node& root, std::vector<std::string>& problems)
      : root_(root), problems_(problems) {}

  void check(const Node& written, const Node& schema, int depth) {
    if (depth > kMaxDepth) return add(written, "the schema refers to itself without end");
    if (schema.is_bool()) {
      if (!schema.as_bool()) add(written, "nothing is allowed here");
      return;
    }
    if (!schema.is_dict() || written.is_missing()) return;
    const NodeRef value = resolve(written);
    if (!value) return;
    if (const Node* reference = schema.find(Key("$ref"))) {
      check(written, referenced(reference->as_string()), depth + 1);
    }
    if (!check_type(written, *value, schema)) return;
    check_choices(written, *value, schema);
    if (value->is_int() || value->is_float()) check_number(written, value->as_float(), schema);
    if (value->is_string()) check_text(written, value->as_string(), schema);
    if (value->is_dict()) check_dict(written, *value, schema, depth);
    if (value->is_list()) check_list(written, *value, schema, depth);
    check_combined(written, schema, depth);
  }

 private:
  void add(const Node& node, const std::string& problem) {
    const std::string place = node.mark().known() ? node.mark().text() + ": " : "";
    const std::string key = node.full_key();
    problems_.push_back(place + (key.empty() ? "the config" : key) + ": " + problem);
  }

  const Node& referenced(const std::string& path) const {
    const Node* at = &root_;
    if (!path.starts_with("#")) {
      fail(ErrorCode::kConfig, "[schema] expected a $ref that begins with '#', got '{}'", path);
    }
    for (std::size_t begin = 2; begin < path.size();) {
      const std::size_t end = std::min(path.find('/', begin), path.size());
      at = &at->at(Key(path.substr(begin, end - begin)));
      begin = end + 1;
    }
    return *at;
  }

  bool check_type(const Node& written, const Node& value, const Node& schema) {
    const Node* type = schema.find(Key("type"));
    if (!type) return true;
    if (type->is_list()) {
      for (const Node& each : *type) {
        if (is_type(value, each.as_string())) return true;
      }
      add(written, "expected one of " + listed(*type) + ", got " + value.repr());
      return false;
    }
    if (is_type(value, type->as_string())) return true;
    add(written, "expected " + type->as_string() + ", got " + value.repr());
    return false;
  }

  void check_choices(const Node& written, const Node& value, const Node& schema) {
    if (const Node* constant = schema.find(Key("const"))) {
      if (!(*constant == value)) add(written, "expected " + constant->repr());
    }
    const Node* choices = schema.find(Key("enum"));
    if (!choices) return;
    std::vector<std::string> names;
    for (const Node& choice : *choices) {
      if (choice == value) return;
      if (choice.is_string()) names.push_back(choice.as_string());
    }
    const std::string near = value.is_string() ? did_you_mean(value.as_string(), names) : "";
    add(written, "expected one of " + listed(*choices) + ", got " + value.repr() + "." + near);
  }

  void check_number(const Node& written, double value, const Node& schema) {
    const auto bound = [&](const char* name, auto holds, const char* sign) {
      const Node* limit = schema.find(Key(name));
      if (!limit || holds(value, limit->as_float())) return;
      add(written, fmt::format("expected {}{}, got {}", sign, limit->str(), value));
    };
    bound("minimum", std::greater_equal<>(), ">= ");
    bound("maximum", std::less_equal<>(), "<= ");
    bound("exclusiveMinimum", std::greater<>(), "> ");
    bound("exclusiveMaximum", std::less<>(), "< ");
    bound(
        "multipleOf", [](double x, double step) { return std::remainder(x, step) == 0; },
        "a multiple of ");
  }

  void check_text(const Node& written, const std::string& value, const Node& schema) {
    const Node* shortest = schema.find(Key("minLength"));
    const Node* longest = schema.find(Key("maxLength"));
    const auto size = static_cast<std::int64_t>(value.size());
    if ((shortest && size < shortest->as_int()) || (longest && size > longest->as_int())) {
      add(written, fmt::format("a text of {} bytes is too {}", size,
                               shortest && size < shortest->as_int() ? "short" : "long"));
    }
    const Node* pattern = schema.find(Key("pattern"));
    if (!pattern) return;
    try {
      if (std::regex_search(value, std::regex(pattern->as_string(), std::regex::ECMAScript)))
        return;
    } catch (const std::regex_error&) {
      fail(ErrorCode::kConfig, "[schema] expected a regular expression, got '{}'",
           pattern->as_string());
    }
    add(written,
        "expected a text that matches '" + pattern->as_string() + "', got '" + value + "'");
  }

  void check_dict(const Node& written, const Node& value, const Node& schema, int depth) {
    static const Node none = Node::dict();
    const Node* found = schema.find(Key("properties"));
    const Node& properties = found ? *found : none;
    const Node* rest = schema.find(Key("additionalProperties"));
    std::vector<std::string> names;
    for (const Node& property : properties) names.push_back(property.key().text());
    for (const Node& child : value) {
      const std::string name = child.key().text();
      if (const Node* property = properties.find(Key(name))) {
        check(child, *property, depth + 1);
      } else if (rest && rest->is_bool() && !rest->as_bool()) {
        add(child, "there is no such key in the schema." + did_you_mean(name, names));
      } else if (rest) {
        check(child, *rest, depth + 1);
      }
    }
    const Node* required = schema.find(Key("required"));
    if (!required) return;
    for (const Node& name : *required) {
      if (!value.contains(Key(name.as_string()))) {
        add(written, "the key '" + name.as_string() + "' is required");
      }
    }
  }

  void check_list(const Node& written, const Node& value, const Node& schema, int depth) {
    if (const Node* items = schema.find(Key("items"))) {
      for (const Node& item : value) check(item, *items, depth + 1);
    }
    const Node* least = schema.find(Key("minItems"));
    const Node* most = schema.find(Key("maxItems"));
    const auto size = static_cast<std::int64_t>(value.size());
    if (least && size < least->as_int()) {
      add(written, fmt::format("expected at least {} items, got {}", least->as_int(), size));
    }
    if (most && size > most->as_int()) {
      add(written, fmt::format("expected at most {} items, got {}", most->as_int(), size));
    }
  }

  std::size_t fitting(const Node& written, const Node& schemas, int depth) {
    std::size_t count = 0;
    for (const Node& schema : schemas) {
      std::vector<std::string> problems;
      Validator(root_, problems).check(written, schema, depth + 1);
      if (problems.empty()) ++count;
    }
    return count;
  }

  void check_combined(const Node& written, const Node& schema, int depth) {
    if (const Node* all = schema.find(Key("allOf"))) {
      for (const Node& each : *all) check(written, each, depth + 1);
    }
    if (const Node* any = schema.find(Key("anyOf")); any && fitting(written, *any, depth) == 0) {
      add(written, "fits none of the alternatives of the schema");
    }
    if (const Node* one = schema.find(Key("oneOf"))) {
      const std::size_t count = fitting(written, *one, depth);
      if (count != 1) add(written, fmt::format("fits {} alternatives of the schema, not 1", count));
    }
    const Node* wrong = schema.find(Key("not"));
    if (!wrong) return;
    std::vector<std::string> problems;
    Validator(root_, problems).check(written, *wrong, depth + 1);
    if (problems.empty()) add(written, "is what the schema rules out");
  }

  const Node& root_;
  std::vector<std::string>& problems_;
};

}  // namespace

std::vector<std::string> schema_problems(const Node& node, const Node& schema) {
  std::vector<std::string> problems;
  Validator(schema, problems).check(node, schema, 0);
  return problems;
}

std::vector<std::string> group_schema_problems(const Composition& composition,
                                               Repository& repository) {
  std::vector<std::string> problems;
  for (const ResultDefault& item : composition.defaults.defaults) {
    const std::size_t slash = item.config_path.rfind('/');
    const std::string name = item.primary                 ? item.config_path
                             : slash == std::string::npos ? ""
                                                          : item.config_path.substr(0, slash);
    if (name.empty() || name.starts_with("hydra")) continue;
    const std::shared_ptr<const Node> schema = repository.schema(name);
    if (!schema) continue;
    const Node* node =
        item.package.empty() ? &composition.config : find_path(composition.config, item.package);
    if (!node) continue;
    Node job;
    if (node == &composition.config) {
      job = *node;
      job.erase(Key("hydra"));
      node = &job;
    }
    for (std::string& problem : schema_problems(*node, *schema)) {
      if (std::find(problems.begin(), problems.end(), problem) == problems.end()) {
        problems.push_back(std::move(problem));
      }
    }
  }
  return problems;
}

}  // namespace iolaus::config
