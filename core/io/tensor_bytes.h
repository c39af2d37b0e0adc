// Between tensors and the bytes of files: elements in row-major order, little-endian.
#pragma once

#include <bit>
#include <vector>

#include "core/io/file.h"
#include "core/tensor.h"

namespace iolaus::io {

static_assert(std::endian::native == std::endian::little,
              "the file formats read and write elements as they lie in memory");

/// The elements of a tensor on the host, row-major; a copy only where it is needed.
struct HostElements {
  Tensor tensor;  // keeps data alive where it is the tensor's own
  std::vector<char> copy;
  const char* data = nullptr;
  size_t nbytes = 0;
};
HostElements host_elements(const Tensor& tensor);

/// Reads tensor.nbytes() bytes from offset into a dense CPU tensor's storage.
/// Errors: as Source::read, and check_elements.
void read_elements(const Source& source, uint64_t offset, const Tensor& tensor);
/// Reverses the bytes of each element of a dense CPU tensor, for big-endian files.
void swap_elements(const Tensor& tensor);
/// A bool that is neither 0 nor 1 would break the language's rules wherever it is read.
/// Errors: kCorrupt with the byte; data_offset is the first element's in the file.
void check_elements(const Source& source, uint64_t data_offset, const Tensor& tensor);

/// Number of elements of a shape from a file, and their bytes. Errors: kCorrupt where a product
/// overflows, kUnsupported beyond kMaxRank dimensions. format is the message's prefix.
uint64_t checked_nbytes(const char* format, const Source& source,
                        const std::vector<uint64_t>& shape, size_t bits_per_element);
/// The same as Dims, once it is known to fit.
Dims checked_dims(const char* format, const Source& source, const std::vector<uint64_t>& shape);

}  // namespace iolaus::io
