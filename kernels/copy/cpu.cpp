// copy on the CPU. Transposed operands are copied in tiles, so that both sides' cache lines are
// used whole; everything else is the elementwise loop with a cast.
#include "kernels/copy/cast.h"
#include "kernels/copy/copy.h"
#include "kernels/elementwise/cpu_loop.h"

namespace iolaus {
namespace {

// The innermost dimension is dense in the output and the one before it in the input.
bool is_transposed(const Pointwise& p) {
  const int r = p.rank;
  return r >= 2 && p.strides[0][r - 1] == 1 && p.strides[1][r - 2] == 1 &&
         p.strides[1][r - 1] > 1 && p.sizes[r - 1] >= 8 && p.sizes[r - 2] >= 8;
}

template <class Out, class In> void copy_transposed(const Pointwise& p) {
  // Bands of 64 rows, so that a line of the input's page is used whole; tiles of 16 columns.
  constexpr int64_t kBand = 64, kTile = 16;
  const int r = p.rank;
  const int64_t columns = p.sizes[r - 1], rows = p.sizes[r - 2];
  const int64_t out_step = p.strides[0][r - 2], in_step = p.strides[1][r - 1];
  const int64_t bands = (rows + kBand - 1) / kBand;
  const int64_t matrices = p.numel / (rows * columns);
  const int64_t grain = std::max<int64_t>(1, cpu::kPointwiseGrain / (kBand * columns));
  parallel_for(matrices * bands, grain, [&](int64_t begin, int64_t end) {
    for (int64_t job = begin; job < end; ++job) {
      auto* out = static_cast<Out*>(p.data[0]);
      auto* in = static_cast<const In*>(p.data[1]);
      int64_t rest = job / bands;
      for (int d = r - 3; d >= 0; --d) {
        out += rest % p.sizes[d] * p.strides[0][d];
        in += rest % p.sizes[d] * p.strides[1][d];
        rest /= p.sizes[d];
      }
      const int64_t row0 = job % bands * kBand, row1 = std::min(rows, row0 + kBand);
      for (int64_t column0 = 0; column0 < columns; column0 += kTile) {
        const int64_t column1 = std::min(columns, column0 + kTile);
        for (int64_t i = row0; i < row1; ++i) {
          for (int64_t j = column0; j < column1; ++j) {
            out[i * out_step + j] = Cast<Out, In>{}(in[i + j * in_step]);
          }
        }
      }
    }
  });
}

template <class Out, class In> void run_typed(const Pointwise& p) {
  if (is_transposed(p)) return copy_transposed<Out, In>(p);
  cpu::pointwise(p, Cast<Out, In>{}, cpu::Types<Out, In>{});
}

void run(const Pointwise& p) {
  if (p.numel == 0) return;
  visit_dtype(AllTypes{}, "copy", p.dtypes[1], [&]<class In>() {
    visit_dtype(AllTypes{}, "copy", p.dtypes[0], [&]<class Out>() { run_typed<Out, In>(p); });
  });
}

// The same elements one after the other; the truth that the loops above are compared with.
void run_reference(const Pointwise& p) {
  visit_dtype(AllTypes{}, "copy", p.dtypes[1], [&]<class In>() {
    visit_dtype(AllTypes{}, "copy", p.dtypes[0], [&]<class Out>() {
      for (int64_t i = 0; i < p.numel; ++i) {
        int64_t rest = i, out = 0, in = 0;
        for (int d = p.rank - 1; d >= 0; --d) {
          out += rest % p.sizes[d] * p.strides[0][d];
          in += rest % p.sizes[d] * p.strides[1][d];
          rest /= p.sizes[d];
        }
        const auto* from = static_cast<const In*>(p.data[1] ? p.data[1] : p.immediate[1]);
        static_cast<Out*>(p.data[0])[out] = Cast<Out, In>{}(static_cast<MathType<In>>(from[in]));
      }
    });
  });
}

const std::vector<DType> kAll = {kFloat32, kFloat64, kFloat16, kBFloat16, kBool,
                                 kUInt8,   kInt8,    kInt16,   kInt32,    kInt64};
const bool kFast = copy_kernels().add({"cpu", kCPU, kAll, run, 1});
const bool kReference = copy_kernels().add({"reference", kCPU, kAll, run_reference});

}  // namespace
}  // namespace iolaus
