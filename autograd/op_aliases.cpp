// The aliases of ops. They take the op's arguments, and its errors name the op.
#include "autograd/op_table.h"

namespace iolaus {

const std::map<std::string, std::string>& op_aliases() {
  static const auto* aliases = new std::map<std::string, std::string>{
      {"absolute", "abs"},       {"arccos", "acos"},
      {"arccosh", "acosh"},      {"arcsin", "asin"},
      {"arcsinh", "asinh"},      {"arctan", "atan"},
      {"arctan2", "atan2"},      {"arctanh", "atanh"},
      {"clamp_min", "clamp"},    {"clip", "clamp"},
      {"concat", "cat"},         {"concatenate", "cat"},
      {"divide", "div"},         {"expit", "sigmoid"},
      {"fix", "trunc"},          {"ger", "outer"},
      {"greater", "gt"},         {"greater_equal", "ge"},
      {"inverse", "inv"},        {"less", "lt"},
      {"less_equal", "le"},      {"moveaxis", "movedim"},
      {"multiply", "mul"},       {"negative", "neg"},
      {"not_equal", "ne"},       {"ravel", "flatten"},
      {"row_stack", "vstack"},   {"subtract", "sub"},
      {"swapaxes", "transpose"}, {"swapdims", "transpose"},
      {"trapz", "trapezoid"},    {"true_divide", "div"},
      {"unsafe_chunk", "chunk"}, {"unsafe_split", "split"},
  };
  return *aliases;
}

}  // namespace iolaus
