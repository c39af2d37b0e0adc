// Anchors with the errors of PyYAML's composer, and limits of our own.
#include "config/yaml_anchors.h"

#include "config/python_text.h"
#include "config/yaml_error.h"

namespace iolaus::config::yaml {

void Anchors::declare(const std::string& name, const Mark& mark) {
  const auto [entry, fresh] = anchors_.try_emplace(name);
  if (!fresh) {
    raise({"found duplicate anchor " + python_quoted(name) + "; first occurrence",
           entry->second.mark, "second occurrence", mark});
  }
  entry->second.mark = mark;
}

void Anchors::complete(const std::string& name, const Composed& value, std::size_t nodes_before) {
  Anchor& entry = anchors_[name];
  entry.value = value;
  entry.complete = true;
  entry.nodes = nodes_ - nodes_before;
}

const Composed* Anchors::find(const std::string& name) const {
  const auto found = anchors_.find(name);
  return found != anchors_.end() ? &found->second.value : nullptr;
}

const Composed& Anchors::use(const std::string& name, const Mark& mark) {
  const auto found = anchors_.find(name);
  if (found == anchors_.end()) {
    raise({"", {}, "found undefined alias " + python_quoted(name), mark});
  }
  const Anchor& anchor = found->second;
  if (!anchor.complete) {
    raise({"[yaml] found recursive alias " + python_quoted(name) + "; anchored", anchor.mark,
           "used inside itself", mark});
  }
  ++written_aliases_;
  nodes_ += anchor.nodes;
  added_ += anchor.nodes;
  const std::size_t written = nodes_ - added_ + written_aliases_;
  if (added_ > limits_.nodes || nodes_ > limits_.expansion * written) {
    raise({"",
           {},
           "[yaml] expected aliases to add at most " + std::to_string(limits_.nodes) +
               " nodes, and not to grow the text " + std::to_string(limits_.expansion) + " times",
           mark});
  }
  return anchor.value;
}

}  // namespace iolaus::config::yaml
