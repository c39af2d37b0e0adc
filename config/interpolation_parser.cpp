// The parser's first two contexts: text, and what is between `${` and `}`.
#include "config/interpolation_grammar.h"
#include "config/python_text.h"

namespace iolaus::config {
namespace interpolation_grammar {

Pieces InterpolationParser::text_until(char quote) {
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

Expression InterpolationParser::interpolation() {
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

void InterpolationParser::path_start(Expression& out, bool& can_be_resolver) {
  if (!done() && text_[at_] == '[') {
    bracketed(out);
    can_be_resolver = false;
  } else {
    out.parts.push_back(key(can_be_resolver));
  }
}

void InterpolationParser::bracketed(Expression& out) {
  out.parts.push_back(literal(Node("[")));
  ++at_;
  bool unused = false;
  out.parts.push_back(key(unused));
  if (done() || text_[at_] != ']') fail_here("expected ']'");
  out.parts.push_back(literal(Node("]")));
  ++at_;
}

Expression InterpolationParser::key(bool& is_identifier) {
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

bool InterpolationParser::closes(char c) {
  std::size_t i = at_;
  while (i < text_.size() && is_blank(text_[i])) ++i;
  if (i >= text_.size() || text_[i] != c) return false;
  at_ = i + 1;
  if (c != '}' && c != ']') skip_blanks();
  return true;
}

Expression InterpolationParser::resolver(Expression path, std::size_t start) {
  Expression out;
  out.kind = Expression::Kind::kResolver;
  out.name = std::move(path.parts);
  sequence(out, '}');
  out.source = std::string(text_.substr(start, at_ - start));
  return out;
}

void InterpolationParser::sequence(Expression& out, char close) {
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

bool InterpolationParser::at_separator(char close) const {
  std::size_t i = at_;
  while (i < text_.size() && is_blank(text_[i])) ++i;
  return i < text_.size() && (text_[i] == ',' || text_[i] == close);
}

void InterpolationParser::fail_here(const std::string& expected) const {
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
  throw GrammarError(missing + "[interpolation] " + expected + ", got " + found + " at character " +
                     std::to_string(at_ + 1) + " of " + python_quoted(shown));
}

Expression InterpolationParser::whole_text() {
  Pieces pieces = text_until('\0');
  return pieces.lone_interpolation() ? pieces.lone() : pieces.concat();
}

Expression InterpolationParser::whole_element() {
  Expression out = element();
  if (!done()) fail_here("expected the end");
  return out;
}

}  // namespace interpolation_grammar

Expression parse_interpolated(std::string_view text) {
  return interpolation_grammar::InterpolationParser(text).whole_text();
}
Expression parse_element(std::string_view text) {
  return interpolation_grammar::InterpolationParser(text).whole_element();
}

}  // namespace iolaus::config
