// dropout on the CPU: words of Philox in bulk, compared with p as integers.
#include "core/parallel.h"
#include "core/philox_words.h"
#include "kernels/dropout/dropout.h"
#include "kernels/elementwise/domain.h"

namespace iolaus {
namespace {

constexpr int64_t kBlock = 4 * cpu::kPhiloxGroup;  // elements that one group of words serves

template <class T> void run_typed(const Dropout& d) {
  using Math = MathType<T>;
  const T* x = static_cast<const T*>(d.x);
  T* out = static_cast<T*>(d.out);
  const Math scale = static_cast<Math>(d.scale());
  const uint32_t threshold = cpu::uniform_threshold(d.p);
  parallel_for((d.numel + kBlock - 1) / kBlock, 16, [&](int64_t begin, int64_t end) {
    alignas(64) uint32_t words[kBlock];
    for (int64_t b = begin; b < end; ++b) {
      cpu::philox_words(d.key, static_cast<uint64_t>(b * cpu::kPhiloxGroup), words);
      const int64_t first = b * kBlock, n = std::min(kBlock, d.numel - first);
      simd::run([&] {
        for (int64_t i = 0; i < n; ++i) {
          const Math value = static_cast<Math>(x[first + i]) * scale;
          out[first + i] = static_cast<T>(words[i] >> 8 >= threshold ? value : Math(0));
        }
      });
    }
  });
}

void run(const Dropout& d) {
  visit_dtype(FloatTypes{}, "dropout", d.element, [&]<class T>() { run_typed<T>(d); });
}
const bool kRegistered = dropout_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
