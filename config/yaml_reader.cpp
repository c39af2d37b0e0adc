// YAML in: libyaml's events become nodes here. This composer adds what PyYAML's does (anchors,
// merge keys, tags, duplicate keys) and OmegaConf's wrapping (key types, supported values, syntax
// of interpolations), in the order in which the reference would complain: first the stream, then
// the construction from the outside in, then the values in document order.
#include <yaml.h>

#include <algorithm>
#include <fstream>
#include <iterator>
#include <sstream>
#include <unordered_map>
#include <unordered_set>
#include <utility>

#include "config/interpolation.h"
#include "config/python_text.h"
#include "config/scalar.h"
#include "config/yaml.h"
#include "config/yaml_error.h"
#include "config/yaml_tags.h"

namespace iolaus::config {
namespace {

using yaml::Problem;
using yaml::to_mark;

/// Where text was inserted to please libyaml: a line and the column of the insertion.
struct Shift {
  std::uint32_t line, column, size;
};

/// libyaml's parser and its current event.
class Events {
 public:
  Events(std::string_view text, std::uint32_t source, const std::vector<Shift>& shifts)
      : text_(text),
        source_(source),
        shifts_(shifts),
        strict_(yaml::stricter_problem(text, source)) {
    if (yaml_parser_initialize(&parser_) == 0) fail(ErrorCode::kOutOfMemory, "[yaml] no memory");
    yaml_parser_set_encoding(&parser_, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&parser_, reinterpret_cast<const unsigned char*>(text.data()),
                                 text.size());
  }
  Events(const Events&) = delete;
  Events& operator=(const Events&) = delete;
  ~Events() {
    yaml_event_delete(&event_);
    yaml_parser_delete(&parser_);
  }

  /// Moves on to the next event; throws the translated error.
  const yaml_event_t& next() {
    yaml_event_delete(&event_);
    const bool parsed = yaml_parser_parse(&parser_, &event_) != 0;
    if (strict_ && passed(parsed ? event_.end_mark : parser_.problem_mark, strict_->mark)) {
      raise(*strict_);
    }
    if (!parsed) {
      event_.type = YAML_NO_EVENT;
      if (auto repair = yaml::repair_for(parser_, text_)) throw std::move(*repair);
      raise(yaml::translate(parser_, text_, source_));
    }
    return event_;
  }
  const yaml_event_t& current() const { return event_; }
  Mark mark() const { return original(to_mark(event_.start_mark, source_)); }

 private:
  /// Where the place is in the text as it was before any repair.
  Mark original(Mark mark) const {
    for (auto shift = shifts_.rbegin(); shift != shifts_.rend(); ++shift) {
      if (mark.line == shift->line && mark.column > shift->column) mark.column -= shift->size;
    }
    return mark;
  }
  [[noreturn]] void raise(Problem problem) const {
    problem.mark = original(problem.mark);
    problem.context_mark = original(problem.context_mark);
    yaml::raise(problem);
  }
  bool passed(const yaml_mark_t& mark, const Mark& limit) const {
    const Mark here = to_mark(mark, source_);
    return here.line > limit.line || (here.line == limit.line && here.column >= limit.column);
  }

  std::string_view text_;
  std::uint32_t source_;
  const std::vector<Shift>& shifts_;
  std::optional<Problem> strict_;
  yaml_parser_t parser_{};
  yaml_event_t event_{};
};

std::string text_of(const yaml_char_t* text) {
  return text != nullptr ? reinterpret_cast<const char*>(text) : "";
}

class Reader {
 public:
  Reader(std::string_view text, std::uint32_t source, const LoadLimits& limits,
         const std::vector<Shift>& shifts)
      : source_(source), limits_(limits), events_(text, source_, shifts) {}

