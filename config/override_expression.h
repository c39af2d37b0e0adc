// What the parser of overrides makes of a value before functions are called: syntax errors come
// before errors of functions, so evaluation is a second walk.
#pragma once

#include <string>
#include <vector>

#include "config/override.h"

namespace iolaus::config {

struct OverrideExpression {
  enum class Kind { kValue, kBlank, kList, kDict, kCall, kSimpleChoice };
  Kind kind = Kind::kValue;
  OverrideValue value;                      // kValue
  std::vector<OverrideExpression> items;    // list, dict values, arguments, choices
  std::vector<OverrideExpression> keys;     // kDict
  std::string name;                         // kCall
  std::string text;                         // kCall: as it was written
  std::vector<std::string> argument_names;  // kCall: "" where positional
};

/// Evaluates functions, innermost first. kConfig with the reference's texts.
OverrideValue evaluate(const OverrideExpression& expression, OverrideGrammar grammar);

/// Calls one function of the grammar by name. Throws CallError.
OverrideValue call_function(const OverrideExpression& call, std::vector<OverrideValue> arguments,
                            OverrideGrammar grammar);

/// An error inside a function: the name of the reference's exception, and its message.
struct CallError {
  std::string type, message;
};

/// Python's `a < b`; throws CallError (TypeError) where the two have no order.
bool value_less(const OverrideValue& a, const OverrideValue& b);
/// Python's `sorted`, with its order of comparisons (it decides which pair an error names).
std::vector<OverrideValue> sorted_values(std::vector<OverrideValue> items, bool reverse);

/// The casts int(), float(), str() and bool(): of scalars, and of all there is in a list, dict or
/// sweep.
enum class Cast { kInt, kFloat, kString, kBool };
OverrideValue cast_value(const OverrideValue& value, Cast cast);

}  // namespace iolaus::config
