// Where warnings go.
#include "core/warning.h"

#include <atomic>
#include <cstdio>

namespace iolaus {
namespace {
std::atomic<void (*)(const std::string&)> g_handler{nullptr};
}

void set_warning_handler(void (*handler)(const std::string& message)) { g_handler = handler; }

void detail::send_warning(const std::string& message) {
  if (auto* handler = g_handler.load()) return handler(message);
  std::fprintf(stderr, "warning: %s\n", message.c_str());
}

}  // namespace iolaus
