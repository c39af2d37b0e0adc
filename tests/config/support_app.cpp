// Temporary trees and applications in forked processes.
#include "tests/config/support_app.h"

#include <fcntl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>

#include "config/yaml.h"

namespace iolaus::config::testing {
namespace fs = std::filesystem;

namespace {

std::string slurp(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream text;
  text << file.rdbuf();
  return text.str();
}

}  // namespace

TempTree::TempTree(const std::map<std::string, std::string>& files) {
  std::string name = (fs::temp_directory_path() / "iolaus_config_XXXXXX").string();
  if (!::mkdtemp(name.data())) throw std::runtime_error("mkdtemp failed");
  path_ = fs::canonical(name).string();
  for (const auto& [file, text] : files) write(file, text);
}

TempTree::~TempTree() {
  std::error_code ignored;
  fs::remove_all(path_, ignored);
}

void TempTree::write(const std::string& name, const std::string& text) const {
  const fs::path file = fs::path(path_) / name;
  fs::create_directories(file.parent_path());
  std::ofstream(file, std::ios::binary) << text;
}

std::string TempTree::read(const std::string& name) const { return slurp(path_ + "/" + name); }

bool TempTree::has(const std::string& name) const { return fs::exists(fs::path(path_) / name); }

std::vector<std::string> TempTree::files() const {
  std::vector<std::string> names;
  for (const auto& entry : fs::recursive_directory_iterator(path_)) {
    if (entry.is_regular_file()) names.push_back(fs::relative(entry.path(), path_).string());
  }
  std::sort(names.begin(), names.end());
  return names;
}

AppResult run_app(const std::string& cwd, const AppOptions& options,
                  const std::vector<std::string>& arguments, const Task& task) {
  const TempTree output;
  const std::string out = output / "out", err = output / "err";
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    const int flags = O_WRONLY | O_CREAT | O_TRUNC;
    const int out_file = ::open(out.c_str(), flags, 0600);
    const int err_file = ::open(err.c_str(), flags, 0600);
    if (::chdir(cwd.c_str()) != 0 || ::dup2(out_file, 1) < 0 || ::dup2(err_file, 2) < 0) {
      ::_exit(99);
    }
    std::vector<std::string> words = {options.name};
    words.insert(words.end(), arguments.begin(), arguments.end());
    std::vector<char*> argv;
    for (std::string& word : words) argv.push_back(word.data());
    argv.push_back(nullptr);
    const int status = config::main(static_cast<int>(words.size()), argv.data(), options, task);
    std::fflush(nullptr);
    ::_exit(status);
  }
  int status = 0;
  ::waitpid(child, &status, 0);
  return {WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status), slurp(out), slurp(err)};
}

AppResult compose_app(const TempTree& tree, const std::vector<std::string>& arguments) {
  return run_app(tree.path(), {.name = "compose", .config_dir = tree.path()}, arguments,
                 [](const Node& cfg, const JobContext&) {
                   std::printf("%s", to_yaml(cfg).c_str());
                   return TaskResult();
                 });
}

}  // namespace iolaus::config::testing
