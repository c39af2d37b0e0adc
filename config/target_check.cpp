// Checks of targets and their arguments, on the config alone.
#include "config/target_check.h"

#include <algorithm>
#include <array>

#include "config/interpolation.h"
#include "config/python_text.h"
#include "config/update.h"

namespace iolaus::config {
namespace detail {
namespace {

std::string shown(const Node& value) {
  constexpr std::size_t kShown = 60;
  if (value.is_null()) return "null";
  std::string text = value.repr();
  if (text.size() > kShown) text = text.substr(0, kShown) + "...";
  return std::string(value.type_name()) + " " + text;
}

template <class Suits> bool one_or_all(const Node& value, Suits suits) {
  if (!value.is_list()) return suits(value);
  return std::all_of(value.begin(), value.end(), suits);
}

bool open(const Node& value) { return value.is_missing() || value.is_interpolation(); }

bool suits_type(ParamType type, const Node& value) {
  const auto is_int = [](const Node& n) { return n.is_int() || open(n); };
  const auto is_number = [](const Node& n) { return n.is_int() || n.is_float() || open(n); };
  const auto is_text = [](const Node& n) { return n.is_string(); };
  const auto is_object = [](const Node& n) { return is_target(n) || n.is_null() || open(n); };
  switch (type) {
    case ParamType::kAny:
      return true;
    case ParamType::kBool:
      return value.is_bool();
    case ParamType::kInt:
      return value.is_int();
    case ParamType::kFloat:
      return is_number(value);
    case ParamType::kString:
      return value.is_string();
    case ParamType::kInts:
      return one_or_all(value, is_int);
    case ParamType::kFloats:
      return one_or_all(value, is_number);
    case ParamType::kStrings:
      return one_or_all(value, is_text);
    case ParamType::kObject:
      return is_target(value);
    case ParamType::kObjects:
      if (is_target(value)) return true;
      return value.is_container() && std::all_of(value.begin(), value.end(), is_object);
    case ParamType::kDict:
      return value.is_dict();
  }
  return false;
}

std::string parameter_list(const Target& target) {
  std::string out;
  for (const Param& param : target.params) {
    out += (out.empty() ? "" : ", ") + param.name;
    if (!param.required()) out += "=" + param.default_value->repr();
  }
  return out.empty() ? "it has no parameters" : "its parameters: " + out;
}

std::vector<std::string> parameter_names(const Target& target) {
  std::vector<std::string> names;
  for (const Param& param : target.params) names.push_back(param.name);
  return names;
}

std::string flag_problem(const Node& node, const char* key) {
  const Node* value = node.find(key);
  if (value == nullptr || value->is_bool() || open(*value)) return {};
  return located(
      std::string("Instantiation: ") + key + " flag must be a bool, got " + shown(*value),
      node.full_key(key), value->mark());
}

std::string convert_problem(const Node& node) {
  const Node* value = node.find("_convert_");
  if (value == nullptr || open(*value)) return {};
  static constexpr std::array<const char*, 8> kModes{"none", "partial", "object", "all",
                                                     "NONE", "PARTIAL", "OBJECT", "ALL"};
  const bool known =
      value->is_string() && std::any_of(kModes.begin(), kModes.end(),
                                        [&](auto mode) { return value->as_string() == mode; });
  if (known) return {};
  return located(
      "[instantiate] expected _convert_ to be none, partial, object or all, got " + shown(*value),
      node.full_key("_convert_"), value->mark());
}

}  // namespace

std::string located(const std::string& message, const std::string& full_key, const Mark& mark) {
  std::string out = message;
  if (!full_key.empty()) out += "\n    full_key: " + full_key;
  if (mark.known()) out += "\n    written at " + mark.text();
  return out;
}

bool is_target(const Node& node) { return node.is_dict() && node.contains("_target_"); }

bool has_target(const Node& node) {
  return is_target(node) || std::any_of(node.begin(), node.end(), has_target);
}

bool is_special_key(const Key& key) {
  static constexpr std::array<const char*, 5> kKeys{"_target_", "_args_", "_recursive_",
                                                    "_convert_", "_partial_"};
  return std::any_of(kKeys.begin(), kKeys.end(), [&](auto name) { return key == Key(name); });
}

std::string mismatch(const Param& param, const Node& value) {
  if (open(value)) return {};
  if (value.is_null()) {
    const bool nullable =
        param.type == ParamType::kAny || (param.default_value && param.default_value->is_null());
    return nullable ? "" : std::string("expected ") + param_type_name(param.type) + ", got null";
  }
  if (suits_type(param.type, value)) return {};
  std::string expected = param_type_name(param.type);
  if (param.type == ParamType::kObject) expected += " (a dict with _target_)";
  if (param.type == ParamType::kObjects) expected += " (a list or dict of dicts with _target_)";
  return "expected " + expected + ", got " + shown(value);
}

std::string name_problem(const Node& node) {
  const Node& name = node.at("_target_");
  if (open(name)) {
    return name.is_missing() ? located("[instantiate] missing mandatory value: _target_",
                                       node.full_key("_target_"), name.mark())
                             : "";
  }
  if (!name.is_string()) {
    return located(
        "Expected a callable target, got '" + name.str() + "' of type '" + name.type_name() + "'",
        node.full_key("_target_"), name.mark());
  }
  if (find_target(name.as_string()) != nullptr) return {};
  const std::string hint = did_you_mean(name.as_string(), target_names());
  return located("Error locating target '" + name.as_string() + "': no class registers that name." +
                     (hint.empty() ? "" : "\n   " + hint),
                 node.full_key(), name.mark());
}

const Param* positional_param(const Target& target, std::size_t i) {
  if (const Param* all = target.find("_args_")) return all;
  std::size_t position = 0;
  for (const Param& param : target.params) {
    if (param.name == "_kwargs_") continue;
    if (position++ == i) return &param;
  }
  return nullptr;
}

std::vector<std::string> argument_problems(const Target& target, const Node& node,
                                           const std::set<std::string>& given) {
  std::vector<std::string> out;
  const auto add = [&](std::string problem) {
    if (!problem.empty()) out.push_back(std::move(problem));
  };
  for (const char* key : {"_recursive_", "_partial_"}) add(flag_problem(node, key));
  add(convert_problem(node));
  const Node* partial_flag = node.find("_partial_");
  const bool partial =
      partial_flag != nullptr && partial_flag->is_bool() && partial_flag->as_bool();
  std::set<std::string> seen = given;
  const auto check_value = [&](const Param& param, const Node& value, const std::string& key) {
    if (value.is_missing() && !partial) {
      add(located("[instantiate] missing mandatory value: parameter '" + param.name +
                      "' of target '" + target.name() + "'",
                  key, value.key_mark()));
    }
    const std::string wrong = mismatch(param, value);
    if (wrong.empty()) return;
    add(located(
        "[instantiate] parameter '" + param.name + "' of target '" + target.name() + "': " + wrong,
        key, value.mark()));
  };

  if (const Node* args = node.find("_args_"); args != nullptr && !open(*args)) {
    if (!args->is_list()) {
      add(located("Unsupported _args_ type: '" + std::string(args->type_name()) + "'. value: '" +
                      args->str() + "'",
                  node.full_key("_args_"), args->mark()));
    } else if (const Param* all = target.find("_args_")) {
      check_value(*all, *args, node.full_key("_args_"));
    } else {
      for (std::size_t i = 0; i < args->size(); ++i) {
        const Param* param = positional_param(target, i);
        if (param == nullptr) {
          add(located("[instantiate] target '" + target.name() + "' expected at most " +
                          std::to_string(i) + " positional arguments, got " +
                          std::to_string(args->size()),
                      args->child(i).full_key(), args->child(i).mark()));
          break;
        }
        seen.insert(param->name);
        check_value(*param, args->child(i), args->child(i).full_key());
      }
    }
    seen.insert("_args_");
  }
  for (const Node& item : node) {
    if (is_special_key(item.key())) continue;
    const std::string name = item.key().text();
    const Param* param = name == "_kwargs_" ? nullptr : target.find(name);
    if (param == nullptr && target.find("_kwargs_") != nullptr) continue;
    if (param == nullptr) {
      const std::string hint = did_you_mean(name, parameter_names(target));
      add(located("[instantiate] unknown parameter '" + name + "' of target '" + target.name() +
                      "'; " + parameter_list(target) + (hint.empty() ? "" : "\n   " + hint),
                  item.full_key(), item.key_mark()));
      continue;
    }
    if (!seen.insert(name).second) {
      add(located(
          "[instantiate] target '" + target.name() + "' got multiple values for '" + name + "'",
          item.full_key(), item.key_mark()));
    }
    check_value(*param, item, item.full_key());
  }
  if (partial) return out;
  for (const Param& param : target.params) {
    if (!param.required() || seen.contains(param.name) || param.name == "_kwargs_") continue;
    add(located("[instantiate] missing required parameter '" + param.name + "' (" +
                    param_type_name(param.type) + ") of target '" + target.name() + "'",
                node.full_key(), node.key_mark()));
  }
  return out;
}

}  // namespace detail

namespace {

void check_below(const Node& node, std::vector<std::string>& problems) {
  if (detail::is_target(node)) {
    Node seen = node;
    if (node.parent() != nullptr) {
      seen.hang_under(*node.parent(), node.parent()->is_list() ? Key(node.index()) : node.key());
    }
    // Values behind interpolations are checked too, where they can be resolved.
    for (Node& item : seen) {
      if (!item.is_interpolation()) continue;
      try {
        Node value = to_resolved(*node.find(item.key()));
        item = std::move(value);
      } catch (const Error& error) {
        problems.emplace_back(error.what());
      }
    }
    const std::string name = detail::name_problem(seen);
    if (!name.empty()) {
      problems.push_back(name);
    } else if (!seen.at("_target_").is_interpolation()) {
      const Target* target = find_target(seen.at("_target_").as_string());
      for (std::string& problem : detail::argument_problems(*target, seen, {})) {
        problems.push_back(std::move(problem));
      }
    }
  }
  for (const Node& item : node) check_below(item, problems);
}

}  // namespace

std::vector<std::string> check_targets(const Node& root) {
  std::vector<std::string> problems;
  check_below(root, problems);
  return problems;
}

}  // namespace iolaus::config
