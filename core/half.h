// Half and BFloat16: 16-bit floating point numbers on host and device, stored as bits, computed in
// float. Conversions round to nearest even; NaN stays NaN. Formats: IEEE 754 binary16, and the
// upper half of a binary32 (bfloat16).
#pragma once

#include <bit>
#include <cstdint>

#if defined(__CUDACC__)
#define IOLAUS_HD __host__ __device__
#else
#define IOLAUS_HD
#endif

namespace iolaus {

namespace detail {
#if defined(__CUDACC__)
IOLAUS_HD inline uint32_t float_bits(float x) {
  union {
    float f;
    uint32_t u;
  } c{x};
  return c.u;
}
IOLAUS_HD inline float bits_float(uint32_t u) {
  union {
    uint32_t u;
    float f;
  } c{u};
  return c.f;
}
#else
inline uint32_t float_bits(float x) { return std::bit_cast<uint32_t>(x); }
inline float bits_float(uint32_t u) { return std::bit_cast<float>(u); }
#endif

#if defined(__CUDA_ARCH__)
// The same conversions as below, one instruction each (sm_80 and later).
__device__ inline uint16_t float_to_bf16(float x) {
  uint16_t bits;
  asm("cvt.rn.bf16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}
__device__ inline uint16_t float_to_half(float x) {
  uint16_t bits;
  asm("cvt.rn.f16.f32 %0, %1;" : "=h"(bits) : "f"(x));
  return bits;
}
__device__ inline float half_to_float(uint16_t h) {
  float x;
  asm("cvt.f32.f16 %0, %1;" : "=f"(x) : "h"(h));
  return x;
}
#else
IOLAUS_HD inline uint16_t float_to_bf16(float x) {
  const uint32_t u = float_bits(x);
  const uint32_t rounded = (u + 0x7fffu + ((u >> 16) & 1u)) >> 16;
  const uint32_t nan = (u >> 16) | 0x40u;
  return static_cast<uint16_t>((u & 0x7fffffffu) > 0x7f800000u ? nan : rounded);
}

IOLAUS_HD inline uint16_t float_to_half(float x) {
  const uint32_t u = float_bits(x);
  const uint32_t sign = (u >> 16) & 0x8000u;
  const uint32_t magnitude = u & 0x7fffffffu;
  if (magnitude > 0x7f800000u) return static_cast<uint16_t>(sign | 0x7e00u | ((u >> 13) & 0x1ffu));
  if (magnitude >= 0x477ff000u) return static_cast<uint16_t>(sign | 0x7c00u);  // rounds to infinity
  if (magnitude < 0x38800000u) {
    // Subnormal: adding 0.5 puts the 10 bits at the end of the mantissa, rounded by the hardware.
    const float shifted = bits_float(magnitude) + 0.5f;
    return static_cast<uint16_t>(sign | (float_bits(shifted) - 0x3f000000u));
  }
  const uint32_t odd = (magnitude >> 13) & 1u;
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

IOLAUS_HD inline float half_to_float(uint16_t h) {
  const uint32_t sign = static_cast<uint32_t>(h & 0x8000u) << 16;
  const uint32_t magnitude = static_cast<uint32_t>(h & 0x7fffu);
  if (magnitude >= 0x7c00u) return bits_float(sign | 0x7f800000u | ((magnitude & 0x3ffu) << 13));
  if (magnitude < 0x400u) {
    const float value = static_cast<float>(magnitude) * 5.9604644775390625e-8f;  // 2^-24
    return sign ? -value : value;
  }
  return bits_float(sign | ((magnitude << 13) + 0x38000000u));
}
#endif
}  // namespace detail

struct BFloat16 {
  uint16_t bits;
  BFloat16() = default;
  IOLAUS_HD BFloat16(float x) : bits(detail::float_to_bf16(x)) {}  // NOLINT: implicit like float
  IOLAUS_HD operator float() const { return detail::bits_float(static_cast<uint32_t>(bits) << 16); }
};

struct Half {
  uint16_t bits;
  Half() = default;
  IOLAUS_HD Half(float x) : bits(detail::float_to_half(x)) {}  // NOLINT: implicit like float
  IOLAUS_HD operator float() const { return detail::half_to_float(bits); }
};

}  // namespace iolaus
