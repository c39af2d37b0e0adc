// What can be asked of a PickleValue.
#include "core/error.h"
#include "core/io/pickle_reader.h"
#include "core/io/pickle_text.h"

namespace iolaus::io {

bool PickleValue::is_object(std::string_view module, std::string_view name) const {
  return kind == Kind::kObject && node->global->is(module, name);
}

std::span<const PickleValue> PickleValue::items() const {
  switch (kind) {
    case Kind::kList:
    case Kind::kTuple:
    case Kind::kDict:
    case Kind::kSet:
      return node->items;
    default:
      return {};
  }
}

const PickleValue* PickleValue::find(std::string_view key) const {
  if (kind != Kind::kDict) return nullptr;
  // From the end: of a key that is there twice, Python keeps the later value.
  for (size_t i = node->items.size(); i >= 2; i -= 2) {
    if (node->items[i - 2].is_text(key)) return &node->items[i - 1];
  }
  return nullptr;
}

std::string PickleValue::describe() const {
  switch (kind) {
    case Kind::kNone:
      return "None";
    case Kind::kBool:
      return integer != 0 ? "True" : "False";
    case Kind::kInt:
      return fmt::format("the int {}", integer);
    case Kind::kFloat:
      return fmt::format("the float {}", real);
    case Kind::kStr:
      return "the str " + quote_bytes(text);
    case Kind::kBytes:
      return "the bytes " + quote_bytes(text);
    case Kind::kGlobal:
      return fmt::format("the global {}.{}", global->module, global->name);
    case Kind::kList:
      return fmt::format("a list of {}", node->items.size());
    case Kind::kTuple:
      return fmt::format("a tuple of {}", node->items.size());
    case Kind::kDict:
      return fmt::format("a dict of {}", node->items.size() / 2);
    case Kind::kSet:
      return fmt::format("a set of {}", node->items.size());
    case Kind::kObject:
      return fmt::format("a {}.{}", node->global->module, node->global->name);
    case Kind::kPersistent:
      return "a persistent id";
  }
  return "nothing";
}

}  // namespace iolaus::io
