// Merge as OmegaConf does: dicts recurse, lists replace (or extend, on request), `???` never
// overwrites, null and interpolations replace, scalar and dict replace each other, dict against
// list is an error. Flags and types of the destination are obeyed; the marks of what was merged
// come along, so every value still says where it was set.
#pragma once

#include <vector>

#include "config/node.h"

namespace iolaus::config {

enum class ListMerge { kReplace, kExtend, kExtendUnique };

/// Merges `from` into `into`. Throws kConfig as the reference: "Cannot merge DictConfig with
/// ListConfig", "Key 'x' is not in struct", "Cannot change read-only config container", types.
void merge(Node& into, const Node& from, ListMerge lists = ListMerge::kReplace);
/// The same; `from` is used up, which saves the copies.
void merge(Node& into, Node&& from, ListMerge lists = ListMerge::kReplace);

/// Merges all into a copy of the first.
Node merged(const std::vector<const Node*>& nodes, ListMerge lists = ListMerge::kReplace);

}  // namespace iolaus::config
