// A recursive-descent parser for conditions, and their evaluation.
#include "kernels/shape_rule.h"

#include <cctype>
#include <limits>

#include "core/error.h"

namespace iolaus {

using Op = ShapeRule::Op;

class RuleParser {
 public:
  RuleParser(ShapeRule& rule, std::span<const char* const> names, const std::string& kernel)
      : rule_(rule), text_(rule.text_), names_(names), kernel_(kernel) {}

  int parse() {
    const int root = disjunction();
    if (!next().empty()) wrong("an operator");
    if (!is_truth(root)) wrong("a comparison");
    return root;
  }

 private:
  static constexpr int kMaxDepth = 64;

  [[noreturn]] void wrong(const std::string& expected) {
    std::string known;
    for (const char* name : names_) known += std::string(known.empty() ? "" : ", ") + name;
    fail(ErrorCode::kConfig,
         "[{}] cannot read the condition '{}': expected {} at character {}; the sizes of this "
         "kernel are {}, and there is dtype",
         kernel_, text_, expected, at_ + 1, known);
  }

  // The token at the present place; "" at the end. It stays there until take().
  std::string next() {
    while (at_ < text_.size() && std::isspace(static_cast<unsigned char>(text_[at_]))) ++at_;
    if (at_ == text_.size()) return "";
    const auto is_word = [](char c) {
      return std::isalnum(static_cast<unsigned char>(c)) || c == '_';
    };
    size_t end = at_ + 1;
    if (is_word(text_[at_])) {
      while (end < text_.size() && is_word(text_[end])) ++end;
    } else if (end < text_.size() && text_[end] == '=' &&
               std::string("<>=!").find(text_[at_]) != std::string::npos) {
      ++end;
    }
    return text_.substr(at_, end - at_);
  }
  bool take(const char* token) {
    if (next() != token) return false;
    at_ += std::string(token).size();
    return true;
  }
  int add(Op op, int left = -1, int right = -1, int64_t value = 0) {
    rule_.nodes_.push_back({op, value, left, right});
    return static_cast<int>(rule_.nodes_.size()) - 1;
  }
  bool is_truth(int node) const { return rule_.nodes_[static_cast<size_t>(node)].op >= Op::kLess; }
  int truth(int node) {
    if (!is_truth(node)) wrong("a comparison");
    return node;
  }
  int number(int node) {
    if (is_truth(node)) wrong("a number");
    return node;
  }

