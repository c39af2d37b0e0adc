// Paths into the tree.
#include <algorithm>
#include <utility>

#include "config/python_text.h"
#include "config/update.h"

namespace iolaus::config {
namespace {

/// A text key of a dict, or the int, float or bool key that it may spell.
const Node* find_typed(const Node& dict, const std::string& key) {
  if (const Node* found = dict.find(Key(key))) return found;
  if (const auto number = python_int(key)) {
    if (const Node* found = dict.find(Key(*number))) return found;
  }
  if (const auto number = python_float_value(key)) {
    if (const Node* found = dict.find(Key(*number))) return found;
  }
  if (key == "true" || key == "True") return dict.find(Key(true));
  if (key == "false" || key == "False") return dict.find(Key(false));
  return nullptr;
}

}  // namespace

std::vector<std::string> split_path(std::string_view path) {
  std::vector<std::string> keys;
  std::size_t i = 0;
  // The head: dots and a first key without brackets.
  while (i < path.size() && path[i] == '.') {
    keys.emplace_back();
    ++i;
  }
  std::size_t end = std::min(path.find_first_of(".[", i), path.size());
  const bool bracket_first = end == i && end < path.size() && path[end] == '[';
  if (!bracket_first) keys.emplace_back(path.substr(i, end - i));
  for (i = end; i < path.size();) {
    const bool dot = path[i] == '.';
    if (!dot && path[i] != '[') {  // text right behind a bracket: the reference skips it
      ++i;
      continue;
    }
    end = dot ? std::min(path.find_first_of(".[", i + 1), path.size()) : path.find(']', i + 1);
    if (end == std::string_view::npos) break;  // an unclosed bracket names nothing
    keys.emplace_back(path.substr(i + 1, end - i - 1));
    i = dot ? end : end + 1;
  }
  return keys;
}

const Node* find_path(const Node& from, std::string_view path, bool typed_keys) {
  if (path.empty()) return &from;
  const std::vector<std::string> keys = split_path(path);
  if (keys.empty()) return nullptr;  // only an unclosed bracket
  const Node* at = &from;
  for (const std::string& key : keys) {
    if (at->is_list()) {
      const auto index = python_int(key);
      at = index && *index >= 0 ? at->find(Key(*index)) : nullptr;
    } else {
      at = typed_keys && at->is_dict() ? find_typed(*at, key) : at->find(Key(key));
    }
    if (at == nullptr) return nullptr;
  }
  return at;
}

Node* find_path(Node& from, std::string_view path, bool typed_keys) {
  return const_cast<Node*>(find_path(std::as_const(from), path, typed_keys));
}

}  // namespace iolaus::config
