// embedding on the CPU. Forward copies rows. Backward gives each thread a range of the table's rows
// and walks all indices in order, so that every row is summed in the same order on any number of
// threads; 16-bit tables are summed in float.
#include <atomic>
#include <cstring>
#include <limits>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/elementwise/domain.h"
#include "kernels/embedding/embedding.h"

namespace iolaus {
namespace {

constexpr int64_t kGrain = 1 << 14;  // elements that are worth a thread
constexpr int64_t kAhead = 8;        // rows that are asked for before they are copied

// Asks for the first lines of a row that will be copied; the hardware goes on from there.
void fetch_row(const char* table, int64_t row, int64_t rows, size_t row_bytes) {
  if (row < 0 || row >= rows) return;
  const char* from = table + static_cast<size_t>(row) * row_bytes;
  for (size_t line = 0; line < std::min<size_t>(row_bytes, 512); line += 64) {
    __builtin_prefetch(from + line);
  }
}

void forward(const Embedding& e) {
  constexpr int64_t kNone = std::numeric_limits<int64_t>::max();
  std::atomic<int64_t> bad{kNone};
  const auto row_bytes = static_cast<size_t>(e.width) * item_size(e.element);
  const auto* in = static_cast<const char*>(e.in);
  auto* out = static_cast<char*>(e.out);
  const int64_t grain = std::max<int64_t>(1, kGrain / std::max<int64_t>(1, e.width));
  parallel_for(e.count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) {
      const int64_t row = e.index[i];
      if (row < 0 || row >= e.rows) {
        int64_t seen = bad.load();
        while (i < seen && !bad.compare_exchange_weak(seen, i)) {
        }
        return;
      }
      if (row_bytes == 0) continue;
      if (i + kAhead < end) fetch_row(in, e.index[i + kAhead], e.rows, row_bytes);
      std::memcpy(out + static_cast<size_t>(i) * row_bytes,
                  in + static_cast<size_t>(row) * row_bytes, row_bytes);
    }
  });
  if (bad != kNone) fail_bad_index(e.index[bad], bad, e.rows);
}

template <class T> void backward_typed(const Embedding& e) {
  using Math = MathType<T>;
  const T* g = static_cast<const T*>(e.in);
  T* table = static_cast<T*>(e.out);
  Tensor wide;  // the sums of 16-bit tables
  Math* sums = nullptr;
  if constexpr (std::is_same_v<T, Math>) {
    sums = table;
  } else {
    wide = empty({e.rows, e.width}, {.dtype = dtype_of<Math>});
    sums = wide.data<Math>();
  }
  const int64_t work = (e.count + e.rows) * e.width;
  const int64_t grain = work < 2 * kGrain ? e.rows : std::max<int64_t>(1, e.rows * kGrain / work);
  parallel_for(e.rows, grain, [&](int64_t begin, int64_t end) {
    std::fill(sums + begin * e.width, sums + end * e.width, Math(0));
    simd::run([&] {
      for (int64_t i = 0; i < e.count; ++i) {
        const int64_t row = e.index[i];
        if (row < begin || row >= end || row == e.padding) continue;
        const T* from = g + i * e.width;
        Math* to = sums + row * e.width;
        for (int64_t d = 0; d < e.width; ++d) to[d] += static_cast<Math>(from[d]);
      }
    });
    if constexpr (!std::is_same_v<T, Math>) {
      for (int64_t k = begin * e.width; k < end * e.width; ++k) table[k] = static_cast<T>(sums[k]);
    }
  });
}

void backward(const Embedding& e) {
  visit_dtype(FloatTypes{}, "embedding_backward", e.element,
              [&]<class T>() { backward_typed<T>(e); });
}

const bool kForward = embedding_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), forward, 1});
const bool kBackward =
    embedding_backward_kernels().add({"cpu", kCPU, dtypes_of(FloatTypes{}), backward, 1});

}  // namespace
}  // namespace iolaus
