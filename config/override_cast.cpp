// Casts and order of override values, as Python has them: int("1_0") is 10, float("inf") works,
// bool only knows "true" and "false", and values of different types have no order.
#include <algorithm>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include "config/override_expression.h"

namespace iolaus::config {
namespace {

// Python's isspace for ASCII, taken off both ends; then underscores between digits go.
// Returns "" where an underscore stands elsewhere.
std::string plain_number(const std::string& text) {
  constexpr const char* kSpace = " \t\n\r\f\v";
  const std::size_t begin = text.find_first_not_of(kSpace);
  if (begin == std::string::npos) return "";
  const std::string_view body =
      std::string_view(text).substr(begin, text.find_last_not_of(kSpace) + 1 - begin);
  std::string out;
  const auto digit = [&](std::size_t i) {
    return i < body.size() && body[i] >= '0' && body[i] <= '9';
  };
  for (std::size_t i = 0; i < body.size(); ++i) {
    if (body[i] != '_') {
      out += body[i];
    } else if (i == 0 || !digit(i - 1) || !digit(i + 1)) {
      return "";
    }
  }
  return out;
}

Node int_of_text(const std::string& text) {
  std::string number = plain_number(text);
  if (!number.empty() && number[0] == '+' && number.size() > 1 && number[1] != '-') {
    number.erase(0, 1);
  }
  std::int64_t value = 0;
  const char* end = number.data() + number.size();
  const auto [at, error] = std::from_chars(number.data(), end, value);
  if (error == std::errc::result_out_of_range && at == end) {
    throw CallError{"OverflowError", "the integer " + text + " does not fit in 64 bits"};
  }
  if (error != std::errc() || at != end) {
    throw CallError{"ValueError", "invalid literal for int() with base 10: " + Node(text).repr()};
  }
  return Node(value);
}

Node float_of_text(const std::string& text) {
  const std::string number = plain_number(text);
  char* end = nullptr;
  const double value = std::strtod(number.c_str(), &end);
  const bool hex = number.find_first_of("xX(") != std::string::npos;
  if (number.empty() || *end != '\0' || hex) {
    throw CallError{"ValueError", "could not convert string to float: " + Node(text).repr()};
  }
  return Node(value);
}

Node int_of_float(double value) {
  if (std::isnan(value)) throw CallError{"ValueError", "cannot convert float NaN to integer"};
  if (std::isinf(value)) {
    throw CallError{"OverflowError", "cannot convert float infinity to integer"};
  }
  if (std::abs(value) >= 0x1p63) {
    throw CallError{"OverflowError", "the float " + Node(value).str() + " does not fit in 64 bits"};
  }
  return Node(static_cast<std::int64_t>(value));
}

bool bool_of_text(const std::string& text) {
  std::string lower = text;
  std::transform(lower.begin(), lower.end(), lower.begin(),
                 [](unsigned char c) { return c < 128 ? std::tolower(c) : c; });
  if (lower == "true") return true;
  if (lower != "false") throw CallError{"ValueError", "Cannot cast '" + text + "' to bool"};
  return false;
}

bool truth(const Node& node) {
  if (node.is_null()) return false;
  return node.is_bool() ? node.as_bool() : node.as_float() != 0;
}

Node cast_scalar(const Node& node, Cast cast) {
  if (cast == Cast::kBool) {
    return node.is_string() ? Node(bool_of_text(node.as_string())) : Node(truth(node));
  }
  if (node.is_null()) throw CallError{"AssertionError", ""};
  if (cast == Cast::kString) {
    if (node.is_bool()) return Node(node.as_bool() ? "true" : "false");
    return Node(node.str());
  }
  if (cast == Cast::kInt) {
    if (node.is_string()) return int_of_text(node.as_string());
    if (node.is_float()) return int_of_float(node.as_float());
    return node.is_bool() ? Node(node.as_bool() ? 1 : 0) : node;
  }
  if (node.is_string()) return float_of_text(node.as_string());
  if (node.is_bool()) return Node(node.as_bool() ? 1.0 : 0.0);
  return Node(node.as_float());
}

OverrideValue cast_sweep(const Sweep& sweep, Cast cast) {
  OverrideValue result;
  result.kind = OverrideValue::Kind::kSweep;
  result.sweep = std::make_shared<Sweep>();
  Sweep& out = *result.sweep;
  out.kind = sweep.kind;
  if (sweep.kind == Sweep::Kind::kChoice) {
    out.simple = sweep.simple;
    for (const OverrideValue& choice : sweep.choices) {
      out.choices.push_back(cast_value(choice, cast));
    }
    return result;
  }
  const bool to_number = cast == Cast::kInt || cast == Cast::kFloat;
  if (sweep.kind == Sweep::Kind::kInterval) {
    out.tags = sweep.tags;
    if (!to_number) {
      throw CallError{"ValueError", fmt::format("Intervals cannot be cast to {}",
                                                cast == Cast::kString ? "str" : "bool")};
    }
  } else if (!to_number) {
    throw CallError{"ValueError", "Range can only be cast to int or float"};
  }
  out.start = cast_scalar(sweep.start, cast);
  out.stop = cast_scalar(sweep.stop, cast);
  if (sweep.kind == Sweep::Kind::kRange) out.step = cast_scalar(sweep.step, cast);
  return result;
}

bool is_number(const OverrideValue& value) {
  return value.kind == OverrideValue::Kind::kScalar &&
         (value.scalar.is_int() || value.scalar.is_float() || value.scalar.is_bool());
}

double as_number(const Node& node) {
  return node.is_bool() ? (node.as_bool() ? 1 : 0) : node.as_float();
}

}  // namespace

OverrideValue cast_value(const OverrideValue& value, Cast cast) {
  OverrideValue result;
  switch (value.kind) {
    case OverrideValue::Kind::kScalar:
    case OverrideValue::Kind::kQuoted:
      result.scalar = cast_scalar(value.scalar, cast);
      return result;
    case OverrideValue::Kind::kSweep:
      return cast_sweep(*value.sweep, cast);
    case OverrideValue::Kind::kList:
    case OverrideValue::Kind::kDict:
      result.kind = value.kind;
      result.keys = value.keys;
      for (const OverrideValue& item : value.items) {
        result.items.push_back(cast_value(item, cast));
      }
      return result;
    default:
      throw CallError{"AssertionError", ""};
  }
}

bool value_less(const OverrideValue& a, const OverrideValue& b) {
  if (is_number(a) && is_number(b)) {
    if (a.scalar.is_int() && b.scalar.is_int()) return a.scalar.as_int() < b.scalar.as_int();
    return as_number(a.scalar) < as_number(b.scalar);
  }
  if (a.is_text() && b.is_text()) return a.text() < b.text();
  if (a.kind == OverrideValue::Kind::kList && b.kind == OverrideValue::Kind::kList) {
    const std::size_t common = std::min(a.items.size(), b.items.size());
    for (std::size_t i = 0; i < common; ++i) {
      if (a.items[i].repr() != b.items[i].repr()) return value_less(a.items[i], b.items[i]);
    }
    return a.items.size() < b.items.size();
  }
  throw CallError{"TypeError", fmt::format("'<' not supported between instances of '{}' and '{}'",
                                           a.type_name(), b.type_name())};
}

std::vector<OverrideValue> sorted_values(std::vector<OverrideValue> items, bool reverse) {
  if (reverse) std::reverse(items.begin(), items.end());
  // As CPython: the run at the beginning, then binary insertion. For short lists the comparisons
  // are the same ones, so an error names the same pair.
  std::size_t run = std::min<std::size_t>(items.size(), 2);
  if (run == 2) {
    const bool descending = value_less(items[1], items[0]);
    while (run < items.size() && value_less(items[run], items[run - 1]) == descending) ++run;
    if (descending) std::reverse(items.begin(), items.begin() + static_cast<std::ptrdiff_t>(run));
  }
  if (items.size() >= 64) {
    std::stable_sort(items.begin(), items.end(), value_less);
  } else {
    for (auto next = items.begin() + static_cast<std::ptrdiff_t>(run); next != items.end();
         ++next) {
      std::rotate(std::upper_bound(items.begin(), next, *next, value_less), next, next + 1);
    }
  }
  if (reverse) std::reverse(items.begin(), items.end());
  return items;
}

}  // namespace iolaus::config
