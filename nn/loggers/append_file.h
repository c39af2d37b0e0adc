// AppendFile: a file that grows by whole records. A record that does not fit on the disk is taken
// back, so that the file stays readable and the record can be written again later.
#pragma once

#include <string>
#include <string_view>

namespace iolaus::nn {

class AppendFile {
 public:
  AppendFile() = default;
  ~AppendFile();
  AppendFile(const AppendFile&) = delete;
  AppendFile& operator=(const AppendFile&) = delete;

  /// Opens a file, or makes it. Errors: kIo.
  void open(const std::string& path);
  void close();
  bool is_open() const { return fd_ >= 0; }
  /// Appends all or nothing. Errors: kIo.
  void append(std::string_view record);
  /// Brings it to the disk. Errors: kIo.
  void sync();

 private:
  [[noreturn]] void fail_io(const char* what, int error) const;

  std::string path_;
  int fd_ = -1;
};

}  // namespace iolaus::nn