  Node read() {
    events_.next();  // stream start
    if (events_.next().type == YAML_STREAM_END_EVENT) return Node();
    events_.next();
    const Mark start = events_.mark();
    Composed composed = compose();
    check_tag(composed);
    Node root = std::move(composed.node);
    events_.next();  // document end
    if (events_.next().type != YAML_STREAM_END_EVENT) {
      yaml::raise({"expected a single document in the stream", start, "but found another document",
                   events_.mark()});
    }
    if (construction_) yaml::raise(*construction_);
    if (!conversion_.empty()) throw Error(ErrorCode::kConfig, conversion_);
    return root;
  }

 private:
  struct Composed {
    Node node;
    yaml::Tag tag = yaml::Tag::kString;
  };
  struct Entry {
    Composed key, value;
    Mark mark;
  };
  struct Anchor {
    Mark mark;
    bool complete = false;
    Composed value;
    std::size_t nodes = 0;
  };
  struct Step {  // of the path to the node in hand
    bool list;
    std::size_t index;
    const Key* key;
  };

  Composed compose() {
    const yaml_event_t& event = events_.current();
    const Mark mark = events_.mark();
    if (event.type == YAML_ALIAS_EVENT) return alias(text_of(event.data.alias.anchor), mark);
    if (++depth_ > limits_.depth) {
      yaml::raise({"",
                   {},
                   "[yaml] expected at most " + std::to_string(limits_.depth) +
                       " levels of nesting, got more",
                   mark});
    }
    const std::size_t nodes_before = nodes_++;
    const std::string anchor = anchor_of(event);
    if (!anchor.empty()) declare(anchor, mark);
    Composed out = event.type == YAML_SCALAR_EVENT           ? scalar(mark)
                   : event.type == YAML_SEQUENCE_START_EVENT ? sequence(mark)
                                                             : mapping(mark);
    out.node.set_mark(mark);
    --depth_;
    if (!anchor.empty()) {
      Anchor& entry = anchors_[anchor];
      entry.value = out;
      entry.complete = true;
      entry.nodes = nodes_ - nodes_before;
    }
    return out;
  }

  static std::string anchor_of(const yaml_event_t& event) {
    switch (event.type) {
      case YAML_SCALAR_EVENT:
        return text_of(event.data.scalar.anchor);
      case YAML_SEQUENCE_START_EVENT:
        return text_of(event.data.sequence_start.anchor);
      default:
        return text_of(event.data.mapping_start.anchor);
    }
  }

  void declare(const std::string& name, const Mark& mark) {
    const auto [entry, fresh] = anchors_.try_emplace(name);
    if (!fresh) {
      yaml::raise({"found duplicate anchor " + python_quoted(name) + "; first occurrence",
                   entry->second.mark, "second occurrence", mark});
    }
    entry->second.mark = mark;
  }

  Composed alias(const std::string& name, const Mark& mark) {
    const auto found = anchors_.find(name);
    if (found == anchors_.end()) {
      yaml::raise({"", {}, "found undefined alias " + python_quoted(name), mark});
    }
    const Anchor& anchor = found->second;
    if (!anchor.complete) {
      yaml::raise({"[yaml] found recursive alias " + python_quoted(name) + "; anchored",
                   anchor.mark, "used inside itself", mark});
    }
    ++written_aliases_;
    nodes_ += anchor.nodes;
    added_ += anchor.nodes;
    const std::size_t written = nodes_ - added_ + written_aliases_;
    if (added_ > limits_.nodes || nodes_ > limits_.expansion * written) {
      yaml::raise({"",
                   {},
                   "[yaml] expected aliases to add at most " + std::to_string(limits_.nodes) +
                       " nodes, and not to grow the text " + std::to_string(limits_.expansion) +
                       " times",
                   mark});
    }
    return anchor.value;
  }

