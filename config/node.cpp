// Node: storage, children and the place in the tree. Larger dicts keep a hash table of item numbers
// beside the items, so that a file with ten thousand keys loads in linear time.
#include "config/node.h"

#include <algorithm>
#include <utility>

namespace iolaus::config {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);
constexpr std::size_t kIndexFrom = 12;  // a scan is faster below

}  // namespace

Node::~Node() = default;

Node Node::list() {
  Node node;
  node.kind_ = Kind::kList;
  node.children_ = std::make_unique<Children>();
  return node;
}

Node Node::dict() {
  Node node = list();
  node.kind_ = Kind::kDict;
  return node;
}

Node Node::bytes(std::string data) {
  Node node(std::move(data));
  node.kind_ = Kind::kBytes;
  return node;
}

Node::Node(const Node& other)
    : kind_(other.kind_),
      flags_{other.flags_[0], other.flags_[1]},
      scalar_(other.scalar_),
      text_(other.text_),
      type_(other.type_),
      mark_(other.mark_),
      key_mark_(other.key_mark_) {
  if (!other.children_) return;
  children_ = std::make_unique<Children>();
  children_->items.reserve(other.size());
  for (const auto& item : other.children_->items) {
    auto& copy = children_->items.emplace_back(std::make_unique<Node>(*item));
    copy->key_ = item->key_;
    copy->parent_ = this;
  }
  children_->slots = other.children_->slots;
}

Node::Node(Node&& other) noexcept { steal(other); }

Node& Node::operator=(const Node& other) {
  if (this != &other) {
    Node copy(other);  // first: `other` may live below this node
    steal(copy);
  }
  return *this;
}

Node& Node::operator=(Node&& other) noexcept {
  if (this != &other) {
    Node kept(std::move(other));  // first: `other` may live below this node
    steal(kept);
  }
  return *this;
}

void Node::steal(Node& other) noexcept {
  kind_ = other.kind_;
  flags_[0] = other.flags_[0];
  flags_[1] = other.flags_[1];
  scalar_ = other.scalar_;
  text_ = std::move(other.text_);
  children_ = std::move(other.children_);
  type_ = other.type_;
  mark_ = other.mark_;
  key_mark_ = other.key_mark_;
  other.kind_ = Kind::kNull;
  other.text_.clear();
  adopt_children();
}

void Node::adopt_children() noexcept {
  if (!children_) return;
  for (const auto& item : children_->items) item->parent_ = this;
}

std::size_t Node::find_index(const Key& key) const {
  if (!is_dict()) return kNone;
  const auto& items = children_->items;
  const auto& slots = children_->slots;
  if (slots.empty()) {
    for (std::size_t i = 0; i < items.size(); ++i) {
      if (items[i]->key_ == key) return i;
    }
    return kNone;
  }
  for (std::size_t slot = key.hash() & (slots.size() - 1); slots[slot] != 0;
       slot = (slot + 1) & (slots.size() - 1)) {
    if (items[slots[slot] - 1]->key_ == key) return slots[slot] - 1;
  }
  return kNone;
}

void Node::index_add(std::size_t i) {
  auto& slots = children_->slots;
  if (2 * size() > slots.size()) return index_rebuild();
  std::size_t slot = children_->items[i]->key_.hash() & (slots.size() - 1);
  while (slots[slot] != 0) slot = (slot + 1) & (slots.size() - 1);
  slots[slot] = static_cast<std::uint32_t>(i + 1);
}

void Node::index_rebuild() {
  auto& slots = children_->slots;
  slots.clear();
  if (!is_dict() || size() < kIndexFrom) return;
  std::size_t count = 32;
  while (count < 4 * size()) count *= 2;
  slots.resize(count, 0);
  for (std::size_t i = 0; i < size(); ++i) index_add(i);
}

Node* Node::find(const Key& key) {
  return const_cast<Node*>(static_cast<const Node*>(this)->find(key));
}

const Node* Node::find(const Key& key) const {
  if (is_list() && !key.is_string() && !key.is_float()) {
    const std::int64_t count = static_cast<std::int64_t>(size());
    const std::int64_t i = key.integer() < 0 ? key.integer() + count : key.integer();
    return i >= 0 && i < count ? children_->items[static_cast<std::size_t>(i)].get() : nullptr;
  }
  const std::size_t i = find_index(key);
  return i == kNone ? nullptr : children_->items[i].get();
}

Node& Node::set(Key key, Node value) {
  if (is_null()) {
    kind_ = Kind::kDict;
    children_ = std::make_unique<Children>();
  }
  require(Kind::kDict, "a dict");
  if (const std::size_t i = find_index(key); i != kNone) {
    return *children_->items[i] = std::move(value);
  }
  auto& item = children_->items.emplace_back(std::make_unique<Node>(std::move(value)));
  item->key_ = std::move(key);
  item->parent_ = this;
  if (size() >= kIndexFrom) index_add(size() - 1);
  return *item;
}

