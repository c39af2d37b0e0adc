// What device code sees when it is compiled for the simulated device: CUDA's built-in variables,
// barriers, warp functions, atomics and arithmetic, for the host's compiler. Included by gpu.h
// only. Each function that may wait takes its caller's place by a default argument, for the
// diagnoses.
#pragma once

#include <cuda_runtime_api.h>
#include <vector_functions.h>
#include <vector_types.h>

#include <bit>
#include <cmath>
#include <cstdint>
#include <cstring>
#include <type_traits>

#include "core/cuda/sim/launch.h"
#include "core/cuda/sim/shared.h"

#undef __forceinline__
#define __forceinline__ inline
#undef __launch_bounds__
#define __launch_bounds__(...)
#undef __grid_constant__
#define __grid_constant__

#define threadIdx (::iolaus::sim::g_indices.thread)
#define blockIdx (::iolaus::sim::g_indices.block)
#define blockDim (::iolaus::sim::g_indices.block_dim)
#define gridDim (::iolaus::sim::g_indices.grid_dim)

namespace iolaus::sim {

/// The lanes of mask come together; the last one computes the results of all. results(lanes) gets
/// the mask, reads operand<In>(lane) and writes result<Out>(lane).
template <class Out, class In, class Results>
Out collective(unsigned mask, const In& in, Results results, const char* what, Place place) {
  Out out{};
  SimThread* self = g_thread;
  self->operand = &in;
  self->result = &out;
  if (warp_arrive(mask, what, place)) {
    results(mask);
    warp_release(mask);
  }
  return out;
}
template <class T> const T& operand(unsigned lane) {
  return *static_cast<const T*>(warp_lane(lane).operand);
}
template <class T> T& result(unsigned lane) { return *static_cast<T*>(warp_lane(lane).result); }
template <class Fn> void for_lanes(unsigned mask, Fn fn) {
  for (; mask != 0; mask &= mask - 1) fn(static_cast<unsigned>(__builtin_ctz(mask)));
}

template <class T> struct ShuffleIn {
  T value;
  unsigned from;
};
template <class T> T shuffle(unsigned mask, T value, unsigned from, const char* what, Place place) {
  static_assert(std::is_arithmetic_v<T>, "CUDA shuffles numbers of 4 and 8 bytes only");
  return collective<T>(
      mask, ShuffleIn<T>{value, from},
      [=](unsigned lanes) {
        for_lanes(lanes, [&](unsigned l) {
          const unsigned source = operand<ShuffleIn<T>>(l).from;
          if ((lanes >> source & 1) == 0) {
            fail_thread(fmt::format("{}: lane {} reads lane {}, which is not in mask {:#010x}",
                                    at(what, place), l, source, lanes));
          }
          result<T>(l) = operand<ShuffleIn<T>>(source).value;
        });
      },
      what, place);
}
template <class T, class Op>
T reduce_lanes(unsigned mask, T value, Op op, const char* what, Place place) {
  return collective<T>(
      mask, value,
      [=](unsigned lanes) {
        T all = operand<T>(static_cast<unsigned>(__builtin_ctz(lanes)));
        for_lanes(lanes & (lanes - 1), [&](unsigned l) { all = op(all, operand<T>(l)); });
        for_lanes(lanes, [&](unsigned l) { result<T>(l) = all; });
      },
      what, place);
}

/// The unsigned integer of a type's size.
template <class T>
using BitsOf = std::conditional_t<sizeof(T) == 2, uint16_t,
                                  std::conditional_t<sizeof(T) == 4, uint32_t, uint64_t>>;
/// *p = fn(*p) in one step; the former value. By atomic builtins, which the checker tells apart.
template <class T, class Fn> T atomic_update(T* p, Fn fn) {
  using Bits = BitsOf<T>;
  auto* bits = reinterpret_cast<Bits*>(p);
  Bits before = __atomic_load_n(bits, __ATOMIC_RELAXED);
  for (;;) {
    const T value = fn(std::bit_cast<T>(before));
    if (__atomic_compare_exchange_n(bits, &before, std::bit_cast<Bits>(value), false,
                                    __ATOMIC_RELAXED, __ATOMIC_RELAXED)) {
      return std::bit_cast<T>(before);
    }
  }
}
template <class T> using Same = std::type_identity_t<T>;

/// Fails the thread where an access of nbytes is not aligned.
inline void check_aligned(const void* p, size_t nbytes, const char* what, Place place) {
  if (reinterpret_cast<uintptr_t>(p) % nbytes != 0) {
    fail_thread(
        fmt::format("{}: an access of {} bytes at {} is misaligned", at(what, place), nbytes, p));
  }
}

}  // namespace iolaus::sim

// ---- shared memory

#define SHARED_ARRAY(T, name, ...)                                                           \
  using name##_array = T __VA_ARGS__;                                                        \
  static ::iolaus::sim::SharedArray name##_slot(sizeof(name##_array), alignof(name##_array), \
                                                #name);                                      \
  auto& name = *static_cast<name##_array*>(name##_slot.get())
