// safetensors: named tensors in one file: a JSON header with dtype, shape and place of each, then
// the bytes. Format: github.com/huggingface/safetensors, README ("Format").
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "core/io/file.h"
#include "core/tensor.h"

namespace iolaus::io {

using TensorMap = std::map<std::string, Tensor>;
using Metadata = std::map<std::string, std::string>;

/// A file whose header was read and checked; tensors are read one by one when asked for.
class SafetensorsFile {
 public:
  /// What the header says of one tensor.
  struct Entry {
    std::string name;
    std::string dtype;  // the format's name: "F32", "BF16", also those that tensors do not have
    std::vector<uint64_t> shape;
    uint64_t begin = 0;  // in the file
    uint64_t nbytes = 0;
  };

  /// Errors: kNotFound, kIo; kCorrupt where the header is larger than 100 MB, names more than
  /// 262,144 tensors or is not the JSON that the format wants, a name is there twice, a tensor's
  /// bytes do not fit its shape and dtype, tensors overlap or leave holes, or the last does not
  /// end with the file.
  explicit SafetensorsFile(const std::string& path);
  explicit SafetensorsFile(std::unique_ptr<Source> source);

  /// In the order of their bytes.
  const std::vector<Entry>& entries() const { return entries_; }
  const Metadata& metadata() const { return metadata_; }
  bool contains(const std::string& name) const;
  /// One tensor, on the CPU. Errors: kNotFound; kUnsupported for dtypes that tensors do not have.
  Tensor load(const std::string& name) const;
  /// All tensors. Errors: as load.
  TensorMap load_all() const;

 private:
  Tensor load_entry(const Entry& entry) const;

  std::unique_ptr<Source> source_;
  std::vector<Entry> entries_;
  std::map<std::string, size_t> index_;
  Metadata metadata_;
};

/// SafetensorsFile(path).load_all().
TensorMap load_safetensors(const std::string& path);

/// Writes tensors of any device and layout, atomically, in the reference's order (larger elements
/// first, then by name), so that equal content gives equal bytes. Errors: kInvalidArgument for
/// undefined tensors, names that are not UTF-8 and the name "__metadata__"; kIo.
void save_safetensors(const std::string& path, const TensorMap& tensors,
                      const Metadata& metadata = {});

}  // namespace iolaus::io
