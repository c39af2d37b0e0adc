// matmul by cuBLASLt, the vendor's library, loaded when first needed: no program depends on it.
// float32 stays float32 unless fp32_precision() is TF32; 16-bit types accumulate in float.
#include "kernels/matmul/cublaslt/plan.h"

namespace iolaus::cublaslt {
namespace {

bool is_misaligned(const Matmul& p) {
  const size_t size = item_size(p.element);
  for (const void* data : {static_cast<const void*>(p.data[0]), static_cast<const void*>(p.data[1]),
                           static_cast<const void*>(p.data[2]), p.bias}) {
    if (reinterpret_cast<uintptr_t>(data) % size != 0) return true;
  }
  return false;
}

const char* why_not(const Matmul& p) {
  constexpr int64_t kLimit = int64_t{1} << 31;
  Views views;
  if (p.m == 0 || p.n == 0 || p.k == 0 || p.batch == 0) return "the product is empty";
  if (p.m >= kLimit || p.n >= kLimit || p.k >= kLimit || p.batch >= kLimit) {
    return "sizes must be below 2^31";
  }
  if (p.batch_rank > 1) return "batch dimensions must have one common stride";
  if (!views_of(p, views)) return "matrices must be dense in rows or columns, C in rows";
  if (p.bias != nullptr && (p.bias_stride != 1 || p.element == kFloat64)) {
    return "bias must be contiguous and not float64";
  }
  if (is_misaligned(p)) return "addresses must be multiples of the element's size";
  if (!lt().library.is_open()) return "cuBLASLt (libcublasLt.so.13) is not installed";
  return nullptr;
}

void run(const Matmul& p) {
  Views views;
  views_of(p, views);
  launch(plan_for(p, views), p, p.data[0]);
}

const bool kRegistered = matmul_kernels().add(
    {"cublaslt", kCUDA, {kFloat32, kFloat64, kFloat16, kBFloat16}, run, 10, why_not});

}  // namespace
}  // namespace iolaus::cublaslt
