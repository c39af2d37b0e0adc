// The common unary operations on the CPU.
#include "kernels/elementwise/cpu_unary.h"

namespace iolaus {
namespace {
const bool kRegistered = cpu::add_unary(ops::UnaryOps{});
}  // namespace
}  // namespace iolaus
