// The defaults list: from the primary config and the overrides, which configs are merged, in which
// order and into which package. Built as a tree (each config's own list below it), then flattened.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "config/defaults_item.h"
#include "config/override.h"
#include "config/repository.h"

namespace iolaus::config {

struct DefaultsTree {
  DefaultItem item;
  std::vector<std::unique_ptr<DefaultsTree>> children;
  DefaultsTree* parent = nullptr;
};

/// One config that is merged.
struct ResultDefault {
  std::string config_path;
  std::optional<std::string> parent;  // config whose list has it
  std::string package;
  bool is_self = false;
  bool primary = false;
  std::optional<std::string> override_key;
};

struct DefaultsList {
  std::vector<ResultDefault> defaults;
  std::unique_ptr<DefaultsTree> tree;
  /// Overrides that concern values, not groups.
  std::vector<Override> config_overrides;
  /// Option of each group that was chosen, in the order they became known; nothing for null.
  std::vector<std::pair<std::string, std::optional<std::string>>> choices;
  std::vector<std::string> warnings;
};

struct DefaultsOptions {
  bool skip_missing = false;  // leave groups with `???` out instead of failing (sweeps)
};

/// Throws kConfig with the reference's texts.
DefaultsList make_defaults_list(Repository& repository, const std::string* config_name,
                                const std::vector<Override>& overrides,
                                DefaultsOptions options = {});

}  // namespace iolaus::config
