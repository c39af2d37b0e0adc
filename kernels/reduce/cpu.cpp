// Reductions on the CPU, two ways through memory:
//   rows     the innermost reduced dimension is the dense one: a block of it becomes one number
//   columns  a kept dimension is the dense one: many results are accumulated side by side
// Long reductions with few results are cut into chunks, by shape alone, whose totals are joined in
// order; so neither threads nor instruction sets of equal width change a result.
#include "kernels/elementwise/domain.h"
#include "kernels/reduce/cpu_reduce.h"

namespace iolaus {
namespace {

constexpr int64_t kBlock = cpu::kReduceBlock;
constexpr int64_t kTile = 256;       // columns side by side
constexpr int64_t kTileRows = 64;    // rows of a tile that are accumulated in Acc
constexpr int64_t kChunk = 1 << 16;  // elements that are worth a thread
constexpr int64_t kMaxChunks = 64;

using cpu::Total;

// Offset of index in loops of the given sizes.
int64_t offset_of(int64_t index, int rank, const int64_t* sizes, const int64_t* strides) {
  int64_t at = 0;
  for (int d = rank - 1; d > 0; --d) {
    at += index % sizes[d] * strides[d];
    index /= sizes[d];
  }
  return rank > 0 ? at + index * strides[0] : at;
}

// The reduced loops but for the innermost one, as one range [0, outer), and that innermost one.
struct Inner {
  int64_t outer, size, stride;
  explicit Inner(const Reduce& r) {
    const int last = r.reduced_rank - 1;
    size = last < 0 ? r.reduced : r.reduced_sizes[last];
    stride = last < 0 ? 1 : r.reduced_strides[last];
    outer = size == 0 ? 0 : r.reduced / size;
  }
};
int64_t outer_offset(const Reduce& r, int64_t index) {
  return r.reduced_rank < 2
             ? 0
             : offset_of(index, r.reduced_rank - 1, r.reduced_sizes, r.reduced_strides);
}

// A part of the reduction: of the outer loops, or of the innermost one if that is all there is.
struct Part {
  int64_t outer_begin, outer_end, begin, end;
};
Part part_of(const Inner& inner, int64_t chunk, int64_t chunks) {
  if (inner.outer > 1) {
    return {inner.outer * chunk / chunks, inner.outer * (chunk + 1) / chunks, 0, inner.size};
  }
  return {0, inner.outer, inner.size * chunk / chunks, inner.size * (chunk + 1) / chunks};
}

int64_t chunk_count(const Reduce& r, const Inner& inner, int64_t tasks) {
  if (tasks >= kMaxChunks) return 1;
  const int64_t most = inner.outer > 1 ? inner.outer : inner.size / kBlock;
  return std::clamp<int64_t>(std::min(r.reduced * std::min(r.kept, kTile) / kChunk, most), 1,
                             kMaxChunks);
}

// How an operation ends: totals to the output's values, whose places at(i) gives.
template <class Sum, class At>
void store_results(const Reduce& r, Sum* total, int64_t count, const At& at) {
  if constexpr (std::is_same_v<Sum, double>) {
    const auto reduced = static_cast<double>(r.reduced);
    for (int64_t i = 0; i < count && r.op == ReduceOp::kMean; ++i) total[i] /= reduced;
    for (int64_t i = 0; i < count && r.op == ReduceOp::kNorm; ++i) total[i] = std::sqrt(total[i]);
  }
  visit_dtype(AllTypes{}, "reduce", r.out_element, [&]<class T>() {
    T* out = static_cast<T*>(r.out);
    for (int64_t i = 0; i < count; ++i) {
      out[at(i)] = static_cast<T>(static_cast<MathType<T>>(total[i]));
    }
  });
}

template <class Step, class Acc, bool truth, class T>
Total<Step, Acc> row_total(const Reduce& r, const Inner& inner, int64_t base, const Part& part) {
  auto total = Step::template identity<Total<Step, Acc>>();
  alignas(64) Acc buffer[kBlock];
  for (int64_t o = part.outer_begin; o < part.outer_end; ++o) {
    const T* x = static_cast<const T*>(r.x) + base + outer_offset(r, o);
    if (inner.stride == 1) {
      total = Step::join(
          total, cpu::reduce_dense<Step, Acc, truth>(x + part.begin, part.end - part.begin));
      continue;
    }
    for (int64_t i = part.begin; i < part.end; i += kBlock) {
      const int64_t n = std::min(kBlock, part.end - i);
      const Acc* block = cpu::load_block<Acc, truth>(x + i * inner.stride, n, inner.stride, buffer);
      total = Step::join(total, cpu::reduce_dense<Step, Acc, false>(block, n));
    }
  }
  return total;
}

// Joins the chunks of result i, totals[chunk][result].
template <class Step, class Sum>
Sum join_chunks(const Sum* totals, int64_t results, int64_t chunks, int64_t i) {
  Sum total = totals[i];
  for (int64_t c = 1; c < chunks; ++c) total = Step::join(total, totals[c * results + i]);
  return total;
}

template <class Step, class Acc, bool truth, class T> void by_rows(const Reduce& r) {
  using Sum = Total<Step, Acc>;
  const Inner inner(r);
  const int64_t chunks = chunk_count(r, inner, r.kept);
  const auto x_offset = [&](int64_t i) {
    return offset_of(i, r.kept_rank, r.kept_sizes, r.kept_strides);
  };
  const auto out_offset = [&](int64_t i) {
    return offset_of(i, r.kept_rank, r.kept_sizes, r.out_strides);
  };
  if (chunks == 1) {
    const Part all = part_of(inner, 0, 1);
    const bool short_rows =
        inner.outer == 1 && inner.stride == 1 && inner.size >= cpu::kVector && inner.size <= kBlock;
    const int64_t grain = std::max<int64_t>(1, kChunk / 2 / std::max<int64_t>(1, r.reduced));
    return parallel_for(r.kept, grain, [&](int64_t begin, int64_t end) {
      for (int64_t first = begin; first < end; first += cpu::kReduceRows) {
        const int64_t count = std::min(cpu::kReduceRows, end - first);
        Sum total[cpu::kReduceRows];
        if (short_rows) {
          const T* rows[cpu::kReduceRows];
          for (int64_t i = 0; i < count; ++i) {
            rows[i] = static_cast<const T*>(r.x) + x_offset(first + i);
          }
          cpu::reduce_rows<Step, Acc, truth>(rows, count, inner.size, total);
        } else {
          for (int64_t i = 0; i < count; ++i) {
            total[i] = row_total<Step, Acc, truth, T>(r, inner, x_offset(first + i), all);
          }
        }
        store_results(r, total, count, [&](int64_t i) { return out_offset(first + i); });
      }
    });
  }
  std::vector<Sum> totals(static_cast<size_t>(r.kept * chunks));
  parallel_for(r.kept * chunks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t t = begin; t < end; ++t) {
      const int64_t i = t % r.kept, chunk = t / r.kept;
      totals[static_cast<size_t>(t)] =
          row_total<Step, Acc, truth, T>(r, inner, x_offset(i), part_of(inner, chunk, chunks));
    }
  });
  for (int64_t i = 0; i < r.kept; ++i) {  // the first chunk's totals become those of all
    totals[static_cast<size_t>(i)] = join_chunks<Step>(totals.data(), r.kept, chunks, i);
  }
  store_results(r, totals.data(), r.kept, out_offset);
}

