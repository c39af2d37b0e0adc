// Index: one entry of x[...], as Python has it: x[mask], x[idx, :, None].
#pragma once

#include <optional>
#include <variant>
#include <vector>

#include "core/tensor.h"

namespace iolaus {

/// start:stop:step; what is missing means the end on that side.
struct Slice {
  std::optional<int64_t> start, stop;
  int64_t step = 1;
};
struct Ellipsis {};
struct NewAxis {};

/// A number, a slice, "...", None (a new dimension), or a tensor of indices or of bool.
using Index = std::variant<NewAxis, Ellipsis, int64_t, Slice, Tensor>;
using Indices = std::vector<Index>;

}  // namespace iolaus
