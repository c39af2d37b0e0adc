// instantiate: resolves a copy of the config in its own tree, then builds from the leaves up.
#include "config/instantiate.h"

#include "config/interpolation.h"
#include "config/merge.h"
#include "config/target_check.h"

namespace iolaus::config {
namespace {

using detail::InstantiationError;
using detail::located;
using Values = std::map<std::string, Instance, std::less<>>;

/// What nested nodes inherit.
struct Modes {
  bool recursive = true;  // _recursive_
  bool complete = false;  // _convert_ is not none: no `???` inside a plain value
};

Instance instance_of(const Node& node, Modes modes, const Extras* extras);

void check_complete(const Node& node) {
  if (node.is_missing()) {
    throw InstantiationError(
        ErrorCode::kConfig,
        located("[instantiate] missing mandatory value inside an argument (_convert_ asks for "
                "plain values)",
                node.full_key(), node.mark()));
  }
  for (const Node& item : node) check_complete(item);
}

Instance plain(const Node& node, Modes modes) {
  if (modes.complete && node.is_container()) check_complete(node);
  Instance out;
  out.full_key = node.full_key();
  out.mark = node.mark();
  if (node.is_null()) return out;
  out.kind = Instance::Kind::kValue;
  out.value = node;
  return out;
}

bool flag_of(const Node& node, const char* key, bool otherwise) {
  const Node* value = node.find(key);
  return value != nullptr ? value->as_bool() : otherwise;
}

/// The modes below a node: what it says itself, else what it inherits.
Modes modes_of(const Node& node, Modes inherited) {
  inherited.recursive = flag_of(node, "_recursive_", inherited.recursive);
  if (const Node* convert = node.find("_convert_")) {
    inherited.complete = convert->as_string() != "none" && convert->as_string() != "NONE";
  }
  return inherited;
}

Instance argument(const Node& value, Modes modes) {
  return modes.recursive ? instance_of(value, modes, nullptr) : plain(value, modes);
}

/// Lists and dicts in which something is a target; others stay plain values.
Instance container(const Node& node, Modes modes) {
  Instance out;
  out.kind = node.is_list() ? Instance::Kind::kList : Instance::Kind::kDict;
  out.full_key = node.full_key();
  out.mark = node.mark();
  for (const Node& item : node) {
    if (node.is_dict() && detail::is_special_key(item.key())) continue;
    out.items.push_back(instance_of(item, modes, nullptr));
    if (node.is_dict()) out.keys.push_back(item.key());
  }
  return out;
}

void fill_positional(const Target& target, const Node& args, Modes modes, Values& values) {
  if (target.find("_args_") != nullptr) {
    Instance all =
        modes.recursive && detail::has_target(args) ? container(args, modes) : plain(args, modes);
    values.insert_or_assign("_args_", std::move(all));
    return;
  }
  for (std::size_t i = 0; i < args.size(); ++i) {
    const Param* param = detail::positional_param(target, i);
    values.insert_or_assign(param->name, argument(args.child(i), modes));
  }
}

/// A lone object for a parameter that takes several counts as a list of one.
Instance as_list(Instance value, const Param& param) {
  if (param.type != ParamType::kObjects || value.kind != Instance::Kind::kObject) return value;
  Instance out;
  out.kind = Instance::Kind::kList;
  out.full_key = value.full_key;
  out.mark = value.mark;
  out.items.push_back(std::move(value));
  return out;
}

void fill_keywords(const Target& target, const Node& node, Modes modes, Values& values) {
  Node rest = Node::dict();
  for (const Node& item : node) {
    if (detail::is_special_key(item.key()) || item.is_missing()) continue;
    const std::string name = item.key().text();
    const Param* param = target.find(name);
    if (param == nullptr) {
      rest.set(item.key(), item);
    } else {
      values.insert_or_assign(name, as_list(argument(item, modes), *param));
    }
  }
  if (target.find("_kwargs_") != nullptr) values.insert_or_assign("_kwargs_", plain(rest, modes));
}

Instance call_target(const Target& target, Values values, const Extras* extras,
                     const std::string& full_key, const Mark& mark) {
  for (const Param& param : target.params) {
    if (values.contains(param.name) || !param.default_value) continue;
    values.emplace(param.name, as_list(instance_of(*param.default_value, {}, nullptr), param));
  }
  Instance out;
  out.kind = Instance::Kind::kObject;
  out.target = &target;
  out.full_key = full_key;
  out.mark = mark;
  const Args args(target, std::move(values), extras, full_key, mark);
  const auto describe = [&](const std::exception& error) {
    return located("Error in call to target '" + target.name() + "':\n" + error.what(), full_key,
                   mark);
  };
  try {
    out.object = target.factory(args);
  } catch (const InstantiationError&) {
    throw;
  } catch (const Error& error) {
    throw InstantiationError(error.code(), describe(error));
  } catch (const std::exception& error) {
    throw InstantiationError(ErrorCode::kConfig, describe(error));
  }
  if (out.object == nullptr) out.kind = Instance::Kind::kNull;
  return out;
}

void check_extras(const Target& target, const Extras& extras, const std::string& full_key,
                  const Mark& mark) {
  for (const auto& [name, value] : extras) {
    if (target.find(name) != nullptr) continue;
    throw InstantiationError(ErrorCode::kConfig,
                             located("[instantiate] the program hands over '" + name +
                                         "', which target '" + target.name() + "' does not declare",
                                     full_key, mark));
  }
}

Instance make(const Node& node, Modes modes, const Extras* extras) {
  if (const std::string wrong = detail::name_problem(node); !wrong.empty()) {
    throw InstantiationError(ErrorCode::kConfig, wrong);
  }
  const Target& target = *find_target(node.at("_target_").as_string());
  std::set<std::string> given;
  if (extras != nullptr) {
    check_extras(target, *extras, node.full_key(), node.key_mark());
    for (const auto& [name, value] : *extras) given.insert(name);
  }
  const auto problems = detail::argument_problems(target, node, given);
  if (!problems.empty()) throw InstantiationError(ErrorCode::kConfig, problems.front());
  modes = modes_of(node, modes);
  Values values;
  if (const Node* args = node.find("_args_")) fill_positional(target, *args, modes, values);
  fill_keywords(target, node, modes, values);
  if (!flag_of(node, "_partial_", false)) {
    return call_target(target, std::move(values), extras, node.full_key(), node.key_mark());
  }
  Instance out;
  out.kind = Instance::Kind::kPartial;
  out.full_key = node.full_key();
  out.mark = node.key_mark();
  out.partial = std::make_shared<Partial>(target, std::move(values), out.full_key, out.mark);
  return out;
}

Instance instance_of(const Node& node, Modes modes, const Extras* extras) {
  if (detail::is_target(node)) return make(node, modes, extras);
  if (!node.is_container() || !detail::has_target(node)) return plain(node, modes);
  if (node.is_dict()) modes = modes_of(node, modes);
  return modes.recursive ? container(node, modes) : plain(node, modes);
}

/// A copy that still sits in its tree, for full keys and relative interpolations.
Node copy_in_place(const Node& node) {
  Node copy = node;
  if (node.parent() != nullptr) {
    copy.hang_under(*node.parent(), node.parent()->is_list() ? Key(node.index()) : node.key());
  }
  copy.set_flag(Flag::kStruct, false);
  copy.set_flag(Flag::kReadonly, false);
  return copy;
}

}  // namespace

Partial::Partial(const Target& target, Values values, std::string full_key, Mark mark)
    : target_(target), values_(std::move(values)), full_key_(std::move(full_key)), mark_(mark) {}

Instance Partial::make(const Extras& extras, const Node& overrides) const {
  check_extras(target_, extras, full_key_, mark_);
  // The rest of the arguments is checked as a config of its own would be.
  Node rest = overrides.is_dict() ? to_resolved(overrides) : Node::dict();
  std::set<std::string> given;
  for (const auto& [name, value] : extras) given.insert(name);
  for (const auto& [name, value] : values_) {
    if (!rest.contains(name)) given.insert(name);
  }
  const auto problems = detail::argument_problems(target_, rest, given);
  if (!problems.empty()) {
    throw InstantiationError(ErrorCode::kConfig, located(problems.front(), full_key_, mark_));
  }
  Values values = values_;
  if (const Node* args = rest.find("_args_")) fill_positional(target_, *args, {}, values);
  Values keywords;
  fill_keywords(target_, rest, {}, keywords);
  for (auto& [name, value] : keywords) {
    if (name != "_kwargs_" || !rest.empty()) values.insert_or_assign(name, std::move(value));
  }
  return call_target(target_, std::move(values), &extras, full_key_, mark_);
}

Instance instantiate_any(const Node& node, const Call& call) {
  Node copy = copy_in_place(node);
  if (call.overrides.is_dict() && !call.overrides.empty()) merge(copy, call.overrides);
  // Resolving loses the place in the tree; the full keys of messages need it back.
  Node resolved = to_resolved(copy);
  if (node.parent() != nullptr) {
    resolved.hang_under(*node.parent(), node.parent()->is_list() ? Key(node.index()) : node.key());
  }
  if (!resolved.is_container() && !resolved.is_null()) {
    throw InstantiationError(
        ErrorCode::kConfig,
        located(std::string("Cannot instantiate config of type ") + resolved.type_name() +
                    ".\nTop level config must be a dict or a list.",
                resolved.full_key(), resolved.mark()));
  }
  return instance_of(resolved, {}, call.extras.empty() ? nullptr : &call.extras);
}

}  // namespace iolaus::config
