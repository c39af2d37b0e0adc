// The parser of overrides: recursive descent over the tokens, one function per rule of Hydra's
// grammar. Looks at most one token ahead; nesting is limited, so no input can exhaust the stack.
#include <algorithm>
#include <optional>
#include <utility>

#include "config/override_expression.h"
#include "config/override_lexer.h"

namespace iolaus::config {
namespace {

constexpr int kMaxDepth = 64;
constexpr const char* kSeeAlso =
    "See https://hydra.cc/docs/1.2/advanced/override_grammar/basic for details";

// The text's characters before the byte `at`, for columns.
std::size_t characters(std::string_view text, std::size_t at) {
  return static_cast<std::size_t>(
      std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char c) { return (static_cast<unsigned char>(c) & 0xC0) != 0x80; }));
}

class Parser {
 public:
  Parser(const std::string& line, OverrideGrammar grammar)
      : line_(line), grammar_(grammar), tokens_(lex_override(line)) {}

  Override run() {
    Override result;
    result.line = line_;
    if (accept(Token::kTilde)) {
      result.type = Override::Type::kDelete;
    } else if (accept(Token::kPlus)) {
      result.type = accept(Token::kPlus) ? Override::Type::kForceAdd : Override::Type::kAdd;
    }
    key(result);
    if (result.is_delete() && peek().type == Token::kEnd) return result;
    expect(Token::kEqual, "'=' after the key");
    OverrideExpression expression;
    if (peek().type != Token::kEnd) {
      expression = value();
    } else {
      expression.value.scalar = "";
    }
    expect(Token::kEnd, "the end of the override");
    set_value(result, expression);
    return result;
  }

 private:
  const OverrideToken& peek(std::size_t ahead = 0) const {
    return tokens_[std::min(at_ + ahead, tokens_.size() - 1)];
  }

  bool accept(Token type) {
    if (peek().type != type) return false;
    if (type != Token::kEnd) ++at_;
    return true;
  }

  void expect(Token type, const char* what) {
    if (!accept(type)) fail_here(what);
  }

  [[noreturn]] void fail_here(const std::string& expected) const {
    const OverrideToken& token = peek();
    if (token.type == Token::kError) fail_character(token, expected);
    // A character that no token begins with explains more than the token before it.
    if (peek(1).type == Token::kError) fail_character(peek(1), expected);
    const std::size_t column = characters(line_, token.at);
    const std::string got =
        token.type == Token::kEnd ? "the end" : "'" + std::string(token.text) + "'";
    std::string picture;
    if (line_.find('\n') == std::string::npos) {
      picture = fmt::format("  {}\n  {}^\n", line_, std::string(column, ' '));
    }
    fail(ErrorCode::kConfig, "Error parsing override '{}'\n{}column {}: expected {}, got {}\n{}",
         line_, picture, column + 1, expected, got, kSeeAlso);
  }

  [[noreturn]] void fail_character(const OverrideToken& token, const std::string& expected) const {
    const std::string prefix = "LexerNoViableAltException: ";
    const std::size_t column = characters(line_, token.at);
    const std::string hint =
        token.text == "'" || token.text == "\"" ? "" : ". Quote the value to use any character";
    fail(ErrorCode::kConfig, "{}{}\n{}^\ncolumn {}: expected {}, got the character {}{}\n{}",
         prefix, line_, std::string(prefix.size() + column, ' '), column + 1, expected,
         whole_character(token.at), hint, kSeeAlso);
  }

  // The character at an error, with all bytes of its UTF-8 sequence.
  std::string whole_character(std::size_t at) const {
    std::size_t end = at + 1;
    while (end < line_.size() && (static_cast<unsigned char>(line_[end]) & 0xC0) == 0x80) ++end;
    const std::string text = line_.substr(at, end - at);
    if (text == "'" || text == "\"") return text + " (a quote that does not end)";
    return "'" + text + "'";
  }

  [[noreturn]] void fail_meaning(const std::string& message) const {
    fail(ErrorCode::kConfig, "Error parsing override '{}'\n{}\n{}", line_, message, kSeeAlso);
  }

  // key: (package | ID ('/' ID)+) ('@' package)?
  void key(Override& result) {
    const Token first = peek().type;
    result.key = package();
    if (first == Token::kId) {
      while (accept(Token::kSlash)) {
        if (peek().type != Token::kId) fail_here("a group's name after '/'");
        result.key += '/';
        result.key += peek().text;
        ++at_;
      }
    }
    if (accept(Token::kAt)) result.package = package();
  }

  std::string package() {
    const OverrideToken& token = peek();
    const bool named = token.type == Token::kId || token.type == Token::kKeySpecial ||
                       token.type == Token::kDotPath;
    if (!named) return "";
    ++at_;
    return std::string(token.text);
  }

  // value: element | element (',' element)+
  OverrideExpression value() {
    OverrideExpression first = element(0);
    if (peek().type != Token::kComma) return first;
    OverrideExpression choice;
    choice.kind = OverrideExpression::Kind::kSimpleChoice;
    choice.items.push_back(std::move(first));
    while (accept(Token::kComma)) choice.items.push_back(element(0));
    return choice;
  }

