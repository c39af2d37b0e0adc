// Inside of the interpolation engine: one Evaluation lives for the duration of a public call. It
// knows which nodes are being resolved (cycles), how deep it is and how much it has done (limits).
#pragma once

#include <string>
#include <vector>

#include "config/interpolation_parser.h"
#include "config/resolvers.h"

namespace iolaus::config::detail {

/// InterpolationResolutionError and its kin: passes through unchanged.
class ResolutionError : public Error {
 public:
  explicit ResolutionError(const std::string& message, bool to_missing = false)
      : Error(ErrorCode::kConfig, message), to_missing_(to_missing) {}
  bool to_missing() const { return to_missing_; }

 private:
  bool to_missing_;
};

/// MissingMandatoryValue on the way to a node.
class MissingError : public Error {
 public:
  explicit MissingError(const std::string& message) : Error(ErrorCode::kConfig, message) {}
};

class Evaluation {
 public:
  /// Joins the evaluation that a resolver is part of, so that limits and cycles span both.
  static Evaluation& current(Evaluation& own);

  /// Value of a node: itself, or what its interpolation stands for. `raw_too`: also a container
  /// that a resolver made and that is no config; it can be selected, but nothing below it.
  Value of_node(const Node& node, bool raw_too = false);
  /// Evaluates for a node below `parent`; words foreign exceptions as the reference does.
  Value wrapped(const Expression& expression, const Node& parent, const Node& node);
  /// The node at a path, interpolations followed; an empty reference where there is none.
  Value select(const Node& from, const std::string& path, bool throw_on_missing,
               bool throw_on_failure);
  /// A copy without interpolations, made from the original nodes, so that every lookup happens in
  /// the original tree.
  Node resolved_copy(const Node& original);
  /// The same for what was computed.
  Node resolved_or_plain(const Value& value);

 private:
  struct Level {  // counts the nesting while it lives
    explicit Level(Evaluation& evaluation);
    Level(const Level&) = delete;
    Level& operator=(const Level&) = delete;
    ~Level() { --evaluation_.depth_; }
    Evaluation& evaluation_;
  };

  Value evaluate(const Expression& e, const Node& parent, const Node& node);
  Value path(const Expression& e, const Node& parent, const Node& node);
  std::string nested_key(const Expression& part, const Node& parent, const Node& node);
  Value resolver(const Expression& e, const Node& parent, const Node& node);
  /// Resolvers see values: what a container holds is resolved, lazily in the reference, here now.
  Node argument(const Value& value);
  Value call(const std::string& name, const std::vector<std::string>& texts,
             const std::vector<Node>& args, const Node& parent, const Node& node);
  Value of_node_or_nothing(const Node& node, bool throw_on_failure);
  /// Resolves a child; an error says which.
  Node with_place(const Node& item);
  Node resolved_interpolation(const Node& original);
  void step();

  int depth_ = 0;
  std::size_t steps_ = 0;
  bool placed_ = false;  // the error in flight says where already
  std::vector<const Node*> resolving_;
  std::vector<const Node*> copying_;
};

}  // namespace iolaus::config::detail
