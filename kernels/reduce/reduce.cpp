// Geometry of reductions: kept and reduced dimensions, ordered and merged, and samples.
#include "kernels/reduce/reduce.h"

#include <array>

#include "core/views.h"
#include "kernels/check.h"

namespace iolaus {
namespace {

constexpr const char* kNames[kReduceOpCount] = {"sum", "mean", "prod", "amax", "amin",   "norm",
                                                "var", "std",  "any",  "all",  "argmax", "argmin"};

struct Loop {
  int64_t size, stride, out_stride;
};

// Largest stride outermost, then neighbours that follow each other in memory become one loop.
int order_and_merge(Loop* loops, int count, bool reorder) {
  if (reorder) {
    std::stable_sort(loops, loops + count,
                     [](const Loop& a, const Loop& b) { return a.stride > b.stride; });
  }
  int last = -1;
  for (int i = 0; i < count; ++i) {
    if (last >= 0 && loops[last].stride == loops[i].stride * loops[i].size &&
        loops[last].out_stride == loops[i].out_stride * loops[i].size) {
      loops[last] = {loops[last].size * loops[i].size, loops[i].stride, loops[i].out_stride};
    } else {
      loops[++last] = loops[i];
    }
  }
  return last + 1;
}

bool is_arg(ReduceOp op) { return op == ReduceOp::kArgmax || op == ReduceOp::kArgmin; }

void check_out(ReduceOp op, const Tensor& out, const Tensor& x, uint32_t mask) {
  bool fits = out.dim() == x.dim();
  for (int d = 0; fits && d < x.sizes().rank(); ++d) {
    fits = out.sizes()[d] == ((mask >> d & 1) != 0 ? 1 : x.sizes()[d]);
  }
  IOLAUS_CHECK(fits && out.device() == x.device(), "[{}] cannot reduce {} into {}", reduce_name(op),
               x.describe(), out.describe());
}

}  // namespace

const char* reduce_name(ReduceOp op) { return kNames[static_cast<int>(op)]; }

DType reduce_dtype(ReduceOp op, DType x) {
  switch (op) {
    case ReduceOp::kArgmax:
    case ReduceOp::kArgmin:
      return kInt64;
    case ReduceOp::kAny:
    case ReduceOp::kAll:
      return kBool;
    case ReduceOp::kSum:
    case ReduceOp::kProd:
      return is_floating(x) ? x : kInt64;
    default:
      return x;
  }
}

bool is_floating_only(ReduceOp op) {
  return op == ReduceOp::kMean || op == ReduceOp::kNorm || op == ReduceOp::kVar ||
         op == ReduceOp::kStd;
}

Reduce make_variance(ReduceOp op, const Tensor& out, const Tensor& x, uint32_t mask,
                     double divisor) {
  Reduce r = make_reduce(op, out, x, mask);
  r.divisor = divisor;
  return r;
}

Reduce make_reduce(ReduceOp op, const Tensor& out, const Tensor& x, uint32_t mask) {
  check_out(op, out, x, mask);
  IOLAUS_CHECK_CODE(out.dtype() == reduce_dtype(op, x.dtype()), ErrorCode::kType,
                    "[{}] expected a {} result of {}, got {}", reduce_name(op),
                    dtype_name(reduce_dtype(op, x.dtype())), dtype_name(x.dtype()),
                    dtype_name(out.dtype()));
  Reduce r;
  r.op = op;
  Loop kept[kMaxRank], reduced[kMaxRank];
  for (int d = 0; d < x.sizes().rank(); ++d) {
    const int64_t size = x.sizes()[d];
    const bool is_reduced = (mask >> d & 1) != 0;
    (is_reduced ? r.reduced : r.kept) *= size;
    if (size == 1) continue;
    if (is_reduced) {
      reduced[r.reduced_rank++] = {size, x.strides()[d], 0};
    } else {
      kept[r.kept_rank++] = {size, x.strides()[d], out.strides()[d]};
    }
  }
  r.kept_rank = order_and_merge(kept, r.kept_rank, true);
  // Equal out strides of 0 merge whenever the input's do.
  r.reduced_rank = order_and_merge(reduced, r.reduced_rank, !is_arg(op));
  for (int d = 0; d < r.kept_rank; ++d) {
    r.kept_sizes[d] = kept[d].size;
    r.kept_strides[d] = kept[d].stride;
    r.out_strides[d] = kept[d].out_stride;
  }
  for (int d = 0; d < r.reduced_rank; ++d) {
    r.reduced_sizes[d] = reduced[d].size;
    r.reduced_strides[d] = reduced[d].stride;
  }
  r.out = out.raw_data();
  r.x = x.raw_data();
  r.element = r.compute = x.dtype();
  r.out_element = out.dtype();
  r.target = x.device();
  r.reduced_dims_mask = mask;
  return r;
}

std::string Reduce::describe() const {
  const auto dims = [](const int64_t* values, int rank) {
    return Dims(values, static_cast<size_t>(rank)).str();
  };
  return fmt::format("{} {} kept {} strides {} reduced {} strides {} on {}", reduce_name(op),
                     dtype_name(compute), dims(kept_sizes, kept_rank),
                     dims(kept_strides, kept_rank), dims(reduced_sizes, reduced_rank),
                     dims(reduced_strides, reduced_rank), target.str());
}

Cost Reduce::cost() const {
  const double elements = static_cast<double>(kept) * static_cast<double>(reduced);
  return {elements, elements * static_cast<double>(item_size(compute)) +
                        static_cast<double>(kept) *
                            static_cast<double>(item_size(reduce_dtype(op, compute)))};
}

void Reduce::prepare() {
  const DType chosen = compute;
  std::vector<Tensor> tensors = std::move(keep);
  *this = make_variance(op, tensors[0], tensors[1], reduced_dims_mask, divisor);
  compute = chosen;
  keep = std::move(tensors);
}

namespace {

struct Sample {
  Dims sizes;
  uint32_t mask;
  bool strided = false;
  int swap_a = 0, swap_b = 0;  // dimensions transposed before reducing
};

const std::vector<Sample>& sample_list() {
  static const auto* list = new std::vector<Sample>{{{}, 0},
                                                    {{1}, 1},
                                                    {{31}, 1},
                                                    {{32}, 1},
                                                    {{33}, 1},
                                                    {{3000}, 1},
                                                    {{70000}, 1},
                                                    {{5, 7}, 0},
                                                    {{5, 7}, 1},
                                                    {{5, 7}, 2},
                                                    {{5, 7}, 3},
                                                    {{64, 10}, 1},
                                                    {{64, 10}, 2},
                                                    {{300, 40}, 1},
                                                    {{3, 1000}, 2},
                                                    {{2000, 3}, 1},
                                                    {{4, 5, 6}, 2},
                                                    {{4, 5, 6}, 5},
                                                    {{4, 5, 6}, 6},
                                                    {{4, 5, 6}, 7},
                                                    {{8, 6, 5, 5}, 13},
                                                    {{4, 33, 17}, 1, true},
                                                    {{4, 33, 17}, 6, true},
                                                    {{4, 33, 17}, 5, true},
                                                    {{40, 30}, 1, false, 0, 1},
                                                    {{40, 30}, 2, false, 0, 1},
                                                    {{3, 50, 70}, 3, false, 0, 2},
                                                    {{0, 3}, 2},
                                                    {{3, 1, 5}, 2}};
  return *list;
}

template <ReduceOp op> std::vector<Reduce> reduce_samples(DType dtype) {
  // Values near 1 keep products in range; a few distinct values make ties for argmax; a mean far
  // from 0 shows what cancels.
  const bool prod = op == ReduceOp::kProd;
  const double low = is_floating(dtype) ? (prod ? 0.98 : -1) : (dtype == kUInt8 ? 0 : -2);
  const double high = is_floating(dtype) ? (prod ? 1.02 : 1) : (dtype == kBool ? 2 : 3);
  const double mean = op == ReduceOp::kVar || op == ReduceOp::kStd ? 30 : 0;
  std::vector<Sample> list = sample_list();
  if (!(op == ReduceOp::kAmax || op == ReduceOp::kAmin || is_arg(op))) {
    list.push_back({{3, 0}, 2});  // these have identities
    list.push_back({{0}, 1});
  }
  std::vector<Reduce> samples;
  uint64_t seed = 1;
  for (const Sample& s : list) {
    Reduce r;
    r.op = op;
    r.compute = dtype;
    r.reduced_dims_mask = s.mask;
    Tensor x = sample_tensor(s.sizes, dtype, ++seed, mean + low, mean + high, s.strided);
    if (s.swap_a != s.swap_b) x = views::transpose(x, s.swap_a, s.swap_b);
    Dims sizes = x.sizes();
    for (int d = 0; d < sizes.rank(); ++d) {
      if ((s.mask >> d & 1) != 0) sizes[d] = 1;
    }
    r.keep = {empty(sizes, {.dtype = reduce_dtype(op, dtype)}), x};
    r.prepare();
    r.divisor = static_cast<double>(std::max<int64_t>(r.reduced - 1, 1));
    samples.push_back(std::move(r));
  }
  return samples;
}

template <int... ops> auto make_sets(std::integer_sequence<int, ops...>) {
  return new std::array<KernelSet<Reduce>, kReduceOpCount>{
      {{"reduce", kNames[ops], reduce_samples<static_cast<ReduceOp>(ops)>}...}};
}

}  // namespace

KernelSet<Reduce>& reduce_kernels(ReduceOp op) {
  static auto* sets = make_sets(std::make_integer_sequence<int, kReduceOpCount>{});
  return (*sets)[static_cast<size_t>(op)];
}

}  // namespace iolaus
