// var and std on the CPU. Blocks that fit the cache are read twice, for their mean and for the
// squares around it, and joined in double (Chan, Golub and LeVeque 1979): memory is read once and
// nothing cancels. As in cpu.cpp the dense dimension is a reduced one (rows) or a kept one
// (columns, side by side), and few long reductions are cut into chunks by shape alone.
#include "kernels/elementwise/domain.h"
#include "kernels/reduce/cpu_reduce.h"
#include "kernels/statistics.h"

namespace iolaus {
namespace {

constexpr int64_t kTile = 1024;      // columns side by side
constexpr int64_t kTileRows = 16;    // elements of each that make a block
constexpr int64_t kBlock = 4096;     // elements of a row that make a block
constexpr int64_t kChunk = 1 << 16;  // elements that are worth a thread
constexpr int64_t kMostChunks = 64;

int64_t offset_of(int64_t index, int rank, const int64_t* sizes, const int64_t* strides) {
  int64_t at = 0;
  for (int d = rank - 1; d >= 0; --d) {
    at += index % sizes[d] * strides[d];
    index /= sizes[d];
  }
  return at;
}

// Of up to kTile results.
struct Moments {
  double count = 0, mean[kTile], squares[kTile];  // squares: the sum of (x - mean)^2

  // Adds n elements of each, of which `sum` and `square_sum` are those of x - about.
  template <class A>
  void add(int64_t n, int64_t width, const A* about, const A* sum, const A* square_sum) {
    const auto added = static_cast<double>(n);
    const double all = count + added, share = added / all, weight = count * share;
    for (int64_t j = 0; j < width; ++j) {
      const double rest = static_cast<double>(sum[j]) / added;
      const double m = static_cast<double>(about[j]) + rest;
      const double s = static_cast<double>(square_sum[j]) - rest * static_cast<double>(sum[j]);
      const double between = count == 0 ? 0 : m - mean[j];
      mean[j] = count == 0 ? m : mean[j] + between * share;
      squares[j] = (count == 0 ? 0 : squares[j]) + s + between * between * weight;
    }
    count = all;
  }
  void add(const Moments& other, int64_t width) {
    if (other.count == 0) return;
    const double all = count + other.count, share = other.count / all, weight = count * share;
    for (int64_t j = 0; j < width; ++j) {
      const double between = count == 0 ? 0 : other.mean[j] - mean[j];
      mean[j] = count == 0 ? other.mean[j] : mean[j] + between * share;
      squares[j] = (count == 0 ? 0 : squares[j]) + other.squares[j] + between * between * weight;
    }
    count = all;
  }
};

// n elements of one row.
template <class A, class T> void add_row_block(const T* x, int64_t n, int64_t stride, Moments& m) {
  alignas(64) A buffer[kBlock];
  const A* block = cpu::load_block<A, false>(x, n, stride, buffer);
  simd::run([&] {
    const A* from = block;
    const int64_t count = n;
    const A mean = sum_terms<A>(count, [&](int64_t i) { return from[i]; }) / static_cast<A>(count);
    const A sum = sum_terms<A>(count, [&](int64_t i) { return from[i] - mean; });
    const A squares =
        sum_terms<A>(count, [&](int64_t i) { return (from[i] - mean) * (from[i] - mean); });
    m.add(count, 1, &mean, &sum, &squares);
  });
}

// n rows of `width` columns.
template <class A, class T>
void add_tile(const T* x, int64_t n, int64_t row_stride, int64_t width, int64_t stride,
              Moments& m) {
  alignas(64) A buffer[kTileRows * kTile];
  const A* rows[kTileRows];
  for (int64_t i = 0; i < n; ++i) {
    rows[i] = cpu::load_block<A, false>(x + i * row_stride, width, stride, buffer + i * kTile);
  }
  simd::run([&] {
    A mean[kTile] = {}, sum[kTile] = {}, squares[kTile] = {};
    const int64_t columns = width, count = n;
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < columns; ++j) mean[j] += rows[i][j];
    }
    for (int64_t j = 0; j < columns; ++j) mean[j] /= static_cast<A>(count);
    for (int64_t i = 0; i < count; ++i) {
      for (int64_t j = 0; j < columns; ++j) {
        const A d = rows[i][j] - mean[j];
        sum[j] += d;
        squares[j] += d * d;
      }
    }
    m.add(count, columns, mean, sum, squares);
  });
}

// How the results are divided into tasks of side-by-side columns, or of one row each, and the
// elements of a task into blocks.
struct Plan {
  bool columns;
  int64_t width;  // of a task, but perhaps for the last of its tiles
  int64_t tiles, tasks, inner, inner_stride, block, blocks_in_line, blocks;

