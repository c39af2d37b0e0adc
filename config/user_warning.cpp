// Repeated warnings (each job of a sweep has them) are shown once.
#include "config/user_warning.h"

#include <cstdio>
#include <mutex>
#include <set>

#include "config/warning.h"

namespace iolaus::config {

void user_warning(const std::string& message) {
  static std::mutex mutex;
  static std::set<std::string> seen;
  const std::lock_guard lock(mutex);
  if (!seen.insert(message).second) return;
  std::fflush(stdout);
  warn("UserWarning", message);
}

void user_warnings(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) user_warning(message);
}

}  // namespace iolaus::config