  Composed scalar(const Mark& mark) {
    const auto& event = events_.current().data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(event.value), event.length);
    Composed out;
    const std::string tag = text_of(event.tag);
    if (tag.empty() || tag == "!") {
      const bool implicit = event.plain_implicit != 0 || tag == "!";
      out.tag = implicit ? yaml::tag_of(tag_of_plain(text)) : yaml::Tag::kString;
    } else {
      out.tag = yaml::tag_named(tag);
    }
    try {
      out.node = yaml::construct_scalar(out.tag, tag, text);
    } catch (const Error& error) {
      note({"", {}, error.what(), mark});
    }
    if (out.tag == yaml::Tag::kTimestamp) unsupported(text.size() > 10 ? "datetime" : "date");
    return out;
  }

  Composed sequence(const Mark& mark) {
    const std::string tag_text = text_of(events_.current().data.sequence_start.tag);
    Composed out{Node::list(), yaml::Tag::kSequence};
    if (!tag_text.empty() && tag_text != "!") out.tag = yaml::tag_named(tag_text);
    if (const std::string wrong = yaml::wrong_kind(out.tag, tag_text, "sequence"); !wrong.empty()) {
      note({"", {}, wrong, mark});
    }
    for (std::size_t i = 0; events_.next().type != YAML_SEQUENCE_END_EVENT; ++i) {
      path_.push_back({true, i, nullptr});
      Composed item = compose();
      check_value(item);
      out.node.append(std::move(item.node));
      path_.pop_back();
    }
    if (out.tag == yaml::Tag::kOrderedMap || out.tag == yaml::Tag::kPairs) to_pairs(out, mark);
    if (out.tag == yaml::Tag::kPath) out.node = yaml::join_path(out.node);
    return out;
  }

  /// !!omap and !!pairs: each item is a dict of one entry, and becomes a pair.
  void to_pairs(Composed& out, const Mark& mark) {
    const char* context = out.tag == yaml::Tag::kPairs ? "while constructing pairs"
                                                       : "while constructing an ordered map";
    for (Node& item : out.node) {
      if (!item.is_dict()) {
        return note({context, mark,
                     std::string("expected a mapping of length 1, but found ") + node_id(item),
                     item.mark()});
      }
      if (item.size() != 1) {
        return note(
            {context, mark,
             "expected a single mapping item, but found " + std::to_string(item.size()) + " items",
             item.mark()});
      }
      Node pair = Node::list();
      pair.set_mark(item.mark());
      const Key& key = item.child(0).key();
      pair.append(key.is_string()  ? Node(key.string())
                  : key.is_float() ? Node(key.real())
                  : key.is_bool()  ? Node(key.integer() != 0)
                                   : Node(key.integer()));
      pair.append(item.take_at(0));
      item = std::move(pair);
    }
  }

  static const char* node_id(const Node& node) {
    return node.is_dict() ? "mapping" : node.is_list() ? "sequence" : "scalar";
  }

  Composed mapping(const Mark& mark) {
    const std::string tag_text = text_of(events_.current().data.mapping_start.tag);
    Composed out{Node::dict(), yaml::Tag::kMapping};
    if (!tag_text.empty() && tag_text != "!") out.tag = yaml::tag_named(tag_text);
    if (const std::string wrong = yaml::wrong_kind(out.tag, tag_text, "mapping"); !wrong.empty()) {
      note({"", {}, wrong, mark});
    }
    std::vector<Entry> entries;
    std::unordered_set<std::string> seen;
    bool merges = false;
    while (events_.next().type != YAML_MAPPING_END_EVENT) {
      Entry& entry = entries.emplace_back();
      entry.mark = events_.mark();
      const std::string raw = raw_key();
      entry.key = compose_key();
      if (entry.key.tag == yaml::Tag::kString && entry.key.node.is_string() &&
          !seen.insert(raw).second) {
        note({"while constructing a mapping", mark, "found duplicate key " + raw, entry.mark}, 1);
      }
      merges |= entry.key.tag == yaml::Tag::kMerge;
      const Key key = to_key(entry.key);
      path_.push_back({false, 0, &key});
      events_.next();
      entry.value = compose();
      if (entry.key.tag != yaml::Tag::kMerge) check_value(entry.value);
      path_.pop_back();
      if (entry.key.node.is_container()) {
        note({"while constructing a mapping", mark, "found unhashable key", entry.mark});
      } else if (entry.key.node.is_null() || entry.key.node.is_bytes()) {
        if (conversion_.empty()) {
          conversion_ = std::string("Incompatible key type '") + entry.key.node.type_name() +
                        "'\n    full_key: " + full_key() + "\n    object_type=dict\n" +
                        yaml::place(entry.mark);
        }
      }
    }
    if (out.tag == yaml::Tag::kSet) unsupported("set");
    assemble(out.node, entries, mark, merges);
    return out;
  }

