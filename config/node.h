// Node: one value of a config: null, bool, int, float, string, bytes, list or dict. A string may
// mean "missing" (`???`) or be an interpolation (`${a.b}`); the tree keeps it as it was written and
// config/interpolation.h resolves it. A node is a value type: a copy is deep and has no parent.
// Children are owned by their parent and never move in memory while they stay in it, so a Node*
// into the tree lives until that child is removed or replaced by another kind of container.
// Every node knows its parent (relative interpolation, inherited flags, full key) and its mark.
#pragma once

#include <concepts>
#include <cstddef>
#include <cstdint>
#include <iterator>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/key.h"
#include "config/mark.h"
#include "core/error.h"

namespace iolaus::config {

enum class Kind : std::uint8_t { kNull, kBool, kInt, kFloat, kString, kBytes, kList, kDict };

/// kStruct: unknown keys are errors. kReadonly: changes are errors. Inherited from the parent
/// unless the node has its own setting.
enum class Flag : std::uint8_t { kStruct, kReadonly };

struct Type;

class Node {
 public:
  Node() = default;  // null
  Node(std::nullptr_t) {}
  template <std::same_as<bool> T>  // not a plain bool parameter: pointers would convert to it
  Node(T value) : kind_(Kind::kBool) {
    scalar_.boolean = value;
  }
  template <std::integral T>
  requires(!std::same_as<T, bool>) Node(T value) : kind_(Kind::kInt) {
    scalar_.integer = static_cast<std::int64_t>(value);
  }
  Node(double value) : kind_(Kind::kFloat) { scalar_.real = value; }
  Node(const char* text) : kind_(Kind::kString), text_(text) {}
  Node(std::string text) : kind_(Kind::kString), text_(std::move(text)) {}
  Node(std::string_view text) : kind_(Kind::kString), text_(text) {}
  static Node list();
  static Node dict();
  static Node missing() { return Node("???"); }
  static Node bytes(std::string data);

  ~Node();
  /// Deep copies: value, children, flags, type and marks; the copy has no parent and no key.
  Node(const Node& other);
  Node(Node&& other) noexcept;
  /// Replaces value, children, flags, type and mark; stays where it is in its own tree.
  Node& operator=(const Node& other);
  Node& operator=(Node&& other) noexcept;

  // --- what it is
  Kind kind() const { return kind_; }
  bool is_null() const { return kind_ == Kind::kNull; }
  bool is_bool() const { return kind_ == Kind::kBool; }
  bool is_int() const { return kind_ == Kind::kInt; }
  bool is_float() const { return kind_ == Kind::kFloat; }
  bool is_string() const { return kind_ == Kind::kString; }
  bool is_bytes() const { return kind_ == Kind::kBytes; }
  bool is_list() const { return kind_ == Kind::kList; }
  bool is_dict() const { return kind_ == Kind::kDict; }
  bool is_container() const { return is_list() || is_dict(); }
  /// The string `???`.
  bool is_missing() const { return is_string() && text_ == "???"; }
  /// A string that holds `${` (also an escaped one: resolving takes the escape away).
  bool is_interpolation() const { return is_string() && text_.find("${") != std::string::npos; }

  // --- scalars; kConfig with the full key where the kind differs (as_float takes an int too)
  bool as_bool() const;
  std::int64_t as_int() const;
  double as_float() const;
  /// Text of a string, data of bytes.
  const std::string& as_string() const;
  /// As Python's str(): `True`, `None`, `1e-05`, `[1, 'a']`, `{'a': 1}`.
  std::string str() const;
  /// As Python's repr(): strings in quotes.
  std::string repr() const;
  /// "NoneType", "bool", "int", "float", "str", "bytes", "list", "dict".
  const char* type_name() const;

  // --- children of a list or dict, in order
  std::size_t size() const { return children_ ? children_->items.size() : 0; }
  bool empty() const { return size() == 0; }
  Node& child(std::size_t i) { return *children_->items[i]; }
  const Node& child(std::size_t i) const { return *children_->items[i]; }
  /// Child of a dict by key, or of a list by an integer key (negative: from the end); nullptr where
  /// there is none, and for scalars. Does not resolve anything.
  Node* find(const Key& key);
  const Node* find(const Key& key) const;
  bool contains(const Key& key) const { return find(key) != nullptr; }
  /// Like find, but kConfig with the full key and near names where there is no such child.
  Node& at(const Key& key);
  const Node& at(const Key& key) const;

  // --- changes without any check of flags or types (config/update.h checks)
  /// Sets or appends a dict's entry; the entry keeps its place in the order, and the key as it was
  /// first written. Null becomes a dict first. Returns the child.
  Node& set(Key key, Node value);
  /// Appends to a list. Null becomes a list first. Returns the child.
  Node& append(Node value);
  Node& insert(std::size_t index, Node value);
  bool erase(const Key& key);
  void erase_at(std::size_t index);
  void clear();
  /// Takes child i out of the tree.
  Node take_at(std::size_t index);
  /// Moves the dict's entries into the order of their keys' text.
  void sort_keys();

