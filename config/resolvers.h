// Inside of the interpolation engine: what resolvers and the evaluation share. Not for users.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "config/interpolation.h"

namespace iolaus::config::detail {

/// What an expression gives: a node of some tree, or a computed one. `raw` containers are plain
/// lists and dicts, which the reference passes to resolvers but does not accept as values.
struct Value {
  NodeRef ref;
  bool raw = false;

  const Node& node() const { return *ref; }
};
Value computed(Node node, bool raw = false);

struct ResolverEntry {
  /// Either of them is set.
  std::function<Value(const ResolverCall&, const std::vector<Node>&)> internal;
  Resolver user;
  bool use_cache = false;
  bool replaceable = false;  // an extension of ours, which a user's resolver may replace silently
};
using InternalResolver = std::function<Value(const ResolverCall&, const std::vector<Node>&)>;

/// The entry of a name; one without functions where there is none.
ResolverEntry resolver_entry(const std::string& name);
std::optional<Node> cached_result(const std::string& name, const std::vector<std::string>& texts);
void cache_result(const std::string& name, const std::vector<std::string>& texts,
                  const Node& result);
/// What set_hydra_config was given.
std::shared_ptr<const Node> hydra_config();

/// The resolvers that come with the library, by name.
std::vector<std::pair<std::string, ResolverEntry>> builtin_resolvers();
std::vector<std::pair<std::string, ResolverEntry>> arithmetic_resolvers();

/// Throws the TypeError that Python throws for a wrong number of arguments of
/// `function(names...)`, of which the first `required` have no default.
void check_arguments(const std::vector<Node>& args, std::string_view function,
                     const std::vector<std::string>& names, std::size_t required);

/// Evaluates `text` by the rule for one element, in the place of a running resolver.
Value evaluate_element(std::string_view text, const ResolverCall& call);
/// OmegaConf.select with an absolute key, as resolvers use it: relative keys start at the parent;
/// type errors on the way count as "no value".
NodeRef select_for_resolver(const Node& parent, const std::string& key, bool throw_on_missing);

}  // namespace iolaus::config::detail
