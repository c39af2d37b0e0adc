// AtomicFile: a file that appears whole or not at all, also when the machine loses power. It is
// written under a temporary name beside its place; commit() brings it to the disk (fsync), renames
// it and brings the directory to the disk. An fsync is never retried: after a failure the kernel
// may have dropped the data, so the file must be written again.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>

namespace iolaus::io {

class AtomicFile {
 public:
  /// Creates the temporary file. Errors: kNotFound where the directory is not there, kIo.
  explicit AtomicFile(const std::string& path);
  /// Removes the temporary file unless commit() succeeded.
  ~AtomicFile();
  AtomicFile(const AtomicFile&) = delete;
  AtomicFile& operator=(const AtomicFile&) = delete;

  /// Appends. Errors: kIo (disk full, ...).
  void write(const void* data, size_t count);
  void write(std::string_view text) { write(text.data(), text.size()); }
  /// Puts the file in its place, over an older one. Errors: kIo; the older one is then still there.
  void commit();

 private:
  [[noreturn]] void fail_io(const char* what, int error) const;

  std::string path_;
  std::string temporary_;
  int fd_ = -1;
};

/// The whole of a small file at once.
void write_file_atomic(const std::string& path, std::string_view content);
/// Brings a directory's entries (created, renamed or removed files) to the disk. Errors: kIo.
void sync_directory(const std::string& path);

}  // namespace iolaus::io
