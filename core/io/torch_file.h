// Files of torch.save (.pth, .pt, .ckpt): a zip archive with data.pkl, a pickle whose tensors name
// their storages, and data/0, data/1, ... with the storages' bytes. Nothing in it is ever run.
// Format: torch/serialization.py and caffe2/serialize/inline_container.h of PyTorch.
#pragma once

#include <map>
#include <memory>
#include <string>

#include "core/io/pickle_reader.h"
#include "core/io/safetensors.h"
#include "core/io/zip.h"

namespace iolaus::io {

class TorchFile {
 public:
  /// Reads the structure, not yet the tensors. Errors: kNotFound, kIo; kCorrupt, with the byte;
  /// kUnsupported for globals that are not on the list (see pickle_reader.h), the format before
  /// PyTorch 1.6 and TorchScript, with what to do.
  explicit TorchFile(const std::string& path);
  explicit TorchFile(std::unique_ptr<Source> source);

  /// What was saved.
  const PickleValue& root() const { return pickle_->root(); }
  static bool is_tensor(const PickleValue& value);
  /// A tensor or parameter on the CPU, with the file's strides; tensors of one storage share it
  /// here too. Errors: kCorrupt where it reaches outside of its storage, or the bytes lack or fail
  /// their CRC; kUnsupported for dtypes that tensors do not have.
  Tensor tensor(const PickleValue& value);
  /// All tensors in nested dicts, lists and tuples below a value, by the keys and indices on the
  /// way, joined by dots; "" for a value that is a tensor itself. Errors: as tensor; kUnsupported
  /// where two tensors get one name, or beyond 64 levels or 131,072 tensors.
  TensorMap load_all(const PickleValue& below);
  TensorMap load_all() { return load_all(root()); }

 private:
  struct Walk;
  void collect(const PickleValue& value, const std::string& name, Walk& walk);
  Tensor storage(const PickleValue& id, const PickleValue* dtype);
  Tensor read_storage(const std::string& key, uint64_t nbytes, DType dtype) const;

  std::unique_ptr<ZipFile> zip_;
  std::string prefix_;  // of the names in the archive
  bool big_endian_ = false;
  std::unique_ptr<Pickle> pickle_;
  std::map<std::string, Tensor, std::less<>> storages_;  // flat, by key
};

/// TorchFile(path).load_all().
TensorMap load_torch(const std::string& path);
/// Whether a source begins like a file of torch.save, of any version.
bool is_torch_file(const Source& source);

}  // namespace iolaus::io
