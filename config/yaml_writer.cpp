// YAML out: the block style of OmegaConf.to_yaml, byte for byte. The shape follows PyYAML's
// emitter, because its column rules decide where lines fold: a scalar is analysed once, gets the
// plainest style that survives reading back, and is written word by word while the column is
// counted in characters.
#include <tuple>
#include <utility>

#include "config/interpolation.h"
#include "config/python_text.h"
#include "config/yaml.h"
#include "config/yaml_style.h"

namespace iolaus::config {
namespace {

using yaml::decode;
using yaml::is_break;
using yaml::Scalar;
using yaml::scalar_of;
using yaml::Style;

constexpr std::size_t kBestWidth = 80;
constexpr std::size_t kBestIndent = 2;

class Writer {
 public:
  std::string write(const Node& root) {
    root_ = true;
    node(root, false);
    indent_ = 0;
    write_indent();
    if (open_ended_) {
      indicator("...", true);
      write_indent();
    }
    return std::move(out_);
  }

 private:
  // --- structure
  void node(const Node& value, bool in_mapping) {
    if (value.is_container() && value.empty()) {
      root_ = false;
      indicator(value.is_list() ? "[" : "{", true, true);
      indicator(value.is_list() ? "]" : "}", false);
    } else if (value.is_list()) {
      root_ = false;
      list(value, in_mapping);
    } else if (value.is_dict()) {
      root_ = false;
      dict(value);
    } else {
      scalar(scalar_of(value), false);
    }
  }

  void list(const Node& value, bool in_mapping) {
    const auto saved = std::pair(indent_, started_);
    // A list under a key starts at the key's own column.
    const bool indentless = in_mapping && !indention_;
    if (!indentless) deepen();
    for (const Node& item : value) {
      write_indent();
      indicator("-", true, false, true);
      node(item, false);
    }
    std::tie(indent_, started_) = saved;
  }

  void dict(const Node& value) {
    const auto saved = std::pair(indent_, started_);
    deepen();
    for (const Node& item : value) {
      write_indent();
      const Scalar key = scalar_of(item.key());
      const bool simple =
          key.text.size() + key.tag_length < 128 && !key.analysis.empty && !key.analysis.multiline;
      if (simple) {
        scalar(key, true);
        indicator(":", false);
      } else {
        indicator("?", true, false, true);
        scalar(key, false);
        write_indent();
        indicator(":", true, false, true);
      }
      node(item, true);
    }
    std::tie(indent_, started_) = saved;
  }

  /// The outermost container sits at column 0.
  void deepen() {
    indent_ = started_ ? indent_ + kBestIndent : 0;
    started_ = true;
  }

  // --- scalars
  void scalar(const Scalar& value, bool key) {
    const std::size_t saved = indent_;
    indent_ = started_ ? indent_ + kBestIndent : kBestIndent;
    if (*value.tag != '\0') indicator(value.tag, true);
    const Style style = yaml::style_of(value, key);
    if (style == Style::kPlain) plain(value.text, !key);
    if (style == Style::kSingle) single_quoted(value.text, !key);
    if (style == Style::kDouble) double_quoted(value.text, !key);
    if (style == Style::kLiteral) literal(value.text);
    indent_ = saved;
    root_ = false;
  }

  void plain(const std::u32string& text, bool split) {
    if (root_) open_ended_ = true;
    if (text.empty()) return;
    if (!whitespace_) put(U" ");
    whitespace_ = indention_ = false;
    std::size_t start = 0;
    bool spaces = false;
    for (std::size_t end = 0; end <= text.size(); ++end) {
      const bool at_end = end == text.size();
      const bool space = !at_end && text[end] == ' ';
      if (spaces && !space) {
        if (start + 1 == end && column_ > kBestWidth && split) {
          write_indent();
          whitespace_ = indention_ = false;
        } else {
          put(text, start, end);
        }
        start = end;
      } else if (!spaces && (at_end || space)) {
        put(text, start, end);
        start = end;
      }
      spaces = space;
    }
  }

  void single_quoted(const std::u32string& text, bool split) {
    indicator("'", true);
    std::size_t start = 0;
    bool spaces = false, breaks = false;
    for (std::size_t end = 0; end <= text.size(); ++end) {
      const bool at_end = end == text.size();
      const char32_t c = at_end ? 0 : text[end];
      if (spaces) {
        if (at_end || c != ' ') {
          if (start + 1 == end && column_ > kBestWidth && split && start != 0 && !at_end) {
            write_indent();
          } else {
            put(text, start, end);
          }
          start = end;
        }
      } else if (breaks) {
        if (at_end || !is_break(c)) {
          write_breaks(text, start, end, text[start] == '\n');
          write_indent();
          start = end;
        }
      } else if (at_end || c == ' ' || is_break(c) || c == '\'') {
        put(text, start, end);
        start = end;
      }
      if (!at_end && c == '\'') {
        put(U"''");
        start = end + 1;
      }
      spaces = !at_end && c == ' ';
      breaks = !at_end && is_break(c);
    }
    indicator("'", false);
  }

