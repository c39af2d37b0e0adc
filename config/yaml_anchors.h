// Anchors and aliases of one document. They copy what they name, so they are counted: a few lines
// of text must not become millions of nodes.
#pragma once

#include <string>
#include <unordered_map>

#include "config/yaml.h"
#include "config/yaml_tags.h"

namespace iolaus::config::yaml {

/// A node with the tag that it had in the text.
struct Composed {
  Node node;
  Tag tag = Tag::kString;
};

class Anchors {
 public:
  explicit Anchors(const LoadLimits& limits) : limits_(limits) {}

  /// One more node of the text; returns how many there were, with those that aliases added.
  std::size_t count_node() { return nodes_++; }

  /// `&name` in front of a node. kConfig where the name is taken.
  void declare(const std::string& name, const Mark& mark);
  /// The node behind the anchor is there; `nodes_before` it began.
  void complete(const std::string& name, const Composed& value, std::size_t nodes_before);
  /// `*name`. kConfig where it is undefined, inside its own node, or makes the text grow too much.
  const Composed& use(const std::string& name, const Mark& mark);
  /// What the name stands for; nullptr where it is undefined.
  const Composed* find(const std::string& name) const;

 private:
  struct Anchor {
    Mark mark;
    bool complete = false;
    Composed value;
    std::size_t nodes = 0;
  };

  LoadLimits limits_;
  std::size_t nodes_ = 0;  // with what aliases add
  std::size_t added_ = 0;  // by aliases
  std::size_t written_aliases_ = 0;
  std::unordered_map<std::string, Anchor> anchors_;
};

}  // namespace iolaus::config::yaml
