// The parser of interpolations, as its two files share it. Three contexts, as in the reference.
// Text (at the top and inside quotes) only looks for `$`, backslashes and the closing quote; inside
// `${` come keys, dots and brackets (interpolation_parser.cpp); behind a resolver's colon come
// values, where a run of unquoted characters is one primitive (interpolation_values.cpp).
#pragma once

#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/interpolation_parser.h"

namespace iolaus::config::interpolation_grammar {

constexpr int kMaxDepth = 64;

inline bool is_digit(char c) { return c >= '0' && c <= '9'; }
inline bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
inline bool is_blank(char c) { return c == ' ' || c == '\t'; }
inline bool is_id_start(char c) { return is_letter(c) || c == '_'; }
inline bool is_id(char c) { return is_id_start(c) || is_digit(c) || c == '-'; }
inline bool is_key(char c) {
  return std::string_view("\\{}()[]:. \t'\"").find(c) == std::string_view::npos;
}
inline bool is_unquoted(char c) {
  return is_id(c) || std::string_view("/\\+.$%*@?|").find(c) != std::string_view::npos;
}
inline bool is_escapable(char c) {
  return std::string_view("\\()[]{}:=, \t").find(c) != std::string_view::npos;
}

inline Expression literal(Node value) {
  Expression out;
  out.literal = std::move(value);
  return out;
}

/// Collects the pieces of a text; neighbouring literals are joined.
class Pieces {
 public:
  void text(std::string_view more) {
    if (more.empty()) return;
    if (parts_.empty() || parts_.back().kind != Expression::Kind::kLiteral) {
      parts_.push_back(literal(Node(std::string())));
    }
    parts_.back().literal = Node(parts_.back().literal.as_string() + std::string(more));
  }
  void interpolation(Expression expression) { parts_.push_back(std::move(expression)); }
  bool lone_interpolation() const {
    return parts_.size() == 1 && parts_[0].kind != Expression::Kind::kLiteral;
  }
  bool has_interpolation() const {
    for (const Expression& part : parts_) {
      if (part.kind != Expression::Kind::kLiteral) return true;
    }
    return false;
  }
  std::string literal_text() const { return parts_.empty() ? "" : parts_[0].literal.as_string(); }
  Expression lone() { return std::move(parts_[0]); }
  Expression concat() {
    if (!has_interpolation()) return literal(Node(literal_text()));
    Expression out;
    out.kind = Expression::Kind::kConcat;
    out.parts = std::move(parts_);
    return out;
  }

 private:
  std::vector<Expression> parts_;
};

class InterpolationParser {
 public:
  explicit InterpolationParser(std::string_view text) : text_(text) {}

  Expression whole_text();
  Expression whole_element();

 private:
  // --- text, at the top or up to a closing quote
  Pieces text_until(char quote);
  bool opens_interpolation(std::size_t i) const {
    return i + 1 < text_.size() && text_[i] == '$' && text_[i + 1] == '{';
  }

  // --- `${...}`
  Expression interpolation();
  void path_start(Expression& out, bool& can_be_resolver);
  void bracketed(Expression& out);

  /// A key or a nested interpolation. Only identifiers can be parts of a resolver's name.
  Expression key(bool& is_identifier);

  /// Consumes blanks and the character; for a colon the blanks behind it too.
  bool closes(char c);

  Expression resolver(Expression path, std::size_t start);

  /// Elements between commas, up to the closing character. Nothing between commas is "".
  void sequence(Expression& out, char close);
  bool at_separator(char close) const;

  // --- values
  Expression element();
  Expression quoted();
  Expression list();
  Expression dict();
  Node dict_key();

  /// A run of unquoted characters, escapes and interpolations. One lone interpolation keeps its
  /// type, and so does a text that reads as null, bool, int or float.
  Expression primitive();

  /// Blanks before a separator are not part of the value.
  bool blanks_end_value() const;

  // --- common
  struct Level {  // counts the nesting while it lives
    explicit Level(InterpolationParser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) parser_.fail_here("expected less nesting");
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --parser_.depth_; }
    InterpolationParser& parser_;
  };

  bool done() const { return at_ >= text_.size(); }
  void skip_blanks() {
    while (!done() && is_blank(text_[at_])) ++at_;
  }

  [[noreturn]] void fail_here(const std::string& expected) const;

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace iolaus::config::interpolation_grammar
