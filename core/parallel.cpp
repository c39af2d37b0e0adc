// parallel_for over OpenMP: one team, one contiguous share of the parts per thread.
#include "core/parallel.h"

#include <omp.h>

#include <atomic>

#include "core/error.h"

namespace iolaus {
namespace {
std::atomic<int> g_threads{0};
}

int num_threads() {
  const int threads = g_threads.load(std::memory_order_relaxed);
  if (threads > 0) [[likely]]
    return threads;
  g_threads.store(omp_get_max_threads(), std::memory_order_relaxed);
  return g_threads.load(std::memory_order_relaxed);
}

void set_num_threads(int count) {
  IOLAUS_CHECK(count >= 1, "[set_num_threads] expected at least 1, got {}", count);
  omp_set_num_threads(count);
  g_threads.store(count, std::memory_order_relaxed);
}

namespace detail {
void parallel_run(int64_t count, void (*fn)(void*, int64_t, int64_t), void* context) {
  if (omp_in_parallel() != 0) return fn(context, 0, count);
  const int threads = static_cast<int>(std::min<int64_t>(count, num_threads()));
#pragma omp parallel num_threads(threads)
  {
    const int64_t team = omp_get_num_threads(), me = omp_get_thread_num();
    fn(context, count * me / team, count * (me + 1) / team);
  }
}
}  // namespace detail

}  // namespace iolaus
