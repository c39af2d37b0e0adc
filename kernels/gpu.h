// gpu.h: the one header that a kernel source (.cu) includes for the device. It hides what differs
// between a GPU and a simulated device (launches, shared memory), and holds what every kernel
// needs: vector loads, reductions over a warp and a block, grid sizes. Empty for the host compiler.
#pragma once

#if defined(__CUDACC__) || defined(IOLAUS_CUDA_SIM)
#if defined(IOLAUS_CUDA_SIM)
#include "core/cuda/sim/device.h"
#include "core/cuda/sim/options.h"
#else
#include <cuda_runtime.h>
#endif

#include <cstdint>

#include "core/cuda/device_error.h"
#include "core/cuda/launch.h"
#include "core/cuda/stream.h"
#include "core/device.h"
#include "core/dtype.h"

#if !defined(IOLAUS_CUDA_SIM)
/// Shared memory of a fixed size: SHARED_ARRAY(float, tile, [32][33]); one number: [1].
#define SHARED_ARRAY(T, name, ...) __shared__ T name __VA_ARGS__
/// The start of the launch's dynamic shared memory, 128-byte aligned: SHARED_DYNAMIC(float).
#define SHARED_DYNAMIC(T) (reinterpret_cast<T*>(::iolaus::gpu::dynamic_shared()))
#endif

