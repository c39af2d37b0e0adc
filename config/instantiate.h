// instantiate: from a config with `_target_` to an object of a registered class.
// `_args_` gives positional arguments, `_recursive_: false` leaves nested targets alone,
// `_partial_: true` gives a Partial that is called later. Errors name the full key, the file and
// the line, and near names for a wrong target or parameter.
//
// `_convert_` says what a list or dict among the arguments may hold. Interpolations are resolved in
// any case. `none` (the default): it is still a config, in which a `???` fails when it is read.
// `partial`, `object` and `all`: it is a plain value, so a `???` inside is an error at once; the
// three differ only in structured configs, which C++ has none of. Nested targets inherit it.
//
//   auto model = config::instantiate<nn::Module>(cfg.at("model"));
//   auto make = config::instantiate<config::Partial>(cfg.at("optimizer"));  // _partial_: true
//   auto optimizer = make->call<nn::Optimizer>({{"params", model->parameters()}});
#pragma once

#include <any>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <typeindex>
#include <vector>

#include "config/node.h"
#include "config/registry.h"

namespace iolaus::config {

/// Arguments that the program hands over, by parameter name; a config cannot spell them.
using Extras = std::map<std::string, std::any, std::less<>>;

/// What a call site adds to the config.
struct Call {
  Node overrides = Node::dict();  // merged over the config
  Extras extras = {};
};

class Partial;

/// What became of a node: null, a plain value, an object, a partial, or a list or dict of those.
struct Instance {
  enum class Kind { kNull, kValue, kObject, kPartial, kList, kDict };
  Kind kind = Kind::kNull;
  Node value = {};  // kValue: resolved
  std::shared_ptr<void> object = {};
  const Target* target = nullptr;  // of kObject
  std::shared_ptr<Partial> partial = {};
  std::vector<Instance> items = {};
  std::vector<Key> keys = {};  // of a kDict's items
  std::string full_key = {};
  Mark mark = {};

  /// The object seen as T; nullptr for null. kType where it is something else.
  template <class T> std::shared_ptr<T> as() const {
    return std::static_pointer_cast<T>(as_type(typeid(T)));
  }
  /// A pointer that holds a `type`, as void.
  std::shared_ptr<void> as_type(std::type_index type) const;
};

/// Arguments of a factory: what the config gives, else the declared defaults.
class Args {
 public:
  Args(const Target& target, std::map<std::string, Instance, std::less<>> values,
       const Extras* extras, std::string full_key, Mark mark);

  /// True where the config or the program gave a value that is not null.
  bool has(std::string_view name) const;
  /// bool, int, std::int64_t, double, float, std::string, vectors of std::int64_t, double and
  /// std::string, and std::optional of the scalars (nullopt for null).
  template <class T> T get(std::string_view name) const;
  /// A resolved plain value, of any type.
  const Node& node(std::string_view name) const;

  /// A nested object; nullptr for null.
  template <class T> std::shared_ptr<T> object(std::string_view name) const {
    if (has_extra(name)) return extra<std::shared_ptr<T>>(name);
    return instance(name).template as<T>();
  }
  /// The objects of a list or dict; none for null. `objects("_args_")`: the positional arguments.
  template <class T> std::vector<std::shared_ptr<T>> objects(std::string_view name) const {
    std::vector<std::shared_ptr<T>> out;
    for (const Instance& item : items(name)) out.push_back(item.as<T>());
    return out;
  }
  /// The keys that go with objects() of a dict; empty texts for a list.
  std::vector<std::string> object_names(std::string_view name) const;
  /// What became of an argument, for factories that take several kinds.
  const Instance& instance(std::string_view name) const;

  /// An argument that the program handed over. kType where its type is not exactly T, kNotFound
  /// where it was not given.
  template <class T> const T& extra(std::string_view name) const {
    const std::any& any = extra_any(name);
    if (const T* value = std::any_cast<T>(&any)) return *value;
    wrong_extra(name, any, typeid(T));
  }
  bool has_extra(std::string_view name) const;

  /// Full key of the config that is being instantiated, and where it was written.
  const std::string& full_key() const { return full_key_; }
  const Mark& mark() const { return mark_; }
  /// Throws kConfig about a parameter, with target, full key and place: for a factory's own checks.
  [[noreturn]] void fail_about(std::string_view name, const std::string& message) const;

 private:
  const std::vector<Instance>& items(std::string_view name) const;
  const std::any& extra_any(std::string_view name) const;
  [[noreturn]] void wrong_extra(std::string_view name, const std::any& any,
                                std::type_index expected) const;

  const Target& target_;
  std::map<std::string, Instance, std::less<>> values_;
  const Extras* extras_;
  std::string full_key_;
  Mark mark_;
};

/// A target with some of its arguments (`_partial_: true`). Each call makes a new object. Nested
/// objects were made once and are shared by all calls, as in the reference.
class Partial {
 public:
  Partial(const Target& target, std::map<std::string, Instance, std::less<>> values,
          std::string full_key, Mark mark);

  const Target& target() const { return target_; }
  template <class T>
  std::shared_ptr<T> call(const Extras& extras = {}, const Node& overrides = Node::dict()) const {
    return make(extras, overrides).as<T>();
  }
  Instance make(const Extras& extras, const Node& overrides) const;

 private:
  const Target& target_;
  std::map<std::string, Instance, std::less<>> values_;
  std::string full_key_;
  Mark mark_;
};

/// Instantiates whatever the node is: a target, a list or dict with targets in it, a plain value.
/// Interpolations are resolved in the node's own tree, which is not changed.
Instance instantiate_any(const Node& node, const Call& call = {});

/// The object of a node with `_target_`, as a T (a registered class or a declared base; Partial for
/// `_partial_: true`). nullptr where the node is null.
template <class T> std::shared_ptr<T> instantiate(const Node& node, const Call& call = {}) {
  return instantiate_any(node, call).as<T>();
}

/// The objects of a list, or of the values of a dict.
template <class T>
std::vector<std::shared_ptr<T>> instantiate_all(const Node& node, const Call& call = {}) {
  const Instance all = instantiate_any(node, call);
  std::vector<std::shared_ptr<T>> out;
  for (const Instance& item : all.items) out.push_back(item.as<T>());
  return out;
}

/// Checks every `_target_` in the tree without making anything: unknown targets and parameters,
/// missing and mistyped values. One message for each problem, in order; none: all is well.
std::vector<std::string> check_targets(const Node& root);

}  // namespace iolaus::config
