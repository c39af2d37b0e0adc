// Warnings: one handler for the process; the default prints.
#include "config/warning.h"

#include <cstdio>
#include <cstdlib>
#include <mutex>
#include <set>
#include <utility>

namespace iolaus::config {
namespace {

std::mutex handler_mutex;
WarningHandler& handler() {
  static WarningHandler* instance = new WarningHandler;
  return *instance;
}

}  // namespace

void warn(std::string_view category, std::string_view message) {
  WarningHandler current;
  {
    const std::lock_guard lock(handler_mutex);
    current = handler();
  }
  if (current) return current(category, message);
  const char* filter = std::getenv("PYTHONWARNINGS");
  if (filter != nullptr && std::string_view(filter).starts_with("ignore")) return;
  std::fprintf(stderr, "%.*s: %.*s\n", static_cast<int>(category.size()), category.data(),
               static_cast<int>(message.size()), message.data());
}

void warn_once(const std::string& message) {
  static std::mutex mutex;
  static std::set<std::string> seen;
  {
    const std::lock_guard lock(mutex);
    if (!seen.insert(message).second) return;
  }
  std::fflush(stdout);
  warn("UserWarning", message);
}

void warn_once(const std::vector<std::string>& messages) {
  for (const std::string& message : messages) warn_once(message);
}

WarningHandler set_warning_handler(WarningHandler next) {
  const std::lock_guard lock(handler_mutex);
  return std::exchange(handler(), std::move(next));
}

}  // namespace iolaus::config