  /// Iterates over children: for (const Node& child : node) use(child.key(), child).
  template <class N> class Iterator {
   public:
    using iterator_category = std::forward_iterator_tag;
    using value_type = Node;
    using difference_type = std::ptrdiff_t;
    using pointer = N*;
    using reference = N&;

    Iterator() = default;
    Iterator(N* owner, std::size_t i) : owner_(owner), i_(i) {}
    N& operator*() const { return owner_->child(i_); }
    N* operator->() const { return &owner_->child(i_); }
    Iterator& operator++() { return ++i_, *this; }
    Iterator operator++(int) { return {owner_, i_++}; }
    bool operator==(const Iterator& other) const { return i_ == other.i_; }

   private:
    N* owner_ = nullptr;
    std::size_t i_ = 0;
  };
  Iterator<Node> begin() { return {this, 0}; }
  Iterator<Node> end() { return {this, size()}; }
  Iterator<const Node> begin() const { return {this, 0}; }
  Iterator<const Node> end() const { return {this, size()}; }

  // --- place in the tree
  Node* parent() { return parent_; }
  const Node* parent() const { return parent_; }
  const Node& root() const;
  Node& root();
  /// Lets a computed node resolve relative interpolations and name its full key as if it were a
  /// child of `parent`, which does not own it and must outlive it.
  void hang_under(const Node& parent, Key key = {}) {
    parent_ = const_cast<Node*>(&parent);
    key_ = std::move(key);
  }
  /// Key in the parent dict; meaningless for list items and roots.
  const Key& key() const { return key_; }
  /// Position in the parent; linear in the number of siblings.
  std::size_t index() const;
  /// "a.b[0].c"; "" for a root. `below` is appended as if it were a child's key.
  std::string full_key() const;
  std::string full_key(const Key& below) const;

  // --- where it was written
  const Mark& mark() const { return mark_; }
  void set_mark(Mark mark) { mark_ = mark; }
  /// Where the key begins, which may be another line than the value; mark() where unknown.
  const Mark& key_mark() const { return key_mark_.known() ? key_mark_ : mark_; }
  void set_key_mark(Mark mark) { key_mark_ = mark; }
  /// Sets both marks here and on everything below.
  void set_marks(Mark mark);

  // --- flags and types
  /// The setting in force: its own or the nearest parent's; false where nobody set it.
  bool flag(Flag flag) const;
  std::optional<bool> own_flag(Flag flag) const;
  void set_flag(Flag flag, std::optional<bool> value);
  /// The declared type (config/type.h), or nullptr: anything goes. Types outlive nodes.
  const Type* type() const { return type_; }
  void set_type(const Type* type) { type_ = type; }

  /// Equal kinds (1 == 1.0 as in Python), values and children; dicts in any order. Marks, flags and
  /// types don't count; interpolations compare as they are written.
  friend bool operator==(const Node& a, const Node& b);

 private:
  struct Children {
    std::vector<std::unique_ptr<Node>> items;
    /// Slots of an open-addressing hash table of item number + 1; empty while the dict is small.
    std::vector<std::uint32_t> slots;
  };
  union Scalar {
    bool boolean;
    std::int64_t integer = 0;
    double real;
  };

  void steal(Node& other) noexcept;
  void adopt_children() noexcept;
  std::size_t find_index(const Key& key) const;
  void index_add(std::size_t i);
  void index_rebuild();
  void require(Kind kind, const char* what) const;

  Kind kind_ = Kind::kNull;
  std::int8_t flags_[2] = {-1, -1};  // per Flag: -1 inherit, 0 off, 1 on
  Scalar scalar_;
  std::string text_;
  std::unique_ptr<Children> children_;
  Node* parent_ = nullptr;
  const Type* type_ = nullptr;
  Key key_;
  Mark mark_, key_mark_;
};

/// A node that may or may not live in a tree: what selecting and resolving return. `owned` keeps a
/// computed node alive.
struct NodeRef {
  const Node* node = nullptr;
  std::shared_ptr<const Node> owned;

  explicit operator bool() const { return node != nullptr; }
  const Node& operator*() const { return *node; }
  const Node* operator->() const { return node; }
};

/// Throws kConfig: message, then the full key of `below` under `node`, and the object's type, in
/// the form of the reference; then where the node was written, if that is known.
[[noreturn]] void fail_at(const Node& node, const std::string& message);
[[noreturn]] void fail_at(const Node& node, const Key& below, const std::string& message);

}  // namespace iolaus::config
