// Errors after which a device is of no more use to the process: a kernel that touched memory it
// must not, a hang, a hardware fault. CUDA returns them from every later call, and what is in the
// device's memory cannot be trusted, so nothing may be saved from it.
#pragma once

#include <string>

namespace iolaus {

/// The exit status of a program that ends for this reason (EX_SOFTWARE of sysexits.h).
inline constexpr int kDeviceFailureExit = 70;

/// What is done with the message before it is thrown. A program ends itself here, at once, so that
/// no handler or destructor goes on with the device; a test lets it be thrown. Null: thrown.
void set_device_failure_handler(void (*handler)(const std::string& message));
/// Calls the handler, then throws kDevice.
[[noreturn]] void fail_device(const std::string& message);

}  // namespace iolaus
