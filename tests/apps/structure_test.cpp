// The house: includes only go down from floor to floor, and the shipped kernels config names every
// kernel.
#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <regex>
#include <set>

#include "config/yaml.h"
#include "kernels/kernel_set.h"
#include "tests/apps/support.h"

using namespace iolaus;
namespace fs = std::filesystem;

TEST_CASE("includes only go down") {
  const std::map<std::string, std::set<std::string>> allowed{
      {"core", {"core"}},
      {"config", {"config"}},  // and the two headers of iolaus_base
      {"kernels", {"kernels", "core"}},
      {"autograd", {"autograd", "kernels", "core"}},
      {"nn", {"nn", "autograd", "kernels", "core", "config"}},
      {"apps", {"apps", "nn", "autograd", "kernels", "core", "config"}}};
  const std::regex include(R"re(^\s*#\s*include\s+"([a-z_]+)/([^"]+)")re");
  int files = 0;
  for (const auto& [floor, below] : allowed) {
    for (const auto& entry :
         fs::recursive_directory_iterator(fs::path(IOLAUS_SOURCE_DIR) / floor)) {
      const std::string extension = entry.path().extension().string();
      if (extension != ".h" && extension != ".cpp" && extension != ".cu") continue;
      ++files;
      std::ifstream file(entry.path());
      std::string line;
      while (std::getline(file, line)) {
        std::smatch match;
        if (!std::regex_search(line, match, include) || !allowed.contains(match[1])) continue;
        const bool base = line.find("\"core/error.h\"") != std::string::npos ||
                          line.find("\"core/near_names.h\"") != std::string::npos;
        if (floor == "config" && base) continue;
        INFO(entry.path().string(), ": ", line);
        CHECK(below.contains(match[1]));
      }
    }
  }
  CHECK(files > 150);
}

TEST_CASE("the commands of README compose") {
  std::ifstream readme(fs::path(IOLAUS_SOURCE_DIR) / "README.md");
  REQUIRE(readme);
  const test::Folder folder;
  std::string line;
  int commands = 0;
  while (std::getline(readme, line)) {
    if (!line.starts_with("    iolaus train")) continue;
    std::string arguments = line.substr(std::string("    iolaus ").size());
    arguments.erase(std::min(arguments.find('#'), arguments.size()));
    // Of a sweep the first job: --cfg and -m exclude each other.
    arguments = std::regex_replace(arguments, std::regex(" -m|,[^ ]*"), "");
    const test::Outcome outcome = test::run(folder, arguments + " --cfg job");
    CAPTURE(arguments);
    CAPTURE(outcome.output);
    CHECK(outcome.status == 0);
    ++commands;
  }
  CHECK(commands >= 8);
}

TEST_CASE("conf/kernels/default.yaml names every kernel and op, and nothing else") {
  const config::Node choices =
      config::load_file(IOLAUS_SOURCE_DIR "/apps/conf/kernels/default.yaml");
  std::set<std::string> named, known{"tune", "fp32_precision", "linalg"};
  for (const config::Node& choice : choices) named.insert(choice.key().text());
  for (const KernelSetBase* set : all_kernel_sets()) {
    known.insert(set->name());
    known.insert(set->op());
  }
  CHECK(named == known);
}