  int disjunction() {
    int left = conjunction();
    while (take("or")) left = add(Op::kOr, truth(left), truth(conjunction()));
    return left;
  }
  int conjunction() {
    int left = negation();
    while (take("and")) left = add(Op::kAnd, truth(left), truth(negation()));
    return left;
  }
  int negation() {
    if (++depth_ > kMaxDepth) wrong("fewer levels");
    const int result = take("not") ? add(Op::kNot, truth(negation())) : comparison();
    --depth_;
    return result;
  }
  int comparison() {
    static constexpr std::pair<const char*, Op> kOps[] = {
        {"<=", Op::kLessEqual}, {">=", Op::kGreaterEqual}, {"<", Op::kLess},
        {">", Op::kGreater},    {"==", Op::kEqual},        {"!=", Op::kNotEqual}};
    int left = sum(), result = -1;
    for (bool found = true; found;) {
      found = false;
      for (const auto& [token, op] : kOps) {
        if (found || !take(token)) continue;
        found = true;
        const int right = number(sum());
        const int here = add(op, number(left), right);
        result = result < 0 ? here : add(Op::kAnd, result, here);
        left = right;
      }
    }
    return result < 0 ? left : result;
  }
  int sum() {
    int left = product();
    for (;;) {
      if (take("+")) {
        left = add(Op::kAdd, number(left), number(product()));
      } else if (take("-")) {
        left = add(Op::kSubtract, number(left), number(product()));
      } else {
        return left;
      }
    }
  }
  int product() {
    int left = primary();
    for (;;) {
      if (take("*")) {
        left = add(Op::kMultiply, number(left), number(primary()));
      } else if (take("/")) {
        left = add(Op::kDivide, number(left), number(primary()));
      } else if (take("%")) {
        left = add(Op::kRemainder, number(left), number(primary()));
      } else {
        return left;
      }
    }
  }
  int primary() {
    if (++depth_ > kMaxDepth) wrong("fewer levels");
    const int result = primary_at();
    --depth_;
    return result;
  }
  int primary_at() {
    if (take("(")) {
      const int inner = disjunction();
      if (!take(")")) wrong("')'");
      return inner;
    }
    if (take("-")) return add(Op::kSubtract, add(Op::kConstant), number(primary()));
    const std::string token = next();
    if (!token.empty() && std::isdigit(static_cast<unsigned char>(token[0]))) {
      int64_t value = 0;
      for (char c : token) {
        if (!std::isdigit(static_cast<unsigned char>(c)) || value > (int64_t{1} << 58)) {
          wrong("a smaller integer");
        }
        value = value * 10 + (c - '0');
      }
      at_ += token.size();
      return add(Op::kConstant, -1, -1, value);
    }
    if (take("dtype")) return add(Op::kDtype);
    for (size_t i = 0; i < names_.size(); ++i) {
      if (take(names_[i])) return add(Op::kSize, -1, -1, static_cast<int64_t>(i));
    }
    for (int d = 0; d < kDTypeCount; ++d) {
      if (take(dtype_name(static_cast<DType>(d)))) return add(Op::kConstant, -1, -1, d);
    }
    wrong("a number or a size");
  }

  ShapeRule& rule_;
  const std::string& text_;
  std::span<const char* const> names_;
  const std::string& kernel_;
  size_t at_ = 0;
  int depth_ = 0;
};

ShapeRule::ShapeRule(const std::string& text, std::span<const char* const> names,
                     const std::string& kernel)
    : text_(text) {
  root_ = RuleParser(*this, names, kernel).parse();
}

bool ShapeRule::holds(std::span<const int64_t> sizes, DType dtype) const {
  return evaluate(root_, sizes, dtype) != 0;
}

int64_t ShapeRule::evaluate(int at, std::span<const int64_t> sizes, DType dtype) const {
  const Node& node = nodes_[static_cast<size_t>(at)];
  if (node.op == Op::kConstant) return node.value;
  if (node.op == Op::kSize) return sizes[static_cast<size_t>(node.value)];
  if (node.op == Op::kDtype) return static_cast<int64_t>(dtype);
  const int64_t a = evaluate(node.left, sizes, dtype);
  if (node.op == Op::kNot) return a == 0;
  if (node.op == Op::kAnd) return a != 0 && evaluate(node.right, sizes, dtype) != 0;
  if (node.op == Op::kOr) return a != 0 || evaluate(node.right, sizes, dtype) != 0;
  const int64_t b = evaluate(node.right, sizes, dtype);
  // Unsigned, so that an overflow wraps instead of being undefined.
  const auto ua = static_cast<uint64_t>(a), ub = static_cast<uint64_t>(b);
  switch (node.op) {
    case Op::kAdd:
      return static_cast<int64_t>(ua + ub);
    case Op::kSubtract:
      return static_cast<int64_t>(ua - ub);
    case Op::kMultiply:
      return static_cast<int64_t>(ua * ub);
    case Op::kDivide:
      return b == 0 ? 0 : (b == -1 ? static_cast<int64_t>(0 - ua) : a / b);
    case Op::kRemainder:
      return b == 0 || b == -1 ? 0 : a % b;
    case Op::kLess:
      return a < b;
    case Op::kLessEqual:
      return a <= b;
    case Op::kGreater:
      return a > b;
    case Op::kGreaterEqual:
      return a >= b;
    case Op::kEqual:
      return a == b;
    default:
      return a != b;
  }
}

}  // namespace iolaus
