// simd::run: compiles one loop for several instruction sets and runs the best that this CPU has.
// The callable is inlined (flatten) into functions that differ by their target only, so that plain
// loops over float arrays become AVX-512 or AVX2 code in a binary that starts on any x86-64.
#pragma once

#include <utility>

namespace iolaus::simd {

enum class Level { kBaseline, kAvx2, kAvx512 };

/// The best level of this CPU; IOLAUS_SIMD=baseline|avx2|avx512 in the environment lowers it.
Level level();
const char* level_name(Level level);

#if defined(__x86_64__) && !defined(__CUDACC__)
#if defined(__clang__)
#define IOLAUS_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c"
#else
#define IOLAUS_AVX512 "avx512f,avx512bw,avx512dq,avx512vl,avx2,fma,f16c,prefer-vector-width=512"
#endif
template <class Fn> [[gnu::target(IOLAUS_AVX512), gnu::flatten]] void run_avx512(Fn& fn) { fn(); }
template <class Fn> [[gnu::target("avx2,fma,f16c"), gnu::flatten]] void run_avx2(Fn& fn) { fn(); }
#undef IOLAUS_AVX512
#endif

/// Runs fn() as compiled for level().
template <class Fn> void run(Fn&& fn) {
#if defined(__x86_64__) && !defined(__CUDACC__)
  switch (level()) {
    case Level::kAvx512:
      return run_avx512(fn);
    case Level::kAvx2:
      return run_avx2(fn);
    case Level::kBaseline:
      break;
  }
#endif
  fn();
}

}  // namespace iolaus::simd
