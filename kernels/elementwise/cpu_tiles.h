// Elementwise kernels whose inputs lie in another order than the output: tiles of such inputs are
// first turned into a buffer, so that the loops find rows everywhere.
#pragma once

#include <functional>

#include "kernels/elementwise/pointwise.h"

namespace iolaus::cpu {

/// Whether an input lies by columns where the output lies by rows (the last two dimensions of p).
bool has_turned_input(const Pointwise& p);

/// Calls fn(tile) for tiles of p that cover it, spread over threads. Of those inputs a tile has a
/// copy by rows; its other operands are parts of p's. Expects has_turned_input(p).
void for_turned_tiles(const Pointwise& p, const std::function<void(const Pointwise&)>& fn);

}  // namespace iolaus::cpu
