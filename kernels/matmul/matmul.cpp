// Geometry of matmul: broadcast and merged batch dimensions, and samples.
#include "kernels/matmul/matmul.h"

#include "core/views.h"
#include "kernels/check.h"

namespace iolaus {
namespace {

// The stride of operand t in batch dimension d of an output of the given rank.
int64_t batch_stride(const Tensor& t, int d, int rank) {
  const int own = d - (rank - t.sizes().rank());
  return own < 0 || t.sizes()[own] == 1 ? 0 : t.strides()[own];
}

// Removes batch dimension d into the one before it, or into the rows where it is the outermost of
// them all: rows of A and C then follow each other, and B is the same for all.
void merge_batches(Matmul& p) {
  int last = -1;
  for (int d = 0; d < p.batch_rank; ++d) {
    if (p.batch_sizes[d] == 1) continue;
    bool mergeable = last >= 0;
    for (int i = 0; i < 3 && mergeable; ++i) {
      mergeable = p.batch_strides[i][last] == p.batch_strides[i][d] * p.batch_sizes[d];
    }
    if (mergeable) {
      p.batch_sizes[last] *= p.batch_sizes[d];
    } else {
      p.batch_sizes[++last] = p.batch_sizes[d];
    }
    for (int i = 0; i < 3; ++i) p.batch_strides[i][last] = p.batch_strides[i][d];
  }
  p.batch_rank = last + 1;
  if (p.batch_rank == 0 || p.batch_strides[2][last] != 0) return;
  if (p.m == 1) {
    for (int i = 0; i < 2; ++i) p.row[i] = p.batch_strides[i][last];
  } else if (p.batch_strides[0][last] != p.m * p.row[0] ||
             p.batch_strides[1][last] != p.m * p.row[1]) {
    return;
  }
  p.m *= p.batch_sizes[last];
  --p.batch_rank;
}

void check_operand(const Tensor& c, const Tensor& t, const char* name) {
  IOLAUS_CHECK(t.device() == c.device(), "[matmul] expected {} on {}, got {}", name,
               c.device().str(), t.device().str());
  IOLAUS_CHECK_CODE(t.dtype() == c.dtype(), ErrorCode::kType, "[matmul] expected {} {}, got {}",
                    dtype_name(c.dtype()), name, dtype_name(t.dtype()));
}

void set_batches(Matmul& p, const Tensor& c, const Tensor& a, const Tensor& b) {
  const int rank = c.sizes().rank();
  p.batch_rank = rank - 2;
  for (int d = 0; d < p.batch_rank; ++d) {
    p.batch_sizes[d] = c.sizes()[d];
    p.batch_strides[0][d] = c.strides()[d];
    p.batch_strides[1][d] = batch_stride(a, d, rank);
    p.batch_strides[2][d] = batch_stride(b, d, rank);
    for (const Tensor* t : {&a, &b}) {
      const int own = d - (rank - t->sizes().rank());
      IOLAUS_CHECK(own < 0 || t->sizes()[own] == 1 || t->sizes()[own] == c.sizes()[d],
                   "[matmul] batch dimensions of {} do not broadcast to {}", t->sizes().str(),
                   c.sizes().str());
    }
  }
  merge_batches(p);
  p.batch = 1;
  for (int d = 0; d < p.batch_rank; ++d) p.batch *= p.batch_sizes[d];
}

}  // namespace

Matmul make_matmul(const Tensor& c, const Tensor& a, const Tensor& b, const Tensor* bias,
                   double alpha, double beta) {
  IOLAUS_CHECK(a.dim() >= 2 && b.dim() >= 2 && c.dim() >= std::max(a.dim(), b.dim()),
               "[matmul] expected matrices, got {} and {} into {}", a.sizes().str(),
               b.sizes().str(), c.sizes().str());
  check_operand(c, a, "a");
  check_operand(c, b, "b");
  Matmul p;
  const Tensor* operands[] = {&c, &a, &b};
  for (int i = 0; i < 3; ++i) {
    const Tensor& t = *operands[i];
    const int rank = t.sizes().rank();
    p.data[i] = t.raw_data();
    p.row[i] = t.strides()[rank - 2];
    p.column[i] = t.strides()[rank - 1];
  }
  p.m = a.sizes()[a.sizes().rank() - 2];
  p.k = a.sizes().back();
  p.n = b.sizes().back();
  const int rank = c.sizes().rank();
  IOLAUS_CHECK(b.sizes()[b.sizes().rank() - 2] == p.k && c.sizes()[rank - 2] == p.m &&
                   c.sizes()[rank - 1] == p.n,
               "[matmul] cannot multiply {} by {} into {}", a.sizes().str(), b.sizes().str(),
               c.sizes().str());
  set_batches(p, c, a, b);
  if (bias != nullptr && bias->defined()) {
    check_operand(c, *bias, "bias");
    IOLAUS_CHECK(bias->dim() == 1 && bias->sizes()[0] == p.n, "[matmul] expected bias [{}], got {}",
                 p.n, bias->sizes().str());
    p.bias = bias->raw_data();
    p.bias_stride = bias->strides()[0];
  }
  p.alpha = alpha;
  p.beta = beta;
  p.element = p.compute = c.dtype();
  p.target = c.device();
  return p;
}

std::string Matmul::describe() const {
  std::string batches = batch_rank > 0 ? Dims(batch_sizes, batch_rank).str() + " x " : "";
  return fmt::format(
      "{} {}({} x {}) ({} x {}) strides a ({}, {}) b ({}, {}) c ({}, {}) alpha {} beta {}{} on {}",
      dtype_name(compute), batches, m, k, k, n, row[1], column[1], row[2], column[2], row[0],
      column[0], alpha, beta, bias != nullptr ? " bias" : "", target.str());
}

Cost Matmul::cost() const {
  const double b = static_cast<double>(batch), size = static_cast<double>(item_size(compute));
  const double rows = static_cast<double>(m), columns = static_cast<double>(n);
  const double depth = static_cast<double>(k);
  const double b_count = batch_rank > 0 && batch_strides[2][batch_rank - 1] == 0 ? 1 : b;
  return {2 * b * rows * columns * depth, size * (b * rows * depth + b_count * depth * columns +
                                                  b * rows * columns * (beta != 0 ? 2 : 1))};
}

void Matmul::prepare() {
  const DType chosen = compute;
  std::vector<Tensor> tensors = std::move(keep);
  *this = make_matmul(tensors[0], tensors[1], tensors[2],
                      tensors.size() > 3 ? &tensors[3] : nullptr, alpha, beta);
  compute = chosen;
  keep = std::move(tensors);
}

void Matmul::adopt() {
  const TensorOptions options{.dtype = element, .device = target};
  const int64_t rows[] = {m, m, k}, columns[] = {n, k, n};
  keep.clear();
  for (int i = 0; i < 3; ++i) {
    Dims sizes(batch_sizes, static_cast<size_t>(batch_rank));
    Dims strides(batch_strides[i], static_cast<size_t>(batch_rank));
    sizes.push_back(rows[i]), sizes.push_back(columns[i]);
    strides.push_back(row[i]), strides.push_back(column[i]);
    keep.push_back(make_view(from_blob(data[i], {1}, options), sizes, strides, 0));
  }
  if (bias == nullptr) return;
  const Tensor start = from_blob(const_cast<void*>(bias), {1}, options);
  keep.push_back(make_view(start, {n}, {bias_stride}, 0));
}

std::string_view Matmul::layout() const {
  const bool dense = column[0] == 1 && (column[1] == 1 || row[1] == 1) &&
                     (column[2] == 1 || row[2] == 1) && bias_stride == 1;
  if (!dense) return "strided";
  if (column[1] == 1) return column[2] == 1 ? "nn" : "nt";
  return column[2] == 1 ? "tn" : "tt";
}

Matmul::Item Matmul::item(int64_t index) const {
  int64_t at[3] = {0, 0, 0};
  for (int d = batch_rank - 1; d >= 0; --d) {
    const int64_t i = index % batch_sizes[d];
    index /= batch_sizes[d];
    for (int o = 0; o < 3; ++o) at[o] += i * batch_strides[o][d];
  }
  const auto size = static_cast<int64_t>(item_size(element));
  return {static_cast<char*>(data[0]) + at[0] * size, static_cast<char*>(data[1]) + at[1] * size,
          static_cast<char*>(data[2]) + at[2] * size};
}

namespace {

struct Sample {
  Dims a, b, c;
  bool transpose_a = false, transpose_b = false, transpose_c = false, strided = false;
  bool bias = false;
  double alpha = 1, beta = 0;
  bool wide_c = false;  // columns of a wider matrix, whose rows are aligned
};

// Plain products around the edges of register tiles and of the small and large paths.
std::vector<Sample> plain_samples() {
  std::vector<Sample> list;
  const int64_t shapes[][3] = {
      {1, 1, 1},     {2, 3, 4},    {4, 10, 84},    {4, 120, 400}, {7, 65, 33},  {8, 64, 16},
      {31, 31, 31},  {33, 17, 65}, {64, 10, 128},  {1, 50, 129},  {129, 1, 50}, {1, 1, 300},
      {64, 128, 70}, {13, 130, 1}, {150, 97, 260}, {0, 4, 3},     {3, 0, 4},    {3, 4, 0}};
  for (const auto& [m, n, k] : shapes) {
    for (int t = 0; t < 4; ++t) {
      list.push_back({.a = {m, k},
                      .b = {k, n},
                      .c = {m, n},
                      .transpose_a = (t & 1) != 0,
                      .transpose_b = (t & 2) != 0,
                      .bias = t == 2});
    }
  }
  for (bool transposed : {false, true}) {
    list.push_back(
        {.a = {70, 40}, .b = {40, 77}, .c = {70, 77}, .transpose_b = transposed, .wide_c = true});
    list.push_back({.a = {20, 40},
                    .b = {40, 24},
                    .c = {20, 24},
                    .transpose_b = transposed,
                    .transpose_c = true,
                    .alpha = 0.5});
    list.push_back({.a = {20, 40},
                    .b = {40, 24},
                    .c = {20, 24},
                    .transpose_b = transposed,
                    .strided = true,
                    .bias = true,
                    .alpha = 2,
                    .beta = 3});
    list.push_back({.a = {70, 90},
                    .b = {90, 80},
                    .c = {70, 80},
                    .transpose_b = transposed,
                    .bias = true,
                    .alpha = 2,
                    .beta = 3});
  }
  return list;
}

std::vector<Sample> batched_samples() {
  return {
      {.a = {5, 3, 4}, .b = {5, 4, 6}, .c = {5, 3, 6}},
      {.a = {2, 5, 3, 4}, .b = {2, 5, 4, 6}, .c = {2, 5, 3, 6}, .transpose_b = true},
      {.a = {5, 3, 4}, .b = {4, 6}, .c = {5, 3, 6}, .bias = true},  // folded into the rows
      {.a = {3, 4}, .b = {5, 4, 6}, .c = {5, 3, 6}},
      {.a = {2, 1, 3, 4}, .b = {5, 4, 6}, .c = {2, 5, 3, 6}, .beta = 1},
      {.a = {4, 17, 40}, .b = {4, 40, 33}, .c = {4, 17, 33}, .transpose_a = true},
      {.a = {6, 1, 40}, .b = {40, 33}, .c = {6, 1, 33}},
      {.a = {3, 40, 50}, .b = {3, 50, 60}, .c = {3, 40, 60}, .strided = true},
      {.a = {0, 3, 4}, .b = {0, 4, 6}, .c = {0, 3, 6}},
  };
}

std::vector<Matmul> matmul_samples(DType dtype) {
  std::vector<Sample> list = plain_samples();
  for (const Sample& s : batched_samples()) list.push_back(s);
  std::vector<Matmul> samples;
  uint64_t seed = 1;
  const double limit = is_floating(dtype) ? 1 : 4, low = dtype == kUInt8 ? 0 : -limit;
  const auto make = [&](Dims sizes, bool transposed, bool strided) {
    const int rank = sizes.rank();
    if (transposed) std::swap(sizes[rank - 1], sizes[rank - 2]);
    const Tensor t = sample_tensor(sizes, dtype, ++seed, low, limit, strided);
    return transposed ? views::transpose(t, -1, -2) : t;
  };
  for (const Sample& s : list) {
    Matmul p;
    p.compute = dtype;
    p.alpha = is_floating(dtype) || s.alpha >= 1 ? s.alpha : 1;
    p.beta = s.beta;
    p.keep = {make(s.c, s.transpose_c, s.strided), make(s.a, s.transpose_a, s.strided),
              make(s.b, s.transpose_b, s.strided)};
    if (s.wide_c) {
      const Tensor wide = make({s.c[0], 128}, false, false);
      p.keep[0] = views::narrow(wide, 1, 0, s.c[1]);
    }
    if (s.bias) p.keep.push_back(sample_tensor({s.b.back()}, dtype, ++seed, low, limit));
    p.prepare();
    samples.push_back(std::move(p));
  }
  return samples;
}

}  // namespace

KernelSet<Matmul>& matmul_kernels() {
  static auto* set = new KernelSet<Matmul>("matmul", "matmul", matmul_samples);
  return *set;
}

}  // namespace iolaus
