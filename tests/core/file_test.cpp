// Reading files and writing them whole or not at all.
#include "core/io/file.h"

#include <sys/resource.h>
#include <sys/stat.h>

#include <csignal>

#include "core/io/atomic_file.h"
#include "tests/core/io_helpers.h"

using namespace iolaus;
using namespace iolaus::io;

TEST_CASE("an atomic file is not there before commit and whole afterwards") {
  const test::TempDir dir;
  {
    AtomicFile file(dir / "a");
    file.write("hello ");
    CHECK_FALSE(std::filesystem::exists(dir / "a"));
    file.write("world");
    file.commit();
    CHECK(read_file(dir / "a", 100) == "hello world");
    CHECK_THROWS_AS(file.commit(), Error);
  }
  CHECK(read_file(dir / "a", 100) == "hello world");
}

TEST_CASE("an atomic file that is abandoned leaves the old content and no other file") {
  const test::TempDir dir;
  write_file_atomic(dir / "a", "old");
  {
    AtomicFile file(dir / "a");
    file.write("new");
  }
  CHECK(read_file(dir / "a", 100) == "old");
  const auto begin = std::filesystem::directory_iterator(dir.path());
  CHECK(std::distance(begin, std::filesystem::directory_iterator()) == 1);
  write_file_atomic(dir / "a", "new");
  CHECK(read_file(dir / "a", 100) == "new");
}

TEST_CASE("a write that the system refuses is an error and leaves the old content") {
  const test::TempDir dir;
  write_file_atomic(dir / "a", "old");
  rlimit before{};
  REQUIRE(getrlimit(RLIMIT_FSIZE, &before) == 0);
  const rlimit small{4096, before.rlim_max};
  const auto handler = std::signal(SIGXFSZ, SIG_IGN);
  REQUIRE(setrlimit(RLIMIT_FSIZE, &small) == 0);
  test::check_error(ErrorCode::kIo, "File too large",
                    [&] { write_file_atomic(dir / "a", std::string(100000, 'x')); });
  setrlimit(RLIMIT_FSIZE, &before);
  std::signal(SIGXFSZ, handler);
  CHECK(read_file(dir / "a", 100) == "old");
  const auto begin = std::filesystem::directory_iterator(dir.path());
  CHECK(std::distance(begin, std::filesystem::directory_iterator()) == 1);
}

TEST_CASE("folders, pipes and missing files are refused, and pipes do not block") {
  const test::TempDir dir;
  test::check_error(ErrorCode::kIo, "is not a regular file", [&] { open_file(dir.path()); });
  REQUIRE(::mkfifo((dir / "pipe").c_str(), 0600) == 0);
  test::check_error(ErrorCode::kIo, "is not a regular file", [&] { open_file(dir / "pipe"); });
  test::check_error(ErrorCode::kNotFound, "No such file", [&] { open_file(dir / "none"); });
}

TEST_CASE("reading past the end is corrupt, and a file that shrank meanwhile is an io error") {
  const test::TempDir dir;
  write_file_atomic(dir / "a", "0123456789");
  const auto source = open_file(dir / "a");
  CHECK(source->size() == 10);
  char bytes[11] = {};
  source->read(3, bytes, 4);
  CHECK(std::string(bytes) == "3456");
  test::check_error(ErrorCode::kCorrupt, "expected 11 bytes at byte 0, got a file of 10 bytes",
                    [&] { source->read(0, bytes, 11); });
  test::check_error(ErrorCode::kCorrupt, "truncated", [&] { source->read(UINT64_MAX, bytes, 2); });
  std::filesystem::resize_file(dir / "a", 5);
  test::check_error(ErrorCode::kIo, "ends at byte 5, but was 10 bytes long",
                    [&] { source->read(0, bytes, 10); });
  test::check_error(ErrorCode::kCorrupt, "more than the 4 allowed",
                    [&] { read_file(dir / "a", 4); });
}
