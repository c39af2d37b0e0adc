// parallel_for: splits a range over the threads of the CPU. How a range is split never changes
// results: kernels that reduce split by shape, not by threads. Threads may call it at the same
// time; within a part it runs on the part's thread alone.
#pragma once

#include <algorithm>
#include <cstdint>
#include <type_traits>

namespace iolaus {

/// Threads that a parallel region uses; at start OMP_NUM_THREADS or the number of cores.
int num_threads();
/// Errors: kInvalidArgument below 1 or above 1024.
void set_num_threads(int count);

namespace detail {
/// Calls fn(context, part, part + 1) for each part of [0, count), or fn with several at once.
void parallel_run(int64_t count, void (*fn)(void*, int64_t, int64_t), void* context);
}  // namespace detail

/// Calls fn(begin, end) on parts of [0, count) of at least grain elements each; on the caller's
/// thread alone where the range is not larger than grain. What fn throws, the caller gets when all
/// parts that had begun are done.
template <class Fn> void parallel_for(int64_t count, int64_t grain, Fn&& fn) {
  if (count <= grain || num_threads() == 1) {
    if (count > 0) fn(int64_t{0}, count);
    return;
  }
  using Plain = std::remove_reference_t<Fn>;
  const int64_t parts = std::min<int64_t>((count + grain - 1) / grain, num_threads());
  const int64_t step = (count + parts - 1) / parts;
  struct Context {
    Plain* fn;
    int64_t count, step;
  } context{&fn, count, step};
  detail::parallel_run(
      parts,
      [](void* raw, int64_t begin, int64_t end) {
        auto* c = static_cast<Context*>(raw);
        for (int64_t part = begin; part < end; ++part) {
          const int64_t first = part * c->step;
          const int64_t last = first + c->step < c->count ? first + c->step : c->count;
          if (first < last) (*c->fn)(first, last);
        }
      },
      &context);
}

}  // namespace iolaus
