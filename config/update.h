// Checked access to a tree by dotted path: select, update, remove. These obey the struct and
// readonly flags and declared types, and throw with the reference's texts. Paths are `a.b`,
// `a[0].b`, `a.0.b`, `a[b]`; leading dots are relative to the node.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"
#include "core/near_names.h"

namespace iolaus::config {

/// Thrown where the struct flag or a declared class forbids a new key ("Key 'x' is not in struct").
class StructError : public Error {
 public:
  explicit StructError(const std::string& message) : Error(ErrorCode::kConfig, message) {}
};

/// "a.b[0]" -> {"a", "b", "0"}; "" -> {}. Leading dots become one empty key each, less one.
std::vector<std::string> split_path(std::string_view path);

/// The node at the path as it is written (nothing is resolved); nullptr where there is none.
/// A text key that a dict lacks is tried as an int, float or bool key too, when `typed_keys`.
Node* find_path(Node& from, std::string_view path, bool typed_keys = false);
const Node* find_path(const Node& from, std::string_view path, bool typed_keys = false);

struct UpdateOptions {
  bool merge = true;       // merge containers, else replace
  bool force_add = false;  // ignore the struct flag
};
/// OmegaConf.update: sets the value at the path, with dicts made on the way where keys are absent
/// or scalars (lists are indexed). Returns the node. Throws kConfig: struct, readonly, types,
/// index.
Node& update(Node& root, std::string_view path, Node value, UpdateOptions options = {});

/// Throws unless the flags and the declared class let `parent` have an entry under the key.
void check_key_allowed(const Node& parent, const Key& key);
/// Throws where the node, or a parent, is readonly.
void check_not_readonly(const Node& parent, const Key& key);
/// Assigns one entry with all checks, as `parent[key] = value` does in the reference.
Node& assign(Node& parent, const Key& key, Node value);

/// Deletes the node at the path; throws kConfig where it is absent, or readonly or struct forbid
/// it.
void remove(Node& root, std::string_view path);

}  // namespace iolaus::config
