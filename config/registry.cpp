// The registry of targets: filled by static objects while the program starts, read-only afterwards.
#include "config/registry.h"

#include <algorithm>
#include <deque>
#include <unordered_map>

namespace iolaus::config {
namespace {

struct Registry {
  std::deque<Target> targets;  // addresses stay
  std::unordered_map<std::string, const Target*> names;
  std::string problem;  // met while static objects were made, where nobody can catch
};

Registry& registry() {
  static Registry* instance = new Registry;
  return *instance;
}

const Registry& checked_registry() {
  const Registry& all = registry();
  if (!all.problem.empty()) throw Error(ErrorCode::kInternal, all.problem);
  return all;
}

}  // namespace

const char* param_type_name(ParamType type) {
  switch (type) {
    case ParamType::kAny:
      return "any";
    case ParamType::kBool:
      return "bool";
    case ParamType::kInt:
      return "int";
    case ParamType::kFloat:
      return "float";
    case ParamType::kString:
      return "str";
    case ParamType::kInts:
      return "list of int";
    case ParamType::kFloats:
      return "list of float";
    case ParamType::kStrings:
      return "list of str";
    case ParamType::kObject:
      return "object";
    case ParamType::kObjects:
      return "objects";
    case ParamType::kDict:
      return "dict";
  }
  return "?";
}

const Param* Target::find(std::string_view param) const {
  const auto found = std::find_if(params.begin(), params.end(),
                                  [&](const Param& entry) { return entry.name == param; });
  return found == params.end() ? nullptr : &*found;
}

void register_target(Target target) {
  Registry& all = registry();
  if (target.names.empty()) {
    all.problem = "[registry] expected a target to have a name";
    return;
  }
  const Target& kept = all.targets.emplace_back(std::move(target));
  for (const std::string& name : kept.names) {
    if (!all.names.emplace(name, &kept).second) {
      all.problem = "[registry] expected one target named '" + name + "', got two";
    }
  }
}

const Target* find_target(const std::string& name) {
  const Registry& all = checked_registry();
  const auto found = all.names.find(name);
  return found == all.names.end() ? nullptr : found->second;
}

std::vector<const Target*> targets() {
  std::vector<const Target*> out;
  for (const Target& target : checked_registry().targets) out.push_back(&target);
  std::sort(out.begin(), out.end(),
            [](const Target* a, const Target* b) { return a->name() < b->name(); });
  return out;
}

std::vector<std::string> target_names() {
  std::vector<std::string> out;
  for (const auto& [name, target] : checked_registry().names) out.push_back(name);
  std::sort(out.begin(), out.end());
  return out;
}

}  // namespace iolaus::config
