// The stream of random words of a key in bulk: element i of 32 bits is word i of the stream, of 64
// bits words 2 i and 2 i + 1 (core/philox.h). Blocks are computed side by side in vectors.
#pragma once

#include <cmath>
#include <cstddef>

#include "core/philox.h"
#include "core/simd.h"

namespace iolaus::cpu {

/// Words of 4 blocks each are made in groups of this many blocks.
inline constexpr int64_t kPhiloxGroup = 64;

/// out[0 ... 4 kPhiloxGroup) = the words of blocks first ... first + kPhiloxGroup - 1.
inline void philox_words(PhiloxKey key, uint64_t first, uint32_t* out) {
  simd::run([&] {
    uint32_t word[4][kPhiloxGroup];
    for (int64_t b = 0; b < kPhiloxGroup; ++b) {
      const PhiloxBlock block = philox_block(key, first + static_cast<uint64_t>(b));
      for (int w = 0; w < 4; ++w) word[w][b] = block.word[w];
    }
    for (int64_t b = 0; b < kPhiloxGroup; ++b) {
      for (int w = 0; w < 4; ++w) out[4 * b + w] = word[w][b];
    }
  });
}

/// The 64 bits of element i of those that words begin with.
inline uint64_t philox_word_pair(const uint32_t* words, size_t i) {
  return static_cast<uint64_t>(words[2 * i + 1]) << 32 | words[2 * i];
}

/// 64 bits to a number in [0, bound), as philox_below does it.
inline uint64_t word_below(uint64_t bits, uint64_t bound) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(Wide{bits} * bound >> 64);
}

/// The smallest k with k 2^-24 >= p: a 24-bit uniform number is below p exactly if its bits are
/// below k.
inline uint32_t uniform_threshold(double p) {
  const double k = std::ceil(p * 0x1p24);
  return k <= 0 ? 0 : (k >= 0x1p24 ? 1u << 24 : static_cast<uint32_t>(k));
}

}  // namespace iolaus::cpu