  /// The entry's key; `=` is a string there, and an alias may stand for it.
  Composed compose_key() {
    Composed key = compose();
    if (key.tag == yaml::Tag::kValue) key.tag = yaml::Tag::kString;
    return key;
  }

  std::string raw_key() const {
    const yaml_event_t& event = events_.current();
    if (event.type == YAML_ALIAS_EVENT) {
      const auto found = anchors_.find(text_of(event.data.alias.anchor));
      const bool text = found != anchors_.end() && found->second.value.node.is_string();
      return text ? found->second.value.node.as_string() : "";
    }
    if (event.type != YAML_SCALAR_EVENT) return {};
    return {reinterpret_cast<const char*>(event.data.scalar.value), event.data.scalar.length};
  }

  static Key to_key(const Composed& key) {
    switch (key.node.kind()) {
      case Kind::kString:
        return Key(key.node.as_string());
      case Kind::kInt:
        return Key(key.node.as_int());
      case Kind::kFloat:
        return Key(key.node.as_float());
      case Kind::kBool:
        return Key(key.node.as_bool());
      default:
        return Key();
    }
  }

  /// What is merged comes first, then the mapping's own entries, which win.
  void assemble(Node& dict, std::vector<Entry>& entries, const Mark& mark, bool merges) {
    for (Entry& entry : entries) {
      if (!merges || entry.key.tag != yaml::Tag::kMerge) continue;
      merge_into(dict, entry.value.node, mark);
    }
    for (Entry& entry : entries) {
      // Null and bytes are keys for Python, but not for OmegaConf: an error has been noted.
      const bool key_fits =
          !entry.key.node.is_container() && !entry.key.node.is_null() && !entry.key.node.is_bytes();
      if (entry.key.tag == yaml::Tag::kMerge || !key_fits) continue;
      Node& child = dict.set(to_key(entry.key), std::move(entry.value.node));
      child.set_key_mark(entry.mark);
    }
  }

  void merge_into(Node& dict, const Node& value, const Mark& mark) {
    if (!value.is_container()) {
      return note({"while constructing a mapping", mark,
                   "expected a mapping or list of mappings for merging, but found scalar",
                   value.mark()});
    }
    if (value.is_dict()) {
      for (const Node& item : value) dict.set(item.key(), item);
      return;
    }
    for (const Node& item : value) {
      if (!item.is_dict()) {
        return note({"while constructing a mapping", mark,
                     std::string("expected a mapping for merging, but found ") + node_id(item),
                     item.mark()});
      }
    }
    for (std::size_t i = value.size(); i-- > 0;) merge_into(dict, value.child(i), mark);
  }

  /// Keeps the construction error that the reference would meet first: the outermost.
  void note(Problem problem, std::size_t outward = 0) {
    const std::size_t depth = depth_ - std::min(outward, depth_);
    if (construction_ && construction_depth_ <= depth) return;
    construction_ = std::move(problem);
    construction_depth_ = depth;
  }

  void unsupported(const char* type) {
    if (!conversion_.empty()) return;
    conversion_ = std::string("Value '") + type + "' is not a supported primitive type\n" +
                  "    full_key: " + full_key() + "\n    object_type=dict\n" +
                  yaml::place(events_.mark());
  }