  OverrideExpression element(int depth) {
    if (depth > kMaxDepth) {
      fail_here(fmt::format("at most {} levels of brackets and calls", kMaxDepth));
    }
    switch (peek().type) {
      case Token::kBracketOpen:
        return list(depth);
      case Token::kBraceOpen:
        return dict(depth);
      case Token::kId:
        return peek(1).type == Token::kParenOpen ? call(depth) : primitive(false);
      default:
        return primitive(false);
    }
  }

  OverrideExpression list(int depth) {
    OverrideExpression result;
    result.kind = OverrideExpression::Kind::kList;
    ++at_;
    if (accept(Token::kBracketClose)) return result;
    do {
      result.items.push_back(element(depth + 1));
    } while (accept(Token::kComma));
    expect(Token::kBracketClose, "',' or ']'");
    return result;
  }

  OverrideExpression dict(int depth) {
    OverrideExpression result;
    result.kind = OverrideExpression::Kind::kDict;
    ++at_;
    if (accept(Token::kBraceClose)) return result;
    do {
      result.keys.push_back(primitive(true));
      expect(Token::kColon, "':' after a key");
      result.items.push_back(element(depth + 1));
    } while (accept(Token::kComma));
    expect(Token::kBraceClose, "',' or '}'");
    return result;
  }

  // function: ID '(' (argName? element (',' argName? element)*)? ')'
  OverrideExpression call(int depth) {
    OverrideExpression result;
    result.kind = OverrideExpression::Kind::kCall;
    result.name = peek().text;
    const std::size_t begin = peek().at;
    at_ += 2;
    if (peek().type != Token::kParenClose) {
      do {
        const bool named = peek().type == Token::kId && peek(1).type == Token::kEqual;
        result.argument_names.emplace_back(named ? peek().text : "");
        if (named) at_ += 2;
        result.items.push_back(element(depth + 1));
      } while (accept(Token::kComma));
    }
    const std::size_t end = peek().at + peek().text.size();
    expect(Token::kParenClose, "',' or ')'");
    result.text = line_.substr(begin, end - begin);
    return result;
  }

  static bool in_primitive(Token type, bool is_key) {
    switch (type) {
      case Token::kColon:
      case Token::kInterpolation:
        return !is_key;
      case Token::kId:
      case Token::kNull:
      case Token::kInt:
      case Token::kFloat:
      case Token::kBool:
      case Token::kUnquotedChar:
      case Token::kEscape:
      case Token::kBlank:
        return true;
      default:
        return false;
    }
  }

  // A quoted string, or everything unquoted up to what ends a value.
  OverrideExpression primitive(bool is_key) {
    OverrideExpression result;
    if (peek().type == Token::kQuoted && !is_key) {
      result.value.kind = OverrideValue::Kind::kQuoted;
      result.value.quote = peek().text[0];
      result.value.scalar = Node(unquoted(peek().text));
      ++at_;
      return result;
    }
    std::size_t begin = at_;
    while (in_primitive(peek().type, is_key)) ++at_;
    std::size_t end = at_;
    if (begin == end) fail_here(is_key ? "an unquoted key" : "a value");
    if (tokens_[begin].type == Token::kBlank) ++begin;
    if (begin == end) {
      result.kind = OverrideExpression::Kind::kBlank;
      return result;
    }
    if (tokens_[end - 1].type == Token::kBlank) --end;
    result.value.scalar = end - begin == 1 ? typed(tokens_[begin])
                                           : Node(joined_text({&tokens_[begin], end - begin}));
    return result;
  }

  Node typed(const OverrideToken& token) const {
    if (std::optional<Node> value = token_value(token)) return std::move(*value);
    fail_meaning(
        fmt::format("column {}: the integer {} does not fit in 64 bits; quote it to "
                    "pass it as text",
                    characters(line_, token.at) + 1, token.text));
  }

  void set_value(Override& result, const OverrideExpression& expression) const {
    using ValueType = Override::ValueType;
    try {
      result.value = evaluate(expression, grammar_);
    } catch (const Error& error) {
      fail_meaning(error.what());
    }
    result.value_type = ValueType::kElement;
    if (result.value.kind == OverrideValue::Kind::kGlob) result.value_type = ValueType::kGlob;
    if (result.value.kind != OverrideValue::Kind::kSweep) return;
    const Sweep& sweep = *result.value.sweep;
    if (sweep.kind == Sweep::Kind::kRange) {
      result.value_type = ValueType::kRange;
    } else if (sweep.kind == Sweep::Kind::kInterval) {
      result.value_type = ValueType::kInterval;
    } else {
      result.value_type = sweep.simple ? ValueType::kSimpleChoice : ValueType::kChoice;
    }
  }

  const std::string& line_;
  OverrideGrammar grammar_;
  std::vector<OverrideToken> tokens_;
  std::size_t at_ = 0;
};

}  // namespace

Override parse_override(const std::string& line, OverrideGrammar grammar) {
  return Parser(line, grammar).run();
}

std::vector<Override> parse_overrides(const std::vector<std::string>& lines,
                                      OverrideGrammar grammar) {
  std::vector<Override> overrides;
  overrides.reserve(lines.size());
  for (std::size_t i = 0; i < lines.size(); ++i) {
    overrides.push_back(parse_override(lines[i], grammar));
    overrides.back().mark.source = intern_source(fmt::format("override {}: {}", i + 1, lines[i]));
  }
  return overrides;
}

}  // namespace iolaus::config
