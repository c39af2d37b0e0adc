// Open, append, sync.
#include "nn/loggers/append_file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>

#include "core/error.h"
#include "core/io/file.h"

namespace iolaus::nn {

AppendFile::~AppendFile() { close(); }

void AppendFile::fail_io(const char* what, int error) const {
  fail(ErrorCode::kIo, "[logger] cannot {} {}: {}", what, path_, io::system_error(error));
}

void AppendFile::open(const std::string& path) {
  close();
  path_ = path;
  fd_ = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (fd_ < 0) fail_io("open", errno);
}

void AppendFile::close() {
  if (fd_ >= 0) ::close(fd_);
  fd_ = -1;
}

void AppendFile::append(std::string_view record) {
  struct stat before = {};
  if (::fstat(fd_, &before) != 0) fail_io("read the size of", errno);
  while (!record.empty()) {
    const ssize_t done = ::write(fd_, record.data(), record.size());
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) {
      const int error = errno;
      if (S_ISREG(before.st_mode) && ::ftruncate(fd_, before.st_size) != 0) {
        fail_io("write to, nor take half a record back from,", error);
      }
      fail_io("write to", error);
    }
    record.remove_prefix(static_cast<size_t>(done));
  }
}

void AppendFile::sync() {
  // Pipes and devices cannot be synced and say EINVAL.
  if (::fsync(fd_) != 0 && errno != EINVAL) fail_io("sync", errno);
}

}  // namespace iolaus::nn
