// LogDirectory: the folder of a logger's files, save_dir/name/version as in Lightning. A version
// that is not given is the next free number; it is looked up when the folder is first asked for,
// so that a logger that never logs leaves nothing.
#pragma once

#include <cstdint>
#include <string>
#include <variant>
#include <vector>

#include "config/registry.h"

namespace iolaus::nn {

/// The next free number, version_N, or a folder's name.
using LogVersion = std::variant<std::monostate, int64_t, std::string>;

class LogDirectory {
 public:
  /// Empty names and versions stand for no folder of their own: with both empty the files lie in
  /// save_dir. "~" at the start of save_dir is the home directory.
  LogDirectory(const std::string& save_dir, std::string name, LogVersion version,
               std::string sub_dir = "");
  /// From the arguments save_dir, name and version (null: none, next), and sub_dir if there is one.
  static LogDirectory from(const config::Args& args);
  /// Those arguments, as a target declares them.
  static std::vector<config::Param> params();

  const std::string& save_dir() const { return save_dir_; }
  const std::string& name() const { return name_; }
  /// "0" of version_0, else the folder's name.
  std::string version() const;
  /// The folder.
  std::string path() const;
  /// Makes it. Errors: kIo.
  void create() const;

 private:
  std::string save_dir_, name_, sub_dir_;
  mutable LogVersion version_;
};

/// path/hparams.yaml, whole or not at all. Errors: kIo.
void write_hparams(const std::string& path, const config::Node& hparams);

/// A text among the arguments; "" for null, and where the target has no such parameter.
std::string text_or_empty(const config::Args& args, const char* key);

/// "prefix-name", or the name where there is no prefix.
std::string prefixed(const std::string& prefix, const std::string& name);

}  // namespace iolaus::nn
