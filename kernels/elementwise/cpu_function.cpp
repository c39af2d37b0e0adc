// More functions of one number on the CPU.
#include "kernels/elementwise/cpu_unary.h"

namespace iolaus {
namespace {
const bool kRegistered = cpu::add_unary(ops::FunctionOps{});
}  // namespace
}  // namespace iolaus
