// Source: one place that configs come from. A search path is a list of sources; the first that has
// a config wins. Three schemes: `file://` (a directory), `pkg://hydra.conf` (texts compiled into
// the program) and `structured://` (typed configs declared in C++).
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/merge.h"
#include "config/node.h"

namespace iolaus::config {

enum class ObjectKind { kGroup, kConfig };

/// One element of a search path, as messages and `hydra.runtime.config_sources` show it.
struct SourceInfo {
  std::string provider;  // "hydra", "main", "command-line", "schema", ...
  std::string scheme;    // "file", "pkg", "structured"
  std::string path;
  /// "provider=main, path=file:///conf"
  std::string text() const { return "provider=" + provider + ", path=" + scheme + "://" + path; }
};

/// What the comments that open a config say.
struct ConfigHeader {
  std::optional<std::string> package;     // `# @package x`
  ListMerge lists = ListMerge::kReplace;  // `# @lists extend` or `extend_unique`: how they merge
};

/// A config as it was written, before its defaults list is taken out.
struct LoadedText {
  Node config;
  ConfigHeader header;
  std::string origin;  // file name, for messages
};

class Source {
 public:
  explicit Source(SourceInfo info) : info_(std::move(info)) {}
  virtual ~Source() = default;
  const SourceInfo& info() const { return info_; }

  virtual bool available() const = 0;
  virtual bool is_group(const std::string& path) const = 0;
  virtual bool is_config(const std::string& path) const = 0;
  /// Names in a group: of its configs (without extension) or of its subgroups; sorted.
  virtual std::vector<std::string> list(const std::string& group, ObjectKind kind) const = 0;
  /// Reads and parses; throws kConfig with place for bad content.
  virtual LoadedText load(const std::string& path) const = 0;
  /// The JSON schema of a group or config: `path`.schema.json.
  virtual std::optional<Node> schema(const std::string& /*path*/) const { return std::nullopt; }

 private:
  SourceInfo info_;
};

/// Makes the source for a search path element: `file://x`, `pkg://x`, `structured://`, or a plain
/// path. kConfig for an unknown scheme.
std::unique_ptr<Source> make_source(const std::string& provider, const std::string& path);

/// Reads the header. kConfig for a bad one.
ConfigHeader read_header(std::string_view text);

/// Parses a config's text: null becomes an empty dict, a string a dict with that key, as the
/// reference loads them; other scalars are errors.
Node parse_config_text(std::string_view text, std::string_view origin, bool json);

/// "a/b" with `.` and `..` worked out; nothing where it would leave its root or holds a NUL.
std::optional<std::string> normal_path(const std::string& path);

/// A typed config declared in C++: the node carries its types.
void register_schema(const std::string& path, Node config);

}  // namespace iolaus::config
