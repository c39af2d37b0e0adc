// Names and texts of run-time arguments.
#include "autograd/op_value.h"

namespace iolaus {
namespace {

template <class List> std::string list_text(const List& list) {
  std::string text = "[";
  for (size_t i = 0; i < list.size(); ++i) text += (i ? ", " : "") + fmt::format("{}", list[i]);
  return text + "]";
}

struct Describe {
  std::string operator()(std::monostate) const { return "None"; }
  std::string operator()(bool v) const { return v ? "bool true" : "bool false"; }
  std::string operator()(int64_t v) const { return fmt::format("int {}", v); }
  std::string operator()(double v) const { return fmt::format("float {}", v); }
  std::string operator()(const std::string& v) const { return "str '" + v + "'"; }
  std::string operator()(const Ints& v) const { return "int[] " + list_text(v); }
  std::string operator()(const Floats& v) const { return "float[] " + list_text(v); }
  std::string operator()(DType v) const { return std::string("dtype ") + dtype_name(v); }
  std::string operator()(Device v) const { return "device " + v.str(); }
  std::string operator()(const Tensor& v) const { return "Tensor " + v.describe(); }
  std::string operator()(const Indices& v) const { return fmt::format("Index[] of {}", v.size()); }
  std::string operator()(const Tensors& v) const { return fmt::format("Tensor[] of {}", v.size()); }
};

}  // namespace

const char* value_kind(const OpValue& value) {
  static constexpr const char* kNames[] = {"None",   "bool",   "int",      "float",
                                           "str",    "int[]",  "float[]",  "dtype",
                                           "device", "Tensor", "Tensor[]", "Index[]"};
  return kNames[value.index()];
}

std::string describe_value(const OpValue& value) { return std::visit(Describe(), value); }

}  // namespace iolaus
