// Printing of windows.
#include "kernels/window2d.h"

#include <fmt/core.h>

namespace iolaus {

std::string Window2d::str() const {
  return fmt::format("kernel {}x{} stride {}x{} padding {}x{} dilation {}x{}", kernel[0], kernel[1],
                     stride[0], stride[1], padding[0], padding[1], dilation[0], dilation[1]);
}

}  // namespace iolaus
