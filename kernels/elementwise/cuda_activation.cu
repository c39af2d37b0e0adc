// Activations on CUDA.
#include "kernels/elementwise/cuda_unary.cuh"

namespace iolaus {
namespace {
const bool kRegistered = gpu::add_unary(ops::ActivationOps{});
}  // namespace
}  // namespace iolaus
