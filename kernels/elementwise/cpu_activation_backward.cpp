// Derivatives of the activations on the CPU.
#include "kernels/elementwise/cpu_unary.h"

namespace iolaus {
namespace {
const bool kRegistered = cpu::add_unary_backward(ops::ActivationOps{});
}  // namespace
}  // namespace iolaus
