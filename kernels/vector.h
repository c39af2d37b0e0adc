// Vector<T, kBytes>: a SIMD register as a type, for the few kernels whose registers must be
// allocated by hand (convolution), and run_wide, which gives a kernel the register width of this
// CPU. Everything else writes plain loops for simd::run.
#pragma once

#include <bit>
#include <cstddef>
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

/// Keeps a vector that is used several times in a register; the compiler would rather read it from
/// memory again with each use, and run out of load slots.
template <class V> inline void keep_in_register(V& v) {
#if defined(__x86_64__)
  if constexpr (sizeof(V) == 64) {
    asm("" : "+v"(v));
  } else {
    asm("" : "+x"(v));
  }
#else
  (void)v;
#endif
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

/// Element i of the result is the sum of the elements of rows[i]; as many rows as elements.
/// Each step adds the two halves of all blocks of two vectors and keeps both in one.
template <class T, int kBytes> inline Vector<T, kBytes> sum_rows(Vector<T, kBytes>* rows) {
  constexpr int kLanes = kBytes / static_cast<int>(sizeof(T));
  using Index = Vector<std::conditional_t<sizeof(T) == 4, int32_t, int64_t>, kBytes>;
  const auto halve = [&]<int kHalf>(std::integral_constant<int, kHalf>) {
    Index low{}, high{};
    for (int i = 0; i < kLanes; ++i) {
      const int second = i / kHalf % 2;  // from the second vector
      low[i] = i - second * kHalf + second * kLanes;
      high[i] = low[i] + kHalf;
    }
    for (int i = 0; i < kHalf; ++i) {
      const auto a = rows[i], b = rows[i + kHalf];
      rows[i] = __builtin_shuffle(a, b, low) + __builtin_shuffle(a, b, high);
    }
  };
  if constexpr (kLanes >= 16) halve(std::integral_constant<int, 8>{});
  if constexpr (kLanes >= 8) halve(std::integral_constant<int, 4>{});
  if constexpr (kLanes >= 4) halve(std::integral_constant<int, 2>{});
  halve(std::integral_constant<int, 1>{});
  return rows[0];
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