// acc[j] = step(acc[j], x[row][j]) over a tile of rows, then total[j] = join(total[j], acc[j]).
template <class Step, class Acc, bool truth, class T>
void add_tile(const T* x, int64_t row_stride, int64_t rows, int64_t width,
              Total<Step, Acc>* total) {
  simd::run([&] {
    Acc acc[kTile];
    for (int64_t j = 0; j < width; ++j) acc[j] = Step::template identity<Acc>();
    for (int64_t i = 0; i < rows; ++i) {
      const T* row = x + i * row_stride;
      for (int64_t j = 0; j < width; ++j) {
        acc[j] = Step::step(acc[j], cpu::element<Acc, truth>(row[j]));
      }
    }
    for (int64_t j = 0; j < width; ++j) {
      total[j] = Step::join(total[j], static_cast<Total<Step, Acc>>(acc[j]));
    }
  });
}

template <class Step, class Acc, bool truth, class T>
void column_totals(const Reduce& r, const Inner& inner, int64_t base, int64_t stride, int64_t width,
                   const Part& part, Total<Step, Acc>* total) {
  for (int64_t j = 0; j < width; ++j) total[j] = Step::template identity<Total<Step, Acc>>();
  constexpr int64_t kConverted = 16;  // rows that are converted at once
  alignas(64) Acc buffer[kConverted * kTile];
  for (int64_t o = part.outer_begin; o < part.outer_end; ++o) {
    const T* x = static_cast<const T*>(r.x) + base + outer_offset(r, o);
    int64_t i = part.begin;
    for (; stride == 1 && i < part.end; i += kTileRows) {
      add_tile<Step, Acc, truth>(x + i * inner.stride, inner.stride,
                                 std::min(kTileRows, part.end - i), width, total);
    }
    for (; i < part.end; i += kConverted) {
      const int64_t rows = std::min(kConverted, part.end - i);
      for (int64_t k = 0; k < rows; ++k) {
        cpu::load_block<Acc, truth>(x + (i + k) * inner.stride, width, stride, buffer + k * width);
      }
      add_tile<Step, Acc, false>(buffer, width, rows, width, total);
    }
  }
}

