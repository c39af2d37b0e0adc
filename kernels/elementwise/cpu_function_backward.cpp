// Derivatives of more functions of one number on the CPU.
#include "kernels/elementwise/cpu_unary.h"

namespace iolaus {
namespace {
const bool kRegistered = cpu::add_unary_backward(ops::FunctionOps{});
}  // namespace
}  // namespace iolaus
