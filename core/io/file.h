// Bytes from outside: Source, random access to a file or to memory, which every format reader
// starts from. Files are read, not mapped: a file that somebody truncates meanwhile is an error
// here, where a mapping would kill the process.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

namespace iolaus::io {

class Source {
 public:
  explicit Source(std::string name) : name_(std::move(name)) {}
  virtual ~Source() = default;
  Source(const Source&) = delete;
  Source& operator=(const Source&) = delete;
  /// The path, or what stands for it in messages.
  const std::string& name() const { return name_; }
  virtual uint64_t size() const = 0;
  /// Reads exactly count bytes from offset. Errors: kCorrupt where the source ends before, with
  /// its size; kIo. May be called from several threads.
  void read(uint64_t offset, void* to, size_t count) const;

 protected:
  virtual void do_read(uint64_t offset, void* to, size_t count) const = 0;

 private:
  std::string name_;
};

/// Opens a regular file for reading. Errors: kNotFound where it is not there, kIo where it is not
/// a regular file or the system refuses.
std::unique_ptr<Source> open_file(const std::string& path);
/// Bytes that the caller keeps alive.
std::unique_ptr<Source> memory_source(std::string_view bytes, std::string name = "memory");
/// A whole file of at most limit bytes. Errors: as open_file; kCorrupt where it is larger.
std::string read_file(const std::string& path, uint64_t limit);

/// "No space left on device" and the like, for errno.
std::string system_error(int code);

}  // namespace iolaus::io
