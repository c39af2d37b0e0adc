// The variants of conv2d on the CPU that "cpu" chooses between, by shape.
#pragma once

#include "kernels/conv2d/conv2d.h"

namespace iolaus {

namespace direct {
void run(const Conv2d& args);
void run(const Conv2dBackwardInput& args);
void run(const Conv2dBackwardWeight& args);
}  // namespace direct

namespace onednn {
void run(const Conv2d& args);
void run(const Conv2dBackwardInput& args);
void run(const Conv2dBackwardWeight& args);
/// Why oneDNN cannot run on the arguments, or null.
const char* why_not(const Conv2d& args);
const char* why_not(const Conv2dBackwardInput& args);
const char* why_not(const Conv2dBackwardWeight& args);
}  // namespace onednn

namespace winograd {
void run(const Conv2d& args);
void run(const Conv2dBackwardInput& args);
void run(const Conv2dBackwardWeight& args);
/// Why it cannot run on the arguments, or null.
const char* why_not(const Conv2d& args);
const char* why_not(const Conv2dBackwardInput& args);
const char* why_not(const Conv2dBackwardWeight& args);
}  // namespace winograd

}  // namespace iolaus
