// Activations on the CPU.
#include "kernels/elementwise/cpu_unary.h"

namespace iolaus {
namespace {
const bool kRegistered = cpu::add_unary(ops::ActivationOps{});
}  // namespace
}  // namespace iolaus
