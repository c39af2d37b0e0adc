// Key: comparison, hash and text as Python's dict keys.
#include "config/key.h"

#include <cmath>
#include <functional>

#include "config/python_text.h"

namespace iolaus::config {

const std::string& Key::string() const {
  static const std::string kEmpty;
  const auto* text = std::get_if<std::string>(&value_);
  return text != nullptr ? *text : kEmpty;
}

std::int64_t Key::integer() const {
  if (is_bool()) return std::get<bool>(value_) ? 1 : 0;
  return is_int() ? std::get<std::int64_t>(value_) : 0;
}

double Key::real() const {
  return is_float() ? std::get<double>(value_) : static_cast<double>(integer());
}

std::string Key::text() const {
  if (is_string()) return string();
  if (is_bool()) return integer() != 0 ? "True" : "False";
  return is_int() ? std::to_string(integer()) : python_float(real());
}

std::string Key::repr() const { return is_string() ? python_quoted(string()) : text(); }

std::size_t Key::hash() const {
  if (is_string()) return std::hash<std::string>()(string());
  // Equal numbers of different types must meet: whole floats hash as integers.
  if (is_float() && std::floor(real()) == real() && std::abs(real()) < 9e18) {
    return std::hash<std::int64_t>()(static_cast<std::int64_t>(real()));
  }
  return is_float() ? std::hash<double>()(real()) : std::hash<std::int64_t>()(integer());
}

bool operator==(const Key& a, const Key& b) {
  if (a.is_string() != b.is_string()) return false;
  if (a.is_string()) return a.string() == b.string();
  if (a.is_float() || b.is_float()) return a.real() == b.real();
  return a.integer() == b.integer();
}

}  // namespace iolaus::config
