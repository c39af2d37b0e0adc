// Interpolation: `${a.b}`, `${.x}`, `${a[0]}`, `${oc.env:HOME,/root}`, nested and inside strings,
// in OmegaConf's grammar. Strings stay unresolved in the tree; these functions compute values on
// demand, or a resolved copy. A cycle and too deep a nesting are errors.
#pragma once

#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/node.h"

namespace iolaus::config {

/// What a resolver gets beside its arguments.
struct ResolverCall {
  std::string_view name;
  const Node& root;                       // of the tree that is being resolved
  const Node& parent;                     // of the node that holds the interpolation
  const Node& node;                       // the node that holds the interpolation
  const std::vector<std::string>& texts;  // the arguments as they were written
};
using Resolver = std::function<Node(const ResolverCall&, const std::vector<Node>& args)>;

/// Thrown by a resolver to say what kind of mistake it met, in the reference's words: "TypeError",
/// "KeyError", "ValueError"... Other exceptions of a resolver are reported as "Error".
class ResolverError : public Error {
 public:
  ResolverError(std::string type, const std::string& message)
      : Error(ErrorCode::kConfig, message), type_(std::move(type)) {}
  const std::string& type() const { return type_; }

 private:
  std::string type_;
};

/// Registers `${name:...}`. kConfig where the name is taken, unless `replace`. Thread-safe.
/// With `use_cache`, the same argument texts give the first value again.
void register_resolver(const std::string& name, Resolver resolver, bool replace = false,
                       bool use_cache = false);
/// The config that `${hydra:...}` looks into; nullptr: none, which makes that an error.
void set_hydra_config(std::shared_ptr<const Node> hydra);
bool has_resolver(const std::string& name);
std::vector<std::string> resolver_names();
void clear_resolver_cache();

/// Checks the syntax of an interpolated string; throws kConfig with the parser's message.
void check_interpolation(std::string_view text);

/// The value of a node: itself, or what its interpolation stands for. Throws kConfig:
/// "Interpolation key 'x' not found", unknown resolver, cycles, and errors of resolvers; with the
/// full key.
NodeRef resolve(const Node& node);

struct SelectOptions {
  bool throw_on_missing = false;            // `???` at the end: throw, else "no value"
  bool throw_on_resolution_failure = true;  // else "no value"
  bool absolute = false;                    // ignore leading dots
};
/// OmegaConf.select: follows interpolations on the way and at the end. An empty NodeRef where there
/// is no such node or it is missing.
NodeRef select(const Node& from, std::string_view path, SelectOptions options = {});

/// Parses and resolves a text as if it stood in a child of `parent`.
Node resolve_text(std::string_view text, const Node& parent);

/// A copy in which every interpolation is replaced by its value. Missing values stay `???`.
Node to_resolved(const Node& node);
/// Resolves everything below in place (OmegaConf.resolve).
void resolve_in_place(Node& node);

/// Full keys of all missing values below, in order, as `OmegaConf.missing_keys`.
std::vector<std::string> missing_keys(const Node& node);

}  // namespace iolaus::config
