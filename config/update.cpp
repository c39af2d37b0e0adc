// Checked changes: struct and readonly flags, declared types, paths.
#include "config/update.h"

#include <utility>

#include "config/interpolation.h"
#include "config/merge.h"
#include "config/python_text.h"
#include "config/type.h"

namespace iolaus::config {
namespace {

/// Opens a dict for new keys while it lives.
class OpenDict {
 public:
  OpenDict(Node& node, bool open) : node_(node), saved_(node.own_flag(Flag::kStruct)), open_(open) {
    if (open_) node_.set_flag(Flag::kStruct, false);
  }
  OpenDict(const OpenDict&) = delete;
  OpenDict& operator=(const OpenDict&) = delete;
  ~OpenDict() {
    if (open_) node_.set_flag(Flag::kStruct, saved_);
  }

 private:
  Node& node_;
  std::optional<bool> saved_;
  bool open_;
};

/// The key under which a container knows a path's component.
Key key_in(const Node& container, const std::string& component) {
  if (!container.is_list()) return Key(component);
  if (const auto index = python_int(component)) return Key(*index);
  fail_at(container, Key(component), "Index '" + component + "' (str) is not an int");
}

void check_interpolations(const Node& value, const Node& place, const Key& key) {
  if (value.is_interpolation()) {
    try {
      check_interpolation(value.as_string());
    } catch (const Error& error) {
      fail_at(place, key, error.what());
    }
  }
  for (const Node& item : value) check_interpolations(item, place, key);
}

}  // namespace

void check_key_allowed(const Node& parent, const Key& key) {
  if (!parent.is_dict() || parent.contains(key)) return;
  const Type* type = parent.type();
  const bool typed = type != nullptr && type->base == Type::Base::kClass;
  if (typed && parent.own_flag(Flag::kStruct) == std::optional<bool>(false)) return;
  if (!typed && !parent.flag(Flag::kStruct)) return;
  std::vector<std::string> names;
  for (const Node& item : parent) names.push_back(item.key().text());
  std::string message = typed ? "Key '" + key.text() + "' not in '" + type->name + "'"
                              : "Key '" + key.text() + "' is not in struct";
  const std::string hint = did_you_mean(key.text(), names);
  if (!hint.empty()) message += "\n   " + hint;
  try {
    fail_at(parent, key, message);
  } catch (const Error& error) {
    throw StructError(error.what());
  }
}

void check_not_readonly(const Node& parent, const Key& key) {
  if (!parent.flag(Flag::kReadonly)) return;
  fail_at(
      parent, key,
      parent.is_list() ? "ListConfig is read-only" : "Cannot change read-only config container");
}

Node& assign(Node& parent, const Key& key, Node value) {
  if (!parent.is_container()) {
    fail_at(parent, std::string("[config] expected a dict or list to assign '") + key.text() +
                        "' in, got " + parent.type_name());
  }
  check_key_allowed(parent, key);
  check_not_readonly(parent, key);
  check_interpolations(value, parent, key);
  if (const Type* type = declared_type(parent, key)) {
    fit_to_type(value, *type, parent, key);
    value.set_type(type);
  }
  if (parent.is_dict()) return parent.set(key, std::move(value));
  Node* item = parent.find(key);
  if (item == nullptr) fail_at(parent, key, "list index out of range");
  return *item = std::move(value);
}

Node& update(Node& root, std::string_view path, Node value, UpdateOptions options) {
  const std::vector<std::string> keys = split_path(path);
  Node* at = &root;
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
    const Key key = key_in(*at, keys[i]);
    Node* next = at->find(key);
    if (next == nullptr || !next->is_container()) {
      const OpenDict open(*at, options.force_add && at->is_dict());
      Node fresh = Node::dict();
      fresh.set_mark(value.mark());
      // A typed dict that is still missing becomes an empty one of its type.
      next = &assign(*at, key, std::move(fresh));
    }
    at = next;
  }
  IOLAUS_CHECK_CODE(!keys.empty(), ErrorCode::kConfig, "[config] expected a path, got '{}'", path);
  if (at->is_list() && !python_reads_int(keys.back())) {
    fail_at(*at, Key(keys.back()),
            "invalid literal for int() with base 10: " + python_quoted(keys.back()));
  }
  const Key last = key_in(*at, keys.back());
  const OpenDict open(*at, options.force_add && at->is_dict());
  if (options.merge && value.is_container()) {
    check_key_allowed(*at, last);
    Node* child = at->find(last);
    const Type* type = child != nullptr ? child->type() : nullptr;
    const bool typed_container = type != nullptr && type->is_container() && !child->is_container();
    if (child != nullptr && (child->is_container() || typed_container)) {
      check_interpolations(value, *at, last);
      merge(*child, std::move(value));
      return *child;
    }
  }
  return assign(*at, last, std::move(value));
}

void remove(Node& root, std::string_view path) {
  const std::vector<std::string> keys = split_path(path);
  Node* parent = &root;
  for (std::size_t i = 0; i + 1 < keys.size() && parent != nullptr; ++i) {
    parent = parent->find(key_in(*parent, keys[i]));
  }
  const std::string& last = keys.empty() ? std::string() : keys.back();
  if (parent == nullptr || !parent->is_container()) {
    fail_at(root, Key(path), "Key not found: '" + std::string(path) + "'");
  }
  const Key key = key_in(*parent, last);
  const char* kind = parent->is_list() ? "ListConfig" : "DictConfig";
  if (parent->flag(Flag::kReadonly)) {
    fail_at(*parent, key, std::string(kind) + " in read-only mode does not support deletion");
  }
  if (parent->is_dict() && parent->flag(Flag::kStruct)) {
    fail_at(*parent, key, "DictConfig in struct mode does not support deletion");
  }
  const Type* type = parent->type();
  if (type != nullptr && type->base == Type::Base::kClass &&
      parent->own_flag(Flag::kStruct) != std::optional<bool>(false)) {
    fail_at(*parent, key, type->name + " (DictConfig) does not support deletion");
  }
  if (!parent->erase(key)) fail_at(*parent, key, "Key not found: '" + last + "'");
}

}  // namespace iolaus::config
