// Derivatives of the common unary operations on the CPU.
#include "kernels/elementwise/cpu_unary.h"

namespace iolaus {
namespace {
const bool kRegistered = cpu::add_unary_backward(ops::UnaryOps{});
}  // namespace
}  // namespace iolaus
