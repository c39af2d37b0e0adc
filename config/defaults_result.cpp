// The end of the defaults tree: its leaves in order, and the message where a config is not there.
#include "config/defaults_result.h"

#include <set>

#include "config/update.h"

namespace iolaus::config {
namespace {

std::string near_config(const Repository& repository, const std::string& path) {
  const std::size_t slash = path.rfind('/');
  const std::string group = slash == std::string::npos ? "" : path.substr(0, slash);
  const std::string near = did_you_mean(path.substr(slash + 1), repository.options(group));
  return near.empty() ? "" : near.substr(1) + "\n";
}

std::string near_group(const Repository& repository, const std::string& group) {
  const std::size_t slash = group.rfind('/');
  const std::string parent = slash == std::string::npos ? "" : group.substr(0, slash);
  const std::string near =
      did_you_mean(group.substr(slash + 1), repository.options(parent, ObjectKind::kGroup));
  return near.empty() ? "" : "There is no group '" + group + "'." + near + "\n";
}

}  // namespace

std::string indented_lines(const std::vector<std::string>& names) {
  std::string text;
  for (const std::string& name : names) text += (text.empty() ? "\t" : "\n\t") + name;
  return text;
}

void fail_not_found(const Repository& repository, const DefaultsTree& tree) {
  const DefaultItem& item = tree.item;
  const std::string path = item.config_path();
  std::string message;
  if (item.primary) {
    message = "Cannot find primary config '" + path +
              "'. Check that it's in your config search path.\n" + near_config(repository, path);
  } else {
    if (tree.parent) message = "In '" + tree.parent->item.config_path() + "': ";
    if (item.is_group()) {
      const std::vector<std::string> options = repository.options(item.group_path());
      message += "Could not find '" + path + "'\n";
      const std::string near = did_you_mean(item.name().value_or(""), options);
      if (!near.empty()) message += near.substr(1) + "\n";
      if (!options.empty()) {
        message +=
            "\nAvailable options in '" + item.group_path() + "':\n" + indented_lines(options);
      } else {
        message += near_group(repository, item.group_path());
      }
    } else {
      message += "Could not load '" + path + "'.\n" + near_config(repository, path);
    }
    if (item.mark.known()) message += "\n" + item.mark.text();
  }
  fail(ErrorCode::kConfig, "{}\nConfig search path:\n{}", message, repository.search_path_text());
}

void collect_defaults(const DefaultsTree& tree, std::vector<ResultDefault>& out) {
  if (!tree.children.empty()) {
    for (const auto& child : tree.children) collect_defaults(*child, out);
    return;
  }
  const DefaultItem& item = tree.item;
  if (item.deleted || item.is_virtual() || item.is_missing() || !item.name()) return;
  ResultDefault result;
  const DefaultsTree* parent = tree.parent;
  if (item.is_self()) {
    result.config_path = parent->item.config_path();
    result.is_self = true;
    if (parent->parent) result.parent = parent->parent->item.config_path();
    result.package = parent->item.final_package();
    result.primary = parent->item.primary;
  } else {
    result.config_path = item.config_path();
    if (parent) result.parent = parent->item.config_path();
    result.package = item.final_package();
    if (item.is_group()) result.override_key = item.override_key();
    result.primary = item.primary;
  }
  if (result.config_path != kDummyConfig) out.push_back(std::move(result));
}

void check_duplicates(const std::vector<ResultDefault>& defaults) {
  std::set<std::string> keys;
  for (const ResultDefault& result : defaults) {
    if (result.is_self || !result.override_key) continue;
    if (!keys.insert(*result.override_key).second) {
      fail(ErrorCode::kConfig, "{} appears more than once in the final defaults list",
           *result.override_key);
    }
  }
}

}  // namespace iolaus::config
