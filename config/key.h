// Key of a dict: a string, an integer, a float or a bool, as YAML typed it. Keys compare as
// Python's dict keys do (1, 1.0 and True are one key), because configs rely on that.
#pragma once

#include <concepts>
#include <cstdint>
#include <string>
#include <string_view>
#include <variant>

namespace iolaus::config {

class Key {
 public:
  Key() : value_(std::string()) {}
  Key(std::string text) : value_(std::move(text)) {}
  Key(std::string_view text) : value_(std::string(text)) {}
  Key(const char* text) : value_(std::string(text)) {}
  template <std::same_as<bool> T>  // not a plain bool parameter: pointers would convert to it
  Key(T value) : value_(value) {}
  template <std::integral T>
  requires(!std::same_as<T, bool>) Key(T value) : value_(static_cast<std::int64_t>(value)) {}
  Key(double value) : value_(value) {}

  bool is_string() const { return std::holds_alternative<std::string>(value_); }
  bool is_int() const { return std::holds_alternative<std::int64_t>(value_); }
  bool is_float() const { return std::holds_alternative<double>(value_); }
  bool is_bool() const { return std::holds_alternative<bool>(value_); }
  /// The text of a string key; "" for other types.
  const std::string& string() const;
  /// The number of an int or bool key; 0 for other types.
  std::int64_t integer() const;
  double real() const;

  /// As Python's str(): `a`, `1`, `1.5`, `True`.
  std::string text() const;
  /// As Python's repr(): `'a'`, `1`, `1.5`, `True`.
  std::string repr() const;
  std::size_t hash() const;
  friend bool operator==(const Key& a, const Key& b);

 private:
  std::variant<std::string, std::int64_t, double, bool> value_;
};

}  // namespace iolaus::config
