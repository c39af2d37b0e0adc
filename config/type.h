// Type: what a typed field accepts. Most of a config is untyped; the `hydra` node and schemas that
// an application declares are not. Assignments and merges convert and check against the type, as
// OmegaConf's structured configs do. Types are declared once, as statics, and outlive every node.
#pragma once

#include <string>
#include <vector>

#include "config/node.h"

namespace iolaus::config {

struct Type {
  enum class Base { kAny, kBool, kInt, kFloat, kString, kPath, kEnum, kList, kDict, kClass };
  struct Field {
    std::string name;
    const Type* type;
  };

  Base base = Base::kAny;
  bool optional = false;                  // null is a value of it
  std::string name = {};                  // kClass, kEnum: for messages, "JobConf"
  std::vector<Field> fields = {};         // kClass: keys beyond these are errors
  const Type* element = nullptr;          // kList, kDict: type of the values; nullptr: any
  std::vector<std::string> choices = {};  // kEnum

  const Field* find(std::string_view field) const;
  bool is_container() const {
    return base == Base::kList || base == Base::kDict || base == Base::kClass;
  }
  /// As the reference prints it: "Optional[int]", "Dict[str, Any]", "JobConf".
  std::string text() const;
};

/// Sets the type of a node and, for kClass, kList and kDict, the types of what is below it.
void apply_type(Node& node, const Type* type);

/// The type that is declared for an entry: by the class, list or dict above it, or on itself.
const Type* declared_type(const Node& parent, const Key& key);

/// Makes a value fit for an assignment to `place[below]`: scalars are converted, containers checked
/// all the way down. Throws kConfig with the reference's message.
void fit_to_type(Node& value, const Type& type, const Node& place, const Key& below);

/// Converts a scalar as the reference does on assignment ("5" -> 5 for an int, 1 -> "1" for a
/// string); throws kConfig with the reference's message, for the full key of `place` and `below`,
/// where it does not fit. Missing and interpolations fit every type.
void convert_to_type(Node& value, const Type& type, const Node& place, const Key& below);

}  // namespace iolaus::config
