// Provenance: for each value of a config, the file and line or the override that set it.
#pragma once

#include <string>

#include "config/node.h"

namespace iolaus::config {

/// The config as YAML, with the place of each value as a comment in one column.
std::string blame_text(const Node& node, bool resolve);

/// "Did you mean ...?\n" for the first part of a path that does not exist; "" where nothing is
/// near.
std::string near_keys(const Node& config, const std::string& path);

}  // namespace iolaus::config
