// Vector<T, kBytes>: a SIMD register as a type, for the few kernels whose registers must be
// allocated by hand (convolution), and run_wide, which gives a kernel the register width of this
// CPU. Everything else writes plain loops for simd::run.
#pragma once

#include <bit>
#include <cstdint>
#include <type_traits>

#include "core/simd.h"

namespace iolaus {

namespace detail {
template <class T, int kBytes> struct VectorOf { typedef T Type [[gnu::vector_size(kBytes)]]; };
}  // namespace detail

/// kBytes / sizeof(T) elements; +, * and so on work by element, also with a number.
template <class T, int kBytes> using Vector = typename detail::VectorOf<T, kBytes>::Type;

/// Reads from an address of any alignment.
template <class V, class T> inline V load_vector(const T* from) {
  V v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}
template <class V, class T> inline void store_vector(T* to, const V& v) {
  __builtin_memcpy(to, &v, sizeof v);
}

/// Sum of all elements, by halves.
template <class T, int kBytes> inline T sum_elements(const Vector<T, kBytes>& v) {
  if constexpr (kBytes <= 16) {
    T sum = v[0];
    for (size_t i = 1; i < kBytes / sizeof(T); ++i) sum += v[i];
    return sum;
  } else {
    struct Halves {
      Vector<T, kBytes / 2> low, high;
    };
    const auto halves = std::bit_cast<Halves>(v);
    return sum_elements<T, kBytes / 2>(halves.low + halves.high);
  }
}

/// Bytes of this CPU's registers: 64, 32 or 16.
inline int vector_bytes() {
  return simd::level() == simd::Level::kAvx512 ? 64 : simd::level() == simd::Level::kAvx2 ? 32 : 16;
}

/// Calls fn(std::integral_constant<int, vector_bytes()>), compiled for that width.
template <class Fn> void run_wide(Fn&& fn) {
#if defined(__x86_64__) && !defined(__CUDACC__)
  if (simd::level() == simd::Level::kAvx512) {
    auto wide = [&] { fn(std::integral_constant<int, 64>{}); };
    return simd::run_avx512(wide);
  }
  if (simd::level() == simd::Level::kAvx2) {
    auto wide = [&] { fn(std::integral_constant<int, 32>{}); };
    return simd::run_avx2(wide);
  }
#endif
  fn(std::integral_constant<int, 16>{});
}

}  // namespace iolaus
