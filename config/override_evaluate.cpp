// Evaluates what the parser of overrides made: the innermost functions first.
#include <algorithm>

#include "config/override_function.h"

namespace iolaus::config {

OverrideValue evaluate(const OverrideExpression& expression, OverrideGrammar grammar) {
  using K = OverrideExpression::Kind;
  if (expression.kind == K::kValue) return expression.value;
  if (expression.kind == K::kBlank) {
    fail(ErrorCode::kConfig, "Trying to parse a primitive that is all whitespaces");
  }
  OverrideValue result;
  bool after_keyword = false;
  for (std::size_t i = 0; i < expression.items.size(); ++i) {
    if (expression.kind == K::kDict) {
      OverrideValue key = evaluate(expression.keys[i], grammar);
      // A later value of the same key wins, at the place of the first.
      const auto same = std::find_if(result.keys.begin(), result.keys.end(),
                                     [&](const auto& k) { return k.scalar == key.scalar; });
      OverrideValue value = evaluate(expression.items[i], grammar);
      if (same != result.keys.end()) {
        result.items[static_cast<std::size_t>(same - result.keys.begin())] = std::move(value);
      } else {
        result.keys.push_back(std::move(key));
        result.items.push_back(std::move(value));
      }
      continue;
    }
    if (expression.kind == K::kCall) {
      if (after_keyword && expression.argument_names[i].empty()) {
        fail(ErrorCode::kConfig, "positional argument follows keyword argument");
      }
      after_keyword = after_keyword || !expression.argument_names[i].empty();
    }
    result.items.push_back(evaluate(expression.items[i], grammar));
  }
  switch (expression.kind) {
    case K::kSimpleChoice:
      return override_function::simple_choice(std::move(result.items));
    case K::kDict:
      result.kind = OverrideValue::Kind::kDict;
      return result;
    case K::kList:
      result.kind = OverrideValue::Kind::kList;
      return result;
    default:
      break;
  }
  try {
    return call_function(expression, std::move(result.items), grammar);
  } catch (const CallError& error) {
    fail(ErrorCode::kConfig, "{} while evaluating '{}': {}", error.type, expression.text,
         error.message);
  }
}

}  // namespace iolaus::config
