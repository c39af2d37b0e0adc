// YAML in: libyaml's events become nodes here. This composer adds what PyYAML's does (anchors,
// merge keys, tags, duplicate keys) and OmegaConf's wrapping (key types, supported values, syntax
// of interpolations), in the order in which the reference would complain: first the stream, then
// the construction from the outside in, then the values in document order.
#include <algorithm>
#include <unordered_set>
#include <utility>

#include "config/interpolation.h"
#include "config/python_text.h"
#include "config/scalar.h"
#include "config/yaml_anchors.h"
#include "config/yaml_events.h"
#include "config/yaml_tags.h"

namespace iolaus::config::yaml {
namespace {

std::string text_of(const yaml_char_t* text) {
  return text != nullptr ? reinterpret_cast<const char*>(text) : "";
}

class Reader {
 public:
  Reader(std::string_view text, std::uint32_t source, const LoadLimits& limits,
         const std::vector<Shift>& shifts)
      : source_(source), limits_(limits), events_(text, source_, shifts), anchors_(limits) {}

  Node read() {
    events_.next();  // stream start
    events_.next();
    events_.check_document_start();
    if (events_.current().type == YAML_STREAM_END_EVENT) return Node();
    events_.next();
    const Mark start = events_.mark();
    Composed composed = compose();
    check_tag(composed);
    Node root = std::move(composed.node);
    events_.next();  // document end
    if (events_.next().type != YAML_STREAM_END_EVENT) {
      raise({"expected a single document in the stream", start, "but found another document",
             events_.mark()});
    }
    if (construction_) raise(*construction_);
    if (!conversion_.empty()) throw Error(ErrorCode::kConfig, conversion_);
    return root;
  }

 private:
  struct Entry {
    Composed key, value;
    Mark mark;
  };
  struct Step {  // of the path to the node in hand
    bool list;
    std::size_t index;
    const Key* key;
  };

