// Sources over a file descriptor (pread) and over memory.
#include "core/io/file.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <system_error>

#include "core/error.h"

namespace iolaus::io {
namespace {

class FileSource final : public Source {
 public:
  FileSource(const std::string& path, int fd, uint64_t size) : Source(path), fd_(fd), size_(size) {}
  ~FileSource() override { ::close(fd_); }
  uint64_t size() const override { return size_; }

 protected:
  void do_read(uint64_t offset, void* to, size_t count) const override {
    auto* bytes = static_cast<char*>(to);
    while (count > 0) {
      const ssize_t got = ::pread(fd_, bytes, count, static_cast<off_t>(offset));
      if (got < 0 && errno == EINTR) continue;
      IOLAUS_CHECK_CODE(got >= 0, ErrorCode::kIo, "[file] {}: cannot read at byte {}: {}", name(),
                        offset, system_error(errno));
      IOLAUS_CHECK_CODE(got > 0, ErrorCode::kIo,
                        "[file] {}: ends at byte {}, but was {} bytes long when it was opened",
                        name(), offset, size_);
      bytes += got;
      offset += static_cast<uint64_t>(got);
      count -= static_cast<size_t>(got);
    }
  }

 private:
  int fd_;
  uint64_t size_;
};

class MemorySource final : public Source {
 public:
  MemorySource(std::string_view bytes, std::string name) : Source(std::move(name)), bytes_(bytes) {}
  uint64_t size() const override { return bytes_.size(); }

 protected:
  void do_read(uint64_t offset, void* to, size_t count) const override {
    std::memcpy(to, bytes_.data() + offset, count);
  }

 private:
  std::string_view bytes_;
};

}  // namespace

std::string system_error(int code) { return std::generic_category().message(code); }

void Source::read(uint64_t offset, void* to, size_t count) const {
  if (count == 0) return;
  IOLAUS_CHECK_CODE(offset <= size() && count <= size() - offset, ErrorCode::kCorrupt,
                    "[file] {}: truncated: expected {} bytes at byte {}, got a file of {} bytes",
                    name_, count, offset, size());
  do_read(offset, to, count);
}

std::unique_ptr<Source> open_file(const std::string& path) {
  // O_NONBLOCK: opening a named pipe must not wait for a writer; it is refused below.
  const int fd = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  const int error = errno;
  IOLAUS_CHECK_CODE(fd >= 0, error == ENOENT ? ErrorCode::kNotFound : ErrorCode::kIo,
                    "[file] cannot open {}: {}", path, system_error(error));
  struct stat status {};
  const bool known = ::fstat(fd, &status) == 0;
  if (!known || !S_ISREG(status.st_mode)) {
    ::close(fd);
    fail(ErrorCode::kIo, "[file] {} is not a regular file", path);
  }
  return std::make_unique<FileSource>(path, fd, static_cast<uint64_t>(status.st_size));
}

std::unique_ptr<Source> memory_source(std::string_view bytes, std::string name) {
  return std::make_unique<MemorySource>(bytes, std::move(name));
}

std::string read_file(const std::string& path, uint64_t limit) {
  const auto source = open_file(path);
  IOLAUS_CHECK_CODE(source->size() <= limit, ErrorCode::kCorrupt,
                    "[file] {}: {} bytes are more than the {} allowed here", path, source->size(),
                    limit);
  std::string text(source->size(), '\0');
  source->read(0, text.data(), text.size());
  return text;
}

}  // namespace iolaus::io
