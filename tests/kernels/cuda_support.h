// What tests of kernels on a CUDA device share.
#pragma once

#include <doctest/doctest.h>

#include "core/device_info.h"
#include "kernels/copy/copy.h"

namespace iolaus::test {

/// False, visibly, where there is no CUDA device: the test is skipped then.
inline bool has_device() {
  if (is_available(kCUDA)) return true;
  MESSAGE("skipped: no CUDA device");
  return false;
}
inline Tensor on_device(const Tensor& x) { return convert(x, x.dtype(), Device(kCUDA)); }

}  // namespace iolaus::test
