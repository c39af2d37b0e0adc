// A vector of the output holds one element each of as many input columns. Its 16-byte lanes come
// from columns that are kItems = 16 / sizeof(T) apart, kItems rows at once; kItems such vectors are
// then transposed lane by lane, in log2(kItems) rounds of interleaving their halves.
#include "kernels/copy/cpu_transpose.h"

#include <algorithm>
#include <cstring>
#include <type_traits>
#include <utility>

#include "core/error.h"
#include "core/simd.h"

namespace iolaus::cpu {
namespace {

constexpr int64_t kBand = 1024;  // rows of the output that are gone through for each vector

// Steps in bytes.
struct Matrix {
  const char* in;
  int64_t in_step;
  char* out;
  int64_t out_step;
};

template <class T, int bytes> struct VectorOf { using Type [[gnu::vector_size(bytes)]] = T; };
template <class T, int bytes> using Vector = typename VectorOf<T, bytes>::Type;

// The lower or upper halves of all lanes of a and b, interleaved.
template <bool upper, class T, int bytes, int... i>
[[gnu::always_inline]] inline void interleave(const Vector<T, bytes>& a, const Vector<T, bytes>& b,
                                              Vector<T, bytes>& out,
                                              std::integer_sequence<int, i...>) {
  constexpr int kItems = 16 / sizeof(T), kCount = sizeof...(i);
  out = __builtin_shufflevector(
      a, b, (i / kItems * kItems + (upper ? kItems / 2 : 0) + i % kItems / 2 + i % 2 * kCount)...);
}

// a and b, one after the other.
template <class T, int bytes, int... i>
[[gnu::always_inline]] inline void join(const Vector<T, bytes>& a, const Vector<T, bytes>& b,
                                        Vector<T, 2 * bytes>& out,
                                        std::integer_sequence<int, i...>) {
  out = __builtin_shufflevector(a, b, i...);
}

// Lanes that are step bytes apart.
template <class T, int bytes>
[[gnu::always_inline]] inline void load_lanes(const char* in, int64_t step, Vector<T, bytes>& out) {
  if constexpr (bytes == 16) {
    std::memcpy(&out, in, 16);
  } else {
    Vector<T, bytes / 2> first, second;
    load_lanes<T, bytes / 2>(in, step, first);
    load_lanes<T, bytes / 2>(in + bytes / 32 * step, step, second);
    join<T, bytes / 2>(first, second, out,
                       std::make_integer_sequence<int, bytes / static_cast<int>(sizeof(T))>{});
  }
}

// kItems rows of one vector of the output.
template <class T, int bytes> [[gnu::always_inline]] inline void turn(const Matrix& m) {
  constexpr int kItems = 16 / sizeof(T);
  constexpr auto kAll = std::make_integer_sequence<int, bytes / static_cast<int>(sizeof(T))>{};
  Vector<T, bytes> v[kItems], next[kItems];
#pragma GCC unroll 16
  for (int k = 0; k < kItems; ++k) {
    load_lanes<T, bytes>(m.in + k * m.in_step, kItems * m.in_step, v[k]);
  }
#pragma GCC unroll 4
  for (int round = 1; round < kItems; round *= 2) {
#pragma GCC unroll 8
    for (int k = 0; k < kItems / 2; ++k) {
      interleave<false, T, bytes>(v[k], v[k + kItems / 2], next[2 * k], kAll);
      interleave<true, T, bytes>(v[k], v[k + kItems / 2], next[2 * k + 1], kAll);
    }
#pragma GCC unroll 16
    for (int k = 0; k < kItems; ++k) v[k] = next[k];
  }
#pragma GCC unroll 16
  for (int k = 0; k < kItems; ++k) std::memcpy(m.out + k * m.out_step, &v[k], bytes);
}

// Whole vectors of the columns from column on; returns the first column that is left.
template <class T, int bytes>
[[gnu::always_inline]] inline int64_t turn_all(const Matrix& m, int64_t rows, int64_t column,
                                               int64_t columns) {
  constexpr int64_t kItems = 16 / sizeof(T), kColumns = bytes / sizeof(T);
  for (; column + kColumns <= columns; column += kColumns) {
    const char* in = m.in + column * m.in_step;
    char* out = m.out + column * static_cast<int64_t>(sizeof(T));
    int64_t i = 0;
    for (; i + kItems <= rows; i += kItems, in += 16, out += kItems * m.out_step) {
      turn<T, bytes>({in, m.in_step, out, m.out_step});
    }
    for (; i < rows; ++i, in += sizeof(T), out += m.out_step) {
      for (int64_t j = 0; j < kColumns; ++j) {
        std::memcpy(out + j * static_cast<int64_t>(sizeof(T)), in + j * m.in_step, sizeof(T));
      }
    }
  }
  return column;
}

template <class T, int bytes>
[[gnu::always_inline]] inline void transpose_band(const Matrix& m, int64_t rows, int64_t columns) {
  int64_t column = turn_all<T, bytes>(m, rows, 0, columns);
  if constexpr (bytes > 16) column = turn_all<T, 16>(m, rows, column, columns);
  for (; column < columns; ++column) {
    const char* in = m.in + column * m.in_step;
    char* out = m.out + column * static_cast<int64_t>(sizeof(T));
    for (int64_t i = 0; i < rows; ++i, in += sizeof(T), out += m.out_step) {
      std::memcpy(out, in, sizeof(T));
    }
  }
}

template <class T> void transpose_typed(const Matrix& m, int64_t rows, int64_t columns) {
  for (int64_t row = 0; row < rows; row += kBand) {
    const Matrix band{m.in + row * static_cast<int64_t>(sizeof(T)), m.in_step,
                      m.out + row * m.out_step, m.out_step};
    const int64_t count = std::min(kBand, rows - row);
    const auto run = [&]<int bytes>(std::integral_constant<int, bytes>) {
      return [&, count, columns] { transpose_band<T, bytes>(band, count, columns); };
    };
#if defined(__x86_64__)
    if (simd::level() == simd::Level::kAvx512) {
      auto fn = run(std::integral_constant<int, 64>{});
      simd::run_avx512(fn);
      continue;
    }
    if (simd::level() == simd::Level::kAvx2) {
      auto fn = run(std::integral_constant<int, 32>{});
      simd::run_avx2(fn);
      continue;
    }
#endif
    run(std::integral_constant<int, 16>{})();
  }
}

}  // namespace

void transpose(const void* in, int64_t in_step, void* out, int64_t out_step, int64_t rows,
               int64_t columns, size_t item_size) {
  const auto size = static_cast<int64_t>(item_size);
  const Matrix m{static_cast<const char*>(in), in_step * size, static_cast<char*>(out),
                 out_step * size};
  switch (item_size) {
    case 1:
      return transpose_typed<uint8_t>(m, rows, columns);
    case 2:
      return transpose_typed<uint16_t>(m, rows, columns);
    case 4:
      return transpose_typed<uint32_t>(m, rows, columns);
    case 8:
      return transpose_typed<uint64_t>(m, rows, columns);
    default:
      fail(ErrorCode::kInvalidArgument, "[transpose] expected items of 1, 2, 4 or 8 bytes, got {}",
           item_size);
  }
}

}  // namespace iolaus::cpu