#define SHARED_DYNAMIC(T) (static_cast<T*>(::iolaus::sim::dynamic_shared()))

// ---- barriers, votes, shuffles

using IolausPlace = iolaus::sim::Place;

inline void __syncthreads(IolausPlace place = IolausPlace::here()) {
  iolaus::sim::block_barrier(iolaus::sim::Vote::kNone, false, "__syncthreads", place);
}
inline int __syncthreads_count(int p, IolausPlace place = IolausPlace::here()) {
  return iolaus::sim::block_barrier(iolaus::sim::Vote::kCount, p != 0, "__syncthreads_count",
                                    place);
}
inline int __syncthreads_and(int p, IolausPlace place = IolausPlace::here()) {
  return iolaus::sim::block_barrier(iolaus::sim::Vote::kAnd, p != 0, "__syncthreads_and", place);
}
inline int __syncthreads_or(int p, IolausPlace place = IolausPlace::here()) {
  return iolaus::sim::block_barrier(iolaus::sim::Vote::kOr, p != 0, "__syncthreads_or", place);
}
inline void __syncwarp(unsigned mask = ~0u, IolausPlace place = IolausPlace::here()) {
  iolaus::sim::collective<char>(
      mask, char{}, [](unsigned) {}, "__syncwarp", place);
  iolaus::sim::warp_fence(mask);
}
template <class T>
T __shfl_sync(unsigned mask, T value, int from, int width = 32,
              IolausPlace place = IolausPlace::here()) {
  const unsigned w = static_cast<unsigned>(width), l = iolaus::sim::lane();
  return iolaus::sim::shuffle(mask, value, (l & ~(w - 1)) | (static_cast<unsigned>(from) & (w - 1)),
                              "__shfl_sync", place);
}
template <class T>
T __shfl_xor_sync(unsigned mask, T value, int bits, int width = 32,
                  IolausPlace place = IolausPlace::here()) {
  const unsigned w = static_cast<unsigned>(width), l = iolaus::sim::lane();
  const unsigned from = l ^ static_cast<unsigned>(bits);
  return iolaus::sim::shuffle(mask, value, from >= (l & ~(w - 1)) + w ? l : from, "__shfl_xor_sync",
                              place);
}
template <class T>
T __shfl_down_sync(unsigned mask, T value, unsigned delta, int width = 32,
                   IolausPlace place = IolausPlace::here()) {
  const unsigned w = static_cast<unsigned>(width), l = iolaus::sim::lane(), from = l + delta;
  return iolaus::sim::shuffle(mask, value, from >= (l & ~(w - 1)) + w ? l : from,
                              "__shfl_down_sync", place);
}
template <class T>
T __shfl_up_sync(unsigned mask, T value, unsigned delta, int width = 32,
                 IolausPlace place = IolausPlace::here()) {
  const unsigned w = static_cast<unsigned>(width), l = iolaus::sim::lane();
  const unsigned first = l & ~(w - 1);
  return iolaus::sim::shuffle(mask, value, l < first + delta ? l : l - delta, "__shfl_up_sync",
                              place);
}
inline unsigned __ballot_sync(unsigned mask, int p, IolausPlace place = IolausPlace::here()) {
  using namespace iolaus::sim;
  return collective<unsigned>(
      mask, p,
      [](unsigned lanes) {
        unsigned votes = 0;
        for_lanes(lanes, [&](unsigned l) { votes |= (operand<int>(l) != 0 ? 1u : 0u) << l; });
        for_lanes(lanes, [&](unsigned l) { result<unsigned>(l) = votes; });
      },
      "__ballot_sync", place);
}
inline int __any_sync(unsigned mask, int p, IolausPlace place = IolausPlace::here()) {
  return __ballot_sync(mask, p, place) != 0;
}
inline int __all_sync(unsigned mask, int p, IolausPlace place = IolausPlace::here()) {
  return __ballot_sync(mask, p, place) == mask;
}
template <class T>
T __reduce_add_sync(unsigned mask, T value, IolausPlace place = IolausPlace::here()) {
  return iolaus::sim::reduce_lanes(
      mask, value,
      [](T a, T b) { return static_cast<T>(static_cast<unsigned>(a) + static_cast<unsigned>(b)); },
      "__reduce_add_sync", place);
}
template <class T>
T __reduce_max_sync(unsigned mask, T value, IolausPlace place = IolausPlace::here()) {
  return iolaus::sim::reduce_lanes(
      mask, value, [](T a, T b) { return a > b ? a : b; }, "__reduce_max_sync", place);
}
template <class T>
T __reduce_min_sync(unsigned mask, T value, IolausPlace place = IolausPlace::here()) {
  return iolaus::sim::reduce_lanes(
      mask, value, [](T a, T b) { return a < b ? a : b; }, "__reduce_min_sync", place);
}
inline unsigned __activemask() { return iolaus::sim::live_lanes(); }
// One thread of the host runs everything: only the compiler must not reorder.
inline void __threadfence_block() { asm volatile("" ::: "memory"); }
inline void __threadfence() {
  __threadfence_block();
  iolaus::sim::yield_thread();
}
inline void __threadfence_system() { __threadfence(); }
[[noreturn]] inline void __trap() { iolaus::sim::fail_thread("__trap"); }

