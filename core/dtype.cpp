// Names of dtypes and the promotion lattice.
#include "core/dtype.h"

#include <utility>

namespace iolaus {
namespace {

constexpr const char* kNames[kDTypeCount] = {"bool",  "uint8",   "int8",     "int16",   "int32",
                                             "int64", "float16", "bfloat16", "float32", "float64"};
constexpr std::pair<const char*, DType> kAliases[] = {
    {"half", kFloat16}, {"float", kFloat32}, {"double", kFloat64}, {"short", kInt16},
    {"int", kInt32},    {"long", kInt64},    {"bf16", kBFloat16},  {"fp16", kFloat16},
    {"fp32", kFloat32}, {"fp64", kFloat64}};

}  // namespace

const char* dtype_name(DType dtype) { return kNames[static_cast<int>(dtype)]; }

DType parse_dtype(std::string_view name) {
  std::string_view bare = name;
  if (bare.starts_with("torch.")) bare.remove_prefix(6);
  for (int i = 0; i < kDTypeCount; ++i) {
    if (bare == kNames[i]) return static_cast<DType>(i);
  }
  for (const auto& [alias, dtype] : kAliases) {
    if (bare == alias) return dtype;
  }
  fail(ErrorCode::kInvalidArgument,
       "unknown dtype '{}'; expected one of bool, uint8, int8, int16, int32, int64, float16, "
       "bfloat16, float32, float64",
       name);
}

DType promote_types(DType a, DType b) {
  if (a == b) return a;
  if (a > b) std::swap(a, b);
  if (is_floating(b)) return (a == kFloat16 && b == kBFloat16) ? kFloat32 : b;
  // Both bool or integral, b the later one; uint8 with int8 needs a type that holds both.
  if (a == kUInt8 && b == kInt8) return kInt16;
  return b;
}

void detail::unsupported_dtype(const char* op, DType dtype) {
  fail(ErrorCode::kType, "[{}] does not support dtype {}", op, dtype_name(dtype));
}

}  // namespace iolaus
