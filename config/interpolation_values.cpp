// The parser's third context: the values behind a resolver's colon.
#include "config/interpolation_grammar.h"

namespace iolaus::config::interpolation_grammar {

Expression InterpolationParser::element() {
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

Expression InterpolationParser::quoted() {
  const Level level(*this);
  const char quote = text_[at_++];
  Pieces pieces = text_until(quote);
  if (done()) fail_here(std::string("expected a closing ") + quote);
  ++at_;
  return pieces.concat();  // a string, whatever is inside
}

Expression InterpolationParser::list() {
  const Level level(*this);
  ++at_;
  skip_blanks();
  Expression out;
  out.kind = Expression::Kind::kList;
  sequence(out, ']');
  return out;
}

Expression InterpolationParser::dict() {
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

Node InterpolationParser::dict_key() {
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

Expression InterpolationParser::primitive() {
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

bool InterpolationParser::blanks_end_value() const {
  std::size_t i = at_;
  while (i < text_.size() && is_blank(text_[i])) ++i;
  return i < text_.size() && (text_[i] == ',' || text_[i] == '}' || text_[i] == ']');
}

}  // namespace iolaus::config::interpolation_grammar
