// The schema's grammar: NAME(ARG, ARG, *, ARG) -> TYPE, with ARG = TYPE NAME[=DEFAULT].
#include <charconv>

#include "autograd/op_table.h"

namespace iolaus {
namespace {

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text), rest_(text) {}

  OpSchema parse() {
    OpSchema schema;
    schema.text = text_;
    schema.name = word("(");
    expect("(");
    bool keyword = false;
    while (!accept(")")) {
      if (accept("*")) {
        keyword = true;
      } else {
        schema.arguments.push_back(argument());
        schema.arguments.back().keyword = keyword;
      }
      if (rest_.empty() || rest_[0] != ')') expect(",");
    }
    expect("->");
    if (accept("(")) {
      while (!accept(")")) {
        schema.results.emplace_back(word(",)"));
        accept(",");
      }
    } else {
      schema.results.emplace_back(word(""));
    }
    if (!rest_.empty()) bad();
    return schema;
  }

 private:
  [[noreturn]] void bad() const {
    fail(ErrorCode::kInternal, "the schema '{}' is wrong at '{}'", text_, rest_);
  }
  void skip() {
    while (!rest_.empty() && rest_[0] == ' ') rest_.remove_prefix(1);
  }
  bool accept(std::string_view token) {
    skip();
    if (!rest_.starts_with(token)) return false;
    rest_.remove_prefix(token.size());
    skip();
    return true;
  }
  void expect(std::string_view token) {
    if (!accept(token)) bad();
  }
  // Up to one of ends or a space.
  std::string word(std::string_view ends) {
    skip();
    size_t n = 0;
    while (n < rest_.size() && rest_[n] != ' ' && ends.find(rest_[n]) == ends.npos) ++n;
    if (n == 0) bad();
    const std::string found(rest_.substr(0, n));
    rest_.remove_prefix(n);
    skip();
    return found;
  }

  OpArgument argument() {
    OpArgument argument;
    argument.kind = word("");
    if (argument.kind.back() == '?') {
      argument.optional = true;
      argument.kind.pop_back();
    }
    if (const size_t bracket = argument.kind.find('['); bracket != std::string::npos) {
      const char* first = argument.kind.data() + bracket + 1;
      std::from_chars(first, argument.kind.data() + argument.kind.size(), argument.repeat);
      argument.kind = argument.kind.substr(0, bracket) + "[]";
    }
    argument.name = word("=,)");
    if (accept("=")) {
      argument.required = false;
      argument.default_value = default_value(argument.kind);
      auto* list = std::get_if<Ints>(&argument.default_value);  // int[2] x=1: 1 for both
      if (list && list->size() == 1 && argument.repeat > 1) {
        list->resize(static_cast<size_t>(argument.repeat), list->front());
      }
    }
    return argument;
  }

  OpValue default_value(const std::string& kind) {
    if (accept("[")) {
      Ints list;
      while (!accept("]")) {
        list.push_back(std::stoll(word(",]")));
        accept(",");
      }
      return list;
    }
    const std::string text = word(",)");
    if (text == "None") return {};
    if (text == "True" || text == "False") return text == "True";
    if (text[0] == '\'') return text.substr(1, text.size() - 2);
    if (kind == "dtype") return parse_dtype(text);
    if (kind == "device") return parse_device(text);
    const bool real = kind == "float" || text.find_first_of(".en") != text.npos;
    if (real) return std::stod(text);
    const int64_t number = std::stoll(text);
    if (kind == "int[]") return Ints{number};
    return number;
  }

  std::string_view text_, rest_;
};

}  // namespace

OpSchema parse_schema(std::string_view text) { return Parser(text).parse(); }

}  // namespace iolaus
