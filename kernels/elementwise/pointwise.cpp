// Geometry of elementwise kernels: broadcasting, ordering by stride, merging of dimensions.
#include "kernels/elementwise/pointwise.h"

#include "core/views.h"
#include "kernels/check.h"

namespace iolaus {
namespace {

void store_number(char* at, Scalar number, DType dtype) {
  visit_dtype(AllTypes{}, "number", dtype, [&]<class T>() {
    T value;
    if constexpr (std::is_same_v<T, bool>) {
      value = number.to<bool>();
    } else {
      value = T(number.to<MathType<T>>());
    }
    std::memcpy(at, &value, sizeof value);
  });
}

// All tensors contiguous and of one shape, or numbers: one flat loop.
bool try_flat(Pointwise& p, std::span<const Operand> operands) {
  const Tensor& out = *operands[0].tensor;
  for (const Operand& o : operands) {
    if (o.tensor == nullptr) continue;
    if (!(o.tensor->sizes() == out.sizes()) || !o.tensor->is_contiguous()) return false;
  }
  p.rank = 1;
  p.sizes[0] = p.numel;
  for (size_t i = 0; i < operands.size(); ++i) p.strides[i][0] = operands[i].tensor ? 1 : 0;
  return true;
}

// The broadcast stride of an operand in dimension d of a shape of the given rank.
int64_t broadcast_stride(const Tensor* t, int d, int rank) {
  if (t == nullptr) return 0;
  const int own = d - (rank - t->sizes().rank());
  return own < 0 || t->sizes()[own] == 1 ? 0 : t->strides()[own];
}

void merge_dimensions(Pointwise& p) {
  int last = 0;
  for (int d = 1; d < p.rank; ++d) {
    bool mergeable = true;
    for (int i = 0; i < p.operands && mergeable; ++i) {
      mergeable = p.strides[i][last] == p.strides[i][d] * p.sizes[d];
    }
    if (mergeable) {
      p.sizes[last] *= p.sizes[d];
    } else {
      ++last;
      p.sizes[last] = p.sizes[d];
    }
    for (int i = 0; i < p.operands; ++i) p.strides[i][last] = p.strides[i][d];
  }
  p.rank = last + 1;
}

void set_strided(Pointwise& p, std::span<const Operand> operands) {
  const Tensor& out = *operands[0].tensor;
  const int rank = out.sizes().rank();
  int order[kMaxRank], count = 0;
  for (int d = 0; d < rank; ++d) {
    if (out.sizes()[d] != 1) order[count++] = d;
  }
  // The output's largest stride first, so that its memory is written in order.
  std::stable_sort(order, order + count,
                   [&](int a, int b) { return out.strides()[a] > out.strides()[b]; });
  p.rank = std::max(count, 1);
  p.sizes[0] = 1;
  for (int i = 0; i < p.operands; ++i) p.strides[i][0] = 0;
  for (int k = 0; k < count; ++k) {
    p.sizes[k] = out.sizes()[order[k]];
    for (int i = 0; i < p.operands; ++i) {
      p.strides[i][k] = broadcast_stride(operands[i].tensor, order[k], rank);
    }
  }
  merge_dimensions(p);
}

}  // namespace

void make_pointwise(Pointwise& p, const char* op, std::span<const Operand> operands,
                    DType compute) {
  const Tensor& out = *operands[0].tensor;
  p.operands = static_cast<int>(operands.size());
  p.numel = out.numel();
  p.compute = compute;
  p.target = out.device();
  for (size_t i = 0; i < operands.size(); ++i) {
    const Operand& o = operands[i];
    if (o.tensor == nullptr) {
      p.data[i] = nullptr;
      p.dtypes[i] = o.number_dtype;
      store_number(p.immediate[i], o.number, o.number_dtype);
      continue;
    }
    IOLAUS_CHECK(o.tensor->device() == p.target,
                 "[{}] expected all tensors on one device, got {} and {}", op, p.target.str(),
                 o.tensor->device().str());
    p.data[i] = o.tensor->raw_data();
    p.dtypes[i] = o.tensor->dtype();
  }
  if (!try_flat(p, operands)) set_strided(p, operands);
}

std::string Pointwise::describe() const {
  std::string text = dtype_name(compute);
  text += Dims(sizes, static_cast<size_t>(rank)).str();
  for (int i = 0; i < operands; ++i) {
    text += i == 0 ? " strides out " : " in ";
    text += Dims(strides[i], static_cast<size_t>(rank)).str();
  }
  return text + " on " + target.str();
}

Cost Pointwise::cost() const {
  Cost cost{static_cast<double>(numel), 0};
  for (int i = 0; i < operands; ++i) {
    double elements = data[i] == nullptr ? 0 : 1;
    for (int d = 0; d < rank && elements > 0; ++d) {
      if (strides[i][d] != 0) elements *= static_cast<double>(sizes[d]);
    }
    cost.bytes += elements * static_cast<double>(item_size(dtypes[i]));
  }
  return cost;
}

void Pointwise::prepare() {
  Operand list[kMaxOperands];
  for (size_t i = 0; i < keep.size(); ++i) list[i].tensor = &keep[i];
  // The checker may have raised the inputs to float64; the last input is never a mask.
  make_pointwise(*this, "sample", {list, keep.size()},
                 is_floating(compute) ? keep.back().dtype() : compute);
}

std::array<Pointwise, 2> halves_of(const Pointwise& p) {
  const auto d = std::max_element(p.sizes, p.sizes + p.rank) - p.sizes;
  std::array<Pointwise, 2> halves = {p, p};
  const int64_t half = p.sizes[d] / 2;
  halves[0].sizes[d] = half;
  halves[1].sizes[d] = p.sizes[d] - half;
  for (Pointwise& h : halves) h.numel = p.numel / p.sizes[d] * h.sizes[d];
  for (int k = 0; k < p.operands; ++k) {
    if (p.data[k] == nullptr) continue;
    halves[1].data[k] = static_cast<char*>(p.data[k]) +
                        half * p.strides[k][d] * static_cast<int64_t>(item_size(p.dtypes[k]));
  }
  return halves;
}

std::vector<Pointwise> pointwise_samples(int arity, DType dtype, DType out_dtype, double low,
                                         double high, bool first_is_bool) {
  std::vector<Pointwise> samples;
  uint64_t seed = 1;
  const auto add_sample = [&](const Dims& out, std::vector<Dims> ins, bool strided,
                              bool turned = false) {
    Pointwise p;
    p.compute = dtype;
    p.keep.push_back(empty(out, {.dtype = out_dtype}));
    for (int i = 0; i < arity; ++i) {
      const bool mask = first_is_bool && i == 0;
      p.keep.push_back(mask ? sample_tensor(ins[i], kBool, ++seed, 0, 2, strided)
                            : sample_tensor(ins[i], dtype, ++seed, low, high, strided));
    }
    if (turned) p.keep.back() = views::transpose(p.keep.back(), -1, -2);
    p.prepare();
    samples.push_back(std::move(p));
  };
  const auto same = [&](const Dims& sizes) { return std::vector<Dims>(arity, sizes); };
  for (int64_t n : {0, 1, 31, 32, 33, 1000}) add_sample({n}, same({n}), false);
  add_sample({}, same({}), false);
  add_sample({5, 7}, same({5, 7}), true);
  add_sample({3, 4, 33}, same({3, 4, 33}), true);
  if (arity == 1) {
    add_sample({4, 6}, same({6}), false);
  } else {
    std::vector<Dims> row = same({4, 33}), column = same({4, 33}), inner = same({2, 3, 17});
    row[1] = {33};
    column[0] = {4, 1};
    inner[arity - 1] = {3, 1};
    add_sample({4, 33}, row, false);
    add_sample({4, 33}, column, false);
    add_sample({2, 3, 17}, inner, true);
  }
  // The last input lies by columns: more than one tile of the CPU's, and parts of one.
  for (const Dims& sizes : {Dims{33, 130}, Dims{2, 9, 40}}) {
    std::vector<Dims> ins = same(sizes);
    std::swap(ins.back()[sizes.size() - 1], ins.back()[sizes.size() - 2]);
    add_sample(sizes, ins, false, true);
  }
  return samples;
}

}  // namespace iolaus
