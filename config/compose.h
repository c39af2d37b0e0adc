// Composition: config name and overrides in, one config with its `hydra` node out. A Composer keeps
// what it reads, so composing again (a sweep's next job) costs no file access.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/defaults_list.h"
#include "config/node.h"
#include "config/override.h"
#include "config/repository.h"

namespace iolaus::config {

enum class RunMode { kRun, kMultirun };

/// Version that `hydra.runtime.version` and `--version` show.
const char* version();

struct ComposeOptions {
  RunMode mode = RunMode::kRun;
  bool check_sweeps = true;  // a sweep without multirun is an error
  bool from_shell = true;    // messages quote for a shell
};

struct Composition {
  Node config;  // with the `hydra` node
  std::vector<Override> overrides;
  DefaultsList defaults;
  std::vector<std::string> warnings;
};

struct ComposerSettings {
  std::string job_name;
  std::string version_base = "1.3";
  std::optional<std::string> config_dir = {};        // the application's own tree
  std::optional<std::string> extra_config_dir = {};  // --config-dir
  std::vector<SearchPathElement> search_path = {};   // more, after these
};

class Composer {
 public:
  explicit Composer(ComposerSettings settings);

  /// Composes; throws kConfig with file, line and override where they are known.
  Composition compose(const std::optional<std::string>& config_name,
                      const std::vector<std::string>& overrides, ComposeOptions options = {});
  /// Only the defaults list, for `--info`.
  DefaultsList defaults_list(const std::optional<std::string>& config_name,
                             const std::vector<std::string>& overrides, RunMode mode);
  /// The repository that these overrides (hydra.searchpath) lead to.
  Repository& repository(const std::optional<std::string>& config_name,
                         const std::vector<Override>& overrides,
                         std::vector<std::string>& warnings);
  /// The repository before any config is read.
  /// Throws kConfig with all problems where a config does not fit the schemas of its groups.
  void check_schemas(const Composition& composition, const std::optional<std::string>& config_name);
  Repository& base_repository() { return *base_; }
  OverrideGrammar grammar() const;
  const ComposerSettings& settings() const { return settings_; }

 private:
  void check_main_source() const;
  Node merge_all(const DefaultsList& defaults, Repository& repository) const;
  void fill_hydra(Composition& composition, const std::optional<std::string>& config_name,
                  const Repository& repository) const;

  ComposerSettings settings_;
  std::vector<SearchPathElement> search_path_;
  std::unique_ptr<Repository> base_;
  std::map<std::string, std::unique_ptr<Repository>> by_search_path_;
};

/// Applies overrides of values to a composed config, in order. kConfig as the reference.
void apply_overrides(Node& config, const std::vector<Override>& overrides);

/// Sorted, joined overrides, as `hydra.job.override_dirname` has them.
std::string override_dirname(const std::vector<std::string>& lines, const std::string& kv_sep,
                             const std::string& item_sep);

/// The name of the reference's exception class that a message belongs to ("ConfigKeyError", ...).
const char* reference_error_name(const std::string& message);

}  // namespace iolaus::config
