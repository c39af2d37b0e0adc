// What the tests of the file formats share: a folder that goes away, sources from strings, and the
// expectation of an error with its code and words.
#pragma once

#include <doctest/doctest.h>
#include <unistd.h>

#include <filesystem>
#include <string>

#include "core/error.h"
#include "core/io/file.h"

namespace iolaus::test {

/// A new folder that is removed with its content at the end.
class TempDir {
 public:
  TempDir() {
    std::string pattern = (std::filesystem::temp_directory_path() / "iolaus_XXXXXX").string();
    IOLAUS_CHECK(::mkdtemp(pattern.data()) != nullptr, "cannot make {}", pattern);
    path_ = pattern;
  }
  ~TempDir() { std::filesystem::remove_all(path_); }
  TempDir(const TempDir&) = delete;
  TempDir& operator=(const TempDir&) = delete;
  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

/// Checks that fn throws an Error with this code whose message contains the words.
template <class Fn> void check_error(ErrorCode code, const std::string& words, Fn&& fn) {
  try {
    fn();
  } catch (const Error& error) {
    const std::string message = error.what();
    CHECK_MESSAGE(error.code() == code, message);
    const bool found = message.find(words) != std::string::npos;
    CHECK_MESSAGE(found, "'", message, "' does not contain '", words, "'");
    return;
  }
  FAIL_CHECK("no error; expected one with '", words, "'");
}

inline std::string big_endian(uint32_t value) {
  std::string bytes;
  for (int shift = 24; shift >= 0; shift -= 8) bytes += static_cast<char>(value >> shift & 255);
  return bytes;
}

}  // namespace iolaus::test
