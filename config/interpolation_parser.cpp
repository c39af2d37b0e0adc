// The parser: three contexts, as in the reference. Text (at the top and inside quotes) only looks
// for `$`, backslashes and the closing quote; inside `${` come keys, dots and brackets; behind a
// resolver's colon come values, where a run of unquoted characters is one primitive.
#include "config/interpolation_parser.h"

#include <utility>

#include "config/python_text.h"

namespace iolaus::config {
namespace {

constexpr int kMaxDepth = 64;

bool is_digit(char c) { return c >= '0' && c <= '9'; }
bool is_letter(char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); }
bool is_blank(char c) { return c == ' ' || c == '\t'; }
bool is_id_start(char c) { return is_letter(c) || c == '_'; }
bool is_id(char c) { return is_id_start(c) || is_digit(c) || c == '-'; }
bool is_key(char c) {
  return std::string_view("\\{}()[]:. \t'\"").find(c) == std::string_view::npos;
}
bool is_unquoted(char c) {
  return is_id(c) || std::string_view("/\\+.$%*@?|").find(c) != std::string_view::npos;
}
bool is_escapable(char c) {
  return std::string_view("\\()[]{}:=, \t").find(c) != std::string_view::npos;
}

Expression literal(Node value) {
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

class Parser {
 public:
  explicit Parser(std::string_view text) : text_(text) {}

  Expression whole_text() {
    Pieces pieces = text_until('\0');
    return pieces.lone_interpolation() ? pieces.lone() : pieces.concat();
  }

  Expression whole_element() {
    Expression out = element();
    if (!done()) fail_here("expected the end");
    return out;
  }

 private:
  // --- text, at the top or up to a closing quote
  Pieces text_until(char quote) {
    Pieces pieces;
    std::size_t from = at_;
    const auto flush = [&](std::size_t to) { pieces.text(text_.substr(from, to - from)); };
    while (!done()) {
      const char c = text_[at_];
      if (c != '\\') {
        if (quote != '\0' && c == quote) break;
        if (!opens_interpolation(at_)) {
          ++at_;
          continue;
        }
        flush(at_);
        pieces.interpolation(interpolation());
        from = at_;
        continue;
      }
      const std::size_t run = at_;
      while (!done() && text_[at_] == '\\') ++at_;
      const std::size_t count = at_ - run;
      const bool before_interpolation = opens_interpolation(at_);
      const bool before_quote = quote != '\0' && !done() && text_[at_] == quote;
      if (!before_interpolation && !before_quote) continue;
      // Before something special half of the backslashes go; an odd one takes its meaning away.
      flush(run);
      pieces.text(std::string(count / 2, '\\'));
      from = at_;
      if (count % 2 == 0) continue;
      at_ += before_interpolation ? 2 : 1;
    }
    flush(at_);
    return pieces;
  }

  bool opens_interpolation(std::size_t i) const {
    return i + 1 < text_.size() && text_[i] == '$' && text_[i + 1] == '{';
  }

  // --- `${...}`
  Expression interpolation() {
    const Level level(*this);
    const std::size_t start = at_;
    at_ += 2;
    skip_blanks();
    Expression out;
    out.kind = Expression::Kind::kPath;
    bool can_be_resolver = true;
    while (!done() && text_[at_] == '.') {
      out.parts.push_back(literal(Node(".")));
      ++at_;
      can_be_resolver = false;
    }
    // The reference's quick check lets a simple `${:x}` pass until it is resolved.
    if (depth_ == 1 && out.parts.empty() && closes(':')) return resolver(std::move(out), start);
    path_start(out, can_be_resolver);
    for (;;) {
      if (closes('}')) break;
      if (can_be_resolver && closes(':')) return resolver(std::move(out), start);
      if (done()) fail_here("expected '}'");
      if (text_[at_] == '.') {
        out.parts.push_back(literal(Node(".")));
        ++at_;
        out.parts.push_back(key(can_be_resolver));
      } else if (text_[at_] == '[') {
        bracketed(out);
        can_be_resolver = false;
      } else {
        fail_here("expected '.', '[', ':' or '}'");
      }
    }
    out.source = std::string(text_.substr(start, at_ - start));
    return out;
  }

  void path_start(Expression& out, bool& can_be_resolver) {
    if (!done() && text_[at_] == '[') {
      bracketed(out);
      can_be_resolver = false;
    } else {
      out.parts.push_back(key(can_be_resolver));
    }
  }

  void bracketed(Expression& out) {
    out.parts.push_back(literal(Node("[")));
    ++at_;
    bool unused = false;
    out.parts.push_back(key(unused));
    if (done() || text_[at_] != ']') fail_here("expected ']'");
    out.parts.push_back(literal(Node("]")));
    ++at_;
  }

  /// A key or a nested interpolation. Only identifiers can be parts of a resolver's name.
  Expression key(bool& is_identifier) {
    if (opens_interpolation(at_)) return interpolation();
    const std::size_t start = at_;
    while (!done() && is_key(text_[at_])) ++at_;
    if (at_ == start) fail_here("expected a key");
    const std::string_view name = text_.substr(start, at_ - start);
    if (!is_id_start(name[0])) is_identifier = false;
    for (const char c : name) {
      if (!is_id(c)) is_identifier = false;
    }
    return literal(Node(name));
  }

  /// Consumes blanks and the character; for a colon the blanks behind it too.
  bool closes(char c) {
    std::size_t i = at_;
    while (i < text_.size() && is_blank(text_[i])) ++i;
    if (i >= text_.size() || text_[i] != c) return false;
    at_ = i + 1;
    if (c != '}' && c != ']') skip_blanks();
    return true;
  }

  Expression resolver(Expression path, std::size_t start) {
    Expression out;
    out.kind = Expression::Kind::kResolver;
    out.name = std::move(path.parts);
    sequence(out, '}');
    out.source = std::string(text_.substr(start, at_ - start));
    return out;
  }

  /// Elements between commas, up to the closing character. Nothing between commas is "".
  void sequence(Expression& out, char close) {
    if (closes(close)) return;
    for (;;) {
      const std::size_t start = at_;
      const bool empty = at_separator(close);
      out.parts.push_back(empty ? literal(Node(std::string())) : element());
      out.texts.emplace_back(empty ? "" : text_.substr(start, at_ - start));
      if (closes(close)) return;
      if (!closes(',')) {
        fail_here(std::string("expected ',' or '") + close + "'");
      }
    }
  }

  bool at_separator(char close) const {
    std::size_t i = at_;
    while (i < text_.size() && is_blank(text_[i])) ++i;
    return i < text_.size() && (text_[i] == ',' || text_[i] == close);
  }

  // --- values
  Expression element() {
    if (done()) fail_here("expected a value");
    switch (text_[at_]) {
      case '[':
        return list();
      case '{':
        return dict();
      case '\'':
      case '"':
        return quoted();
      default:
        return primitive();
    }
  }

  Expression quoted() {
    const Level level(*this);
    const char quote = text_[at_++];
    Pieces pieces = text_until(quote);
    if (done()) fail_here(std::string("expected a closing ") + quote);
    ++at_;
    return pieces.concat();  // a string, whatever is inside
  }

  Expression list() {
    const Level level(*this);
    ++at_;
    skip_blanks();
    Expression out;
    out.kind = Expression::Kind::kList;
    sequence(out, ']');
    return out;
  }

  Expression dict() {
    const Level level(*this);
    ++at_;
    skip_blanks();
    Expression out;
    out.kind = Expression::Kind::kDict;
    if (closes('}')) return out;
    for (;;) {
      out.keys.push_back(dict_key());
      if (!closes(':')) fail_here("expected ':'");
      out.parts.push_back(element());
      if (closes('}')) return out;
      if (!closes(',')) fail_here("expected ',' or '}'");
    }
  }

  Node dict_key() {
    const std::size_t start = at_;
    std::string text;
    bool escaped = false;
    std::size_t solid = 0;  // length of the text without blanks at the end
    while (!done() && !opens_interpolation(at_)) {
      const char c = text_[at_];
      if (c == '\\' && at_ + 1 < text_.size() && is_escapable(text_[at_ + 1])) {
        text += text_[at_ + 1];
        at_ += 2;
        escaped = true;
        solid = text.size();
      } else if (is_unquoted(c) || is_blank(c)) {
        text += c;
        ++at_;
        if (!is_blank(c)) solid = text.size();
      } else {
        break;
      }
    }
    text.resize(solid);
    if (at_ == start || text.empty()) fail_here("expected a key");
    return escaped ? Node(text) : typed_literal(text);
  }

  /// A run of unquoted characters, escapes and interpolations. One lone interpolation keeps its
  /// type, and so does a text that reads as null, bool, int or float.
  Expression primitive() {
    Pieces pieces;
    bool escaped = false;
    std::size_t from = at_;
    const auto flush = [&](std::size_t to) { pieces.text(text_.substr(from, to - from)); };
    const std::size_t start = at_;
    while (!done()) {
      const char c = text_[at_];
      if (opens_interpolation(at_)) {
        flush(at_);
        pieces.interpolation(interpolation());
        from = at_;
      } else if (c == '\\' && at_ + 1 < text_.size() && is_escapable(text_[at_ + 1])) {
        flush(at_);
        pieces.text(text_.substr(at_ + 1, 1));
        at_ += 2;
        from = at_;
        escaped = true;
      } else if (c == ':') {
        ++at_;
        skip_blanks();  // they belong to the colon, also at the end
      } else if (is_blank(c)) {
        if (blanks_end_value()) break;
        skip_blanks();
      } else if (is_unquoted(c)) {
        ++at_;
      } else {
        break;
      }
    }
    flush(at_);
    if (at_ == start) fail_here("expected a value");
    if (pieces.lone_interpolation()) return pieces.lone();
    if (pieces.has_interpolation() || escaped) return pieces.concat();
    return literal(typed_literal(pieces.literal_text()));
  }

  /// Blanks before a separator are not part of the value.
  bool blanks_end_value() const {
    std::size_t i = at_;
    while (i < text_.size() && is_blank(text_[i])) ++i;
    return i < text_.size() && (text_[i] == ',' || text_[i] == '}' || text_[i] == ']');
  }

  // --- common
  struct Level {  // counts the nesting while it lives
    explicit Level(Parser& parser) : parser_(parser) {
      if (++parser_.depth_ > kMaxDepth) parser_.fail_here("expected less nesting");
    }
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --parser_.depth_; }
    Parser& parser_;
  };

  bool done() const { return at_ >= text_.size(); }
  void skip_blanks() {
    while (!done() && is_blank(text_[at_])) ++at_;
  }

  [[noreturn]] void fail_here(const std::string& expected) const {
    constexpr std::size_t kShown = 60;
    std::string found = "the end";
    if (!done()) {
      std::size_t i = at_;
      std::string one;
      append_utf8(one, next_character(text_, i));
      found = python_quoted(one);
    }
    std::string shown(text_.substr(0, kShown));
    if (text_.size() > kShown) shown += "...";
    // The reference's parser names the token that it misses; its users may look for that.
    std::string missing;
    if (done() && expected.ends_with("']'")) missing = "missing BRACKET_CLOSE at '<EOF>'\n    ";
    if (done() && expected.ends_with("'}'")) missing = "missing BRACE_CLOSE at '<EOF>'\n    ";
    throw GrammarError(missing + "[interpolation] " + expected + ", got " + found +
                       " at character " + std::to_string(at_ + 1) + " of " + python_quoted(shown));
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int depth_ = 0;
};

}  // namespace

Expression parse_interpolated(std::string_view text) { return Parser(text).whole_text(); }
Expression parse_element(std::string_view text) { return Parser(text).whole_element(); }

}  // namespace iolaus::config
