// Targets that a config may name under `_target_`. A class enters the registry next to its
// definition, with its names, its parameters and a factory; the registry is the allow-list, and it
// is what `--info targets` and the static check read. See config/instantiate.h for the other half.
//
//   using namespace config::types;
//   const config::Register<Linear, Module> registration{
//       {"iolaus.nn.Linear", "torch.nn.Linear"}, "Affine map y = x W^T + b",
//       {{"in_features", kInt, "size of each input"},
//        {"out_features", kInt, "size of each output"},
//        {"bias", kBool, "adds b", true}},
//       [](const config::Args& a) {
//         return std::make_shared<Linear>(a.get<std::int64_t>("in_features"),
//                                         a.get<std::int64_t>("out_features"),
//                                         a.get<bool>("bias"));
//       }};
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <typeindex>
#include <utility>
#include <vector>

#include "config/node.h"

namespace iolaus::config {

class Args;

enum class ParamType {
  kAny,      // whatever the config holds
  kBool,     //
  kInt,      // 64 bits
  kFloat,    // an int is fine too
  kString,   //
  kInts,     // a list of ints; one int stands for a list of one
  kFloats,   // a list of numbers, or one number
  kStrings,  // a list of strings, or one string
  kObject,   // a nested `_target_`, or something handed over by the program
  kObjects,  // a list or a dict of nested `_target_`
  kDict,     // a plain dict
};
const char* param_type_name(ParamType type);
namespace types {
using enum ParamType;
}

struct Param {
  std::string name;
  ParamType type;
  std::string doc;
  /// What it is where the config says nothing; null means "none", and lets the config say null.
  /// Without a default the parameter is required.
  std::optional<Node> default_value;

  Param(std::string name_, ParamType type_, std::string doc_)
      : name(std::move(name_)), type(type_), doc(std::move(doc_)) {}
  Param(std::string name_, ParamType type_, std::string doc_, Node default_)
      : name(std::move(name_)),
        type(type_),
        doc(std::move(doc_)),
        default_value(std::move(default_)) {}
  bool required() const { return !default_value.has_value(); }
};

/// A C++ type that an object can be seen as, and how.
struct Conversion {
  std::type_index type;
  /// From a pointer to the registered class to one to `type`, both as void.
  std::shared_ptr<void> (*convert)(const std::shared_ptr<void>&);
};

struct Target {
  std::vector<std::string> names;  // the first is the one that messages use
  std::string doc;
  /// In the order of positional arguments. One named `_args_` (kObjects, kInts, ...) takes all
  /// positional arguments; one named `_kwargs_` (kDict) takes every undeclared keyword.
  std::vector<Param> params;
  std::vector<Conversion> conversions;
  std::function<std::shared_ptr<void>(const Args&)> factory;

  const std::string& name() const { return names.front(); }
  const Param* find(std::string_view param) const;
};

/// Enters a target; a name that is taken is reported when the registry is first asked.
void register_target(Target target);
/// nullptr where no target has the name.
const Target* find_target(const std::string& name);
/// All targets, by their first name.
std::vector<const Target*> targets();
/// All names of all targets, for suggestions.
std::vector<std::string> target_names();

namespace detail {
template <class T, class Base>
std::shared_ptr<void> convert_object(const std::shared_ptr<void>& object) {
  return std::static_pointer_cast<Base>(std::static_pointer_cast<T>(object));
}
}  // namespace detail

/// Registers class T while the program starts; its objects can be asked for as T or as any Base.
template <class T, class... Bases> struct Register {
  Register(std::vector<std::string> names, std::string doc, std::vector<Param> params,
           std::function<std::shared_ptr<T>(const Args&)> factory) {
    register_target({std::move(names),
                     std::move(doc),
                     std::move(params),
                     {{typeid(T), detail::convert_object<T, T>},
                      {typeid(Bases), detail::convert_object<T, Bases>}...},
                     std::move(factory)});
  }
};

}  // namespace iolaus::config
