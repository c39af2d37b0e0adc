// philox: random numbers as pure functions of (seed, offset, element), the same bits on host and
// device. A random tensor owns one offset; its element i takes word i % 4 of the block that
// Philox4x32-10 computes from key = seed and counter = (i / 4, offset), low words first. So a value
// depends on neither threads, nor vector width, nor device. 64-bit draws take two words: element i
// has words 2 (i % 2) and 2 (i % 2) + 1 of block i / 2.
// Source: Salmon et al., "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <bit>
#include <cmath>
#include <cstdint>

#include "core/half.h"

namespace iolaus {

/// What a kernel needs to draw one random tensor.
struct PhiloxKey {
  uint64_t seed = 0;
  uint64_t offset = 0;
};

/// A key as a generator gives it. While a CUDA graph is captured (core/graph.h) seed and offset are
/// not known yet: each replay leaves them in device memory, and key.offset counts from there.
struct RandomKey {
  PhiloxKey key;
  const uint64_t* captured = nullptr;  // device memory: {seed, offset}; null outside of captures

  RandomKey() = default;
  RandomKey(PhiloxKey known) : key(known) {}
  RandomKey(uint64_t seed, uint64_t offset) : key{seed, offset} {}
  RandomKey(PhiloxKey after, const uint64_t* state) : key(after), captured(state) {}

  /// The key on the host (core/random.cpp). Errors: kUnsupported for one of a capture, naming the
  /// op.
  PhiloxKey on_host() const;
  operator PhiloxKey() const { return on_host(); }
  /// The key where a kernel runs, which calls this once, before it draws.
  IOLAUS_HD PhiloxKey on_device() const {
    return captured == nullptr ? key : PhiloxKey{captured[0], captured[1] + key.offset};
  }
};

/// The four words that one counter gives.
struct PhiloxBlock {
  uint32_t word[4];
};

/// Philox4x32-10 itself: ten rounds on a counter of four words under a key of two.
IOLAUS_HD inline PhiloxBlock philox4x32_10(PhiloxBlock counter, uint32_t key0, uint32_t key1) {
  uint32_t x0 = counter.word[0], x1 = counter.word[1], x2 = counter.word[2], x3 = counter.word[3];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p = uint64_t{0xD2511F53u} * x0;
    const uint64_t q = uint64_t{0xCD9E8D57u} * x2;
    x0 = static_cast<uint32_t>(q >> 32) ^ x1 ^ key0;
    x2 = static_cast<uint32_t>(p >> 32) ^ x3 ^ key1;
    x1 = static_cast<uint32_t>(q);
    x3 = static_cast<uint32_t>(p);
    key0 += 0x9E3779B9u;
    key1 += 0xBB67AE85u;
  }
  return {{x0, x1, x2, x3}};
}

/// Block index of the tensor that key names: the words of elements 4 index ... 4 index + 3.
IOLAUS_HD inline PhiloxBlock philox_block(PhiloxKey key, uint64_t index) {
  return philox4x32_10(
      {{static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
        static_cast<uint32_t>(key.offset), static_cast<uint32_t>(key.offset >> 32)}},
      static_cast<uint32_t>(key.seed), static_cast<uint32_t>(key.seed >> 32));
}

/// Words 2 pair and 2 pair + 1 of a block as one number.
IOLAUS_HD inline uint64_t philox_pair(const PhiloxBlock& block, int pair) {
  return static_cast<uint64_t>(block.word[2 * pair + 1]) << 32 | block.word[2 * pair];
}
/// 32 and 64 random bits of element i.
IOLAUS_HD inline uint32_t philox_bits(PhiloxKey key, uint64_t i) {
  return philox_block(key, i / 4).word[i % 4];
}
IOLAUS_HD inline uint64_t philox_bits64(PhiloxKey key, uint64_t i) {
  return philox_pair(philox_block(key, i / 2), static_cast<int>(i % 2));
}

/// Uniform in [0, 1): the upper 24 bits of a word, each multiple of 2^-24 equally likely.
IOLAUS_HD inline float uniform_float(uint32_t bits) {
  return static_cast<float>(bits >> 8) * 5.9604644775390625e-8f;
}
/// Uniform in [0, 1): the upper 53 of 64 bits.
IOLAUS_HD inline double uniform_double(uint64_t bits) {
  return static_cast<double>(bits >> 11) * 1.1102230246251565e-16;
}
IOLAUS_HD inline float philox_uniform(PhiloxKey key, uint64_t i) {
  return uniform_float(philox_bits(key, i));
}
IOLAUS_HD inline double philox_uniform_double(PhiloxKey key, uint64_t i) {
  return uniform_double(philox_bits64(key, i));
}

/// Uniform in [0, bound), bound > 0, by multiplication of 64 bits; no value's probability is off
/// by more than 2^-64.
IOLAUS_HD inline uint64_t philox_below(PhiloxKey key, uint64_t i, uint64_t bound) {
  const uint64_t bits = philox_bits64(key, i);
#if defined(__CUDA_ARCH__)
  return __umul64hi(bits, bound);
#else
  __extension__ using Wide = unsigned __int128;
  return static_cast<uint64_t>(Wide{bits} * bound >> 64);
#endif
}