  void double_quoted(const std::u32string& text, bool split) {
    indicator("\"", true);
    std::size_t start = 0;
    for (std::size_t end = 0; end <= text.size(); ++end) {
      const bool at_end = end == text.size();
      const char32_t c = at_end ? 0 : text[end];
      if (at_end || needs_escape(c)) {
        put(text, start, end);
        start = end;
        if (!at_end) {
          put(decode(escape(c)));
          start = end + 1;
        }
      }
      const bool inside = end > 0 && end + 1 < text.size();
      if (inside && (c == ' ' || start >= end) && column_ + end - start > kBestWidth && split &&
          column_ + end >= start) {
        put(text, start, end);
        if (start < end) start = end;
        put(U"\\");
        write_indent();
        whitespace_ = indention_ = false;
        if (text[start] == ' ') put(U"\\");
      }
    }
    indicator("\"", false);
  }

  static bool needs_escape(char32_t c) {
    if (c == '"' || c == '\\' || c == 0xFEFF || (is_break(c) && c != '\n')) return true;
    return !((c >= 0x20 && c <= 0x7E) || (c >= 0xA0 && c <= 0xD7FF) ||
             (c >= 0xE000 && c <= 0xFFFD));
  }

  static std::string escape(char32_t c) {
    static constexpr std::pair<char32_t, char> kShort[] = {
        {0, '0'},     {7, 'a'},    {8, 'b'},    {9, 't'},      {10, 'n'},
        {11, 'v'},    {12, 'f'},   {13, 'r'},   {27, 'e'},     {'"', '"'},
        {'\\', '\\'}, {0x85, 'N'}, {0xA0, '_'}, {0x2028, 'L'}, {0x2029, 'P'}};
    for (const auto& [from, to] : kShort) {
      if (c == from) return std::string("\\") + to;
    }
    const int width = c <= 0xFF ? 2 : c <= 0xFFFF ? 4 : 8;
    std::string out = width == 2 ? "\\x" : width == 4 ? "\\u" : "\\U";
    for (int shift = 4 * (width - 1); shift >= 0; shift -= 4) {
      out += "0123456789ABCDEF"[c >> shift & 15];
    }
    return out;
  }

  /// `|`: base64 lines, which end with one line feed each.
  void literal(const std::u32string& text) {
    indicator("|", true);
    line_break();
    std::size_t start = 0;
    while (start < text.size()) {
      const std::size_t end = std::min(text.find(U'\n', start), text.size());
      write_indent();
      put(text, start, end);
      line_break();
      start = end + 1;
    }
  }

  // --- characters and columns
  void put(std::u32string_view text) {
    for (const char32_t c : text) append_utf8(out_, c);
    column_ += text.size();
  }
  void put(const std::u32string& text, std::size_t start, std::size_t end) {
    if (start < end) put(std::u32string_view(text).substr(start, end - start));
  }

  void write_breaks(const std::u32string& text, std::size_t start, std::size_t end, bool extra) {
    if (extra) line_break();
    for (std::size_t i = start; i < end; ++i) line_break(text[i]);
  }

  void line_break(char32_t c = '\n') {
    append_utf8(out_, c);
    whitespace_ = indention_ = true;
    column_ = 0;
  }

  void indicator(std::string_view text, bool needs_space, bool whitespace = false,
                 bool indention = false) {
    if (!whitespace_ && needs_space) {
      out_ += ' ';
      ++column_;
    }
    out_ += text;
    column_ += text.size();
    whitespace_ = whitespace;
    indention_ = indention_ && indention;
    open_ended_ = false;
  }

  void write_indent() {
    if (!indention_ || column_ > indent_ || (column_ == indent_ && !whitespace_)) line_break();
    if (column_ < indent_) {
      whitespace_ = true;
      out_.append(indent_ - column_, ' ');
      column_ = indent_;
    }
  }

  std::string out_;
  std::size_t column_ = 0;
  std::size_t indent_ = 0;
  bool started_ = false;  // inside the outermost container
  bool whitespace_ = true;
  bool indention_ = true;
  bool open_ended_ = false;
  bool root_ = false;
};

void sort_all(Node& node) {
  if (node.is_dict()) node.sort_keys();
  for (Node& item : node) sort_all(item);
}

}  // namespace

std::string to_yaml(const Node& node, YamlOptions options) {
  if (!options.resolve && !options.sort_keys) return Writer().write(node);
  Node copy = options.resolve ? to_resolved(node) : node;
  if (options.sort_keys) sort_all(copy);
  return Writer().write(copy);
}

}  // namespace iolaus::config
