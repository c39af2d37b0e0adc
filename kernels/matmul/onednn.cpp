// bfloat16 products by oneDNN's matmul, which uses AMX or AVX-512 BF16 where the CPU has it; sums
// are in float32. C is split into tiles, one primitive on one thread each. Primitives are kept by
// each thread: making one takes longer than a small product.
#include <dnnl.hpp>

#include <map>

#include "core/parallel.h"
#include "core/simd.h"
#include "kernels/matmul/cpu_gemm.h"
#include "kernels/matmul/matmul.h"
#include "kernels/onednn.h"

namespace iolaus {
namespace {

using dnnl::memory;
using onednn::engine;

// A plain product of matrices that are dense in one direction.
struct Key {
  int64_t m, n, k, a_row, a_column, b_row, b_column, c_row, c_column;
  bool bias;
  auto operator<=>(const Key&) const = default;
};

struct Product {
  dnnl::matmul primitive;
  memory a, b, c, bias;
};

Product make_product(const Key& key) {
  const auto bf16 = memory::data_type::bf16;
  const memory::desc a({key.m, key.k}, bf16, memory::dims{key.a_row, key.a_column});
  const memory::desc b({key.k, key.n}, bf16, memory::dims{key.b_row, key.b_column});
  const memory::desc c({key.m, key.n}, bf16, memory::dims{key.c_row, key.c_column});
  const memory::desc bias({1, key.n}, bf16, memory::dims{key.n, 1});
  const dnnl::matmul::desc desc =
      key.bias ? dnnl::matmul::desc(a, b, bias, c) : dnnl::matmul::desc(a, b, c);
  return {dnnl::matmul({desc, engine()}), memory(a, engine(), nullptr),
          memory(b, engine(), nullptr), memory(c, engine(), nullptr),
          key.bias ? memory(bias, engine(), nullptr) : memory()};
}

Product& cached_product(const Key& key) {
  constexpr size_t kMost = 256;
  static thread_local std::map<Key, Product> products;
  const auto found = products.find(key);
  if (found != products.end()) return found->second;
  if (products.size() >= kMost) products.clear();
  return products.emplace(key, make_product(key)).first->second;
}

const char* why_not(const Matmul& p) {
  if (simd::level() != simd::Level::kAvx512) return "needs AVX-512";
  if (p.alpha != 1 || p.beta != 0) return "computes A B (+ bias) only";
  if (p.batch_rank != 0) return "computes one product, not a batch";
  if (p.m * p.n * p.k < (int64_t{1} << 18)) return "the product is too small to gain";
  if (p.bias != nullptr && p.bias_stride != 1) return "needs a dense bias";
  for (int i = 0; i < 3; ++i) {
    const int64_t rows = i == 2 ? p.k : p.m, columns = i == 1 ? p.k : p.n;
    const bool dense =
        (p.column[i] == 1 && p.row[i] >= columns) || (p.row[i] == 1 && p.column[i] >= rows);
    if (!dense) return "needs matrices that are dense in one direction";
  }
  return nullptr;
}

void run_tile(const Matmul& p, int64_t i, int64_t rows, int64_t j, int64_t columns) {
  const auto at = [&](int operand, int64_t row, int64_t column) -> void* {
    return static_cast<BFloat16*>(p.data[operand]) + row * p.row[operand] +
           column * p.column[operand];
  };
  const onednn::OneThread one_thread;
  Product& product = cached_product({rows, columns, p.k, p.row[1], p.column[1], p.row[2],
                                     p.column[2], p.row[0], p.column[0], p.bias != nullptr});
  product.a.set_data_handle(at(1, i, 0));
  product.b.set_data_handle(at(2, 0, j));
  product.c.set_data_handle(at(0, i, j));
  std::unordered_map<int, memory> args{
      {DNNL_ARG_SRC, product.a}, {DNNL_ARG_WEIGHTS, product.b}, {DNNL_ARG_DST, product.c}};
  if (p.bias != nullptr) {
    const auto* bias = static_cast<const BFloat16*>(p.bias) + j;
    product.bias.set_data_handle(const_cast<BFloat16*>(bias));
    args.insert({DNNL_ARG_BIAS, product.bias});
  }
  dnnl::stream stream(engine());
  product.primitive.execute(stream, args);
  stream.wait();
}

void run(const Matmul& p) {
  const cpu::Tiles tiles(p.m, p.n, p.k, int64_t{1} << 23);
  try {
    parallel_for(tiles.across * tiles.down, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t i = t / tiles.across * tiles.rows, j = t % tiles.across * tiles.columns;
        run_tile(p, i, std::min(tiles.rows, p.m - i), j, std::min(tiles.columns, p.n - j));
      }
    });
  } catch (const dnnl::error& e) {
    fail(ErrorCode::kInternal, "[matmul] oneDNN failed on {}: {}", p.describe(), e.what());
  }
}

const bool kRegistered = matmul_kernels().add({"onednn", kCPU, {kBFloat16}, run, 2, why_not});

}  // namespace
}  // namespace iolaus
