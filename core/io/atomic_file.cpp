// Write, fsync, rename, fsync the directory.
#include "core/io/atomic_file.h"

#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstdio>

#include "core/error.h"
#include "core/io/file.h"

namespace iolaus::io {
namespace {

std::string directory_of(const std::string& path) {
  const size_t slash = path.rfind('/');
  if (slash == std::string::npos) return ".";
  return slash == 0 ? "/" : path.substr(0, slash);
}

}  // namespace

AtomicFile::AtomicFile(const std::string& path) : path_(path) {
  static std::atomic<int> counter{0};
  temporary_ = fmt::format("{}.tmp.{}.{}", path, ::getpid(), counter.fetch_add(1));
  fd_ = ::open(temporary_.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
  const int error = errno;
  IOLAUS_CHECK_CODE(fd_ >= 0, error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                    "[file] cannot create {}: {}", temporary_, system_error(error));
}

AtomicFile::~AtomicFile() {
  if (fd_ >= 0) ::close(fd_);
  if (!temporary_.empty()) ::unlink(temporary_.c_str());
}

void AtomicFile::fail_io(const char* what, int error) const {
  fail(ErrorCode::kIo, "[file] cannot {} {}: {}", what, temporary_, system_error(error));
}

void AtomicFile::write(const void* data, size_t count) {
  const auto* bytes = static_cast<const char*>(data);
  while (count > 0) {
    // Linux writes at most 2 GiB at once; smaller pieces also keep signals responsive.
    const ssize_t done = ::write(fd_, bytes, std::min(count, size_t{1} << 26));
    if (done < 0 && errno == EINTR) continue;
    if (done < 0) fail_io("write", errno);
    bytes += done;
    count -= static_cast<size_t>(done);
  }
}

void AtomicFile::commit() {
  IOLAUS_CHECK_CODE(fd_ >= 0, ErrorCode::kInternal, "[file] {} was already committed", path_);
  if (::fsync(fd_) != 0) fail_io("sync", errno);
  const int closed = ::close(fd_);
  fd_ = -1;
  if (closed != 0) fail_io("close", errno);
  if (std::rename(temporary_.c_str(), path_.c_str()) != 0) {
    fail(ErrorCode::kIo, "[file] cannot rename {} to {}: {}", temporary_, path_,
         system_error(errno));
  }
  temporary_.clear();
  sync_directory(directory_of(path_));
}

void write_file_atomic(const std::string& path, std::string_view content) {
  AtomicFile file(path);
  file.write(content);
  file.commit();
}

void sync_directory(const std::string& path) {
  const int fd = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  IOLAUS_CHECK_CODE(fd >= 0, ErrorCode::kIo, "[file] cannot open directory {}: {}", path,
                    system_error(errno));
  const int result = ::fsync(fd);
  const int error = errno;
  ::close(fd);
  // Some file systems (network, FUSE) cannot sync a directory and say EINVAL.
  IOLAUS_CHECK_CODE(result == 0 || error == EINVAL, ErrorCode::kIo,
                    "[file] cannot sync directory {}: {}", path, system_error(error));
}

}  // namespace iolaus::io
