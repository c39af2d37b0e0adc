// transpose: a matrix that lies by columns, written by rows. Squares are turned around in
// registers, so that both sides' cache lines are read and written whole.
#pragma once

#include <cstddef>
#include <cstdint>

namespace iolaus::cpu {

/// out[i * out_step + j] = in[i + j * in_step] for i < rows and j < columns, elements of 1, 2, 4 or
/// 8 bytes, steps in elements.
void transpose(const void* in, int64_t in_step, void* out, int64_t out_step, int64_t rows,
               int64_t columns, size_t item_size);

}  // namespace iolaus::cpu
