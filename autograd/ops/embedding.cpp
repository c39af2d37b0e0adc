// embedding: rows by index. Its gradient adds rows up by index, and the gradient of that is an
// embedding again.
#include "autograd/ops/embedding.h"

#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/views.h"
#include "kernels/copy/copy.h"
#include "kernels/embedding/embedding.h"

namespace iolaus {
namespace {

Tensor gather_rows(const Tensor& table, const Tensor& index, int64_t padding);

// The gradient of a table with the given number of rows from that of the gathered rows g (n, D).
Tensor scatter_rows(const Tensor& g, const Tensor& index, int64_t rows, int64_t padding) {
  Tensor out = empty({rows, g.sizes()[1]}, {.dtype = g.dtype(), .device = g.device()});
  embedding_backward_kernels()(make_embedding(out, make_contiguous(g), index, true, padding));
  if (needs_grad(g)) {
    record("embedding_backward", out, edges(g),
           [index = save(index), padding](const Node& n, const Tensor& gg) {
             const Tensor at = index(n);
             Tensor dg = gather_rows(gg, at, padding);
             if (padding < 0) return dg;
             return where(unsqueeze(ne(at, padding), 1), dg, scalar_tensor(0, dg.options()));
           });
  }
  return out;
}

// table (V, D), index (n) -> (n, D)
Tensor gather_rows(const Tensor& table, const Tensor& index, int64_t padding) {
  Tensor out = empty({index.numel(), table.sizes()[1]}, table.options());
  embedding_kernels()(make_embedding(out, make_contiguous(table), index, false));
  if (needs_grad(table)) {
    record("embedding", out, edges(table),
           [index = save(index), rows = table.sizes()[0], padding](const Node& n, const Tensor& g) {
             return scatter_rows(g, index(n), rows, padding);
           });
  }
  return out;
}

const bool kRegistered = register_op(
    {"embedding", [] {
       const Tensor index = from_values<int64_t>({2, 0, 2, 3, 1, 2}, {2, 3});
       return std::vector<OpSample>{
           {"matrix of indices",
            {sample64({4, 3}, 1)},
            [index](const Tensors& x) { return embedding(x[0], to(index, x[0].device())); }},
           {"rows squared", {sample64({4, 3}, 2)}, [index](const Tensors& x) {
              return square(embedding(x[0], to(index, x[0].device())));
            }}};
     }});

const bool kBoxed = boxed(
    "embedding(Tensor input, Tensor weight, int? padding_idx=None) -> Tensor",
    +[](const Tensor& indices, const Tensor& weight, std::optional<int64_t> padding_idx) {
      const int64_t rows = weight.dim() > 0 ? weight.sizes()[0] : 0;
      int64_t row = padding_idx.value_or(-1);
      if (padding_idx) {
        IOLAUS_CHECK(row >= -rows && row < rows,
                     "[embedding] expected padding_idx in [{}, {}), got {}", -rows, rows, row);
        if (row < 0) row += rows;
      }
      return embedding(weight, indices, row);
    });

}  // namespace

Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx) {
  IOLAUS_CHECK(weight.dim() == 2 && is_floating(weight.dtype()),
               "[embedding] expected a floating table [rows, width], got {}", weight.describe());
  IOLAUS_CHECK_CODE(is_integral(indices.dtype()), ErrorCode::kType,
                    "[embedding] expected integer indices, got {}", indices.describe());
  IOLAUS_CHECK(indices.device() == weight.device(), "[embedding] expected indices on {}, got {}",
               weight.device().str(), indices.describe());
  IOLAUS_CHECK_CODE(padding_idx < weight.sizes()[0], ErrorCode::kIndex,
                    "[embedding] expected padding_idx below {}, got {}", weight.sizes()[0],
                    padding_idx);
  const Tensor flat = views::view(make_contiguous(to(indices, kInt64)), {indices.numel()});
  Dims sizes = indices.sizes();
  sizes.push_back(weight.sizes()[1]);
  return reshape(gather_rows(weight, flat, padding_idx), sizes);
}

}  // namespace iolaus
