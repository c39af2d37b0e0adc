// Values of plain scalars, converted as PyYAML's constructors do.
#include <algorithm>
#include <cmath>
#include <iterator>

#include "config/python_text.h"
#include "config/scalar.h"

namespace iolaus::config {
namespace {

std::string lower(std::string_view text) {
  std::string out(text);
  for (char& c : out) c = c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
  return out;
}

[[noreturn]] void bad_int(std::string_view digits, int base) {
  fail(ErrorCode::kConfig, "invalid literal for int() with base {}: {}", base,
       python_quoted(digits));
}

[[noreturn]] void int_too_large(std::string_view text) {
  constexpr std::size_t kShown = 60;
  fail(ErrorCode::kConfig, "[config] expected an integer of at most 64 bits, got {}{}",
       text.substr(0, kShown), text.size() > kShown ? "..." : "");
}

std::int64_t int_of(std::string_view digits, int base, std::string_view whole) {
  std::int64_t value = 0;
  const IntStatus status = parse_int(digits, base, value);
  if (status == IntStatus::kNotANumber) bad_int(digits, base);
  if (status == IntStatus::kTooLarge) int_too_large(whole);
  return value;
}

/// Base 60: each group is a digit, `1:30` is 90.
std::int64_t base_60_int(std::string_view digits, std::string_view whole) {
  std::int64_t value = 0;
  for (std::size_t from = 0; from <= digits.size();) {
    const std::size_t to = std::min(digits.find(':', from), digits.size());
    const std::int64_t group = int_of(digits.substr(from, to - from), 10, whole);
    if (__builtin_mul_overflow(value, std::int64_t{60}, &value) ||
        __builtin_add_overflow(value, group, &value)) {
      int_too_large(whole);
    }
    from = to + 1;
  }
  return value;
}

Node int_value(std::string_view text) {
  std::string digits;
  std::copy_if(text.begin(), text.end(), std::back_inserter(digits),
               [](char c) { return c != '_'; });
  const bool negative = !digits.empty() && digits[0] == '-';
  const std::string_view body =
      std::string_view(digits).substr(!digits.empty() && (negative || digits[0] == '+') ? 1 : 0);
  const std::string sign = negative ? "-" : "";
  if (body == "0") return Node(0);
  if (body.starts_with("0b")) return Node(int_of(sign + std::string(body.substr(2)), 2, text));
  if (body.starts_with("0x")) return Node(int_of(sign + std::string(body.substr(2)), 16, text));
  if (body.starts_with("0")) return Node(int_of(sign + std::string(body), 8, text));
  if (body.find(':') != std::string_view::npos) {
    const std::int64_t value = base_60_int(body, text);
    return Node(negative ? -value : value);
  }
  return Node(int_of(sign + std::string(body), 10, text));
}

Node float_value(std::string_view text) {
  std::string digits;
  for (const char c : lower(text)) {
    if (c != '_') digits += c;
  }
  double sign = 1;
  std::string_view body = digits;
  if (!body.empty() && (body[0] == '-' || body[0] == '+')) {
    sign = body[0] == '-' ? -1 : 1;
    body.remove_prefix(1);
  }
  if (body == ".inf") return Node(sign * HUGE_VAL);
  if (body == ".nan") return Node(std::nan(""));
  double value = 0;
  for (std::size_t from = 0; from <= body.size();) {
    const std::size_t to = std::min(body.find(':', from), body.size());
    const auto group = parse_float(body.substr(from, to - from));
    if (!group) {
      fail(ErrorCode::kConfig, "could not convert string to float: {}", python_quoted(body));
    }
    value = value * 60 + *group;
    from = to + 1;
  }
  return Node(sign * value);
}

}  // namespace

Node scalar_value(ScalarTag tag, std::string_view text) {
  switch (tag) {
    case ScalarTag::kNull:
      return Node();
    case ScalarTag::kInt:
      return int_value(text);
    case ScalarTag::kFloat:
      return float_value(text);
    case ScalarTag::kBool: {
      const std::string word = lower(text);
      const bool yes = word == "yes" || word == "true" || word == "on";
      const bool no = word == "no" || word == "false" || word == "off";
      if (!yes && !no)
        fail(ErrorCode::kConfig, "[config] expected a bool, got {}", python_quoted(text));
      return Node(yes);
    }
    default:
      return Node(text);
  }
}

}  // namespace iolaus::config
