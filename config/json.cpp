// JSON in and out. nlohmann's SAX interface feeds a builder of nodes, with a counting iterator in
// between, so that nodes know their line; the builder rejects what JSON readers often let pass:
// duplicate keys, integers beyond 64 bits, deep nesting.
#include <cmath>
#include <nlohmann/json.hpp>

#include "config/python_text.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

/// Reads characters and counts lines; copies share the count, since the parser copies iterators.
class CountingIterator {
 public:
  using iterator_category = std::input_iterator_tag;
  using value_type = char;
  using difference_type = std::ptrdiff_t;
  using pointer = const char*;
  using reference = const char&;

  CountingIterator(const char* begin, const char* at, std::uint32_t* lines)
      : begin_(begin), at_(at), lines_(lines) {}
  reference operator*() const { return *at_; }
  CountingIterator& operator++() {
    // The line begins with the character behind a line feed: the parser looks one ahead.
    if (at_ != begin_ && at_[-1] == '\n') ++*lines_;
    ++at_;
    return *this;
  }
  bool operator==(const CountingIterator& other) const { return at_ == other.at_; }
  bool operator!=(const CountingIterator& other) const { return at_ != other.at_; }

 private:
  const char* begin_;
  const char* at_;
  std::uint32_t* lines_;
};

class Builder : public nlohmann::json_sax<nlohmann::json> {
 public:
  Builder(std::uint32_t source, const std::uint32_t* lines, std::size_t depth)
      : source_(source), lines_(lines), most_depth_(depth) {}

  Node take() { return std::move(root_); }
  const std::string& error() const { return error_; }

  bool null() override { return add(Node()); }
  bool boolean(bool value) override { return add(Node(value)); }
  bool number_integer(number_integer_t value) override { return add(Node(value)); }
  bool number_unsigned(number_unsigned_t value) override {
    if (value > static_cast<number_unsigned_t>(INT64_MAX)) return too_large(std::to_string(value));
    return add(Node(static_cast<std::int64_t>(value)));
  }
  bool number_float(number_float_t value, const string_t& text) override {
    // A text without fraction and exponent is an integer that did not fit.
    if (text.find_first_of(".eE") == std::string::npos) return too_large(text);
    return add(Node(value));
  }
  bool string(string_t& value) override { return add(Node(std::move(value))); }
  bool binary(binary_t&) override { return fail_with("expected JSON text, got binary data"); }
  bool start_object(std::size_t) override { return open(Node::dict()); }
  bool end_object() override { return close(); }
  bool start_array(std::size_t) override { return open(Node::list()); }
  bool end_array() override { return close(); }
  bool key(string_t& value) override {
    if (stack_.back()->contains(Key(value))) return fail_with("found duplicate key " + value);
    keys_.back() = value;
    return true;
  }
  bool parse_error(std::size_t, const std::string&,
                   const nlohmann::detail::exception& exception) override {
    std::string what = exception.what();
    const auto end = what.find("] ");  // "[json.exception.parse_error.101] parse error at ..."
    error_ = "[json] " + (end == std::string::npos ? what : what.substr(end + 2));
    return false;
  }

 private:
  Node* place(Node value) {
    value.set_marks({source_, *lines_, 0});
    if (stack_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    Node& parent = *stack_.back();
    return parent.is_list() ? &parent.append(std::move(value))
                            : &parent.set(keys_.back(), std::move(value));
  }
  bool add(Node value) { return place(std::move(value)), true; }
  bool open(Node container) {
    if (stack_.size() >= most_depth_) {
      return fail_with("expected at most " + std::to_string(most_depth_) + " levels of nesting");
    }
    stack_.push_back(place(std::move(container)));
    keys_.emplace_back();
    return true;
  }
  bool close() {
    stack_.pop_back();
    keys_.pop_back();
    return true;
  }
  bool too_large(const std::string& text) {
    return fail_with("expected an integer of at most 64 bits, got " + text.substr(0, 60));
  }
  bool fail_with(const std::string& message) {
    error_ = "[json] " + message + "\n  in \"" + source_name(source_) + "\", line " +
             std::to_string(*lines_);
    return false;
  }

  std::uint32_t source_;
  const std::uint32_t* lines_;
  std::size_t most_depth_;
  Node root_;
  std::vector<Node*> stack_;
  std::vector<std::string> keys_;
  std::string error_;
};

std::string quoted(const std::string& text) {
  return nlohmann::json(text).dump(-1, ' ', false, nlohmann::json::error_handler_t::replace);
}

std::string number(double value) {
  if (std::isnan(value)) return "NaN";
  if (std::isinf(value)) return value < 0 ? "-Infinity" : "Infinity";
  return python_float(value);
}

void write(const Node& node, int indent, int level, std::string& out) {
  const auto new_line = [&](int depth) {
    if (indent < 0) return;
    out += '\n';
    out.append(static_cast<std::size_t>(indent) * static_cast<std::size_t>(depth), ' ');
  };
  switch (node.kind()) {
    case Kind::kNull:
      out += "null";
      return;
    case Kind::kBool:
      out += node.as_bool() ? "true" : "false";
      return;
    case Kind::kFloat:
      out += number(node.as_float());
      return;
    case Kind::kInt:
      out += node.str();
      return;
    case Kind::kString:
    case Kind::kBytes:
      out += quoted(node.as_string());
      return;
    case Kind::kList:
    case Kind::kDict:
      break;
  }
  const char* separator = indent < 0 ? ", " : ",";
  out += node.is_list() ? '[' : '{';
  bool first = true;
  for (const Node& item : node) {
    if (!first) out += separator;
    first = false;
    new_line(level + 1);
    if (node.is_dict()) out += quoted(item.key().text()) + ": ";
    write(item, indent, level + 1, out);
  }
  if (!first) new_line(level);
  out += node.is_list() ? ']' : '}';
}

}  // namespace

Node load_json(std::string_view text, std::string_view source, const LoadLimits& limits) {
  IOLAUS_CHECK_CODE(text.size() <= limits.bytes, ErrorCode::kConfig,
                    "[json] expected at most {} bytes in {}, got {}", limits.bytes, source,
                    text.size());
  std::uint32_t lines = 1;
  Builder builder(intern_source(source), &lines, limits.depth);
  const char* begin = text.data();
  const char* end = begin + text.size();
  const bool good = nlohmann::json::sax_parse(CountingIterator(begin, begin, &lines),
                                              CountingIterator(begin, end, &lines), &builder);
  if (good) return builder.take();
  std::string message = builder.error();
  if (message.find("\n  in ") == std::string::npos) {
    message += "\n  in \"" + std::string(source) + "\", line " + std::to_string(lines);
  }
  throw Error(ErrorCode::kConfig, message);
}

std::string to_json(const Node& node, int indent) {
  std::string out;
  write(node, indent, 0, out);
  return out;
}

}  // namespace iolaus::config
