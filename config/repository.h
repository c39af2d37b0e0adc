// Repository: the configs of a search path, each read and parsed once. A sweep shares one
// repository between its jobs, so a job costs no file access and edits made meanwhile don't reach
// jobs that wait.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/defaults_item.h"
#include "config/source.h"

namespace iolaus::config {

struct SearchPathElement {
  std::string provider, path;
};

/// A config without its defaults list.
struct LoadedConfig {
  Node config;
  ConfigHeader header;
  std::vector<DefaultItem> defaults;
  std::string origin;
  bool typed = false;  // from the schema source: its types hold where it is merged
};

class Repository {
 public:
  explicit Repository(const std::vector<SearchPathElement>& search_path);

  /// nullptr where no source has the config. Throws what loading throws.
  std::shared_ptr<const LoadedConfig> load(const std::string& path);
  /// The JSON schema of a group or config; nullptr where there is none.
  std::shared_ptr<const Node> schema(const std::string& path);
  bool config_exists(const std::string& path) const;
  bool group_exists(const std::string& path) const;
  /// Options of a group over all sources, sorted.
  std::vector<std::string> options(const std::string& group,
                                   ObjectKind kind = ObjectKind::kConfig) const;
  const std::vector<std::unique_ptr<Source>>& sources() const { return sources_; }
  /// "\tprovider=..., path=..." for each source, in lines.
  std::string search_path_text() const;
  /// A repository over another search path that keeps what this one has read.
  Repository with_search_path(const std::vector<SearchPathElement>& search_path) const;

 private:
  std::vector<std::unique_ptr<Source>> sources_;
  std::map<std::string, std::shared_ptr<const LoadedConfig>> cache_;
  std::map<std::string, std::shared_ptr<const Node>> schemas_;
};

}  // namespace iolaus::config
