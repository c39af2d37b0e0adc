// The classes and functions that a file of torch.save may name.
#pragma once

#include <optional>
#include <span>

#include "core/dtype.h"
#include "core/io/pickle_reader.h"

namespace iolaus::io {

/// Those of tensors, their containers, numpy's arrays, and the plain classes that training scripts
/// and Lightning put into checkpoints.
std::span<const PickleGlobal> torch_globals();

/// The dtype of torch.FloatStorage or torch.float32; nothing for those that tensors do not have.
std::optional<DType> torch_dtype(const PickleGlobal& global);

}  // namespace iolaus::io
