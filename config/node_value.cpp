// Node: reading scalars, their texts as Python prints them, and errors that say where.
#include <utility>

#include "config/node.h"
#include "config/python_text.h"
#include "config/type.h"
#include "config/update.h"

namespace iolaus::config {
namespace {

std::string object_type(const Node& node) {
  if (node.type() != nullptr && node.type()->base == Type::Base::kClass) return node.type()->name;
  return node.type_name();
}

[[noreturn]] void fail_with(const Node& node, const std::string& full_key, const Mark& mark,
                            const std::string& message) {
  std::string text =
      message + "\n    full_key: " + full_key + "\n    object_type=" + object_type(node);
  if (mark.known()) text += "\n    written at " + mark.text();
  throw Error(ErrorCode::kConfig, text);
}

}  // namespace

void fail_at(const Node& node, const std::string& message) {
  const Node& holder = node.parent() != nullptr ? *node.parent() : node;
  fail_with(holder, node.full_key(), node.mark(), message);
}

void fail_at(const Node& node, const Key& below, const std::string& message) {
  const Node* child = node.find(below);
  fail_with(node, node.full_key(below), child != nullptr ? child->mark() : node.mark(), message);
}

void Node::require(Kind kind, const char* what) const {
  if (kind_ == kind) return;
  std::string message = std::string("[config] expected ") + what + ", got " + type_name();
  if (!is_container()) message += " " + repr();
  fail_at(*this, message);
}

bool Node::as_bool() const { return require(Kind::kBool, "a bool"), scalar_.boolean; }

std::int64_t Node::as_int() const { return require(Kind::kInt, "an int"), scalar_.integer; }

double Node::as_float() const {
  if (is_int()) return static_cast<double>(scalar_.integer);
  return require(Kind::kFloat, "a float"), scalar_.real;
}

const std::string& Node::as_string() const {
  if (is_bytes()) return text_;
  return require(Kind::kString, "a string"), text_;
}

const char* Node::type_name() const {
  switch (kind_) {
    case Kind::kNull:
      return "NoneType";
    case Kind::kBool:
      return "bool";
    case Kind::kInt:
      return "int";
    case Kind::kFloat:
      return "float";
    case Kind::kString:
      return "str";
    case Kind::kBytes:
      return "bytes";
    case Kind::kList:
      return "list";
    case Kind::kDict:
      return "dict";
  }
  return "?";
}

std::string Node::str() const { return is_string() ? text_ : repr(); }

std::string Node::repr() const {
  switch (kind_) {
    case Kind::kNull:
      return "None";
    case Kind::kBool:
      return scalar_.boolean ? "True" : "False";
    case Kind::kInt:
      return std::to_string(scalar_.integer);
    case Kind::kFloat:
      return python_float(scalar_.real);
    case Kind::kString:
      return python_quoted(text_);
    case Kind::kBytes:
      return python_quoted_bytes(text_);
    case Kind::kList:
    case Kind::kDict:
      break;
  }
  std::string out = is_list() ? "[" : "{";
  const char* separator = "";
  for (const Node& item : *this) {
    out += std::exchange(separator, ", ");
    if (is_dict()) out += item.key().repr() + ": ";
    out += item.repr();
  }
  return out + (is_list() ? "]" : "}");
}

Node& Node::at(const Key& key) {
  return const_cast<Node&>(static_cast<const Node*>(this)->at(key));
}

const Node& Node::at(const Key& key) const {
  if (const Node* item = find(key)) return *item;
  if (is_list()) fail_at(*this, key, "list index out of range");
  std::vector<std::string> names;
  for (const Node& item : *this) {
    if (is_dict()) names.push_back(item.key().text());
  }
  const std::string hint = did_you_mean(key.text(), names);
  fail_at(*this, key, "Missing key " + key.text() + (hint.empty() ? "" : "\n   " + hint));
}

}  // namespace iolaus::config