  /// A value on its way into a container: `=` and `<<` have no constructor, interpolations must
  /// parse.
  void check_value(const Composed& value) {
    check_tag(value);
    if (!value.node.is_interpolation() || !conversion_.empty()) return;
    try {
      check_interpolation(value.node.as_string());
    } catch (const Error& error) {
      conversion_ = std::string(error.what()) + "\n    full_key: " + full_key() +
                    "\n    object_type=dict\n" + yaml::place(value.node.mark());
    }
  }

  void check_tag(const Composed& value) {
    if (value.tag != yaml::Tag::kMerge && value.tag != yaml::Tag::kValue) return;
    note({"", {}, yaml::no_constructor(value.tag), value.node.mark()});
  }

  std::string full_key() const {
    std::string out;
    for (const Step& step : path_) {
      if (step.list) {
        out += "[" + std::to_string(step.index) + "]";
      } else {
        out += (out.empty() ? "" : ".") + step.key->text();
      }
    }
    return out;
  }

  std::uint32_t source_;
  LoadLimits limits_;
  Events events_;
  std::size_t depth_ = 0;
  std::size_t nodes_ = 0;  // with what aliases add
  std::size_t added_ = 0;  // by aliases
  std::size_t written_aliases_ = 0;
  std::unordered_map<std::string, Anchor> anchors_;
  std::vector<Step> path_;
  std::optional<Problem> construction_;
  std::size_t construction_depth_ = 0;
  std::string conversion_;
};

Shift shift_of(std::string_view text, const yaml::Repair& repair) {
  Shift out{1, 1, static_cast<std::uint32_t>(repair.text.size())};
  for (std::size_t i = 0; i < repair.at;) {
    const char32_t c = next_character(text, i);
    ++out.column;
    if (c == '\n') ++out.line, out.column = 1;
  }
  return out;
}

std::string read_text(const std::string& path, const LoadLimits& limits) {
  std::ifstream file(path, std::ios::binary | std::ios::ate);
  if (!file) fail(ErrorCode::kIo, "[config] cannot open {}", path);
  const auto size = static_cast<std::streamoff>(file.tellg());
  if (size < 0) fail(ErrorCode::kIo, "[config] cannot read {}", path);
  IOLAUS_CHECK_CODE(static_cast<std::size_t>(size) <= limits.bytes, ErrorCode::kConfig,
                    "[config] expected at most {} bytes in {}, got {}", limits.bytes, path, size);
  std::string text(static_cast<std::size_t>(size), '\0');
  file.seekg(0);
  if (!file.read(text.data(), size)) fail(ErrorCode::kIo, "[config] cannot read {}", path);
  return text;
}

}  // namespace

Node load_yaml(std::string_view text, std::string_view source, const LoadLimits& limits) {
  IOLAUS_CHECK_CODE(text.size() <= limits.bytes, ErrorCode::kConfig,
                    "[yaml] expected at most {} bytes in {}, got {}", limits.bytes, source,
                    text.size());
  const std::uint32_t id = intern_source(source);
  yaml::check_characters(text, id);
  if (text.starts_with("\xEF\xBB\xBF")) text.remove_prefix(3);
  constexpr int kMostRepairs = 64;
  std::string repaired;
  std::vector<Shift> shifts;
  for (int i = 0;; ++i) {
    try {
      return Reader(text, id, limits, shifts).read();
    } catch (const yaml::Repair& repair) {
      IOLAUS_CHECK_CODE(i < kMostRepairs, ErrorCode::kConfig,
                        "[yaml] expected blanks behind colons in flow collections, in {}", source);
      shifts.push_back(shift_of(text, repair));
      repaired = std::string(text.substr(0, repair.at)) + repair.text +
                 std::string(text.substr(repair.at));
      text = repaired;
    }
  }
}

Node load_file(const std::string& path, const LoadLimits& limits) {
  const std::string text = read_text(path, limits);
  if (path.ends_with(".json")) return load_json(text, path, limits);
  return load_yaml(text, path, limits);
}

}  // namespace iolaus::config