template <class Step, class Acc, bool truth, class T> void by_columns(const Reduce& r) {
  using Sum = Total<Step, Acc>;
  const Inner inner(r);
  const int last = r.kept_rank - 1;
  const int64_t columns = r.kept_sizes[last], stride = r.kept_strides[last];
  const int64_t tiles = (columns + kTile - 1) / kTile, tasks = r.kept / columns * tiles;
  const int64_t chunks = chunk_count(r, inner, tasks);
  std::vector<Sum> totals(chunks == 1 ? 0 : static_cast<size_t>(tasks * chunks * kTile));
  const auto store_tile = [&](int64_t task, Sum* total, int64_t width) {
    const int64_t at = offset_of(task / tiles, last, r.kept_sizes, r.out_strides) +
                       task % tiles * kTile * r.out_strides[last];
    store_results(r, total, width, [&](int64_t j) { return at + j * r.out_strides[last]; });
  };
  const auto width_of = [&](int64_t task) {
    return std::min(kTile, columns - task % tiles * kTile);
  };
  const int64_t per_task = std::max<int64_t>(1, r.reduced * std::min(columns, kTile) / chunks);
  parallel_for(
      tasks * chunks, std::max<int64_t>(1, kChunk / 2 / per_task), [&](int64_t begin, int64_t end) {
        Sum local[kTile];
        for (int64_t t = begin; t < end; ++t) {
          const int64_t task = t % tasks, width = width_of(task);
          const int64_t base = offset_of(task / tiles, last, r.kept_sizes, r.kept_strides) +
                               task % tiles * kTile * stride;
          Sum* total = chunks == 1 ? local : totals.data() + t * kTile;
          column_totals<Step, Acc, truth, T>(r, inner, base, stride, width,
                                             part_of(inner, t / tasks, chunks), total);
          if (chunks == 1) store_tile(task, total, width);
        }
      });
  for (int64_t task = 0; chunks > 1 && task < tasks; ++task) {
    Sum joined[kTile];
    for (int64_t j = 0; j < width_of(task); ++j) {
      joined[j] = join_chunks<Step>(totals.data() + task * kTile, tasks * kTile, chunks, j);
    }
    store_tile(task, joined, width_of(task));
  }
}

template <class Step, class Acc, bool truth, class Element> void run_loops(const Reduce& r) {
  // The compiler widens vectors of bytes, but not of bool, which are bytes of 0 and 1.
  using T = std::conditional_t<std::is_same_v<Element, bool>, uint8_t, Element>;
  if (r.kept == 0) return;
  const int k = r.kept_rank - 1, d = r.reduced_rank - 1;
  const bool columns = k >= 0 && r.kept_sizes[k] >= 4 &&
                       (d < 0 || std::abs(r.kept_strides[k]) < std::abs(r.reduced_strides[d]));
  if (columns) {
    by_columns<Step, Acc, truth, T>(r);
  } else {
    by_rows<Step, Acc, truth, T>(r);
  }
}

// Floating types in float or double; integers in 64 bits (unsigned where they may wrap around).
template <class Step, class Wide> void run(const Reduce& r) {
  visit_dtype(AllTypes{}, "reduce", r.element, [&]<class T>() {
    if constexpr (is_floating(dtype_of<T>)) {
      run_loops<Step, MathType<T>, false, T>(r);
    } else if constexpr (std::is_same_v<Step, cpu::SumStep> && sizeof(T) <= 2) {
      run_loops<Step, int32_t, false, T>(r);  // a block of them does not overflow
    } else if constexpr (!std::is_same_v<Step, cpu::SquareStep>) {
      run_loops<Step, Wide, false, T>(r);
    }
  });
}
// In integers of the elements' size, so that vectors of both have as many lanes.
template <class Step> void run_truth(const Reduce& r) {
  visit_dtype(AllTypes{}, "reduce", r.element, [&]<class T>() {
    using Wide = std::conditional_t<sizeof(T) == 8, int64_t, int32_t>;
    run_loops<Step, std::conditional_t<sizeof(T) == 1, uint8_t, Wide>, true, T>(r);
  });
}

const std::vector<DType> kFloats = dtypes_of(FloatTypes{}), kAllTypes = dtypes_of(AllTypes{});
const bool kSum =
    reduce_kernels(ReduceOp::kSum).add({"cpu", kCPU, kAllTypes, run<cpu::SumStep, uint64_t>, 1});
const bool kMean =
    reduce_kernels(ReduceOp::kMean).add({"cpu", kCPU, kFloats, run<cpu::SumStep, uint64_t>, 1});
const bool kNorm =
    reduce_kernels(ReduceOp::kNorm).add({"cpu", kCPU, kFloats, run<cpu::SquareStep, uint64_t>, 1});
const bool kProd =
    reduce_kernels(ReduceOp::kProd).add({"cpu", kCPU, kAllTypes, run<cpu::ProdStep, uint64_t>, 1});
const bool kAmax =
    reduce_kernels(ReduceOp::kAmax).add({"cpu", kCPU, kAllTypes, run<cpu::MaxStep, int64_t>, 1});
const bool kAmin =
    reduce_kernels(ReduceOp::kAmin).add({"cpu", kCPU, kAllTypes, run<cpu::MinStep, int64_t>, 1});
const bool kAny =
    reduce_kernels(ReduceOp::kAny).add({"cpu", kCPU, kAllTypes, run_truth<cpu::AnyStep>, 1});
const bool kAll =
    reduce_kernels(ReduceOp::kAll).add({"cpu", kCPU, kAllTypes, run_truth<cpu::MinStep>, 1});

}  // namespace
}  // namespace iolaus
