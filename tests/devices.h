// The devices that a test with the device as a parameter runs on: the CPU, and the first CUDA
// device, real or simulated, where there is one.
#pragma once

#include <vector>

#include "core/device.h"

namespace iolaus::test {

inline std::vector<Device> all_devices() {
  std::vector<Device> devices{Device()};
  if (is_available(kCUDA)) devices.emplace_back(kCUDA, 0);
  return devices;
}

}  // namespace iolaus::test
