// DefaultItem: paths and packages, after the rules of Hydra's default elements.
#include "config/defaults_item.h"

#include <cctype>

#include "config/interpolation.h"

namespace iolaus::config {
namespace {

std::string without_slash(const std::string& path) {
  return path.starts_with('/') ? path.substr(1) : path;
}

std::string dotted(std::string path) {
  for (char& c : path) {
    if (c == '/') c = '.';
  }
  return path;
}

void replace_all(std::string& text, std::string_view from, const std::string& to) {
  for (std::size_t at = 0; (at = text.find(from, at)) != std::string::npos; at += to.size()) {
    text.replace(at, from.size(), to);
  }
}

std::string at_mark(const Mark& mark) { return mark.known() ? "\n" + mark.text() : ""; }

// "group@package:renamed" -> "group" and "package".
void split_package(const std::string& text, std::string& group,
                   std::optional<std::string>& package) {
  const std::size_t at = text.find('@');
  group = text.substr(0, at);
  if (at == std::string::npos) return;
  std::string rest = text.substr(at + 1);
  package = rest.substr(0, rest.find(':'));
}

DefaultItem parse_group_item(const std::string& config_path, const Node& item) {
  if (item.size() > 1) {
    fail(ErrorCode::kConfig, "In {}: Too many keys in default item {}{}", config_path, item.str(),
         at_mark(item.mark()));
  }
  if (item.empty()) {
    fail(ErrorCode::kConfig, "In {}: Missing group name in {}{}", config_path, item.str(),
         at_mark(item.mark()));
  }
  const Node& value = item.child(0);
  std::string words;
  std::optional<std::string> package;
  split_package(value.key().text(), words, package);
  DefaultItem result = DefaultItem::of_group("", package);
  result.mark = value.key_mark();
  // The keywords come first: "override optional group".
  std::size_t begin = 0, space = 0;
  while ((space = words.find(' ', begin)) != std::string::npos) {
    const std::string word = words.substr(begin, space - begin);
    if (word == "optional") result.optional = true;
    if (word == "override") result.override_ = true;
    begin = space + 1;
  }
  result.group = words.substr(begin);
  if (result.group.empty()) {
    fail(ErrorCode::kConfig, "In {}: Missing group name in {}{}", config_path, item.str(),
         at_mark(item.mark()));
  }
  if (value.is_string()) {
    result.value_kind = DefaultItem::Value::kName;
    result.value = value.as_string();
  } else if (value.is_list()) {
    result.value_kind = DefaultItem::Value::kOptions;
    for (const Node& option : value) {
      if (!option.is_string()) {
        fail(ErrorCode::kConfig,
             "Unsupported item value in defaults : {}, nested list items must be strings{}",
             option.type_name(), at_mark(option.mark()));
      }
      result.options.push_back(option.as_string());
    }
  } else if (!value.is_null()) {
    fail(ErrorCode::kConfig, "Unsupported item value in defaults : {}. Supported: string or list{}",
         value.type_name(), at_mark(value.mark()));
  }
  return result;
}

}  // namespace

DefaultItem DefaultItem::config(std::string path, std::optional<std::string> package) {
  DefaultItem item;
  item.path = std::move(path);
  item.package = std::move(package);
  if (item.path == "_self_" && item.package) {
    fail(ErrorCode::kConfig, "_self_@PACKAGE is not supported");
  }
  if (item.package == "_here_") item.package = "";
  return item;
}

DefaultItem DefaultItem::of_group(std::string group, std::optional<std::string> package) {
  DefaultItem item;
  item.kind = Kind::kGroup;
  item.group = std::move(group);
  item.package = std::move(package);
  if (item.package == "_here_") item.package = "";
  return item;
}

DefaultItem parse_default_item(const std::string& config_path, const Node& item) {
  if (item.is_dict()) return parse_group_item(config_path, item);
  if (!item.is_string()) {
    const char* type = item.is_list() ? "ListConfig" : item.type_name();
    fail(ErrorCode::kConfig, "Unsupported type in defaults : {}{}", type, at_mark(item.mark()));
  }
  std::string path;
  std::optional<std::string> package;
  split_package(item.as_string(), path, package);
  DefaultItem result = DefaultItem::config(std::move(path), std::move(package));
  result.mark = item.mark();
  return result;
}

bool DefaultItem::is_self() const {
  if (kind == Kind::kConfig) return path == "_self_";
  return is_group() && value_kind == Value::kName && value == "_self_";
}

bool DefaultItem::is_interpolation() const {
  if (kind == Kind::kConfig) return config_path().find("${") != std::string::npos;
  return is_group() && value_kind == Value::kName && value.find("${") != std::string::npos;
}

bool DefaultItem::is_missing() const { return name() == "???"; }

std::optional<std::string> DefaultItem::name() const {
  if (kind == Kind::kConfig) return path.substr(path.rfind('/') + 1);
  if (is_group() && value_kind == Value::kName) return value;
  return std::nullopt;
}

std::string DefaultItem::group_path() const {
  const std::string& own = is_group() ? group : path;
  std::string below = without_slash(own);
  if (!is_group()) {
    const std::size_t slash = below.rfind('/');
    below = slash == std::string::npos ? "" : below.substr(0, slash);
  }
  const std::string parent = parent_group.value_or("");
  if (own.starts_with('/') || parent.empty()) return below;
  return below.empty() ? parent : parent + "/" + below;
}

std::string DefaultItem::config_path() const {
  if (is_virtual()) return "<root>";
  if (is_group()) return group_path() + "/" + name().value_or("None");
  const std::string parent = parent_group.value_or("");
  if (path.starts_with('/') || parent.empty()) return without_slash(path);
  return parent + "/" + path;
}

std::string DefaultItem::default_package() const { return dotted(group_path()); }

std::string DefaultItem::relative_group() const {
  if (is_group()) return without_slash(group);
  const std::string below = without_slash(path);
  const std::size_t slash = below.rfind('/');
  return slash == std::string::npos ? "" : below.substr(0, slash);
}

std::string DefaultItem::final_package(bool with_header) const {
  std::string own = dotted(relative_group());
  if (package) {
    own = *package;
  } else if (with_header && package_header) {
    own = *package_header;
  }
  const std::string parent = parent_package.value_or("");
  std::string full = parent;
  if (parent.empty()) {
    full = own;
  } else if (!own.empty()) {
    full = parent + "." + own;
  }
  constexpr std::string_view kGlobal = "_global_";
  const std::size_t at = full.rfind(kGlobal);
  if (at == std::string::npos) return full;
  return full.size() > at + kGlobal.size() ? full.substr(at + kGlobal.size() + 1) : "";
}

std::string DefaultItem::override_key() const {
  std::string key = group_path();
  std::string package_here = final_package(false);
  if (default_package() == package_here) return key;
  if (package_here.empty()) package_here = "_global_";
  return key + "@" + package_here;
}

void DefaultItem::set_parent(const std::string& group_path_of_parent,
                             const std::string& package_of_parent) {
  parent_group = group_path_of_parent;
  parent_package = package_of_parent;
  if (package && package->find("_group_") != std::string::npos) {
    replace_all(*package, "_group_", default_package());
    package = "_global_." + *package;
  }
}

void DefaultItem::set_package_header(const std::optional<std::string>& header) {
  if (!header) return;
  // A header is always absolute.
  if (*header == "_global_" || header->starts_with("_global_.")) {
    package_header = *header;
  } else {
    package_header = header->empty() ? "_global_" : "_global_." + *header;
  }
}

void DefaultItem::resolve_interpolation(const Node& known_choices) {
  const std::string text = is_group() ? value : config_path();
  constexpr std::string_view kLegacy = "${defaults.";  // then a digit and a dot
  if (is_group() && text.starts_with(kLegacy) && text.size() > kLegacy.size() + 1 &&
      std::isdigit(static_cast<unsigned char>(text[kLegacy.size()])) &&
      text[kLegacy.size() + 1] == '.') {
    fail(ErrorCode::kConfig,
         "\nDefaults list element '{}={}' is using a deprecated interpolation form.\n"
         "See http://hydra.cc/docs/1.1/upgrades/1.0_to_1.1/defaults_list_interpolation for "
         "migration information.{}",
         override_key(), text, at_mark(mark));
  }
  std::string resolved;
  try {
    Node scope = known_choices;
    Node& holder = scope.set(Key("_dummy_"), Node(text));
    resolved = resolve(holder)->as_string();
  } catch (const Error& error) {
    std::string keys;
    for (const Node& choice : known_choices) {
      if (choice.key() == Key("defaults")) continue;
      keys += (keys.empty() ? ", possible interpolation keys: " : ", ") + choice.key().text();
    }
    fail(ErrorCode::kConfig, "Error resolving interpolation '{}'{}\n{}{}", text, keys, error.what(),
         at_mark(mark));
  }
  (is_group() ? value : path) = resolved;
}

}  // namespace iolaus::config
