// ShapeRule: a condition on a call's named sizes, as a config writes it: "n > 1024 and rows >= 64".
//
//   or, and, not, parentheses;   < <= > >= == != (also chained: 64 <= n <= 128);
//   + - * / % on integers (as in C; x / 0 and x % 0 are 0);   a kernel's sizes by name, and dtype:
//   dtype == bfloat16
#pragma once

#include <cstdint>
#include <span>
#include <string>
#include <vector>

#include "core/dtype.h"

namespace iolaus {

class ShapeRule {
 public:
  /// names: the sizes that may occur; kernel is named in messages. Errors: kConfig with the place.
  ShapeRule(const std::string& text, std::span<const char* const> names, const std::string& kernel);
  /// Whether it holds; sizes in the order of the names.
  bool holds(std::span<const int64_t> sizes, DType dtype) const;
  const std::string& text() const { return text_; }

  enum class Op : uint8_t {
    kConstant,
    kSize,
    kDtype,
    kAdd,
    kSubtract,
    kMultiply,
    kDivide,
    kRemainder,  // numbers
    kLess,
    kLessEqual,
    kGreater,
    kGreaterEqual,
    kEqual,
    kNotEqual,
    kAnd,
    kOr,
    kNot  // truth
  };

 private:
  friend class RuleParser;
  struct Node {
    Op op;
    int64_t value = 0;  // a constant, or which size
    int left = -1, right = -1;
  };
  int64_t evaluate(int node, std::span<const int64_t> sizes, DType dtype) const;

  std::string text_;
  std::vector<Node> nodes_;
  int root_ = -1;
};

}  // namespace iolaus
