// The handler of device failures.
#include "core/device_failure.h"

#include <atomic>

#include "core/error.h"

namespace iolaus {
namespace {
std::atomic<void (*)(const std::string&)> g_handler{nullptr};
}

void set_device_failure_handler(void (*handler)(const std::string& message)) {
  g_handler = handler;
}

void fail_device(const std::string& message) {
  if (auto* handler = g_handler.load()) handler(message);
  throw Error(ErrorCode::kDevice, message);
}

}  // namespace iolaus
