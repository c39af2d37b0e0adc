// Parts, repetitions and moved dimensions: all of them views and copies of views.
#include "autograd/ops/shape.h"

#include <algorithm>

#include "autograd/forms.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "core/views.h"
#include "kernels/copy/copy.h"
#include "kernels/triangle/triangle.h"

namespace iolaus {
namespace {

// A copy with the order along dims reversed: read through negative strides.
Tensor reversed(const Tensor& x, const Dims& dims) {
  Dims strides = x.strides();
  int64_t offset = x.offset();
  for (int64_t d : dims) {
    offset += (x.sizes()[d] - 1) * strides[d];
    strides[d] = -strides[d];
  }
  const Tensor out = empty_like(x.detach());
  if (x.numel() > 0) copy(make_view(x, x.sizes(), strides, offset), out);
  return out;
}

// size * repeats. Errors: kOutOfMemory where that is no number.
int64_t repeated(const char* op, int64_t size, int64_t repeats) {
  int64_t all = 0;
  IOLAUS_CHECK_CODE(!__builtin_mul_overflow(size, repeats, &all), ErrorCode::kOutOfMemory,
                    "[{}] {} repeats of {} elements are more than memory holds", op, repeats, size);
  return all;
}

Tensor on_triangle(const char* op, const Tensor& x, int64_t diagonal, bool lower) {
  IOLAUS_CHECK(x.dim() >= 2, "[{}] expected at least two dimensions, got {}", op, x.describe());
  // A diagonal beyond the matrix is the outermost one.
  const int64_t offset = std::clamp(diagonal, -x.size(-2), x.size(-1));
  if (!x.is_contiguous() && transpose(x.detach(), -2, -1).is_contiguous()) {
    // The other triangle of the transpose, along rows that are dense.
    return transpose(on_triangle(op, transpose(x, -2, -1), -offset, !lower), -2, -1);
  }
  Tensor out = detail::claim_dense(op, x);
  if (!out.defined()) out = empty(x.sizes(), x.options());
  triangle_kernels()({contiguous(x.detach()), out, offset, lower});
  if (needs_grad(x)) {
    record(op, out, edges(x), [offset, lower](const Node&, const Tensor& g) {
      return lower ? tril(g, offset) : triu(g, offset);
    });
  }
  return out;
}

const bool kParts =
    boxed("unflatten(Tensor input, int dim, int[] sizes) -> Tensor", unflatten) &&
    boxed("movedim(Tensor input, int[] source, int[] destination) -> Tensor", movedim) &&
    boxed("unbind(Tensor input, int dim=0) -> Tensor[]", unbind) &&
    boxed("split(Tensor input, int split_size, int dim=0) -> Tensor[]",
          static_cast<Tensors (*)(const Tensor&, int64_t, int64_t)>(split)) &&
    boxed("split(Tensor input, int[] split_size, int dim=0) -> Tensor[]",
          static_cast<Tensors (*)(const Tensor&, const Dims&, int64_t)>(split)) &&
    boxed("split_with_sizes(Tensor input, int[] split_sizes, int dim=0) -> Tensor[]",
          static_cast<Tensors (*)(const Tensor&, const Dims&, int64_t)>(split)) &&
    boxed("chunk(Tensor input, int chunks, int dim=0) -> Tensor[]", chunk) &&
    boxed("meshgrid(Tensor[] tensors, *, str indexing='ij') -> Tensor[]", meshgrid);
const bool kMoves =
    boxed("repeat(Tensor input, int[] repeats) -> Tensor", repeat) &&
    boxed("tile(Tensor input, int[] dims) -> Tensor", tile) &&
    boxed("repeat_interleave(Tensor input, int repeats, int? dim=None) -> Tensor",
          repeat_interleave) &&
    boxed("roll(Tensor input, int[] shifts, int[]? dims=[]) -> Tensor", roll) &&
    boxed("flip(Tensor input, int[] dims) -> Tensor", flip) &&
    boxed("tril(Tensor input, int diagonal=0) -> Tensor", tril) &&
    boxed("triu(Tensor input, int diagonal=0) -> Tensor", triu) &&
    boxed("diag_embed(Tensor input, int offset=0, int dim1=-2, int dim2=-1) -> Tensor", diag_embed);

bool add_sample(const char* op, const Dims& sizes, Tensor (*fn)(const Tensor&)) {
  return register_op({op, [=] {
                        return std::vector<OpSample>{{"sample",
                                                      {sample64(sizes, 1)},
                                                      [fn](const Tensors& x) { return fn(x[0]); }}};
                      }});
}
const bool kSamples =
    add_sample("unflatten", {2, 6},
               [](const Tensor& x) {
                 return unflatten(x, 1, {2, -1});
               }) &&
    add_sample("movedim", {2, 3, 4}, [](const Tensor& x) { return movedim(x, {0}, {-1}); }) &&
    add_sample("unbind", {3, 2}, [](const Tensor& x) { return unbind(x, 1)[1]; }) &&
    add_sample("split", {5, 2}, [](const Tensor& x) { return split(x, 2)[2]; }) &&
    add_sample("chunk", {5, 2}, [](const Tensor& x) { return chunk(x, 2)[1]; }) &&
    add_sample("repeat", {3, 2},
               [](const Tensor& x) {
                 return repeat(x, {2, 1, 3});
               }) &&
    add_sample("repeat_interleave", {3, 2},
               [](const Tensor& x) { return repeat_interleave(x, 2, 0); }) &&
    add_sample("roll", {3, 4},
               [](const Tensor& x) {
                 return roll(x, {1, -2}, {0, 1});
               }) &&
    add_sample("flip", {3, 4},
               [](const Tensor& x) {
                 return flip(x, {1, 0});
               }) &&
    add_sample("tril", {3, 4}, [](const Tensor& x) { return tril(x, 1); }) &&
    add_sample("triu", {2, 3, 4}, [](const Tensor& x) { return triu(x); }) &&
    add_sample("diag_embed", {2, 3}, [](const Tensor& x) { return diag_embed(x, 1); });

}  // namespace

Tensor unflatten(const Tensor& x, int64_t dim, const Dims& sizes) {
  const int d = wrap_dim("unflatten", dim, x.dim());
  IOLAUS_CHECK(x.dim() > 0 && !sizes.empty(), "[unflatten] expected sizes for {}, got {}",
               x.describe(), sizes.str());
  const Dims parts = views::infer_sizes("unflatten", sizes, x.sizes()[d]);
  Dims all = x.sizes();
  all.erase(d);
  for (size_t i = 0; i < parts.size(); ++i) all.insert(static_cast<size_t>(d) + i, parts[i]);
  return view(x, all);
}

Tensor movedim(const Tensor& x, const Dims& source, const Dims& destination) {
  IOLAUS_CHECK(source.size() == destination.size(),
               "[movedim] expected as many destinations as sources, got {} and {}",
               destination.str(), source.str());
  const auto rank = static_cast<size_t>(x.dim());
  Dims order = Dims::filled(rank, -1);
  uint32_t used = 0, placed = 0;
  for (size_t i = 0; i < source.size(); ++i) {
    const int from = wrap_dim("movedim", source[i], x.dim());
    const int to_place = wrap_dim("movedim", destination[i], x.dim());
    IOLAUS_CHECK((used >> from & 1u) == 0 && (placed >> to_place & 1u) == 0,
                 "[movedim] a dimension is repeated in {} or {}", source.str(), destination.str());
    used |= 1u << from;
    placed |= 1u << to_place;
    if (rank > 0) order[static_cast<size_t>(to_place)] = from;
  }
  size_t next = 0;
  for (size_t d = 0; d < rank; ++d) {
    if (used >> d & 1u) continue;
    while (order[next] >= 0) ++next;
    order[next] = static_cast<int64_t>(d);
  }
  return permute(x, order);
}

Tensors unbind(const Tensor& x, int64_t dim) {
  IOLAUS_CHECK(x.dim() > 0, "[unbind] expected at least one dimension, got {}", x.describe());
  const int d = wrap_dim("unbind", dim, x.dim());
  Tensors parts;
  for (int64_t i = 0; i < x.sizes()[d]; ++i) parts.push_back(select(x, d, i));
  return parts;
}

Tensors split(const Tensor& x, int64_t size, int64_t dim) {
  IOLAUS_CHECK(x.dim() > 0, "[split] expected at least one dimension, got {}", x.describe());
  const int d = wrap_dim("split", dim, x.dim());
  const int64_t length = x.sizes()[d];
  IOLAUS_CHECK(size > 0 || (size == 0 && length == 0), "[split] expected a size above 0, got {}",
               size);
  Tensors parts;
  for (int64_t at = 0; at < length; at += size) {
    parts.push_back(narrow(x, d, at, std::min(size, length - at)));
  }
  if (parts.empty()) parts.push_back(narrow(x, d, 0, 0));
  return parts;
}

Tensors split(const Tensor& x, const Dims& sizes, int64_t dim) {
  IOLAUS_CHECK(x.dim() > 0, "[split] expected at least one dimension, got {}", x.describe());
  const int d = wrap_dim("split", dim, x.dim());
  int64_t total = 0;
  for (int64_t size : sizes) {
    IOLAUS_CHECK(size >= 0 && size <= x.sizes()[d], "[split] expected sizes of 0 to {}, got {}",
                 x.sizes()[d], sizes.str());
    total += size;
  }
  IOLAUS_CHECK(total == x.sizes()[d], "[split] sizes {} do not sum to {}, the size of dimension {}",
               sizes.str(), x.sizes()[d], d);
  Tensors parts;
  int64_t at = 0;
  for (int64_t size : sizes) {
    parts.push_back(narrow(x, d, at, size));
    at += size;
  }
  return parts;
}

Tensors chunk(const Tensor& x, int64_t chunks, int64_t dim) {
  IOLAUS_CHECK(chunks > 0, "[chunk] expected at least one chunk, got {}", chunks);
  IOLAUS_CHECK(x.dim() > 0, "[chunk] expected at least one dimension, got {}", x.describe());
  const int64_t length = x.sizes()[wrap_dim("chunk", dim, x.dim())];
  if (length == 0) return split(x, Dims::filled(static_cast<size_t>(chunks), 0), dim);
  return split(x, (length - 1) / chunks + 1, dim);
}

Tensor repeat(const Tensor& x, const Dims& repeats) {
  IOLAUS_CHECK(repeats.rank() >= x.dim(), "[repeat] expected at least {} repeats, got {}", x.dim(),
               repeats.str());
  const size_t added = repeats.size() - x.sizes().size();
  Dims apart, wide, sizes;  // (1, s0, 1, s1), (r0, s0, r1, s1), (r0 s0, r1 s1)
  for (size_t d = 0; d < repeats.size(); ++d) {
    IOLAUS_CHECK(repeats[d] >= 0, "[repeat] expected repeats >= 0, got {}", repeats.str());
    const int64_t size = d < added ? 1 : x.sizes()[d - added];
    for (int64_t s : {int64_t{1}, size}) apart.push_back(s);
    for (int64_t s : {repeats[d], size}) wide.push_back(s);
    sizes.push_back(repeated("repeat", size, repeats[d]));
  }
  const Tensor all = reshape(expand(reshape(x, apart), wide), sizes);
  return all.storage() == x.storage() ? clone(all) : all;
}

Tensor tile(const Tensor& x, const Dims& repeats) {
  Dims all = repeats;
  while (all.rank() < x.dim()) all.insert(0, 1);
  return repeat(x, all);
}

Tensor repeat_interleave(const Tensor& x, int64_t repeats, std::optional<int64_t> dim) {
  IOLAUS_CHECK(repeats >= 0, "[repeat_interleave] expected repeats >= 0, got {}", repeats);
  if (!dim) return repeat_interleave(reshape(x, {-1}), repeats, 0);
  const int d = wrap_dim("repeat_interleave", *dim, x.dim());
  const Tensor base = x.dim() == 0 ? reshape(x, {1}) : x;
  Dims wide = base.sizes(), sizes = base.sizes();
  wide.insert(static_cast<size_t>(d) + 1, repeats);
  sizes[d] = repeated("repeat_interleave", sizes[d], repeats);
  return reshape(expand(unsqueeze(base, d + 1), wide), sizes);
}

Tensor roll(const Tensor& x, const Dims& shifts, const Dims& dims) {
  if (dims.empty()) {
    IOLAUS_CHECK(shifts.size() == 1, "[roll] expected one shift without dims, got {}",
                 shifts.str());
    return reshape(roll(reshape(x, {-1}), shifts, {0}), x.sizes());
  }
  IOLAUS_CHECK(shifts.size() == dims.size(),
               "[roll] expected as many shifts as dims, got {} and {}", shifts.str(), dims.str());
  IOLAUS_CHECK_CODE(x.dim() > 0 || x.numel() == 0 || dims.empty(), ErrorCode::kIndex,
                    "[roll] {} has no dimensions to roll along", x.describe());
  Tensor out = x;
  for (size_t i = 0; i < dims.size(); ++i) {
    const int d = wrap_dim("roll", dims[i], x.dim());
    const int64_t size = x.dim() > 0 ? x.sizes()[d] : 1;
    if (x.dim() == 0 || size == 0) continue;
    const int64_t shift = (shifts[i] % size + size) % size;
    if (shift == 0) continue;
    out = cat({narrow(out, d, size - shift, shift), narrow(out, d, 0, size - shift)}, d);
  }
  return out.is_same(x) ? clone(x) : out;
}

Tensor flip(const Tensor& x, const Dims& dims) {
  Dims wrapped;
  uint32_t seen = 0;
  for (int64_t dim : dims) {
    const int d = wrap_dim("flip", dim, x.dim());
    IOLAUS_CHECK((seen >> d & 1u) == 0, "[flip] dimension {} is repeated in {}", d, dims.str());
    seen |= 1u << d;
    if (x.dim() > 0) wrapped.push_back(d);
  }
  Tensor out = reversed(x, wrapped);
  if (needs_grad(x)) {
    record("flip", out, edges(x),
           [wrapped](const Node&, const Tensor& g) { return flip(g, wrapped); });
  }
  return out;
}

Tensor tril(const Tensor& x, int64_t diagonal) { return on_triangle("tril", x, diagonal, true); }
Tensor triu(const Tensor& x, int64_t diagonal) { return on_triangle("triu", x, diagonal, false); }

Tensor diag_embed(const Tensor& x, int64_t offset, int64_t dim1, int64_t dim2) {
  const int64_t rank = x.dim() + 1;
  const int first = wrap_dim("diag_embed", dim1, rank), second = wrap_dim("diag_embed", dim2, rank);
  constexpr int64_t kLimit = int64_t{1} << 48;  // so that no size below overflows
  IOLAUS_CHECK(offset > -kLimit && offset < kLimit,
               "[diag_embed] expected an offset between -2^48 and 2^48, got {}", offset);
  IOLAUS_CHECK(first != second && x.dim() > 0, "[diag_embed] expected two dimensions, got {} twice",
               first);
  Dims sizes = x.sizes();
  const int64_t size = sizes.back() + (offset < 0 ? -offset : offset);
  sizes.erase(sizes.size() - 1);
  sizes.insert(static_cast<size_t>(std::min(first, second)), size);
  sizes.insert(static_cast<size_t>(std::max(first, second)), size);
  const Tensor out = zeros(sizes, x.options());
  copy_(diagonal(out, offset, first, second), x);
  return out;
}

Tensors meshgrid(const Tensors& tensors, const std::string& indexing) {
  IOLAUS_CHECK(indexing == "ij" || indexing == "xy",
               "[meshgrid] expected indexing 'ij' or 'xy', got '{}'", indexing);
  IOLAUS_CHECK(!tensors.empty(), "[meshgrid] expected at least one tensor");
  const size_t n = tensors.size();
  const bool swapped = indexing == "xy" && n >= 2;
  Dims sizes;
  for (const Tensor& x : tensors) {
    IOLAUS_CHECK(x.dim() <= 1, "[meshgrid] expected vectors, got {}", x.describe());
    IOLAUS_CHECK_CODE(x.dtype() == tensors[0].dtype(), ErrorCode::kType,
                      "[meshgrid] expected tensors of one dtype, got {} and {}",
                      tensors[0].describe(), x.describe());
    sizes.push_back(x.numel());
  }
  Tensors grids;
  for (size_t i = 0; i < n; ++i) {
    Dims shape = Dims::filled(n, 1);
    shape[i] = sizes[i];
    const Tensor grid = expand(view(tensors[i], shape), sizes);
    grids.push_back(swapped ? transpose(grid, 0, 1) : grid);
  }
  return grids;
}

}  // namespace iolaus
