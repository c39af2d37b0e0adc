// The handler of device failures that programs use.
#include "nn/run/device_failure_exit.h"

#include <spdlog/spdlog.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "core/device_failure.h"

namespace iolaus::nn {

void exit_on_device_failure() {
  set_device_failure_handler([](const std::string& message) {
    spdlog::critical("{}", message);
    spdlog::default_logger()->flush();
    std::fprintf(stderr, "the GPU failed: %s\n", message.c_str());
    std::fflush(nullptr);
    std::_Exit(kDeviceFailureExit);
  });
}

}  // namespace iolaus::nn
