// Warnings of the lower floors, which know no logger: something was left out or slower than it
// could be, and the program goes on.
#pragma once

#include <fmt/core.h>

#include <string>

namespace iolaus {

/// Where warnings go; until it is set, to stderr as "warning: ...". Called from any thread.
void set_warning_handler(void (*handler)(const std::string& message));

namespace detail {
void send_warning(const std::string& message);
}

/// warn("[tune] {} cannot be read", path).
template <class... Args> void warn(fmt::format_string<Args...> format, Args&&... args) {
  detail::send_warning(fmt::format(format, std::forward<Args>(args)...));
}

}  // namespace iolaus
