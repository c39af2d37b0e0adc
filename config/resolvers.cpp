// The resolvers of OmegaConf and Hydra: oc.env, oc.decode, oc.select, oc.create, oc.deprecated,
// oc.dict.keys, oc.dict.values, hydra, now, python_version.
#include "config/resolvers.h"

#include <cstdlib>
#include <ctime>
#include <utility>

#include "config/python_text.h"
#include "config/warning.h"
#include "config/yaml.h"

namespace iolaus::config {

namespace detail {
namespace {

using Args = std::vector<Node>;

std::string text_argument(const ResolverCall& call, const Node& arg) {
  if (arg.is_string()) return arg.as_string();
  throw ResolverError("TypeError", "`" + std::string(call.name) +
                                       "` requires a string as input, but obtained `" + arg.str() +
                                       "` of type: " + arg.type_name());
}

Value env(const ResolverCall&, const Args& args) {
  check_arguments(args, "env", {"key", "default"}, 1);
  if (!args[0].is_string()) {
    throw ResolverError("TypeError", std::string("str expected, not ") + args[0].type_name());
  }
  const char* value = std::getenv(args[0].as_string().c_str());
  if (value != nullptr) return computed(Node(value));
  if (args.size() == 2) return computed(args[1].is_null() ? Node() : Node(args[1].str()));
  throw ResolverError(
      "KeyError", python_quoted("Environment variable '" + args[0].as_string() + "' not found"));
}

Value decode(const ResolverCall& call, const Args& args) {
  check_arguments(args, "decode", {"expr"}, 1);
  if (args[0].is_null()) return computed(Node());
  if (!args[0].is_string()) {
    throw ResolverError("TypeError", "`oc.decode` can only take strings or None as input, but `" +
                                         args[0].str() + "` is of type " + args[0].type_name());
  }
  return evaluate_element(args[0].as_string(), call);
}

Value select(const ResolverCall& call, const Args& args) {
  check_arguments(args, "select", {"key", "default"}, 1);
  NodeRef found = select_for_resolver(call.parent, text_argument(call, args[0]), false);
  if (found && !found->is_missing()) return {std::move(found)};
  return computed(args.size() == 2 ? args[1] : Node());
}

Value create(const ResolverCall& call, const Args& args) {
  check_arguments(args, "create", {"obj"}, 1);
  if (args[0].is_null()) return computed(Node());
  Node node = args[0];
  if (node.is_string()) {
    node = load_yaml(node.as_string(), "<unicode string>");
    if (node.is_string()) {
      Node dict = Node::dict();
      dict.set(node.as_string(), Node());
      node = std::move(dict);
    }
  }
  if (node.is_null()) node = Node::dict();
  if (!node.is_container()) {
    throw ResolverError("ValidationError",
                        std::string("Object of unsupported type: '") + node.type_name() + "'");
  }
  Value value = computed(std::move(node));
  const_cast<Node&>(*value.ref.owned).hang_under(call.parent);
  return value;
}

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = text.find(from); at != std::string::npos;
       at = text.find(from, at + to.size())) {
    text.replace(at, from.size(), to);
  }
}

Value deprecated(const ResolverCall& call, const Args& args) {
  check_arguments(args, "deprecated", {"key", "message"}, 1);
  const auto must_be_text = [&](std::size_t i, const char* what) {
    if (args.size() <= i || args[i].is_string()) return;
    throw ResolverError("TypeError", std::string("oc.deprecated: interpolation ") + what +
                                         " type is not a string (" + args[i].type_name() + ")");
  };
  must_be_text(0, "key");
  must_be_text(1, "message");
  const std::string old_key = call.node.full_key();
  NodeRef target = select_for_resolver(call.parent, args[0].as_string(), false);
  if (!target) {
    throw ResolverError("ConfigKeyError", "In oc.deprecated resolver at '" + old_key +
                                              "': Key not found: '" + args[0].as_string() + "'");
  }
  std::string message =
      args.size() == 2 ? args[1].as_string()
                       : "'$OLD_KEY' is deprecated. Change your code and config to use '$NEW_KEY'";
  replace_all(message, "$OLD_KEY", old_key);
  replace_all(message, "${OLD_KEY}", old_key);
  replace_all(message, "$NEW_KEY", target->full_key());
  replace_all(message, "${NEW_KEY}", target->full_key());
  warn("UserWarning", message);
  return {std::move(target)};
}

NodeRef dict_argument(const ResolverCall& call, const Args& args) {
  check_arguments(args, call.name.substr(call.name.rfind('.') + 1), {"key"}, 1);
  const std::string key = text_argument(call, args[0]);
  NodeRef found = select_for_resolver(call.parent, key, true);
  if (!found) throw ResolverError("ConfigKeyError", "Key not found: '" + key + "'");
  if (!found->is_dict()) {
    const std::string type = found->is_list() ? "ListConfig" : found->type_name();
    throw ResolverError("TypeError", "`" + std::string(call.name) +
                                         "` cannot be applied to objects of type: " + type);
  }
  return found;
}

Value hung(Node list, const ResolverCall& call) {
  Value value = computed(std::move(list));
  const_cast<Node&>(*value.ref.owned).hang_under(call.parent);
  return value;
}

Value dict_keys(const ResolverCall& call, const Args& args) {
  const NodeRef dict = dict_argument(call, args);
  Node list = Node::list();
  for (const Node& item : *dict) {
    const Key& key = item.key();
    list.append(key.is_string()  ? Node(key.string())
                : key.is_float() ? Node(key.real())
                : key.is_bool()  ? Node(key.integer() != 0)
                                 : Node(key.integer()));
  }
  return hung(std::move(list), call);
}

/// Each item is an interpolation of the value, so that values stay linked to where they live.
Value dict_values(const ResolverCall& call, const Args& args) {
  const NodeRef dict = dict_argument(call, args);
  std::string key = args[0].as_string();
  if (key.starts_with('.')) key = "." + key;  // the list adds a level
  Node list = Node::list();
  for (const Node& item : *dict) list.append(Node("${" + key + "." + item.key().text() + "}"));
  return hung(std::move(list), call);
}

Value hydra(const ResolverCall& call, const Args& args) {
  check_arguments(args, "<lambda>", {"path"}, 1);
  const std::shared_ptr<const Node> config = hydra_config();
  if (config == nullptr) throw ResolverError("ValueError", "HydraConfig was not set");
  NodeRef found = config::select(*config, text_argument(call, args[0]));
  if (!found) return computed(Node());
  if (!found.owned) found.owned = config;  // keeps the tree alive as long as the value
  return {std::move(found)};
}

Value now(const ResolverCall& call, const Args& args) {
  check_arguments(args, "<lambda>", {"pattern"}, 1);
  const std::string pattern = text_argument(call, args[0]);
  if (pattern.empty()) return computed(Node(std::string()));
  const std::time_t seconds = std::time(nullptr);
  std::tm local{};
  localtime_r(&seconds, &local);
  std::string out(64 + 4 * pattern.size(), '\0');
  for (int attempt = 0; attempt < 8; ++attempt) {
    const std::size_t size = std::strftime(out.data(), out.size(), pattern.c_str(), &local);
    if (size > 0) return computed(Node(out.substr(0, size)));
    out.resize(2 * out.size());
  }
  return computed(Node(std::string()));
}

/// No Python runs here; the version is the one that the reference was measured with.
Value python_version(const ResolverCall& call, const Args& args) {
  check_arguments(args, "python_version", {"level"}, 0);
  const std::string level = args.empty() ? "minor" : text_argument(call, args[0]);
  if (level == "major") return computed(Node("3"));
  if (level == "minor") return computed(Node("3.11"));
  if (level == "micro") return computed(Node("3.11.2"));
  return computed(Node());
}

}  // namespace

