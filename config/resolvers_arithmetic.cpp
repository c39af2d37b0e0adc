// Arithmetic in interpolations, beyond the reference: `${mul:${lr},2}`, `${floordiv:${n},4}`.
//   add, mul (2 or more), sub, div, floordiv, mod, pow, neg, abs, min, max (1 or more, or a list),
//   round (x[, digits]), floor, ceil, int, float
// Numbers follow Python: integers stay integers and never wrap (beyond 64 bits is an error), div
// gives a float, floordiv and mod round towards minus infinity, round goes to even.
// A resolver that a user registers under one of these names takes its place.
#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>
#include <utility>

#include "config/python_text.h"
#include "config/resolvers.h"

namespace iolaus::config::detail {
namespace {

using Args = std::vector<Node>;
constexpr double kIntLimit = 9223372036854775808.0;  // 2^63

[[noreturn]] void overflow(std::string_view name) {
  throw ResolverError("OverflowError",
                      "`" + std::string(name) + "` expected a result of at most 64 bits");
}

/// A number argument; bools count as 0 and 1, as in Python.
Node number(std::string_view name, const Node& arg) {
  if (arg.is_bool()) return Node(arg.as_bool() ? 1 : 0);
  if (arg.is_int() || arg.is_float()) return arg;
  throw ResolverError("TypeError", "`" + std::string(name) + "` expected numbers, got `" +
                                       arg.str() + "` of type " + arg.type_name());
}

void check_count(std::string_view name, const Args& args, std::size_t least, std::size_t most) {
  if (args.size() >= least && args.size() <= most) return;
  const std::string range = most > 1'000    ? std::to_string(least) + " or more"
                            : least == most ? std::to_string(least)
                                            : std::to_string(least) + " to " + std::to_string(most);
  throw ResolverError("TypeError", "`" + std::string(name) + "` expected " + range +
                                       " arguments, got " + std::to_string(args.size()));
}

constexpr std::size_t kAnyCount = 1'000'000;

enum class Operation { kAdd, kSub, kMul, kDiv, kFloordiv, kMod, kPow };

Node to_int(std::string_view name, double value) {
  if (std::isnan(value)) {
    throw ResolverError("ValueError", "cannot convert float NaN to integer");
  }
  if (!(value >= -kIntLimit && value < kIntLimit)) overflow(name);
  return Node(static_cast<std::int64_t>(value));
}

std::int64_t floor_div(std::string_view name, std::int64_t a, std::int64_t b) {
  if (b == -1 && a == std::numeric_limits<std::int64_t>::min()) overflow(name);
  const std::int64_t quotient = a / b;
  return a % b != 0 && (a < 0) != (b < 0) ? quotient - 1 : quotient;
}

std::int64_t int_pow(std::string_view name, std::int64_t base, std::int64_t exponent) {
  std::int64_t result = 1;
  for (;;) {
    if ((exponent & 1) != 0 && __builtin_mul_overflow(result, base, &result)) overflow(name);
    exponent >>= 1;
    if (exponent == 0) return result;
    if (__builtin_mul_overflow(base, base, &base)) overflow(name);
  }
}

Node apply_ints(Operation operation, std::string_view name, std::int64_t a, std::int64_t b) {
  std::int64_t result = 0;
  bool bad = false;
  switch (operation) {
    case Operation::kAdd:
      bad = __builtin_add_overflow(a, b, &result);
      break;
    case Operation::kSub:
      bad = __builtin_sub_overflow(a, b, &result);
      break;
    case Operation::kMul:
      bad = __builtin_mul_overflow(a, b, &result);
      break;
    case Operation::kDiv:
      return Node(static_cast<double>(a) / static_cast<double>(b));
    case Operation::kFloordiv:
      return Node(floor_div(name, a, b));
    case Operation::kMod: {
      if (b == -1) return Node(0);
      const std::int64_t rest = a % b;
      return Node(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
    }
    case Operation::kPow:
      if (b < 0) return Node(std::pow(static_cast<double>(a), static_cast<double>(b)));
      return Node(int_pow(name, a, b));
  }
  if (bad) overflow(name);
  return Node(result);
}

Node apply_floats(Operation operation, double a, double b) {
  switch (operation) {
    case Operation::kAdd:
      return Node(a + b);
    case Operation::kSub:
      return Node(a - b);
    case Operation::kMul:
      return Node(a * b);
    case Operation::kDiv:
      return Node(a / b);
    case Operation::kFloordiv:
      return Node(std::floor(a / b));
    case Operation::kMod: {
      const double rest = std::fmod(a, b);
      return Node(rest != 0 && (rest < 0) != (b < 0) ? rest + b : rest);
    }
    case Operation::kPow:
      return Node(std::pow(a, b));
  }
  return Node();
}

Node apply(Operation operation, std::string_view name, const Node& a, const Node& b) {
  const bool divides = operation == Operation::kDiv || operation == Operation::kFloordiv ||
                       operation == Operation::kMod;
  const bool inverts = operation == Operation::kPow && a.as_float() == 0 && b.as_float() < 0;
  if ((divides && b.as_float() == 0) || inverts) {
    throw ResolverError("ZeroDivisionError", "division by zero");
  }
  if (a.is_int() && b.is_int()) return apply_ints(operation, name, a.as_int(), b.as_int());
  return apply_floats(operation, a.as_float(), b.as_float());
}

/// Folds the arguments from the left.
InternalResolver fold(Operation operation, std::size_t most) {
  return [operation, most](const ResolverCall& call, const Args& args) {
    check_count(call.name, args, 2, most);
    Node result = number(call.name, args[0]);
    for (std::size_t i = 1; i < args.size(); ++i) {
      result = apply(operation, call.name, result, number(call.name, args[i]));
    }
    return computed(std::move(result));
  };
}

InternalResolver extreme(bool smallest) {
  return [smallest](const ResolverCall& call, const Args& args) {
    Args values = args;
    if (args.size() == 1 && args[0].is_list()) {
      values.clear();
      for (const Node& item : args[0]) values.push_back(item);
    }
    check_count(call.name, values, 1, kAnyCount);
    Node best = number(call.name, values[0]);
    for (const Node& value : values) {
      const Node next = number(call.name, value);
      const bool less = next.is_int() && best.is_int() ? next.as_int() < best.as_int()
                                                       : next.as_float() < best.as_float();
      const bool more = next.is_int() && best.is_int() ? next.as_int() > best.as_int()
                                                       : next.as_float() > best.as_float();
      if (smallest ? less : more) best = next;
    }
    return computed(std::move(best));
  };
}

Value round(const ResolverCall& call, const Args& args) {
  check_count(call.name, args, 1, 2);
  const Node value = number(call.name, args[0]);
  if (args.size() == 1) {
    return computed(value.is_int() ? value : to_int(call.name, std::nearbyint(value.as_float())));
  }
  const Node digits = number(call.name, args[1]);
  if (!digits.is_int()) {
    throw ResolverError("TypeError", "`round` expected an int for the digits, got " + digits.str());
  }
  if (value.is_int() && digits.as_int() >= 0) return computed(value);
  // Beyond these bounds nothing changes, or nothing is left; printf rounds the exact value to even.
  const std::int64_t places = std::clamp<std::int64_t>(digits.as_int(), -400, 400);
  if (places >= 0) {
    char text[800];
    const int size =
        std::snprintf(text, sizeof text, "%.*f", static_cast<int>(places), value.as_float());
    const auto rounded = parse_float(std::string_view(text, static_cast<std::size_t>(size)));
    return computed(Node(rounded.value_or(value.as_float())));
  }
  const double scale = std::pow(10.0, static_cast<double>(-places));
  const double rounded = std::isinf(scale) ? 0.0 : std::nearbyint(value.as_float() / scale) * scale;
  return computed(value.is_int() ? to_int(call.name, rounded) : Node(rounded));
}

/// One number in, one out.
InternalResolver unary(Node (*function)(std::string_view name, const Node& value)) {
  return [function](const ResolverCall& call, const Args& args) {
    check_count(call.name, args, 1, 1);
    return computed(function(call.name, number(call.name, args[0])));
  };
}

Node negate(std::string_view name, const Node& value) {
  return apply(Operation::kSub, name, value.is_int() ? Node(0) : Node(-0.0), value);
}
Node absolute(std::string_view name, const Node& value) {
  return value.as_float() < 0 ? negate(name, value) : value;
}
Node floor(std::string_view name, const Node& value) {
  return value.is_int() ? value : to_int(name, std::floor(value.as_float()));
}
Node ceil(std::string_view name, const Node& value) {
  return value.is_int() ? value : to_int(name, std::ceil(value.as_float()));
}

Value convert_int(const ResolverCall& call, const Args& args) {
  check_count(call.name, args, 1, 1);
  if (args[0].is_string()) {
    if (const auto value = python_int(args[0].as_string())) return computed(Node(*value));
    throw ResolverError("ValueError", "invalid literal for int() with base 10: " + args[0].repr());
  }
  const Node value = number(call.name, args[0]);
  return computed(value.is_int() ? value : to_int(call.name, std::trunc(value.as_float())));
}

Value convert_float(const ResolverCall& call, const Args& args) {
  check_count(call.name, args, 1, 1);
  if (args[0].is_string()) {
    if (const auto value = python_float_value(args[0].as_string())) return computed(Node(*value));
    throw ResolverError("ValueError", "could not convert string to float: " + args[0].repr());
  }
  return computed(Node(number(call.name, args[0]).as_float()));
}

}  // namespace

std::vector<std::pair<std::string, ResolverEntry>> arithmetic_resolvers() {
  return {{"add", {fold(Operation::kAdd, kAnyCount), nullptr}},
          {"mul", {fold(Operation::kMul, kAnyCount), nullptr}},
          {"sub", {fold(Operation::kSub, 2), nullptr}},
          {"div", {fold(Operation::kDiv, 2), nullptr}},
          {"floordiv", {fold(Operation::kFloordiv, 2), nullptr}},
          {"mod", {fold(Operation::kMod, 2), nullptr}},
          {"pow", {fold(Operation::kPow, 2), nullptr}},
          {"min", {extreme(true), nullptr}},
          {"max", {extreme(false), nullptr}},
          {"neg", {unary(negate), nullptr}},
          {"abs", {unary(absolute), nullptr}},
          {"floor", {unary(floor), nullptr}},
          {"ceil", {unary(ceil), nullptr}},
          {"round", {round, nullptr}},
          {"int", {convert_int, nullptr}},
          {"float", {convert_float, nullptr}}};
}

}  // namespace iolaus::config::detail
