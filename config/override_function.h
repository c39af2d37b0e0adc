// Functions of the override grammar, as their files share them. A call is bound to a signature
// (override_binding.cpp) and then done: casts (override_functions.cpp), sweeps
// (override_sweeps.cpp), order (override_order.cpp). override_functions.cpp has the table.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "config/override_expression.h"

namespace iolaus::config::override_function {

// Types of values, as bits.
enum : unsigned {
  kStr = 1,
  kInt = 2,
  kFloat = 4,
  kBool = 8,
  kList = 16,
  kDict = 32,
  kNone = 64,
  kChoice = 128,
  kRange = 256,
  kInterval = 512,
  kGlobBit = 1024,
  kExtend = 2048,
  kNumber = kInt | kFloat | kBool,  // a bool is an int
  kElement = kStr | kNumber | kList | kDict,
  kSweep = kChoice | kRange | kInterval,
};

unsigned type_bit(const OverrideValue& value);

struct Parameter {
  const char* name;
  unsigned accepts;
  const char* type;  // as messages print it
  enum class Form { kRequired, kOptional, kVariadic } form;
};
/// A bound call: positional values, and one value (or none) for each named parameter.
struct Bound {
  std::vector<OverrideValue> positional;                 // of the variadic parameter
  std::vector<std::optional<OverrideValue>> parameters;  // in the order of the signature
};

struct Function {
  const char* name;
  std::vector<Parameter> parameters;
  OverrideValue (*run)(Bound&);
  bool since_1_4 = false;
};

/// Python's Signature.bind and a check of types: which argument goes where, with the reference's
/// errors in the reference's order. Throws CallError.
Bound bind(const Function& function, const OverrideExpression& call,
           std::vector<OverrideValue> values);

/// Not given, or null.
bool is_none(const std::optional<OverrideValue>& value);
OverrideValue make_sweep(Sweep sweep);
/// `a,b`: choices without a function's name.
OverrideValue simple_choice(std::vector<OverrideValue> values);

OverrideValue run_choice(Bound& bound);
OverrideValue run_range(Bound& bound);
OverrideValue run_interval(Bound& bound);
OverrideValue run_glob(Bound& bound);
OverrideValue run_tag(Bound& bound);
OverrideValue run_sort(Bound& bound);
OverrideValue run_shuffle(Bound& bound);

}  // namespace iolaus::config::override_function
