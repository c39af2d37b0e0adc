// Warnings, once per text and process.
#include "config/warnings.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <string_view>

namespace iolaus::config {

void warn(const std::string& message) {
  static std::mutex mutex;
  static std::set<std::string> seen;
  const char* setting = std::getenv("PYTHONWARNINGS");
  if (setting && std::string_view(setting).starts_with("ignore")) return;
  const std::lock_guard lock(mutex);
  if (!seen.insert(message).second) return;
  std::fflush(stdout);
  std::fprintf(stderr, "UserWarning: %s\n", message.c_str());
}

void warn_all(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) warn(message);
}

}  // namespace iolaus::config
