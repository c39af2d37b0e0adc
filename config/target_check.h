// Inside of instantiate: what is wrong with the arguments that a config gives to a target. The same
// checks serve instantiate, which stops at the first, and check_targets, which collects them all.
#pragma once

#include <functional>
#include <set>
#include <string>
#include <vector>

#include "config/instantiate.h"

namespace iolaus::config::detail {

/// An error that already says which target, key and place; outer targets pass it on as it is.
class InstantiationError : public Error {
 public:
  using Error::Error;
};

/// A message with the full key and the place.
std::string located(const std::string& message, const std::string& full_key, const Mark& mark);

bool is_target(const Node& node);
/// True where the node or anything below it is a target.
bool has_target(const Node& node);
/// Keys of a target's dict that are no parameters: `_target_`, `_args_`, ...
bool is_special_key(const Key& key);

/// "" where the value suits the parameter, else "expected int, got str 'x'". A missing value and an
/// interpolation suit every parameter.
std::string mismatch(const Param& param, const Node& value);

/// The target's name: a problem's message, or "".
std::string name_problem(const Node& node);
/// Everything else that is wrong with a target's dict, apart from what is nested in it. `given`:
/// parameters that the program hands over.
std::vector<std::string> argument_problems(const Target& target, const Node& node,
                                           const std::set<std::string>& given);

/// The parameter that a positional argument goes to; nullptr where there are too many.
const Param* positional_param(const Target& target, std::size_t i);

}  // namespace iolaus::config::detail
