// numpy's arrays inside of pickles (CIFAR's batches, checkpoints).
#pragma once

#include <optional>
#include <span>
#include <string>

#include "core/io/pickle_reader.h"
#include "core/tensor.h"

namespace iolaus::io {

/// What numpy's arrays, dtypes and scalars, and bytes of Python 3 in old protocols, are made with.
std::span<const PickleGlobal> numpy_globals();

/// An array as a CPU tensor; name stands for the pickle in messages. Nothing where value is no
/// array. Errors: kCorrupt where its parts do not fit each other; kUnsupported for dtypes that
/// tensors do not have.
std::optional<Tensor> tensor_of_numpy(const PickleValue& value, const std::string& name);

/// The bytes of a bytes object in any of the forms that pickles have for them; storage keeps them
/// where they must be decoded. Nothing where value is none.
std::optional<std::string_view> bytes_of_pickle(const PickleValue& value, std::string* storage);

}  // namespace iolaus::io
