// Tiles of 32 rows and 128 columns: two cache lines of a turned input of floats, and small enough
// for the buffers of three inputs to stay in the second-level cache.
#include "kernels/elementwise/cpu_tiles.h"

#include "core/parallel.h"
#include "kernels/copy/cpu_transpose.h"

namespace iolaus::cpu {
namespace {

constexpr int64_t kRows = 32, kColumns = 128;
constexpr int64_t kGrain = 16384;  // elements that are worth a thread
constexpr int kInputs = kMaxOperands - 1;

bool is_turned(const Pointwise& p, int operand) {
  const int64_t* strides = p.strides[operand];
  return p.data[operand] != nullptr && strides[p.rank - 2] == 1 &&
         (strides[p.rank - 1] > 1 || strides[p.rank - 1] < 0);
}

char* advanced(const Pointwise& p, int operand, int64_t elements) {
  return static_cast<char*>(p.data[operand]) +
         elements * static_cast<int64_t>(item_size(p.dtypes[operand]));
}

// The tile of p from row0 and column0 on, within the matrix that starts at[operand] elements on.
void run_tile(const Pointwise& p, Pointwise& tile, const int64_t* at, int64_t row0, int64_t column0,
              char (*buffers)[kRows * kColumns * 8],
              const std::function<void(const Pointwise&)>& fn) {
  const int r = p.rank;
  tile.sizes[0] = std::min(kRows, p.sizes[r - 2] - row0);
  tile.sizes[1] = std::min(kColumns, p.sizes[r - 1] - column0);
  tile.numel = tile.sizes[0] * tile.sizes[1];
  for (int k = 0; k < p.operands; ++k) {
    if (p.data[k] == nullptr) continue;
    const int64_t* strides = p.strides[k];
    tile.data[k] = advanced(p, k, at[k] + row0 * strides[r - 2] + column0 * strides[r - 1]);
    if (k == 0 || !is_turned(p, k)) continue;
    transpose(tile.data[k], strides[r - 1], buffers[k - 1], kColumns, tile.sizes[0], tile.sizes[1],
              item_size(p.dtypes[k]));
    tile.data[k] = buffers[k - 1];
  }
  fn(tile);
}

}  // namespace

bool has_turned_input(const Pointwise& p) {
  const int r = p.rank;
  if (r < 2 || p.strides[0][r - 1] != 1 || p.sizes[r - 1] < 8 || p.sizes[r - 2] < 8) return false;
  for (int k = 1; k < p.operands; ++k) {
    if (is_turned(p, k)) return true;
  }
  return false;
}

void for_turned_tiles(const Pointwise& p, const std::function<void(const Pointwise&)>& fn) {
  const int r = p.rank;
  const int64_t rows = p.sizes[r - 2], columns = p.sizes[r - 1];
  const int64_t bands = (rows + kRows - 1) / kRows, matrices = p.numel / (rows * columns);
  const int64_t grain = std::max<int64_t>(1, kGrain / (std::min(rows, kRows) * columns));
  parallel_for(matrices * bands, grain, [&](int64_t begin, int64_t end) {
    alignas(64) char buffers[kInputs][kRows * kColumns * 8];
    Pointwise tile = p;
    tile.rank = 2;
    for (int k = 0; k < p.operands; ++k) {
      const bool turned = k > 0 && is_turned(p, k);
      tile.strides[k][0] = turned ? kColumns : p.strides[k][r - 2];
      tile.strides[k][1] = turned ? 1 : p.strides[k][r - 1];
    }
    for (int64_t job = begin; job < end; ++job) {
      int64_t at[kMaxOperands] = {}, rest = job / bands;
      for (int d = r - 3; d >= 0; --d) {
        for (int k = 0; k < p.operands; ++k) at[k] += rest % p.sizes[d] * p.strides[k][d];
        rest /= p.sizes[d];
      }
      for (int64_t column = 0; column < columns; column += kColumns) {
        run_tile(p, tile, at, job % bands * kRows, column, buffers, fn);
      }
    }
  });
}

}  // namespace iolaus::cpu