void check_arguments(const Args& args, std::string_view function,
                     const std::vector<std::string>& names, std::size_t required) {
  const std::string call = std::string(function) + "()";
  if (args.size() > names.size()) {
    const std::string takes = required == names.size() ? std::to_string(required)
                                                       : "from " + std::to_string(required) +
                                                             " to " + std::to_string(names.size());
    throw ResolverError("TypeError", call + " takes " + takes + " positional argument" +
                                         (names.size() == 1 ? "" : "s") + " but " +
                                         std::to_string(args.size()) + " were given");
  }
  if (args.size() >= required) return;
  const std::size_t count = required - args.size();
  std::string missing;
  for (std::size_t i = args.size(); i < required; ++i) {
    if (i > args.size()) missing += i + 1 == required ? (count > 2 ? ", and " : " and ") : ", ";
    missing += "'" + names[i] + "'";
  }
  throw ResolverError("TypeError", call + " missing " + std::to_string(count) +
                                       " required positional argument" + (count > 1 ? "s" : "") +
                                       ": " + missing);
}

std::vector<std::pair<std::string, ResolverEntry>> builtin_resolvers() {
  return {{"oc.env", {env, nullptr}},
          {"oc.decode", {decode, nullptr}},
          {"oc.select", {select, nullptr}},
          {"oc.create", {create, nullptr}},
          {"oc.deprecated", {deprecated, nullptr}},
          {"oc.dict.keys", {dict_keys, nullptr}},
          {"oc.dict.values", {dict_values, nullptr}},
          {"hydra", {hydra, nullptr}},
          {"now", {now, nullptr, true}},
          {"python_version", {python_version, nullptr, true}}};
}

}  // namespace detail
}  // namespace iolaus::config
