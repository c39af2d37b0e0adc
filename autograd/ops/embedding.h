// Rows of a table, differentiable in the table.
#pragma once

#include "core/tensor.h"

namespace iolaus {

/// weight (V, D), indices integers of any shape -> (..., D). The row padding_idx (if >= 0) gets no
/// gradient. Errors: kIndex, naming index and bound.
Tensor embedding(const Tensor& weight, const Tensor& indices, int64_t padding_idx = -1);

}  // namespace iolaus