  explicit Plan(const Reduce& r) {
    const int k = r.kept_rank - 1, d = r.reduced_rank - 1;
    columns = k >= 0 && r.kept_sizes[k] >= 4 &&
              (d < 0 || std::abs(r.kept_strides[k]) < std::abs(r.reduced_strides[d]));
    width = columns ? std::min(kTile, r.kept_sizes[k]) : 1;
    tiles = columns ? (r.kept_sizes[k] + width - 1) / width : 1;
    tasks = columns ? r.kept / r.kept_sizes[k] * tiles : r.kept;
    inner = d < 0 ? r.reduced : r.reduced_sizes[d];
    inner_stride = d < 0 ? 1 : r.reduced_strides[d];
    block = columns ? kTileRows : kBlock;
    blocks_in_line = (inner + block - 1) / block;
    blocks = inner == 0 ? 0 : r.reduced / inner * blocks_in_line;
  }
  int64_t chunks(const Reduce& r) const {
    if (tasks >= kMostChunks) return 1;
    return std::clamp<int64_t>(std::min(r.reduced * width / kChunk, blocks), 1,
                               kMostChunks / tasks);
  }
};

// Where the results of a task lie.
struct Task {
  int64_t x, out, width, x_stride = 1, out_stride = 0;

  Task(const Reduce& r, const Plan& p, int64_t index) {
    if (!p.columns) {
      x = offset_of(index, r.kept_rank, r.kept_sizes, r.kept_strides);
      out = offset_of(index, r.kept_rank, r.kept_sizes, r.out_strides);
      width = 1;
      return;
    }
    const int k = r.kept_rank - 1;
    const int64_t first = index % p.tiles * p.width;
    x_stride = r.kept_strides[k];
    out_stride = r.out_strides[k];
    x = offset_of(index / p.tiles, k, r.kept_sizes, r.kept_strides) + first * x_stride;
    out = offset_of(index / p.tiles, k, r.kept_sizes, r.out_strides) + first * out_stride;
    width = std::min(p.width, r.kept_sizes[k] - first);
  }
};

template <class T> void run_typed(const Reduce& r) {
  using A = MathType<T>;
  if (r.kept == 0) return;
  const Plan p(r);
  const auto* x = static_cast<const T*>(r.x);
  const auto add_blocks = [&](const Task& task, int64_t begin, int64_t end, Moments& m) {
    for (int64_t b = begin; b < end; ++b) {
      const int64_t first = b % p.blocks_in_line * p.block;
      const T* from = x + task.x + first * p.inner_stride +
                      offset_of(b / p.blocks_in_line, std::max(r.reduced_rank - 1, 0),
                                r.reduced_sizes, r.reduced_strides);
      const int64_t n = std::min(p.block, p.inner - first);
      if (p.columns) {
        add_tile<A>(from, n, p.inner_stride, task.width, task.x_stride, m);
      } else {
        add_row_block<A>(from, n, p.inner_stride, m);
      }
    }
  };
  const auto store = [&](const Task& task, const Moments& m) {
    for (int64_t j = 0; j < task.width; ++j) {
      const double variance = (m.count == 0 ? 0 : m.squares[j]) / r.divisor;
      static_cast<T*>(r.out)[task.out + j * task.out_stride] =
          static_cast<T>(static_cast<A>(r.op == ReduceOp::kStd ? std::sqrt(variance) : variance));
    }
  };
  const int64_t chunks = p.chunks(r);
  if (chunks == 1) {
    const int64_t grain =
        std::max<int64_t>(1, kChunk / 2 / std::max<int64_t>(1, r.reduced * p.width));
    return parallel_for(p.tasks, grain, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const Task task(r, p, t);
        Moments m;
        add_blocks(task, 0, p.blocks, m);
        store(task, m);
      }
    });
  }
  std::vector<Moments> parts(static_cast<size_t>(p.tasks * chunks));
  parallel_for(p.tasks * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t chunk = t % chunks;
      add_blocks(Task(r, p, t / chunks), p.blocks * chunk / chunks, p.blocks * (chunk + 1) / chunks,
                 parts[static_cast<size_t>(t)]);
    }
  });
  for (int64_t t = 0; t < p.tasks; ++t) {
    const Task task(r, p, t);
    Moments all;
    for (int64_t c = 0; c < chunks; ++c) {
      all.add(parts[static_cast<size_t>(t * chunks + c)], task.width);
    }
    store(task, all);
  }
}

void run(const Reduce& r) {
  visit_dtype(FloatTypes{}, "reduce", r.element, [&]<class T>() { run_typed<T>(r); });
}

const bool kVar =
    reduce_kernels(ReduceOp::kVar).add({"cpu", kCPU, dtypes_of(FloatTypes{}), run, 1});
const bool kStd =
    reduce_kernels(ReduceOp::kStd).add({"cpu", kCPU, dtypes_of(FloatTypes{}), run, 1});

}  // namespace
}  // namespace iolaus
