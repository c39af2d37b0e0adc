// POSIX calls behind config/paths.h, with errors that name the path.
#include "config/paths.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <mutex>
#include <set>
#include <vector>

#include "core/error.h"

namespace iolaus::config {
namespace {

[[noreturn]] void fail_io(const char* what, const std::string& path) {
  fail(ErrorCode::kIo, "[run] cannot {} {}: {}", what, path, std::strerror(errno));
}

}  // namespace

std::string current_path() {
  char* path = ::getcwd(nullptr, 0);
  const std::string result = path ? path : "/";
  std::free(path);
  return result;
}

std::string join_path(const std::string& directory, const std::string& name) {
  if (name.starts_with('/') || directory.empty()) return name;
  return directory.back() == '/' ? directory + name : directory + "/" + name;
}

std::string absolute_path(const std::string& path) {
  const std::string whole = join_path(current_path(), path);
  std::vector<std::string> parts;
  for (std::size_t at = 0; at < whole.size();) {
    const std::size_t end = std::min(whole.find('/', at), whole.size());
    const std::string part = whole.substr(at, end - at);
    if (part == "..") {
      if (!parts.empty()) parts.pop_back();
    } else if (!part.empty() && part != ".") {
      parts.push_back(part);
    }
    at = end + 1;
  }
  std::string result;
  for (const std::string& part : parts) result += "/" + part;
  return result.empty() ? "/" : result;
}

bool is_directory(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISDIR(info.st_mode);
}

bool is_file(const std::string& path) {
  struct stat info {};
  return ::stat(path.c_str(), &info) == 0 && S_ISREG(info.st_mode);
}

bool make_directories(const std::string& path) {
  const std::string whole = absolute_path(path);
  if (::mkdir(whole.c_str(), 0777) == 0) return true;
  if (errno == EEXIST && is_directory(whole)) return false;
  const std::size_t slash = whole.rfind('/');
  if (errno != ENOENT || slash == 0 || slash == std::string::npos) {
    fail_io("make the directory", whole);
  }
  make_directories(whole.substr(0, slash));
  if (::mkdir(whole.c_str(), 0777) == 0) return true;
  if (errno != EEXIST) fail_io("make the directory", whole);
  return false;
}

void claim_directory(const std::string& path) {
  static std::mutex mutex;
  static std::set<std::string> claimed;
  const std::lock_guard lock(mutex);
  if (!claimed.insert(path).second) return;
  // The lock goes with the process, also when it is killed, and leaves no file behind.
  const int directory = ::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC);
  if (directory < 0) fail_io("open the directory", path);
  if (::flock(directory, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK) {
    ::close(directory);
    claimed.erase(path);
    fail(ErrorCode::kIo,
         "[run] another process is running in {}. Set hydra.run.dir (or hydra.sweep.subdir) to a "
         "directory of its own.",
         path);
  }
}

std::string make_new_directory(const std::string& path) {
  const std::string whole = absolute_path(path);
  const std::size_t slash = whole.rfind('/');
  if (slash > 0) make_directories(whole.substr(0, slash));
  std::string candidate = whole;
  for (int n = 1; ::mkdir(candidate.c_str(), 0777) != 0; ++n) {
    if (errno != EEXIST || n > 10'000) fail_io("make the directory", candidate);
    candidate = whole + "_" + std::to_string(n);
  }
  return candidate;
}

void write_text(const std::string& path, const std::string& text) {
  const std::string temporary = path + ".tmp" + std::to_string(::getpid());
  std::FILE* file = std::fopen(temporary.c_str(), "wb");
  if (!file) fail_io("open", temporary);
  const bool written = std::fwrite(text.data(), 1, text.size(), file) == text.size();
  if (std::fclose(file) != 0 || !written) {
    const int error = errno;
    ::unlink(temporary.c_str());
    errno = error;
    fail_io("write", path);
  }
  if (::rename(temporary.c_str(), path.c_str()) != 0) fail_io("rename to", path);
}

std::string read_text(const std::string& path) {
  std::FILE* file = std::fopen(path.c_str(), "rb");
  if (!file) fail_io("open", path);
  std::string text;
  std::array<char, 16384> buffer;
  std::size_t got = 0;
  while ((got = std::fread(buffer.data(), 1, buffer.size(), file)) > 0) {
    text.append(buffer.data(), got);
  }
  const bool failed = std::ferror(file) != 0;
  std::fclose(file);
  if (failed) fail_io("read", path);
  return text;
}

}  // namespace iolaus::config
