// What becomes of the defaults tree: the list of configs to merge, or an error that says what there
// is instead.
#pragma once

#include <string>
#include <vector>

#include "config/defaults_list.h"

namespace iolaus::config {

/// The name of a primary config where none was asked for: it exists, and is empty.
inline constexpr const char* kDummyConfig = "_dummy_empty_config_";

/// Reads the tree off in order of merging; what is deleted, null or `???` is left out.
void collect_defaults(const DefaultsTree& tree, std::vector<ResultDefault>& out);
/// kConfig where two items of the list have one key.
void check_duplicates(const std::vector<ResultDefault>& defaults);

/// Throws kConfig: the config of this item does not exist; near names, options, search path.
[[noreturn]] void fail_not_found(const Repository& repository, const DefaultsTree& tree);
/// One name a line, indented.
std::string indented_lines(const std::vector<std::string>& names);

}  // namespace iolaus::config