namespace detail {

#if defined(__CUDACC__)
IOLAUS_HD inline uint64_t double_bits(double x) {
  union {
    double d;
    uint64_t u;
  } c{x};
  return c.u;
}
IOLAUS_HD inline double bits_double(uint64_t u) {
  union {
    uint64_t u;
    double d;
  } c{u};
  return c.d;
}
#else
inline uint64_t double_bits(double x) { return std::bit_cast<uint64_t>(x); }
inline double bits_double(uint64_t u) { return std::bit_cast<double>(u); }
#endif

// The logarithm and the sine below are written out, with every rounding explicit (fma, no product
// plus sum that a compiler may contract), so that host and device agree to the last bit, which
// their math libraries do not promise. They are good to about 2 ulp of double. Written without
// loops and tables, so that a loop over elements is vectorised.

// log of a normal double in (0, 1]: x = 2^e m, m in [sqrt(1/2), sqrt(2)), log m = 2 atanh(s).
IOLAUS_HD inline double exact_log(double x) {
  // Exponent and mantissa by their bits: a library call would keep loops from being vectorised.
  const uint64_t bits = double_bits(x);
  const double half = bits_double((bits & 0x000fffffffffffffu) | 0x3fe0000000000000u);
  const bool low = half < 0.70710678118654752;
  const double m = low ? half * 2 : half;
  const int e = static_cast<int>(bits >> 52) - (low ? 1023 : 1022);
  const double s = (m - 1) / (m + 1);
  const double z = s * s;
  double sum = 1.0 / 21;
  sum = ::fma(sum, z, 1.0 / 19);
  sum = ::fma(sum, z, 1.0 / 17);
  sum = ::fma(sum, z, 1.0 / 15);
  sum = ::fma(sum, z, 1.0 / 13);
  sum = ::fma(sum, z, 1.0 / 11);
  sum = ::fma(sum, z, 1.0 / 9);
  sum = ::fma(sum, z, 1.0 / 7);
  sum = ::fma(sum, z, 1.0 / 5);
  sum = ::fma(sum, z, 1.0 / 3);
  const double twice = s + s;
  const double tail = twice * z;
  return fma(static_cast<double>(e), 0.69314718055994531, fma(tail, sum, twice));
}

// sin and cos of 2 pi u, u in [0, 1): the nearest quarter turn is taken off exactly, the rest,
// within pi/4, is a Taylor series.
IOLAUS_HD inline void exact_sincos(double u, double* sine, double* cosine) {
  const double turns = u * 4;
  const int quarter = static_cast<int>(turns + 0.5);
  const double x = (turns - quarter) * 1.5707963267948966;
  const double z = -(x * x);
  double s = 1, c = 1;
  s = ::fma(z * (1.0 / (16 * 17)), s, 1.0);
  s = ::fma(z * (1.0 / (14 * 15)), s, 1.0);
  s = ::fma(z * (1.0 / (12 * 13)), s, 1.0);
  s = ::fma(z * (1.0 / (10 * 11)), s, 1.0);
  s = ::fma(z * (1.0 / (8 * 9)), s, 1.0);
  s = ::fma(z * (1.0 / (6 * 7)), s, 1.0);
  s = ::fma(z * (1.0 / (4 * 5)), s, 1.0);
  s = ::fma(z * (1.0 / (2 * 3)), s, 1.0);
  c = ::fma(z * (1.0 / (17 * 18)), c, 1.0);
  c = ::fma(z * (1.0 / (15 * 16)), c, 1.0);
  c = ::fma(z * (1.0 / (13 * 14)), c, 1.0);
  c = ::fma(z * (1.0 / (11 * 12)), c, 1.0);
  c = ::fma(z * (1.0 / (9 * 10)), c, 1.0);
  c = ::fma(z * (1.0 / (7 * 8)), c, 1.0);
  c = ::fma(z * (1.0 / (5 * 6)), c, 1.0);
  c = ::fma(z * (1.0 / (3 * 4)), c, 1.0);
  c = ::fma(z * (1.0 / (1 * 2)), c, 1.0);
  s = s * x;
  *sine = (quarter & 1) ? ((quarter & 2) ? -c : c) : ((quarter & 2) ? -s : s);
  *cosine = (quarter & 1) ? ((quarter & 2) ? s : -s) : ((quarter & 2) ? -c : c);
}

}  // namespace detail

/// Two independent standard normals from u1 in (0, 1] and u2 in [0, 1) (Box and Muller 1958).
struct NormalPair {
  double value[2];
};
IOLAUS_HD inline NormalPair box_muller(double u1, double u2) {
  const double radius = ::sqrt(-2.0 * detail::exact_log(u1));
  double sine, cosine;
  detail::exact_sincos(u2, &sine, &cosine);
  return {{radius * cosine, radius * sine}};
}
/// The normals of words 2 pair and 2 pair + 1 of a block: elements 4 index + 2 pair and the next.
/// 24 bits each; the largest magnitude is sqrt(2 log 2^24) = 5.77.
IOLAUS_HD inline NormalPair normal_pair(const PhiloxBlock& block, int pair) {
  return box_muller(1.0 - static_cast<double>(uniform_float(block.word[2 * pair])),
                    static_cast<double>(uniform_float(block.word[2 * pair + 1])));
}
/// The normals of double precision of a whole block: elements 2 index and 2 index + 1. 53 bits.
IOLAUS_HD inline NormalPair normal_pair_double(const PhiloxBlock& block) {
  return box_muller(1.0 - uniform_double(philox_pair(block, 0)),
                    uniform_double(philox_pair(block, 1)));
}
/// Standard normal of element i; the elements of a pair share one Box-Muller step, so loops over
/// many elements call normal_pair themselves.
IOLAUS_HD inline float philox_normal(PhiloxKey key, uint64_t i) {
  const NormalPair pair = normal_pair(philox_block(key, i / 4), static_cast<int>(i % 4 / 2));
  return static_cast<float>(pair.value[i % 2]);
}
IOLAUS_HD inline double philox_normal_double(PhiloxKey key, uint64_t i) {
  return normal_pair_double(philox_block(key, i / 2)).value[i % 2];
}

}  // namespace iolaus
