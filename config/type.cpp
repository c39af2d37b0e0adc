// Typed fields: texts, conversion and checks, as OmegaConf's typed nodes do them.
#include "config/type.h"

#include <algorithm>

#include "config/python_text.h"

namespace iolaus::config {
namespace {

using Base = Type::Base;

std::string lower(std::string text) {
  for (char& c : text) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return text;
}

bool is_special(const Node& value) { return value.is_missing() || value.is_interpolation(); }

std::string no_conversion(const Node& value, const char* target) {
  return "Value '" + value.str() + "' of type '" + value.type_name() +
         "' could not be converted to " + target;
}

std::string to_bool(Node& value) {
  std::string bad =
      "Value '" + value.str() + "' is not a valid bool (type " + value.type_name() + ")";
  if (value.is_int()) return value = Node(value.as_int() != 0), "";
  if (!value.is_string()) return bad;
  if (const auto number = python_int(value.as_string())) return value = Node(*number != 0), "";
  const std::string word = lower(value.as_string());
  const bool yes = word == "yes" || word == "y" || word == "on" || word == "true";
  const bool no = word == "no" || word == "n" || word == "off" || word == "false";
  if (!yes && !no) return bad;
  return value = Node(yes), "";
}

/// Converts in place; returns what is wrong, or "".
std::string convert(Node& value, const Type& type) {
  const bool text = value.is_string();
  switch (type.base) {
    case Base::kBool:
      return value.is_bool() ? "" : to_bool(value);
    case Base::kInt: {
      if (value.is_int()) return "";
      const auto number = text ? python_int(value.as_string()) : std::nullopt;
      if (!number) return no_conversion(value, "Integer");
      return value = Node(*number), "";
    }
    case Base::kFloat: {
      if (value.is_float()) return "";
      if (value.is_int()) return value = Node(value.as_float()), "";
      const auto number = text ? python_float_value(value.as_string()) : std::nullopt;
      if (!number) return no_conversion(value, "Float");
      return value = Node(*number), "";
    }
    case Base::kString:
      if (value.is_container() || value.is_bytes()) {
        return std::string("Cannot convert '") + value.type_name() + "' to string: '" +
               value.str() + "'";
      }
      return text ? "" : (value = Node(value.str()), "");
    case Base::kPath:
      return text ? "" : no_conversion(value, "Path");
    case Base::kEnum: {
      const auto& names = type.choices;
      if (text && std::find(names.begin(), names.end(), value.as_string()) != names.end())
        return "";
      std::string valid;
      for (const std::string& name : names) valid += (valid.empty() ? "" : ", ") + name;
      return "Invalid value '" + value.str() + "', expected one of [" + valid + "]";
    }
    default:
      return "";
  }
}

std::string not_a_subclass(const Node& value, const Type& type) {
  return std::string("Invalid type assigned: ") + value.type_name() + " is not a subclass of " +
         type.text() + ". value: " + value.str();
}

std::string wrong_container(const Node& value, const Type& type) {
  if (type.base == Base::kClass) {
    return value.is_dict() && value.type() == &type ? "" : not_a_subclass(value, type);
  }
  if (type.base == Base::kList) {
    if (value.is_list()) return "";
    return std::string("Invalid value assigned: ") + value.type_name() +
           " is not a ListConfig, list or tuple.";
  }
  if (value.is_dict()) return "";
  if (value.is_list()) return not_a_subclass(value, type);
  return std::string("Cannot assign ") + value.type_name() + " to " + type.text();
}

}  // namespace

const Type::Field* Type::find(std::string_view field) const {
  const auto found = std::find_if(fields.begin(), fields.end(),
                                  [&](const Field& entry) { return entry.name == field; });
  return found == fields.end() ? nullptr : &*found;
}

std::string Type::text() const {
  std::string out;
  const auto element_text = [this] { return element != nullptr ? element->text() : "Any"; };
  switch (base) {
    case Base::kAny:
      return "Any";
    case Base::kBool:
      out = "bool";
      break;
    case Base::kInt:
      out = "int";
      break;
    case Base::kFloat:
      out = "float";
      break;
    case Base::kString:
      out = "str";
      break;
    case Base::kPath:
      out = "Path";
      break;
    case Base::kList:
      out = "List[" + element_text() + "]";
      break;
    case Base::kDict:
      out = "Dict[str, " + element_text() + "]";
      break;
    case Base::kEnum:
    case Base::kClass:
      out = name;
      break;
  }
  return optional ? "Optional[" + out + "]" : out;
}

void apply_type(Node& node, const Type* type) {
  node.set_type(type);
  if (type == nullptr || !type->is_container()) return;
  for (Node& item : node) {
    const Type* below = type->element;
    if (type->base == Base::kClass) {
      const Type::Field* field = type->find(item.key().text());
      below = field != nullptr ? field->type : nullptr;
    }
    if (below != nullptr) apply_type(item, below);
  }
}

const Type* declared_type(const Node& parent, const Key& key) {
  if (const Type* type = parent.type()) {
    if (type->base == Base::kClass) {
      if (const Type::Field* field = type->find(key.text())) {
        // A field of any type may have been given one, by what was merged into it.
        if (field->type != nullptr && field->type->base != Base::kAny) return field->type;
      }
    } else if (type->is_container() && type->element != nullptr) {
      return type->element;
    }
  }
  const Node* child = parent.find(key);
  return child != nullptr && !(child->is_dict() && child->type() != nullptr &&
                               child->type()->base == Base::kClass && parent.type() == nullptr)
             ? child->type()
             : nullptr;
}

void convert_to_type(Node& value, const Type& type, const Node& place, const Key& below) {
  if (type.base == Base::kAny || is_special(value)) return;
  const Mark mark = value.mark(), key_mark = value.key_mark();
  if (value.is_null()) {
    if (type.optional) return;
    Type plain = type;
    plain.optional = false;
    fail_at(place, below, "Incompatible value 'None' for field of type '" + plain.text() + "'");
  }
  if (const std::string wrong = convert(value, type); !wrong.empty()) {
    fail_at(place, below, wrong);
  }
  value.set_mark(mark);
  value.set_key_mark(key_mark);
}

void fit_to_type(Node& value, const Type& type, const Node& place, const Key& below) {
  if (type.base == Base::kAny || is_special(value)) return;
  if (value.is_null()) {
    if (!type.optional) {
      fail_at(place, below, "field '" + place.full_key(below) + "' is not Optional");
    }
    return;
  }
  if (!type.is_container()) {
    convert_to_type(value, type, place, below);
  } else {
    if (const std::string wrong = wrong_container(value, type); !wrong.empty()) {
      fail_at(place, below, wrong);
    }
    if (type.element != nullptr && type.base != Base::kClass) {
      for (Node& item : value) fit_to_type(item, *type.element, place, below);
    }
  }
  apply_type(value, &type);
}

}  // namespace iolaus::config
