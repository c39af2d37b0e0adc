// copy on the CPU: transposed inputs are turned in registers; everything else is the elementwise
// loop with a cast.
#include "kernels/copy/cast.h"
#include "kernels/copy/copy.h"
#include "kernels/copy/cpu_transpose.h"
#include "kernels/elementwise/cpu_loop.h"

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace iolaus {
namespace {

#if defined(__x86_64__)
// Eight float16 at once; the compiler does not find these instructions in a loop.
[[gnu::target("avx,f16c")]] int64_t convert_dense(const float* in, Half* out, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i bits = _mm256_cvtps_ph(_mm256_loadu_ps(in + i), _MM_FROUND_TO_NEAREST_INT);
    _mm_storeu_si128(reinterpret_cast<__m128i*>(out + i), bits);
  }
  return i;
}
[[gnu::target("avx,f16c")]] int64_t convert_dense(const Half* in, float* out, int64_t n) {
  int64_t i = 0;
  for (; i + 8 <= n; i += 8) {
    const __m128i bits = _mm_loadu_si128(reinterpret_cast<const __m128i*>(in + i));
    _mm256_storeu_ps(out + i, _mm256_cvtph_ps(bits));
  }
  return i;
}
#endif

// Between float and float16, where the CPU has instructions for it and both are dense.
template <class Out, class In> bool convert_half(const Pointwise& p) {
#if defined(__x86_64__)
  constexpr bool kPair = (std::is_same_v<Out, Half> && std::is_same_v<In, float>) ||
                         (std::is_same_v<Out, float> && std::is_same_v<In, Half>);
  if constexpr (kPair) {
    const bool dense = p.rank == 1 && p.strides[0][0] == 1 && p.strides[1][0] == 1;
    if (!dense || p.data[1] == nullptr || simd::level() == simd::Level::kBaseline) return false;
    parallel_for(p.numel, cpu::kPointwiseGrain, [&](int64_t begin, int64_t end) {
      const In* in = static_cast<const In*>(p.data[1]);
      Out* out = static_cast<Out*>(p.data[0]);
      int64_t i = begin + convert_dense(in + begin, out + begin, end - begin);
      for (; i < end; ++i) out[i] = Cast<Out, In>{}(static_cast<MathType<In>>(in[i]));
    });
    return true;
  }
#endif
  return false;
}

// A transposed input of the output's own type; conversions take the elementwise loop's tiles.
void copy_transposed(const Pointwise& p) {
  const int r = p.rank;
  const int64_t columns = p.sizes[r - 1], rows = p.sizes[r - 2];
  const size_t bytes = item_size(p.dtypes[0]);
  const auto at = [&](int operand, int64_t row) {
    int64_t offset = row % rows * p.strides[operand][r - 2], rest = row / rows;
    for (int d = r - 3; d >= 0; --d) {
      offset += rest % p.sizes[d] * p.strides[operand][d];
      rest /= p.sizes[d];
    }
    return static_cast<char*>(p.data[operand]) + offset * static_cast<int64_t>(bytes);
  };
  const int64_t grain = std::max<int64_t>(1, cpu::kPointwiseGrain / columns);
  parallel_for(p.numel / columns, grain, [&](int64_t begin, int64_t end) {
    for (int64_t row = begin; row < end;) {  // the part of one matrix after the other
      const int64_t count = std::min(end - row, rows - row % rows);
      cpu::transpose(at(1, row), p.strides[1][r - 1], at(0, row), p.strides[0][r - 2], count,
                     columns, bytes);
      row += count;
    }
  });
}

template <class Out, class In> void run_typed(const Pointwise& p) {
  if (std::is_same_v<Out, In> && cpu::has_turned_input(p)) return copy_transposed(p);
  if (convert_half<Out, In>(p)) return;
  cpu::pointwise(p, Cast<Out, In>{}, cpu::Types<Out, In>{});
}

void run(const Pointwise& p) {
  if (p.numel == 0) return;
  visit_dtype(AllTypes{}, "copy", p.dtypes[1], [&]<class In>() {
    visit_dtype(AllTypes{}, "copy", p.dtypes[0], [&]<class Out>() {
      // The compiler widens vectors of bytes, but not of bool, which are bytes of 0 and 1.
      constexpr bool kBytes = std::is_same_v<In, bool> && !std::is_same_v<Out, bool>;
      run_typed<Out, std::conditional_t<kBytes, uint8_t, In>>(p);
    });
  });
}

// The same elements one after the other; the truth that the loops above are compared with.
void run_reference(const Pointwise& p) {
  visit_dtype(AllTypes{}, "copy", p.dtypes[1], [&]<class In>() {
    visit_dtype(AllTypes{}, "copy", p.dtypes[0], [&]<class Out>() {
      for (int64_t i = 0; i < p.numel; ++i) {
        int64_t rest = i, out = 0, in = 0;
        for (int d = p.rank - 1; d >= 0; --d) {
          out += rest % p.sizes[d] * p.strides[0][d];
          in += rest % p.sizes[d] * p.strides[1][d];
          rest /= p.sizes[d];
        }
        const auto* from = static_cast<const In*>(p.data[1] ? p.data[1] : p.immediate[1]);
        static_cast<Out*>(p.data[0])[out] = Cast<Out, In>{}(static_cast<MathType<In>>(from[in]));
      }
    });
  });
}

const std::vector<DType> kAll = {kFloat32, kFloat64, kFloat16, kBFloat16, kBool,
                                 kUInt8,   kInt8,    kInt16,   kInt32,    kInt64};
const bool kFast = copy_kernels().add({"cpu", kCPU, kAll, run, 1});
const bool kReference = copy_kernels().add({"reference", kCPU, kAll, run_reference});

}  // namespace
}  // namespace iolaus
