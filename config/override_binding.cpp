// Calls of the override grammar's functions, bound to a signature and checked against its types, in
// the order and with the texts of the reference (Python's inspect.Signature.bind).
#include <algorithm>

#include "config/override_function.h"

namespace iolaus::config::override_function {
namespace {

constexpr auto kRequired = Parameter::Form::kRequired;
constexpr auto kVariadic = Parameter::Form::kVariadic;

Bound bind_arguments(const Function& function, const OverrideExpression& call,
                     std::vector<OverrideValue> values) {
  const auto& parameters = function.parameters;
  Bound bound;
  bound.parameters.resize(parameters.size());
  const auto named = [&](std::string_view name) {
    return std::find(call.argument_names.begin(), call.argument_names.end(), name) !=
           call.argument_names.end();
  };
  std::size_t next = 0;
  for (std::size_t i = 0; i < values.size() && call.argument_names[i].empty(); ++i) {
    if (next == parameters.size()) throw CallError{"TypeError", "too many positional arguments"};
    if (parameters[next].form == kVariadic) {
      bound.positional.push_back(std::move(values[i]));
      continue;
    }
    if (named(parameters[next].name)) {
      throw CallError{"TypeError",
                      fmt::format("multiple values for argument '{}'", parameters[next].name)};
    }
    bound.parameters[next++] = std::move(values[i]);
  }
  std::vector<bool> used(values.size());
  for (std::size_t p = next; p < parameters.size(); ++p) {
    for (std::size_t i = 0; i < values.size(); ++i) {
      if (parameters[p].form == kVariadic || call.argument_names[i] != parameters[p].name) continue;
      bound.parameters[p] = std::move(values[i]);
      used[i] = true;
    }
    if (parameters[p].form == kRequired && !bound.parameters[p]) {
      throw CallError{"TypeError",
                      fmt::format("missing a required argument: '{}'", parameters[p].name)};
    }
  }
  for (std::size_t i = 0; i < values.size(); ++i) {
    if (!call.argument_names[i].empty() && !used[i]) {
      throw CallError{"TypeError", fmt::format("got an unexpected keyword argument '{}'",
                                               call.argument_names[i])};
    }
  }
  return bound;
}

void check_type(const OverrideValue& value, const Parameter& parameter, const std::string& name) {
  if (type_bit(value) & parameter.accepts) return;
  throw CallError{"TypeError", fmt::format("mismatch type argument {}: {} is incompatible with {}",
                                           name, value.type_name(), parameter.type)};
}

void check_types(const Function& function, const Bound& bound) {
  for (std::size_t p = 0; p < function.parameters.size(); ++p) {
    const Parameter& parameter = function.parameters[p];
    if (parameter.form == kVariadic) {
      for (std::size_t i = 0; i < bound.positional.size(); ++i) {
        check_type(bound.positional[i], parameter, fmt::format("{}[{}]", parameter.name, i));
      }
    } else if (bound.parameters[p]) {
      check_type(*bound.parameters[p], parameter, parameter.name);
    }
  }
}

}  // namespace

unsigned type_bit(const OverrideValue& value) {
  switch (value.kind) {
    case OverrideValue::Kind::kQuoted:
      return kStr;
    case OverrideValue::Kind::kList:
      return kList;
    case OverrideValue::Kind::kDict:
      return kDict;
    case OverrideValue::Kind::kGlob:
      return kGlobBit;
    case OverrideValue::Kind::kExtension:
      return kExtend;
    case OverrideValue::Kind::kSweep:
      if (value.sweep->kind == Sweep::Kind::kRange) return kRange;
      return value.sweep->kind == Sweep::Kind::kInterval ? kInterval : kChoice;
    case OverrideValue::Kind::kScalar:
      break;
  }
  switch (value.scalar.kind()) {
    case Kind::kBool:
      return kBool;
    case Kind::kInt:
      return kInt;
    case Kind::kFloat:
      return kFloat;
    case Kind::kNull:
      return kNone;
    default:
      return kStr;
  }
}

Bound bind(const Function& function, const OverrideExpression& call,
           std::vector<OverrideValue> values) {
  Bound bound = bind_arguments(function, call, std::move(values));
  check_types(function, bound);
  return bound;
}

bool is_none(const std::optional<OverrideValue>& value) {
  return !value || type_bit(*value) == kNone;
}

OverrideValue make_sweep(Sweep sweep) {
  OverrideValue value;
  value.kind = OverrideValue::Kind::kSweep;
  value.sweep = std::make_shared<Sweep>(std::move(sweep));
  return value;
}

OverrideValue simple_choice(std::vector<OverrideValue> values) {
  Sweep sweep;
  sweep.choices = std::move(values);
  sweep.simple = true;
  return make_sweep(std::move(sweep));
}

}  // namespace iolaus::config::override_function
