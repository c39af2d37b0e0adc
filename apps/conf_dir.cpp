// Finding the shipped config tree.
#include "apps/conf_dir.h"

#include <unistd.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>

#include "core/error.h"

namespace iolaus {

namespace fs = std::filesystem;

std::string conf_dir() {
  if (const char* path = std::getenv("IOLAUS_CONF")) return path;
  char buffer[4096];
  const ssize_t length = readlink("/proc/self/exe", buffer, sizeof buffer);
  const fs::path program =
      fs::path(std::string(buffer, static_cast<size_t>(std::max<ssize_t>(length, 0))));
  for (const fs::path& candidate :
       {program.parent_path() / "../share/iolaus/conf", fs::path(IOLAUS_BUILT_CONF_DIR)}) {
    std::error_code ignored;
    if (fs::exists(candidate / "train.yaml", ignored))
      return fs::weakly_canonical(candidate).string();
  }
  fail(ErrorCode::kNotFound,
       "the shipped config tree was found neither beside {} nor at {}; set IOLAUS_CONF",
       program.string(), IOLAUS_BUILT_CONF_DIR);
}

}  // namespace iolaus
