// Merge of two trees, key by key. Works on the destination in place; values are moved out of the
// source where the caller lets it.
#include "config/merge.h"

#include <algorithm>
#include <utility>

#include "config/interpolation.h"
#include "config/type.h"
#include "config/update.h"

namespace iolaus::config {
namespace {

using Base = Type::Base;

/// In the reference the root of a merge words what went wrong below it, so that is the full key of
/// its message; this adds the key itself.
[[noreturn]] void fail_below(const Node& root, const Node& place, const Node& from,
                             const std::string& message) {
  std::string text = message + "\n    full_key: " + root.full_key() +
                     "\n    object_type=" + root.type_name() + "\n    while merging '" +
                     place.full_key() + "'";
  if (place.mark().known()) text += ", written at " + place.mark().text();
  if (from.mark().known()) text += ", with " + from.mark().text();
  throw Error(ErrorCode::kConfig, text);
}

class Merger {
 public:
  Merger(Node& root, ListMerge lists) : root_(root), lists_(lists) {}

  /// Both are containers. What is merged is moved out of `from`.
  void containers(Node& into, Node& from) {
    if (into.is_dict() && from.is_dict()) {
      dicts(into, from);
    } else if (into.is_list() && from.is_list()) {
      lists(into, from);
    } else {
      fail_below(root_, into, from, "Cannot merge DictConfig with ListConfig");
    }
    for (const Flag flag : {Flag::kStruct, Flag::kReadonly}) {
      if (from.own_flag(flag)) into.set_flag(flag, from.own_flag(flag));
    }
  }

 private:
  void dicts(Node& into, Node& from) {
    adopt_type(into, from);
    for (Node& item : from) {
      Node* child = into.find(item.key());
      if (child == nullptr) {
        add(into, item);
      } else {
        existing(into, *child, item);
      }
    }
  }

  /// A typed source passes its class on to an untyped destination.
  static void adopt_type(Node& into, const Node& from) {
    if (into.type() != nullptr || from.type() == nullptr) return;
    into.set_type(from.type());
  }

  void add(Node& into, Node& item) {
    check_key_allowed(into, item.key());
    check_not_readonly(into, item.key());
    const Type* type = declared_type(into, item.key());
    if (type != nullptr && !item.is_container()) fit_to_type(item, *type, into, item.key());
    const Key key = item.key();
    Node& child = into.set(key, std::move(item));
    if (type != nullptr && type->base != Base::kAny) child.set_type(type);
  }

  void existing(Node& into, Node& child, Node& item) {
    const Type* type = child.type();
    if (type != nullptr && type->base == Base::kClass) check_class(child, *type, item);
    if (child.is_interpolation()) follow(child);
    const bool container_type = type != nullptr && type->is_container();
    if (item.is_missing()) return;
    if (item.is_container() && (child.is_container() || container_type)) {
      if (!child.is_container() && type != nullptr) expand(child, *type);
      return containers(child, item);
    }
    replace(into, child, item);
  }

  void check_class(const Node& child, const Type& type, const Node& item) {
    if (item.is_null() && !type.optional) {
      fail_at(child, "field '" + child.full_key() + "' is not Optional");
    }
    if (item.is_dict() || item.is_null() || item.is_missing()) return;
    fail_below(root_, child, item,
               std::string("Merge error: ") + item.type_name() + " is not a subclass of " +
                   type.text() + ". value: " + item.str());
  }

  /// A destination that stands for a container becomes a copy of it, and the merge goes on there.
  static void follow(Node& child) {
    NodeRef target;
    try {
      target = resolve(child);
    } catch (const Error&) {
      return;  // whatever it stands for, it is replaced
    }
    if (!target->is_container()) return;
    Node copy = *target;
    copy.set_mark(child.mark());
    copy.set_key_mark(child.key_mark());
    child = std::move(copy);
  }

  /// A typed container that is null, missing or an interpolation starts empty.
  static void expand(Node& child, const Type& type) {
    Node empty = type.base == Base::kList ? Node::list() : Node::dict();
    empty.set_type(&type);
    empty.set_mark(child.mark());
    empty.set_key_mark(child.key_mark());
    child = std::move(empty);
  }

  void replace(Node& into, Node& child, Node& item) {
    check_not_readonly(into, item.key());
    const Type* type = child.type();
    if (type != nullptr && type->base != Base::kAny) {
      if (type->is_container() || item.is_container()) {
        fit_to_type(item, *type, into, item.key());
      } else {
        convert_to_type(item, *type, into, item.key());
      }
      item.set_type(type);
    }
    child = std::move(item);
  }

  void lists(Node& into, Node& from) {
    if (from.size() > 0) check_not_readonly(into, Key(0));
    const Type* type = into.type();
    if (type != nullptr && type->element != nullptr) {
      for (Node& item : from) fit_to_type(item, *type->element, into, Key(item.index()));
    }
    if (lists_ == ListMerge::kReplace) into.clear();
    for (Node& item : from) {
      const bool seen =
          lists_ == ListMerge::kExtendUnique &&
          std::any_of(into.begin(), into.end(), [&](const Node& other) { return other == item; });
      if (!seen) into.append(std::move(item));
    }
    into.set_mark(from.mark());
    if (from.key_mark().known()) into.set_key_mark(from.key_mark());
  }

  Node& root_;
  ListMerge lists_;
};

}  // namespace

void merge(Node& into, Node&& from, ListMerge lists) {
  if (from.is_missing()) return;
  const Type* type = into.type();
  if (!into.is_container() && type != nullptr && type->is_container() && from.is_container()) {
    Node empty = type->base == Base::kList ? Node::list() : Node::dict();
    empty.set_type(type);
    empty.set_mark(into.mark());
    into = std::move(empty);
  }
  if (into.is_container() && from.is_container()) {
    Merger(into, lists).containers(into, from);
  } else {
    into = std::move(from);
  }
}

void merge(Node& into, const Node& from, ListMerge lists) { merge(into, Node(from), lists); }

Node merged(const std::vector<const Node*>& nodes, ListMerge lists) {
  Node out = nodes.empty() ? Node::dict() : *nodes[0];
  for (std::size_t i = 1; i < nodes.size(); ++i) merge(out, *nodes[i], lists);
  return out;
}

}  // namespace iolaus::config
