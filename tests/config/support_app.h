// What tests of the config library share: a config tree in a temporary directory, and running an
// application in a process of its own, as a user does.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "config/app.h"

namespace iolaus::config::testing {

/// A temporary directory with files; removed at the end.
class TempTree {
 public:
  explicit TempTree(const std::map<std::string, std::string>& files = {});
  ~TempTree();
  TempTree(const TempTree&) = delete;
  TempTree& operator=(const TempTree&) = delete;

  const std::string& path() const { return path_; }
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  void write(const std::string& name, const std::string& text) const;
  std::string read(const std::string& name) const;
  bool has(const std::string& name) const;
  /// All files below, sorted.
  std::vector<std::string> files() const;

 private:
  std::string path_;
};

struct AppResult {
  int status = 0;
  std::string out, err;
};

/// Runs config::main in a forked process, in the directory `cwd`, and returns what it printed.
AppResult run_app(const std::string& cwd, const AppOptions& options,
                  const std::vector<std::string>& arguments, const Task& task);
/// The application `compose` (prints its config) over a tree.
AppResult compose_app(const TempTree& tree, const std::vector<std::string>& arguments);

}  // namespace iolaus::config::testing
