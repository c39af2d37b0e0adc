// Random fills on the CPU: the words of core/philox.h in bulk, each block of elements on its own.
#include "core/parallel.h"
#include "core/philox_words.h"
#include "kernels/elementwise/domain.h"
#include "kernels/random/random_fill.h"

namespace iolaus {
namespace {

constexpr int64_t kWords = 4 * cpu::kPhiloxGroup;
constexpr int64_t kGrain = 16;  // groups that are worth a thread

// Calls fn(words, first element, count) for all blocks; an element takes per_element words.
template <int per_element, class Fn> void for_each_block(const RandomFill& f, Fn&& fn) {
  constexpr int64_t kBlock = kWords / per_element;
  parallel_for((f.numel + kBlock - 1) / kBlock, kGrain, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[kWords];
    for (int64_t b = begin; b < end; ++b) {
      cpu::philox_words(f.key, static_cast<uint64_t>(b * cpu::kPhiloxGroup), words);
      fn(words, b * kBlock, std::min(kBlock, f.numel - b * kBlock));
    }
  });
}

uint64_t word_pair(const uint32_t* words, int64_t i) {
  return cpu::philox_word_pair(words, static_cast<size_t>(i));
}

// a + (b - a) u can round up to b, which is not in the range.
template <class T> T below(double a, double b) {
  const T low = static_cast<T>(a), high = static_cast<T>(b);
  return low < high ? std::nextafter(high, low) : high;
}

void uniform(const RandomFill& f) {
  visit_dtype(FloatTypes{}, "uniform", f.element, [&]<class T>() {
    using Math = MathType<T>;
    const Math a = static_cast<Math>(f.a), width = static_cast<Math>(f.b - f.a);
    const Math most = below<Math>(f.a, f.b);
    constexpr int kPerElement = std::is_same_v<T, double> ? 2 : 1;
    for_each_block<kPerElement>(f, [&](const uint32_t* words, int64_t first, int64_t n) {
      T* out = static_cast<T*>(f.out) + first;
      simd::run([&] {
        for (int64_t i = 0; i < n; ++i) {
          Math u;
          if constexpr (kPerElement == 2) {
            u = uniform_double(word_pair(words, i));
          } else {
            u = uniform_float(words[i]);
          }
          const Math value = a + width * u;
          out[i] = static_cast<T>(value > most ? most : value);
        }
      });
    });
  });
}

void normal(const RandomFill& f) {
  visit_dtype(FloatTypes{}, "normal", f.element, [&]<class T>() {
    using Math = MathType<T>;
    constexpr int kPerElement = std::is_same_v<T, double> ? 2 : 1;
    for_each_block<kPerElement>(f, [&](const uint32_t* words, int64_t first, int64_t n) {
      T* out = static_cast<T*>(f.out) + first;
      // Two elements share a Box-Muller step. All of the block is computed, in arrays of fixed
      // length, so that the loop is vectorised; the last block's surplus is dropped.
      constexpr int64_t kPairs = kWords / kPerElement / 2;
      alignas(64) double u1[kPairs], u2[kPairs], z[2][kPairs];
      simd::run([&] {
        for (int64_t i = 0; i < kPairs; ++i) {
          if constexpr (kPerElement == 2) {
            u1[i] = 1.0 - uniform_double(word_pair(words, 2 * i));
            u2[i] = uniform_double(word_pair(words, 2 * i + 1));
          } else {
            u1[i] = 1.0 - static_cast<double>(uniform_float(words[2 * i]));
            u2[i] = static_cast<double>(uniform_float(words[2 * i + 1]));
          }
        }
        for (int64_t i = 0; i < kPairs; ++i) {
          const NormalPair pair = box_muller(u1[i], u2[i]);
          z[0][i] = pair.value[0];
          z[1][i] = pair.value[1];
        }
      });
      for (int64_t i = 0; i < n; ++i) {
        out[i] = static_cast<T>(static_cast<Math>(f.a + f.b * z[i % 2][i / 2]));
      }
    });
  });
}

void bernoulli(const RandomFill& f) {
  visit_dtype(AllTypes{}, "bernoulli", f.element, [&]<class T>() {
    const uint32_t threshold = cpu::uniform_threshold(f.a);
    for_each_block<1>(f, [&](const uint32_t* words, int64_t first, int64_t n) {
      T* out = static_cast<T*>(f.out) + first;
      for (int64_t i = 0; i < n; ++i) {
        out[i] = static_cast<T>(static_cast<MathType<T>>(words[i] >> 8 < threshold));
      }
    });
  });
}

void randint(const RandomFill& f) {
  visit_dtype(NumberTypes{}, "randint", f.element, [&]<class T>() {
    for_each_block<2>(f, [&](const uint32_t* words, int64_t first, int64_t n) {
      T* out = static_cast<T*>(f.out) + first;
      for (int64_t i = 0; i < n; ++i) {
        const uint64_t offset = cpu::word_below(word_pair(words, i), f.range);
        const auto value = static_cast<int64_t>(static_cast<uint64_t>(f.low) + offset);
        out[i] = static_cast<T>(static_cast<MathType<T>>(value));
      }
    });
  });
}

const bool kUniform =
    random_kernels(RandomOp::kUniform).add({"cpu", kCPU, dtypes_of(FloatTypes{}), uniform, 1});
const bool kNormal =
    random_kernels(RandomOp::kNormal).add({"cpu", kCPU, dtypes_of(FloatTypes{}), normal, 1});
const bool kBernoulli =
    random_kernels(RandomOp::kBernoulli).add({"cpu", kCPU, dtypes_of(AllTypes{}), bernoulli, 1});
const bool kRandint =
    random_kernels(RandomOp::kRandint).add({"cpu", kCPU, dtypes_of(NumberTypes{}), randint, 1});

}  // namespace
}  // namespace iolaus