namespace iolaus::gpu {

#if !defined(IOLAUS_CUDA_SIM)
__device__ __forceinline__ unsigned char* dynamic_shared() {
  extern __shared__ __align__(128) unsigned char iolaus_dynamic_shared[];
  return iolaus_dynamic_shared;
}
#endif

/// Queues a kernel on a stream. Errors: kDevice, naming the kernel and its grid.
template <class... P, class... A>
void launch(void (*kernel)(P...), dim3 grid, dim3 block, size_t shared_bytes, cudaStream_t stream,
            A&&... args) {
  const void* address = reinterpret_cast<const void*>(kernel);
  // Above 48 KiB a launch needs permission, and the kernel's static arrays count towards it.
  if (shared_bytes > 16 * 1024) cuda::allow_shared_bytes(address, shared_bytes);
#if defined(IOLAUS_CUDA_SIM)
  sim::launch(kernel, grid, block, shared_bytes, stream, std::forward<A>(args)...);
#else
  kernel<<<grid, block, shared_bytes, stream>>>(static_cast<P>(args)...);
#endif
  cuda::check_launch(address, grid, block, shared_bytes, stream);
}

inline constexpr int kWarp = 32;
inline constexpr unsigned kAllLanes = 0xffffffffu;
/// Blocks in a dimension of a grid: enough to fill any GPU many times over, and as many as y and z
/// can have. Kernels loop over what is beyond (grid stride).
inline int64_t max_blocks() {
#if defined(IOLAUS_CUDA_SIM)
  return sim::options().max_blocks;
#else
  return 65535;
#endif
}

__host__ __device__ constexpr int64_t ceil_div(int64_t a, int64_t b) { return (a + b - 1) / b; }

/// Blocks for a grid-stride loop over items, at least 1, in any dimension of a grid.
inline unsigned grid_for(int64_t items, int64_t per_block = 1) {
  const int64_t blocks = ceil_div(items, per_block), most = max_blocks();
  return static_cast<unsigned>(blocks < 1 ? 1 : (blocks > most ? most : blocks));
}

/// Index of this thread in the grid, and the number of threads, of 1-d launches.
__device__ __forceinline__ int64_t global_thread() {
  return static_cast<int64_t>(blockIdx.x) * blockDim.x + threadIdx.x;
}
__device__ __forceinline__ int64_t global_threads() {
  return static_cast<int64_t>(gridDim.x) * blockDim.x;
}

/// N elements that are loaded and stored in one access; its address must be aligned to its size.
template <class T, int N> struct alignas(sizeof(T) * N) Pack { T v[N]; };
/// The simulated device says where an access is misaligned; a GPU would fault.
template <class Access>
__device__ __forceinline__ void check_aligned([[maybe_unused]] const void* p) {
#if defined(IOLAUS_CUDA_SIM)
  sim::check_aligned(p, alignof(Access), "a packed access", sim::Place::here());
#endif
}
template <int N, class T> __device__ __forceinline__ Pack<T, N> load_pack(const T* p) {
  check_aligned<Pack<T, N>>(p);
  return *reinterpret_cast<const Pack<T, N>*>(p);
}
template <int N, class T>
__device__ __forceinline__ void store_pack(T* p, const Pack<T, N>& values) {
  check_aligned<Pack<T, N>>(p);
  *reinterpret_cast<Pack<T, N>*>(p) = values;
}
/// Elements of T in a 16-byte access.
template <class T> inline constexpr int kPackSize = 16 / static_cast<int>(sizeof(T));

inline bool is_aligned(const void* p, size_t bytes) {
  return reinterpret_cast<uintptr_t>(p) % bytes == 0;
}

/// a / b of non-negative numbers; 32-bit where both fit, which is several times faster.
__device__ __forceinline__ int64_t fast_div(int64_t a, int64_t b) {
  if (((a | b) >> 32) == 0) {
    return static_cast<int64_t>(static_cast<uint32_t>(a) / static_cast<uint32_t>(b));
  }
  return a / b;
}

// Functors of reductions. Maximum and minimum keep NaN, as PyTorch's do.
struct Sum {
  template <class T> __device__ T operator()(T a, T b) const { return a + b; }
};
struct Max {
  template <class T> __device__ T operator()(T a, T b) const { return a > b || a != a ? a : b; }
};
struct Min {
  template <class T> __device__ T operator()(T a, T b) const { return a < b || a != a ? a : b; }
};

/// The value of the lane whose number differs in the bits of offset. Structs overload it.
template <class T> __device__ __forceinline__ T shuffle_xor(T value, int offset) {
  return static_cast<T>(__shfl_xor_sync(kAllLanes, value, offset));
}

/// All 32 lanes take part; every lane gets the result. op must be commutative, so that all lanes
/// get the same bits.
template <class T, class Op> __device__ __forceinline__ T warp_reduce(T value, Op op) {
  for (int offset = kWarp / 2; offset > 0; offset /= 2) {
    value = op(value, shuffle_xor(value, offset));
  }
  return value;
}

/// All threads of a 1-d block (a multiple of 32, at most 1024) take part; all get the result.
/// Deterministic. May be called again at once: it begins with a barrier.
template <class T, class Op> __device__ __forceinline__ T block_reduce(T value, T identity, Op op) {
  SHARED_ARRAY(T, partial, [kWarp]);
  const int lane = threadIdx.x % kWarp, warp = threadIdx.x / kWarp;
  const int warps = static_cast<int>(blockDim.x) / kWarp;
  value = warp_reduce(value, op);
  __syncthreads();  // the last call's readers are done with partial
  if (lane == 0) partial[warp] = value;
  __syncthreads();
  return warp_reduce(lane < warps ? partial[lane] : identity, op);
}

/// One of two ways in which threads share a row: all of a block's, or each warp its own.
template <class T, class Op>
__device__ __forceinline__ T group_reduce(bool whole_block, T value, T identity, Op op) {
  return whole_block ? block_reduce(value, identity, op) : warp_reduce(value, op);
}

/// a * b + c with both roundings, as the host computes it (the compiler would fuse them).
__device__ __forceinline__ double mul_then_add(double a, double b, double c) {
#if defined(__CUDA_ARCH__)
  return __dadd_rn(__dmul_rn(a, b), c);
#else
  return a * b + c;
#endif
}

/// Leaves word of an index outside of [0, bound); the host throws it (core/cuda/device_error.h).
__device__ __forceinline__ void report_index(cuda::IndexError* record, cuda::IndexedOp op,
                                             int64_t index, int64_t position, int64_t bound) {
  record->index = index;
  record->position = position;
  record->bound = bound;
  __threadfence_system();  // the op is what the host looks at
  *const_cast<volatile cuda::IndexedOp*>(&record->op) = op;
}

/// Temporary device memory of one kernel call: work queued on the current stream may use it, also
/// after this object's end, because the allocator reuses it in stream order.
template <class T> class DeviceScratch {
 public:
  DeviceScratch(Device device, int64_t count)
      : device_(device),
        nbytes_(static_cast<size_t>(count) * sizeof(T)),
        data_(count == 0 ? nullptr : static_cast<T*>(backend(kCUDA).allocate(device, nbytes_))) {}
  ~DeviceScratch() {
    if (data_ != nullptr) backend(kCUDA).free(device_, data_, nbytes_);
  }
  DeviceScratch(const DeviceScratch&) = delete;
  DeviceScratch& operator=(const DeviceScratch&) = delete;
  T* data() const { return data_; }

 private:
  Device device_;
  size_t nbytes_;
  T* data_;
};

}  // namespace iolaus::gpu
#endif