  Composed compose() {
    const yaml_event_t& event = events_.current();
    const Mark mark = events_.mark();
    if (event.type == YAML_ALIAS_EVENT) {
      return anchors_.use(text_of(event.data.alias.anchor), mark);
    }
    if (++depth_ > limits_.depth) {
      raise({"",
             {},
             "[yaml] expected at most " + std::to_string(limits_.depth) +
                 " levels of nesting, got more",
             mark});
    }
    const std::size_t nodes_before = anchors_.count_node();
    const std::string anchor = anchor_of(event);
    if (!anchor.empty()) anchors_.declare(anchor, mark);
    Composed out = event.type == YAML_SCALAR_EVENT           ? scalar(mark)
                   : event.type == YAML_SEQUENCE_START_EVENT ? sequence(mark)
                                                             : mapping(mark);
    out.node.set_mark(mark);
    --depth_;
    if (!anchor.empty()) anchors_.complete(anchor, out, nodes_before);
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

  Composed scalar(const Mark& mark) {
    const auto& event = events_.current().data.scalar;
    const std::string_view text(reinterpret_cast<const char*>(event.value), event.length);
    Composed out;
    const std::string tag = text_of(event.tag);
    if (tag.empty() || tag == "!") {
      const bool implicit = event.plain_implicit != 0 || tag == "!";
      out.tag = implicit ? tag_of(tag_of_plain(text)) : Tag::kString;
    } else {
      out.tag = tag_named(tag);
    }
    try {
      out.node = construct_scalar(out.tag, tag, text);
    } catch (const Error& error) {
      note({"", {}, error.what(), mark});
    }
    if (out.tag == Tag::kTimestamp) unsupported(text.size() > 10 ? "datetime" : "date");
    return out;
  }

  Composed sequence(const Mark& mark) {
    const std::string tag_text = text_of(events_.current().data.sequence_start.tag);
    Composed out{Node::list(), Tag::kSequence};
    if (!tag_text.empty() && tag_text != "!") out.tag = tag_named(tag_text);
    if (const std::string wrong = wrong_kind(out.tag, tag_text, "sequence"); !wrong.empty()) {
      note({"", {}, wrong, mark});
    }
    for (std::size_t i = 0; events_.next().type != YAML_SEQUENCE_END_EVENT; ++i) {
      path_.push_back({true, i, nullptr});
      Composed item = compose();
      check_value(item);
      out.node.append(std::move(item.node));
      path_.pop_back();
    }
    if (out.tag == Tag::kOrderedMap || out.tag == Tag::kPairs) to_pairs(out, mark);
    if (out.tag == Tag::kPath) out.node = join_path(out.node);
    return out;
  }

  /// !!omap and !!pairs: each item is a dict of one entry, and becomes a pair.
  void to_pairs(Composed& out, const Mark& mark) {
    const char* context =
        out.tag == Tag::kPairs ? "while constructing pairs" : "while constructing an ordered map";
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
    Composed out{Node::dict(), Tag::kMapping};
    if (!tag_text.empty() && tag_text != "!") out.tag = tag_named(tag_text);
    if (const std::string wrong = wrong_kind(out.tag, tag_text, "mapping"); !wrong.empty()) {
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
      if (entry.key.tag == Tag::kString && entry.key.node.is_string() && !seen.insert(raw).second) {
        note({"while constructing a mapping", mark, "found duplicate key " + raw, entry.mark}, 1);
      }
      merges |= entry.key.tag == Tag::kMerge;
      const Key key = to_key(entry.key);
      // OmegaConf looks at the key before the value.
      if ((entry.key.node.is_null() || entry.key.node.is_bytes()) && conversion_.empty()) {
        conversion_ = std::string("Incompatible key type '") + entry.key.node.type_name() +
                      "'\n    full_key: " + full_key() + "\n    object_type=dict\n" +
                      place(entry.mark);
      }
      path_.push_back({false, 0, &key});
      events_.next();
      entry.value = compose();
      if (entry.key.tag != Tag::kMerge) check_value(entry.value);
      path_.pop_back();
      if (entry.key.node.is_container()) {
        note({"while constructing a mapping", mark, "found unhashable key", entry.mark});
      }
    }
    if (out.tag == Tag::kSet) unsupported("set");
    assemble(out.node, entries, mark, merges);
    return out;
  }

  /// The entry's key; `=` is a string there, and an alias may stand for it.
  Composed compose_key() {
    Composed key = compose();
    if (key.tag == Tag::kValue) key.tag = Tag::kString;
    return key;
  }

  std::string raw_key() const {
    const yaml_event_t& event = events_.current();
    if (event.type == YAML_ALIAS_EVENT) {
      const Composed* found = anchors_.find(text_of(event.data.alias.anchor));
      return found != nullptr && found->node.is_string() ? found->node.as_string() : "";
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
      if (!merges || entry.key.tag != Tag::kMerge) continue;
      merge_into(dict, entry.value.node, mark);
    }
    for (Entry& entry : entries) {
      // Null and bytes are keys for Python, but not for OmegaConf: an error has been noted.
      const bool key_fits =
          !entry.key.node.is_container() && !entry.key.node.is_null() && !entry.key.node.is_bytes();
      if (entry.key.tag == Tag::kMerge || !key_fits) continue;
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
                  place(events_.mark());
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
                    "\n    object_type=dict\n" + place(value.node.mark());
    }
  }

  void check_tag(const Composed& value) {
    if (value.tag != Tag::kMerge && value.tag != Tag::kValue) return;
    note({"", {}, no_constructor(value.tag), value.node.mark()});
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
  Anchors anchors_;
  std::vector<Step> path_;
  std::optional<Problem> construction_;
  std::size_t construction_depth_ = 0;
  std::string conversion_;
};

}  // namespace

Node read_document(std::string_view text, std::uint32_t source, const LoadLimits& limits,
                   const std::vector<Shift>& shifts) {
  return Reader(text, source, limits, shifts).read();
}

}  // namespace iolaus::config::yaml
