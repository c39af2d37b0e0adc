// FlushSubnormals: while it lives, this thread's arithmetic takes and gives zero for numbers below
// the smallest normal one. Momentum of units that get no gradient decays into that range, where
// each operation takes a hundred times as long; what is lost is below 1.2e-38.
#pragma once

#if defined(__x86_64__)
#include <immintrin.h>
#endif

namespace iolaus::cpu {

class FlushSubnormals {
 public:
#if defined(__x86_64__)
  FlushSubnormals() : before_(_mm_getcsr()) { _mm_setcsr(before_ | 0x8040u); }
  ~FlushSubnormals() { _mm_setcsr(before_); }

 private:
  unsigned before_;

 public:
#else
  FlushSubnormals() {}
  ~FlushSubnormals() {}
#endif
  FlushSubnormals(const FlushSubnormals&) = delete;
  FlushSubnormals& operator=(const FlushSubnormals&) = delete;
};

}  // namespace iolaus::cpu
