// Advanced indexing: views first, then one lookup of rows. The dimensions that tensors index are
// brought to the front and joined; a flat index into them is index_select's, whose gradient is
// index_add.
#include "autograd/ops/index.h"

#include "autograd/autocast.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/create.h"
#include "autograd/ops/elementwise.h"
#include "autograd/ops/indexing.h"
#include "autograd/ops/inplace.h"
#include "autograd/ops/reduce.h"
#include "autograd/ops/scan.h"
#include "autograd/ops/shape.h"
#include "autograd/ops/view.h"
#include "autograd/record.h"
#include "kernels/compact/compact.h"
#include "kernels/coordinates/coordinates.h"

namespace iolaus {
namespace {

// What is left to do after the views: dimension i of view is indexed by tensors[i], if defined.
struct Lookup {
  Tensor view;
  Tensors tensors;
  bool any = false;
};

int64_t dims_taken(const Index& entry) {
  if (std::holds_alternative<NewAxis>(entry) || std::holds_alternative<Ellipsis>(entry)) return 0;
  const Tensor* tensor = std::get_if<Tensor>(&entry);
  return tensor && tensor->dtype() == kBool ? tensor->dim() : 1;
}

void add_mask(Lookup& lookup, int64_t& d, const Tensor& mask) {
  for (int64_t i = 0; i < mask.dim(); ++i) {
    IOLAUS_CHECK_CODE(mask.sizes()[i] == lookup.view.size(d + i), ErrorCode::kIndex,
                      "[index] a mask of shape {} does not fit dimension {} of {}",
                      mask.sizes().str(), d + i, lookup.view.sizes().str());
  }
  if (mask.dim() == 0) {  // true: all of it, as a new dimension
    lookup.view = unsqueeze(lookup.view, d);
    lookup.tensors.push_back(detail::true_places(reshape(mask, {1})));
    ++d;
    return;
  }
  for (const Tensor& places : nonzero_tuple(mask)) {
    lookup.tensors.push_back(places);
    ++d;
  }
}

Lookup make_lookup(const Tensor& x, const Indices& indices) {
  Lookup lookup{x, {}, false};
  int64_t taken = 0;
  bool ellipsis = false;
  for (const Index& entry : indices) {
    taken += dims_taken(entry);
    IOLAUS_CHECK(!std::holds_alternative<Ellipsis>(entry) || !ellipsis,
                 "[index] '...' may be there only once");
    ellipsis |= std::holds_alternative<Ellipsis>(entry);
  }
  IOLAUS_CHECK_CODE(taken <= x.dim(), ErrorCode::kIndex, "[index] {} indices are too many for {}",
                    taken, x.describe());
  int64_t d = 0;  // the next dimension of view
  for (const Index& entry : indices) {
    if (std::holds_alternative<Ellipsis>(entry)) {
      for (int64_t skip = x.dim() - taken; skip > 0; --skip, ++d) lookup.tensors.emplace_back();
    } else if (std::holds_alternative<NewAxis>(entry)) {
      lookup.view = unsqueeze(lookup.view, d++);
      lookup.tensors.emplace_back();
    } else if (const int64_t* number = std::get_if<int64_t>(&entry)) {
      lookup.view = select(lookup.view, d, *number);
    } else if (const Slice* part = std::get_if<Slice>(&entry)) {
      lookup.view = slice(lookup.view, d++, part->start.value_or(0), part->stop.value_or(INT64_MAX),
                          part->step);
      lookup.tensors.emplace_back();
    } else {
      const Tensor& tensor = std::get<Tensor>(entry);
      lookup.any = true;
      if (tensor.dtype() == kBool) {
        add_mask(lookup, d, tensor);
        continue;
      }
      IOLAUS_CHECK_CODE(is_integral(tensor.dtype()), ErrorCode::kIndex,
                        "[index] expected integers or bool as indices, got {}", tensor.describe());
      lookup.tensors.push_back(to(tensor, kInt64, x.device()));
      ++d;
    }
  }
  while (static_cast<int64_t>(lookup.tensors.size()) < lookup.view.dim()) {
    lookup.tensors.emplace_back();
  }
  return lookup;
}

// An index that counts from the front; out of range is refused.
Tensor from_front(const Tensor& index, int64_t size, int64_t d) {
  if (index.numel() == 0) return index;
  const auto wrapped = [&] { return where(lt(index, 0), add(index, size), index); };
  if (index.device().is_cuda()) {  // the lookup itself refuses a place that cannot be
    return where(logical_or(lt(index, -size), ge(index, size)), INT64_MIN / 2, wrapped());
  }
  const auto least = amin(index).item<int64_t>(), most = amax(index).item<int64_t>();
  IOLAUS_CHECK_CODE(least >= -size && most < size, ErrorCode::kIndex,
                    "[index] index {} is out of range for dimension {} of size {}",
                    least < -size ? least : most, d, size);
  return least < 0 ? wrapped() : index;
}

// The view with the indexed dimensions in front and joined, and the flat index into them.
struct Flat {
  Tensor rows;   // (joined, rest...)
  Tensor index;  // of the indices' common shape
  Dims order;    // the permutation that made rows
  Dims moved;    // the sizes before joining
  size_t indexed = 0;
  int64_t first = 0;     // the first indexed dimension
  bool adjacent = true;  // whether they stand side by side
};

Flat flatten_lookup(const Lookup& lookup) {
  Flat flat;
  const Tensor& x = lookup.view;
  Dims rest;
  Dims shape;
  int64_t last = -1;
  flat.first = -1;
  for (int64_t d = 0; d < x.dim(); ++d) {
    const Tensor& tensor = lookup.tensors[static_cast<size_t>(d)];
    if (!tensor.defined()) {
      rest.push_back(d);
      continue;
    }
    if (flat.first < 0) flat.first = d;
    flat.adjacent &= last < 0 || last == d - 1;
    last = d;
    flat.order.push_back(d);
    shape = broadcast_shapes("index", shape, tensor.sizes());
  }
  flat.indexed = flat.order.size();
  for (int64_t d : flat.order) {
    const int64_t size = x.sizes()[static_cast<size_t>(d)];
    const Tensor place = from_front(lookup.tensors[static_cast<size_t>(d)], size, d);
    flat.index = flat.index.defined() ? add(mul(flat.index, size), place) : place;
  }
  flat.index = expand(flat.index, shape);
  for (int64_t d : rest) flat.order.push_back(d);
  const Tensor moved = permute(x, flat.order);
  flat.moved = moved.sizes();
  Dims joined{1};
  for (size_t i = 0; i < flat.moved.size(); ++i) {
    if (i < flat.indexed) {
      joined[0] *= flat.moved[i];
    } else {
      joined.push_back(flat.moved[i]);
    }
  }
  flat.rows = reshape(moved, joined);
  return flat;
}

// The sizes of what was looked up, before the indices' shape goes to its place.
Dims looked_up_sizes(const Flat& flat) {
  Dims sizes = flat.index.sizes();
  for (size_t i = 1; i < flat.rows.sizes().size(); ++i) sizes.push_back(flat.rows.sizes()[i]);
  return sizes;
}

// Moves the indices' dimensions from the front to where they belong, or back.
Tensor place_front(const Flat& flat, const Tensor& x, bool back) {
  if (!flat.adjacent || flat.first == 0) return x;
  Dims front, there;
  for (int64_t i = 0; i < flat.index.dim(); ++i) {
    front.push_back(i);
    there.push_back(i + flat.first);
  }
  return back ? movedim(x, there, front) : movedim(x, front, there);
}

// view with values at the lookup's places; in_place: they go into the view's own memory where its
// rows can be seen there, which an undefined result says.
Tensor put(const Lookup& lookup, const Tensor& values, bool accumulate, bool in_place = false) {
  const Flat flat = flatten_lookup(lookup);
  const Dims sizes = looked_up_sizes(flat);
  const Dims final_sizes = place_front(flat,
                                       expand(reshape(flat.index,
                                                      [&] {
                                                        Dims s = flat.index.sizes();
                                                        while (s.size() < sizes.size())
                                                          s.push_back(1);
                                                        return s;
                                                      }()),
                                              sizes),
                                       false)
                               .sizes();
  IOLAUS_CHECK(broadcast_shapes("index_put", values.sizes(), final_sizes) == final_sizes,
               "[index_put] values of shape {} do not broadcast to {}", values.sizes().str(),
               final_sizes.str());
  Dims row_sizes = flat.rows.sizes();
  row_sizes[0] = flat.index.numel();
  const Tensor source = reshape(place_front(flat, expand(values, final_sizes), true), row_sizes);
  const Tensor places = reshape(flat.index, {-1});
  Dims column = Dims::filled(row_sizes.size(), 1);
  column[0] = row_sizes[0];
  const Tensor each = expand(reshape(places, column), row_sizes);
  if (in_place && flat.rows.storage() == lookup.view.storage() &&
      source.storage() != flat.rows.storage()) {
    accumulate ? index_add_(flat.rows, 0, places, source) : scatter_(flat.rows, 0, each, source);
    return Tensor();
  }
  const Tensor rows =
      accumulate ? index_add(flat.rows, 0, places, source) : scatter(flat.rows, 0, each, source);
  Dims inverse = flat.order;
  for (size_t i = 0; i < flat.order.size(); ++i) {
    inverse[static_cast<size_t>(flat.order[i])] = static_cast<int64_t>(i);
  }
  return permute(reshape(rows, flat.moved), inverse);
}

Tensor is_nonzero(const Tensor& x) { return x.dtype() == kBool ? x.detach() : ne(x, 0); }

// How many elements of a flat mask are true in each part of it and in all before that.
Tensor running_counts(const Tensor& mask) {
  const int64_t n = mask.numel(), whole = n / kCompactPart * kCompactPart;
  Tensors counts;
  if (whole > 0) counts.push_back(sum(reshape(narrow(mask, 0, 0, whole), {-1, kCompactPart}), {1}));
  if (whole < n) counts.push_back(reshape(sum(narrow(mask, 0, whole, n - whole)), {1}));
  return counts.size() == 1 && counts[0].numel() == 1 ? counts[0] : cumsum(cat(counts), 0);
}

// By a mask of the slices, so that an index that is there twice counts once in the gradient, too.
Tensor filled(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& value) {
  IOLAUS_CHECK(value.dim() == 0, "[index_fill] expected a 0-dim value, got {}", value.describe());
  const int d = wrap_dim("index_fill", dim, x.dim());
  const int64_t size = x.dim() == 0 ? 1 : x.sizes()[d];
  const TensorOptions bits{.dtype = kBool, .device = x.device()};
  const Tensor mask = index_put(zeros({size}, bits), {reshape(index, {-1})}, ones({}, bits));
  Dims shape = Dims::filled(x.sizes().size(), 1);
  if (x.dim() > 0) shape[static_cast<size_t>(d)] = size;
  return masked_fill(x, reshape(mask, shape), value);
}

const bool kBoxed =
    boxed("index(Tensor input, Index[] indices) -> Tensor", index) &&
    boxed(
        "index_put(Tensor input, Index[] indices, Tensor values, bool accumulate=False) -> Tensor",
        index_put) &&
    boxed(
        "index_put_(Tensor input, Index[] indices, Tensor values, bool accumulate=False) -> "
        "Tensor",
        index_put_) &&
    boxed("masked_select(Tensor input, Tensor mask) -> Tensor", masked_select) &&
    boxed("masked_scatter(Tensor input, Tensor mask, Tensor source) -> Tensor", masked_scatter) &&
    boxed(
        "nonzero(Tensor input, *, bool as_tuple=False) -> Tensor[]",
        +[](const Tensor& x, bool as_tuple) {
          return as_tuple ? nonzero_tuple(x) : Tensors{nonzero(x)};
        }) &&
    boxed("index_fill(Tensor input, int dim, Tensor index, Scalar value) -> Tensor", index_fill) &&
    boxed("index_fill(Tensor input, int dim, Tensor index, Tensor value) -> Tensor", filled) &&
    boxed("index_copy(Tensor input, int dim, Tensor index, Tensor source) -> Tensor", index_copy);

const bool kSamples =
    register_op(
        {"index",
         [] {
           const Tensor rows = from_values<int64_t>({2, 0, -1, 2}, {4});
           const Tensor mask = from_values<bool>({true, false, true}, {3});
           return std::vector<OpSample>{
               {"rows and a new axis",
                {sample64({3, 4}, 1)},
                [rows](const Tensors& x) {
                  return index(x[0], {to(rows, x[0].device()), Slice{}, NewAxis{}});
                }},
               {"mask",
                {sample64({3, 4}, 2)},
                [mask](const Tensors& x) { return index(x[0], {to(mask, x[0].device())}); }},
               {"apart", {sample64({3, 2, 3}, 3)}, [rows](const Tensors& x) {
                  const Tensor at = to(rows, x[0].device());
                  return index(x[0], {at, Slice{}, at});
                }}};
         }}) &&
    register_op({"index_put",
                 [] {
                   const Tensor rows = from_values<int64_t>({2, 0}, {2});
                   const auto with = [rows](bool accumulate) {
                     return [rows, accumulate](const Tensors& x) {
                       return index_put(x[0], {Slice{}, to(rows, x[0].device())}, x[1], accumulate);
                     };
                   };
                   return std::vector<OpSample>{
                       {"put", {sample64({2, 4}, 1), sample64({2}, 2)}, with(false)},
                       {"accumulate", {sample64({2, 4}, 3), sample64({2, 1}, 4)}, with(true)}};
                 }}) &&
    register_op({"masked_select",
                 [] {
                   const Tensor mask = from_values<bool>({true, false, true, true}, {4});
                   return std::vector<OpSample>{
                       {"row", {sample64({3, 4}, 1)}, [mask](const Tensors& x) {
                          return masked_select(x[0], to(mask, x[0].device()));
                        }}};
                 }}) &&
    register_op({"masked_scatter", [] {
                   const Tensor mask = from_values<bool>({true, false, true, true}, {4});
                   return std::vector<OpSample>{
                       {"row", {sample64({2, 4}, 1), sample64({7}, 2)}, [mask](const Tensors& x) {
                          return masked_scatter(x[0], to(mask, x[0].device()), x[1]);
                        }}};
                 }});

}  // namespace

Tensor detail::true_places(const Tensor& mask) {
  const NoGrad no_grad;
  if (mask.numel() == 0) return empty({0}, {.dtype = kInt64, .device = mask.device()});
  const Tensor flat = contiguous(mask);
  const Tensor ends = contiguous(running_counts(flat));
  const auto count = select(ends, 0, -1).item<int64_t>();
  const Tensor places = empty({count}, {.dtype = kInt64, .device = mask.device()});
  compact_kernels()({flat, ends, places});
  return places;
}

Tensor index(const Tensor& x, const Indices& indices) {
  const Lookup lookup = make_lookup(x, indices);
  if (!lookup.any) return lookup.view;
  const Flat flat = flatten_lookup(lookup);
  const Tensor found = index_select(flat.rows, 0, reshape(flat.index, {-1}));
  return place_front(flat, reshape(found, looked_up_sizes(flat)), false);
}

Tensor index_put(const Tensor& x, const Indices& indices, const Tensor& values, bool accumulate) {
  if (autocast::on()) return autocast::call("index_put", index_put, x, indices, values, accumulate);
  IOLAUS_CHECK_CODE(values.dtype() == x.dtype(), ErrorCode::kType,
                    "[index_put] expected values of {}, got {}", dtype_name(x.dtype()),
                    values.describe());
  const Lookup lookup = make_lookup(x, indices);
  if (lookup.any && lookup.view.sizes() == x.sizes() && lookup.view.strides() == x.strides()) {
    return put(lookup, values, accumulate);  // all of x is looked up: its copy is made there
  }
  Tensor out = clone(x);
  return index_put_(out, indices, values, accumulate);
}

const Tensor& index_put_(const Tensor& x, const Indices& indices, const Tensor& values,
                         bool accumulate) {
  const Lookup lookup = make_lookup(x, indices);
  if (!lookup.any) {
    return accumulate ? (add_(lookup.view, values), x) : (copy_(lookup.view, values), x);
  }
  autograd::check_inplace("index_put_", x);
  const Tensor changed = put(lookup, values, accumulate, !needs_grad(x, values));
  if (changed.defined()) copy_(lookup.view, changed);
  return x;
}

Tensor masked_select(const Tensor& x, const Tensor& mask) {
  IOLAUS_CHECK_CODE(mask.dtype() == kBool, ErrorCode::kType,
                    "[masked_select] expected a bool mask, got {}", mask.describe());
  const Dims sizes = broadcast_shapes("masked_select", x.sizes(), mask.sizes());
  const Tensor places = detail::true_places(reshape(expand(mask, sizes), {-1}));
  return index_select(reshape(expand(x, sizes), {-1}), 0, places);
}

Tensor masked_scatter(const Tensor& x, const Tensor& mask, const Tensor& values) {
  IOLAUS_CHECK_CODE(mask.dtype() == kBool, ErrorCode::kType,
                    "[masked_scatter] expected a bool mask, got {}", mask.describe());
  IOLAUS_CHECK_CODE(values.dtype() == x.dtype(), ErrorCode::kType,
                    "[masked_scatter] expected values of {}, got {}", dtype_name(x.dtype()),
                    values.describe());
  const Dims sizes = broadcast_shapes("masked_scatter", x.sizes(), mask.sizes());
  const Tensor places = detail::true_places(reshape(expand(mask, sizes), {-1}));
  IOLAUS_CHECK(values.numel() >= places.numel(),
               "[masked_scatter] the mask has {} places, but there are {} values", places.numel(),
               values.numel());
  const Tensor source = narrow(reshape(values, {-1}), 0, 0, places.numel());
  return reshape(scatter(reshape(expand(x, sizes), {-1}), 0, places, source), sizes);
}

Tensors nonzero_tuple(const Tensor& x) {
  const NoGrad no_grad;
  return unbind(nonzero(x.dim() == 0 ? reshape(x, {1}) : x), 1);
}

Tensor nonzero(const Tensor& x) {
  const NoGrad no_grad;
  const Tensor places = detail::true_places(reshape(is_nonzero(x), {-1}));
  if (x.dim() == 1) return unsqueeze(places, 1);
  const Tensor out = empty({places.numel(), x.dim()}, places.options());
  if (out.numel() > 0) coordinates_kernels()({places, out, x.sizes()});
  return out;
}

Tensor index_fill(const Tensor& x, int64_t dim, const Tensor& index, Scalar value) {
  return filled(x, dim, index, scalar_tensor(value, x.options()));
}

Tensor index_copy(const Tensor& x, int64_t dim, const Tensor& index, const Tensor& source) {
  const int d = wrap_dim("index_copy", dim, x.dim());
  if (x.dim() == 0) {
    return reshape(index_copy(reshape(x, {1}), 0, index, reshape(source, {1})), {});
  }
  Indices all(static_cast<size_t>(d), Slice{});
  all.emplace_back(index.dim() == 0 ? reshape(index, {1}) : index);
  return index_put(x, all, source);
}

}  // namespace iolaus
