// random fills on CUDA: each thread computes one Philox block and writes the elements that draw
// from it: four of 32 bits, or two of 64. The same numbers as on the host.
#include "kernels/elementwise/domain.h"
#include "kernels/gpu.h"
#include "kernels/random/random_fill.h"

namespace iolaus {
namespace {

constexpr int kThreads = 256;

// The arguments of a fill; draw(q, block) is element q of a block, kDraws elements each.
template <class T> struct Uniform {
  static constexpr bool kWide = std::is_same_v<T, double>;
  static constexpr int kDraws = kWide ? 2 : 4;
  double a, b;
  __device__ void draw(const PhiloxBlock& block, T (&out)[kDraws]) const {
#pragma unroll
    for (int q = 0; q < kDraws; ++q) {
      double u;
      if constexpr (kWide) {
        u = uniform_double(philox_pair(block, q));
      } else {
        u = static_cast<double>(uniform_float(block.word[q]));
      }
      out[q] = static_cast<T>(static_cast<MathType<T>>(gpu::mul_then_add(b - a, u, a)));
    }
  }
};
template <class T> struct Normal {
  static constexpr bool kWide = std::is_same_v<T, double>;
  static constexpr int kDraws = kWide ? 2 : 4;
  double a, b;
  __device__ void draw(const PhiloxBlock& block, T (&out)[kDraws]) const {
#pragma unroll
    for (int pair = 0; pair < kDraws / 2; ++pair) {
      const NormalPair z = kWide ? normal_pair_double(block) : normal_pair(block, pair);
#pragma unroll
      for (int q = 0; q < 2; ++q) {
        // Narrow normals are rounded to float first, as philox_normal does.
        const double value =
            kWide ? z.value[q] : static_cast<double>(static_cast<float>(z.value[q]));
        out[2 * pair + q] =
            static_cast<T>(static_cast<MathType<T>>(gpu::mul_then_add(b, value, a)));
      }
    }
  }
};
template <class T> struct Bernoulli {
  static constexpr int kDraws = 4;
  double a;
  __device__ void draw(const PhiloxBlock& block, T (&out)[kDraws]) const {
#pragma unroll
    for (int q = 0; q < kDraws; ++q) {
      const bool hit = static_cast<double>(uniform_float(block.word[q])) < a;
      out[q] = static_cast<T>(static_cast<MathType<T>>(hit ? 1 : 0));
    }
  }
};
template <class T> struct Randint {
  static constexpr int kDraws = 2;
  int64_t low;
  uint64_t range;
  __device__ void draw(const PhiloxBlock& block, T (&out)[kDraws]) const {
#pragma unroll
    for (int q = 0; q < kDraws; ++q) {
      const uint64_t above = philox_scale(philox_pair(block, q), range);
      const auto value = static_cast<int64_t>(static_cast<uint64_t>(low) + above);
      out[q] = static_cast<T>(static_cast<MathType<T>>(value));
    }
  }
  // The upper 64 bits of the product, as philox_below.
  __device__ static uint64_t philox_scale(uint64_t bits, uint64_t bound) {
#if defined(__CUDA_ARCH__)
    return __umul64hi(bits, bound);
#else
    __extension__ using Wide = unsigned __int128;
    return static_cast<uint64_t>(Wide{bits} * bound >> 64);
#endif
  }
};

template <class T, class Fill>
__global__ void __launch_bounds__(kThreads)
    random_fill_kernel(Fill fill, int64_t n, RandomKey random_key, T* out) {
  const PhiloxKey key = random_key.on_device();
  constexpr int kDraws = Fill::kDraws;
  const int64_t blocks = gpu::ceil_div(n, kDraws);
  for (int64_t b = gpu::global_thread(); b < blocks; b += gpu::global_threads()) {
    T values[kDraws];
    fill.draw(philox_block(key, static_cast<uint64_t>(b)), values);
#pragma unroll
    for (int q = 0; q < kDraws; ++q) {
      if (b * kDraws + q < n) out[b * kDraws + q] = values[q];
    }
  }
}

template <class T, class Fill> void launch_fill(const RandomFill& f, const Fill& fill) {
  if (f.numel == 0) return;
  const cuda::OnDevice stream(f.device());
  gpu::launch(random_fill_kernel<T, Fill>,
              gpu::grid_for(gpu::ceil_div(f.numel, Fill::kDraws), kThreads), kThreads, 0, stream,
              fill, f.numel, f.key, static_cast<T*>(f.out));
}

void run_uniform(const RandomFill& f) {
  visit_dtype(FloatTypes{}, "uniform", f.element, [&]<class T>() {
    launch_fill<T>(f, Uniform<T>{f.a, f.b});
  });
}
void run_normal(const RandomFill& f) {
  visit_dtype(FloatTypes{}, "normal", f.element, [&]<class T>() {
    launch_fill<T>(f, Normal<T>{f.a, f.b});
  });
}
void run_bernoulli(const RandomFill& f) {
  visit_dtype(AllTypes{}, "bernoulli", f.element,
              [&]<class T>() { launch_fill<T>(f, Bernoulli<T>{f.a}); });
}
void run_randint(const RandomFill& f) {
  visit_dtype(NumberTypes{}, "randint", f.element, [&]<class T>() {
    launch_fill<T>(f, Randint<T>{f.low, f.range});
  });
}

const bool kUniform = random_kernels(RandomOp::kUniform)
                          .add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_uniform, 1});
const bool kNormal =
    random_kernels(RandomOp::kNormal).add({"cuda", kCUDA, dtypes_of(FloatTypes{}), run_normal, 1});
const bool kBernoulli = random_kernels(RandomOp::kBernoulli)
                            .add({"cuda", kCUDA, dtypes_of(AllTypes{}), run_bernoulli, 1});
const bool kRandint = random_kernels(RandomOp::kRandint)
                          .add({"cuda", kCUDA, dtypes_of(NumberTypes{}), run_randint, 1});

}  // namespace
}  // namespace iolaus