Node& Node::append(Node value) { return insert(size(), std::move(value)); }

Node& Node::insert(std::size_t index, Node value) {
  if (is_null()) {
    kind_ = Kind::kList;
    children_ = std::make_unique<Children>();
  }
  require(Kind::kList, "a list");
  if (index > size())
    fail(ErrorCode::kIndex, "[config] insert: expected an index up to {}, got {}", size(), index);
  auto item = std::make_unique<Node>(std::move(value));
  item->parent_ = this;
  auto& items = children_->items;
  return **items.insert(items.begin() + static_cast<std::ptrdiff_t>(index), std::move(item));
}

bool Node::erase(const Key& key) {
  if (is_list()) {
    const Node* item = find(key);
    if (item != nullptr) erase_at(item->index());
    return item != nullptr;
  }
  const std::size_t i = find_index(key);
  if (i != kNone) erase_at(i);
  return i != kNone;
}

void Node::erase_at(std::size_t index) { take_at(index); }

Node Node::take_at(std::size_t index) {
  if (index >= size())
    fail(ErrorCode::kIndex, "[config] expected an index below {}, got {}", size(), index);
  auto& items = children_->items;
  Node taken = std::move(*items[index]);
  items.erase(items.begin() + static_cast<std::ptrdiff_t>(index));
  index_rebuild();
  return taken;
}

void Node::clear() {
  if (!children_) return;
  children_->items.clear();
  children_->slots.clear();
}

void Node::sort_keys() {
  require(Kind::kDict, "a dict");
  std::stable_sort(children_->items.begin(), children_->items.end(),
                   [](const auto& a, const auto& b) { return a->key_.text() < b->key_.text(); });
  index_rebuild();
}

const Node& Node::root() const {
  const Node* node = this;
  while (node->parent_ != nullptr) node = node->parent_;
  return *node;
}

Node& Node::root() { return const_cast<Node&>(static_cast<const Node*>(this)->root()); }

std::size_t Node::index() const {
  if (parent_ == nullptr) return 0;
  const auto& items = parent_->children_->items;
  const auto found = std::find_if(items.begin(), items.end(),
                                  [this](const auto& item) { return item.get() == this; });
  return static_cast<std::size_t>(found - items.begin());
}

std::string Node::full_key() const {
  if (parent_ == nullptr) return {};
  if (!parent_->is_list()) return parent_->full_key(key_);
  const std::size_t i = index();
  return parent_->full_key(i < parent_->size() ? Key(i) : key_);  // else it hangs under the list
}

std::string Node::full_key(const Key& below) const {
  std::string out = full_key();
  const std::string text = below.text();
  if (text.empty()) return out;
  if (is_list()) return out + "[" + text + "]";
  if (!out.empty()) out += ".";
  return out + text;
}

void Node::set_marks(Mark mark) {
  mark_ = key_mark_ = mark;
  for (Node& item : *this) item.set_marks(mark);
}

bool Node::flag(Flag flag) const {
  for (const Node* node = this; node != nullptr; node = node->parent_) {
    const std::int8_t value = node->flags_[static_cast<int>(flag)];
    if (value >= 0) return value == 1;
  }
  return false;
}

std::optional<bool> Node::own_flag(Flag flag) const {
  const std::int8_t value = flags_[static_cast<int>(flag)];
  return value < 0 ? std::nullopt : std::optional<bool>(value == 1);
}

void Node::set_flag(Flag flag, std::optional<bool> value) {
  flags_[static_cast<int>(flag)] = static_cast<std::int8_t>(value ? (*value ? 1 : 0) : -1);
}

bool operator==(const Node& a, const Node& b) {
  const auto number = [](const Node& n) { return n.is_bool() || n.is_int() || n.is_float(); };
  if (number(a) && number(b)) {
    if (a.is_float() || b.is_float()) {
      const auto real = [](const Node& n) { return n.is_bool() ? n.as_bool() : n.as_float(); };
      return real(a) == real(b);
    }
    const auto integer = [](const Node& n) { return n.is_bool() ? n.as_bool() : n.as_int(); };
    return integer(a) == integer(b);
  }
  if (a.kind_ != b.kind_ || a.size() != b.size()) return false;
  if (!a.is_container()) return a.text_ == b.text_;
  for (std::size_t i = 0; i < a.size(); ++i) {
    const Node* other = a.is_list() ? &b.child(i) : b.find(a.child(i).key());
    if (other == nullptr || !(a.child(i) == *other)) return false;
  }
  return true;
}

}  // namespace iolaus::config
