// Evaluation over trees: following a path through interpolations, and resolved copies.
#include "config/evaluation.h"

#include <algorithm>
#include <utility>

#include "config/python_text.h"
#include "config/update.h"

namespace iolaus::config::detail {
namespace {

/// One step of a path: strings are keys of dicts, numbers are items of lists.
const Node* select_one(const Node& container, const std::string& key, bool throw_on_missing,
                       bool throw_on_type_error) {
  const Node* child = nullptr;
  if (container.is_dict()) {
    child = container.find(Key(key));
  } else if (python_reads_int(key)) {
    const auto i = python_int(key);
    child = i && *i >= 0 ? container.find(Key(*i)) : nullptr;
  } else if (throw_on_type_error) {
    throw ResolverError("TypeError", "Index '" + key + "' (str) is not an int");
  }
  if (child != nullptr && child->is_missing() && throw_on_missing) {
    throw MissingError("Missing mandatory value: " + child->full_key());
  }
  return child;
}

/// A value that was found below a computed container must keep that container alive.
Value keep(Value value, const Value& holder) {
  if (value.ref && !value.ref.owned) value.ref.owned = holder.ref.owned;
  return value;
}

}  // namespace

Value Evaluation::select(const Node& from, const std::string& key, bool throw_on_missing,
                         bool throw_on_failure) {
  if (key.empty()) return {{&from, nullptr}};
  const Level level(*this);
  const std::vector<std::string> keys = split_path(key);
  if (keys.empty()) return {};  // only an unclosed bracket
  Value at{{&from, nullptr}};
  for (std::size_t i = 0; i + 1 < keys.size(); ++i) {
    const Node* child = select_one(at.node(), keys[i], throw_on_missing, throw_on_failure);
    if (child == nullptr) return {};
    Value next{{child, at.ref.owned}};
    if (child->is_interpolation()) next = keep(of_node_or_nothing(*child, throw_on_failure), at);
    if (!next.ref || next.raw) return {};
    if (!next.node().is_container()) {
      std::string parent_key = keys[0];
      for (std::size_t k = 1; k <= i; ++k) parent_key.append(".").append(keys[k]);
      throw ResolverError("ConfigTypeError",
                          "Error trying to access " + key + ": node `" + parent_key +
                              "` is not a container and thus cannot contain `" + keys[i + 1] + "`");
    }
    at = std::move(next);
  }
  const Node* last = select_one(at.node(), keys.back(), throw_on_missing, throw_on_failure);
  if (last == nullptr) return {};
  if (!last->is_interpolation()) return {{last, at.ref.owned}};
  if (std::find(resolving_.begin(), resolving_.end(), last) != resolving_.end()) {
    throw ResolutionError("Recursive interpolation detected");
  }
  resolving_.push_back(last);
  struct Pop {
    std::vector<const Node*>& stack;
    ~Pop() { stack.pop_back(); }
  } const pop{resolving_};
  return keep(of_node_or_nothing(*last, throw_on_failure), at);
}

Value Evaluation::of_node_or_nothing(const Node& node, bool throw_on_failure) {
  try {
    return of_node(node, true);
  } catch (const ResolutionError&) {
    if (throw_on_failure) throw;
    return {};
  }
}

Node Evaluation::resolved_copy(const Node& original) {
  step();
  if (original.is_interpolation()) return resolved_interpolation(original);
  if (!original.is_container()) return original;
  if (std::find(copying_.begin(), copying_.end(), &original) != copying_.end()) {
    throw ResolutionError("Recursive interpolation detected");
  }
  const Level level(*this);
  copying_.push_back(&original);
  Node copy = original.is_list() ? Node::list() : Node::dict();
  for (const Node& item : original) {
    Node value = with_place(item);
    if (original.is_list()) {
      copy.append(std::move(value));
    } else {
      copy.set(item.key(), std::move(value));
    }
  }
  copying_.pop_back();
  for (const Flag flag : {Flag::kStruct, Flag::kReadonly}) {
    copy.set_flag(flag, original.own_flag(flag));
  }
  copy.set_type(original.type());
  copy.set_mark(original.mark());
  copy.set_key_mark(original.key_mark());
  return copy;
}

Node Evaluation::with_place(const Node& item) {
  if (!item.is_interpolation()) return resolved_copy(item);
  try {
    return resolved_copy(item);
  } catch (const ResolutionError& error) {
    if (placed_) throw;
    placed_ = true;
    fail_at(item, error.what());
  }
}

Node Evaluation::resolved_interpolation(const Node& original) {
  Node copy;
  try {
    const Value value = of_node(original);
    copy = resolved_or_plain(value);
  } catch (const ResolutionError& error) {
    if (!error.to_missing()) throw;
    copy = Node::missing();
  }
  if (original.type() != nullptr) copy.set_type(original.type());
  copy.set_mark(original.mark());
  copy.set_key_mark(original.key_mark());
  return copy;
}

Node Evaluation::resolved_or_plain(const Value& value) {
  return value.node().is_container() ? resolved_copy(value.node()) : value.node();
}

NodeRef select_for_resolver(const Node& parent, const std::string& key, bool throw_on_missing) {
  Evaluation own;
  const Node* root = &parent.root();
  std::string_view rest = key;
  if (rest.starts_with('.')) {
    root = &parent;
    for (rest.remove_prefix(1); rest.starts_with('.'); rest.remove_prefix(1)) {
      root = root->parent();
      if (root == nullptr) {
        throw ResolverError("ConfigKeyError", "Error resolving key '" + key + "'");
      }
    }
  }
  try {
    return Evaluation::current(own).select(*root, std::string(rest), throw_on_missing, true).ref;
  } catch (const ResolverError& error) {
    if (error.type() == "ConfigTypeError") return {};
    throw;
  }
}

}  // namespace iolaus::config::detail