// ---- memory

template <class T> T __ldg(const T* p) { return *p; }
template <class T> T __ldcs(const T* p) { return *p; }
template <class T> T __ldcg(const T* p) { return *p; }
template <class T> void __stcs(T* p, const T& value) { *p = value; }
template <class T> void __stcg(T* p, const T& value) { *p = value; }

template <class T> T atomicAdd(T* p, iolaus::sim::Same<T> v) {
  return iolaus::sim::atomic_update(p, [=](T old) { return static_cast<T>(old + v); });
}
template <class T> T atomicSub(T* p, iolaus::sim::Same<T> v) {
  return iolaus::sim::atomic_update(p, [=](T old) { return static_cast<T>(old - v); });
}
template <class T> T atomicMax(T* p, iolaus::sim::Same<T> v) {
  return iolaus::sim::atomic_update(p, [=](T old) { return old > v ? old : v; });
}
template <class T> T atomicMin(T* p, iolaus::sim::Same<T> v) {
  return iolaus::sim::atomic_update(p, [=](T old) { return old < v ? old : v; });
}
template <class T> T atomicOr(T* p, iolaus::sim::Same<T> v) {
  return iolaus::sim::atomic_update(p, [=](T old) { return old | v; });
}
template <class T> T atomicAnd(T* p, iolaus::sim::Same<T> v) {
  return iolaus::sim::atomic_update(p, [=](T old) { return old & v; });
}
template <class T> T atomicExch(T* p, iolaus::sim::Same<T> v) {
  iolaus::sim::yield_thread();
  return iolaus::sim::atomic_update(p, [=](T) { return v; });
}
template <class T> T atomicCAS(T* p, iolaus::sim::Same<T> expected, iolaus::sim::Same<T> v) {
  iolaus::sim::yield_thread();
  return iolaus::sim::atomic_update(p, [=](T old) { return old == expected ? v : old; });
}
inline unsigned atomicInc(unsigned* p, unsigned limit) {
  return iolaus::sim::atomic_update(p, [=](unsigned old) { return old >= limit ? 0u : old + 1; });
}

// ---- arithmetic that the host's headers lack

inline float rsqrtf(float x) { return 1.0f / std::sqrt(x); }
inline double rsqrt(double x) { return 1.0 / std::sqrt(x); }
inline float __expf(float x) { return std::exp(x); }
inline float __logf(float x) { return std::log(x); }
inline float __log2f(float x) { return std::log2(x); }
inline float __powf(float x, float y) { return std::pow(x, y); }
inline float __fdividef(float a, float b) { return a / b; }
inline float __frcp_rn(float x) { return 1.0f / x; }
inline float __fmaf_rn(float a, float b, float c) { return std::fma(a, b, c); }
inline float __fmul_rn(float a, float b) { return a * b; }
inline float __fadd_rn(float a, float b) { return a + b; }
inline double __dmul_rn(double a, double b) { return a * b; }
inline double __dadd_rn(double a, double b) { return a + b; }
inline int __float_as_int(float x) { return std::bit_cast<int>(x); }
inline unsigned __float_as_uint(float x) { return std::bit_cast<unsigned>(x); }
inline float __int_as_float(int x) { return std::bit_cast<float>(x); }
inline float __uint_as_float(unsigned x) { return std::bit_cast<float>(x); }
inline long long __double_as_longlong(double x) { return std::bit_cast<long long>(x); }
inline double __longlong_as_double(long long x) { return std::bit_cast<double>(x); }
inline int __popc(unsigned x) { return std::popcount(x); }
inline int __popcll(unsigned long long x) { return std::popcount(x); }
inline int __clz(int x) { return std::countl_zero(static_cast<unsigned>(x)); }
inline int __clzll(long long x) { return std::countl_zero(static_cast<unsigned long long>(x)); }
inline int __ffs(int x) { return __builtin_ffs(x); }
inline int __ffsll(long long x) { return __builtin_ffsll(x); }
inline unsigned __umulhi(unsigned a, unsigned b) {
  return static_cast<unsigned>(static_cast<uint64_t>(a) * b >> 32);
}
inline unsigned long long __umul64hi(unsigned long long a, unsigned long long b) {
  __extension__ using Wide = unsigned __int128;
  return static_cast<unsigned long long>(static_cast<Wide>(a) * b >> 64);
}
template <class T>
requires std::is_arithmetic_v<T> T min(T a, T b) { return b < a ? b : a; }
template <class T>
requires std::is_arithmetic_v<T> T max(T a, T b) { return a < b ? b : a; }
