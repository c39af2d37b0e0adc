// Arguments and samples of embedding.
#include "kernels/embedding/embedding.h"

#include "kernels/check.h"

namespace iolaus {

void fail_bad_index(int64_t index, int64_t position, int64_t rows) {
  fail(ErrorCode::kIndex, "[embedding] expected indices in [0, {}), got {} at position {}", rows,
       index, position);
}

Embedding make_embedding(const Tensor& out, const Tensor& in, const Tensor& index, bool backward,
                         int64_t padding) {
  IOLAUS_CHECK(index.dtype() == kInt64 && index.is_contiguous() && out.is_contiguous() &&
                   in.is_contiguous() && in.dtype() == out.dtype() && in.device() == out.device() &&
                   index.device() == in.device(),
               "[embedding] expected contiguous tensors of one dtype and device and int64 indices, "
               "got {}, {}, {}",
               in.describe(), out.describe(), index.describe());
  const Tensor& table = backward ? out : in;
  IOLAUS_CHECK(table.dim() == 2, "[embedding] expected a table [rows, width], got {}",
               table.sizes().str());
  Embedding e;
  e.count = index.numel();
  e.rows = table.sizes()[0];
  e.width = table.sizes()[1];
  e.index = static_cast<const int64_t*>(index.raw_data());
  e.in = in.raw_data();
  e.out = out.raw_data();
  e.padding = padding;
  e.backward = backward;
  e.element = e.compute = in.dtype();
  e.target = in.device();
  return e;
}

std::string Embedding::describe() const {
  return fmt::format("{} {} rows of ({}, {}) padding {} on {}", dtype_name(compute), count, rows,
                     width, padding, target.str());
}

Cost Embedding::cost() const {
  const double moved = static_cast<double>(count) * static_cast<double>(width);
  const double table = backward ? static_cast<double>(rows) * static_cast<double>(width) : moved;
  return {backward ? moved : 0, (moved + table) * static_cast<double>(item_size(compute)) +
                                    8 * static_cast<double>(count)};
}

void Embedding::prepare() {
  const DType chosen = compute;
  std::vector<Tensor> tensors = std::move(keep);
  *this = make_embedding(tensors[0], tensors[1], tensors[2], backward, padding);
  compute = chosen;
  keep = std::move(tensors);
}

namespace {

template <bool backward> std::vector<Embedding> embedding_samples(DType dtype) {
  struct Shape {
    int64_t count, rows, width;
  };
  const Shape shapes[] = {{1, 1, 1}, {5, 3, 4},     {40, 7, 33},     {0, 3, 4},
                          {3, 4, 0}, {500, 10, 64}, {300, 1000, 17}, {4000, 3, 5}};
  std::vector<Embedding> samples;
  uint64_t seed = 1;
  for (const Shape& s : shapes) {
    for (int64_t padding : {-1, 1}) {
      Embedding e;
      e.compute = dtype;
      e.backward = backward;
      e.padding = padding;
      const Dims table{s.rows, s.width}, rows{s.count, s.width};
      e.keep = {empty(backward ? table : rows, {.dtype = dtype}),
                sample_tensor(backward ? rows : table, dtype, ++seed),
                sample_tensor({s.count}, kInt64, ++seed, 0, static_cast<double>(s.rows))};
      e.prepare();
      samples.push_back(std::move(e));
    }
  }
  return samples;
}

}  // namespace

KernelSet<Embedding>& embedding_kernels() {
  static auto* set = new KernelSet<Embedding>("embedding", "embedding", embedding_samples<false>);
  return *set;
}
KernelSet<Embedding>& embedding_backward_kernels() {
  static auto* set =
      new KernelSet<Embedding>("embedding", "embedding_backward", embedding_samples<true>);
  return *set;
}

}  // namespace iolaus
