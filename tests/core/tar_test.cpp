// Archives that tar wrote, in the formats that it knows, and broken ones.
#include "core/io/tar.h"

#include <cstdlib>
#include <vector>

#include "core/io/atomic_file.h"
#include "tests/core/io_helpers.h"

using namespace iolaus;
using namespace iolaus::io;

namespace {

using Members = std::vector<std::pair<std::string, std::string>>;

// All files of an archive, with their bytes.
Members read_all(const Source& source) {
  const auto stream = open_stream(source);
  TarReader tar(*stream, "test");
  Members members;
  while (const auto member = tar.next()) {
    if (member->is_file) members.emplace_back(member->name, tar.read(1 << 20));
  }
  return members;
}

std::string make_archive(const test::TempDir& dir, const std::string& options) {
  const std::string command = "tar " + options + " -cf " + dir.path() + "/a.tar -C " + dir.path() +
                              " short $(cd " + dir.path() + "; ls -d long*) empty";
  REQUIRE(std::system(command.c_str()) == 0);
  return read_file(dir / "a.tar", 1 << 20);
}

}  // namespace

TEST_CASE("members of tar's formats come in order with their bytes") {
  const test::TempDir dir;
  const std::string long_name = "long" + std::string(150, 'x');
  std::filesystem::create_directory(dir / "short");
  io::write_file_atomic(dir / "short/one", std::string(1000, 'a'));
  io::write_file_atomic(dir / long_name, std::string(512, 'b'));
  io::write_file_atomic(dir / "empty", "");
  const Members expected{
      {"short/one", std::string(1000, 'a')}, {long_name, std::string(512, 'b')}, {"empty", ""}};
  for (const char* options : {"--format=gnu", "--format=pax", "--format=gnu -z"}) {
    CAPTURE(options);
    CHECK(read_all(*memory_source(make_archive(dir, options))) == expected);
  }
  std::filesystem::remove(dir / long_name);
  const std::string other = "long" + std::string(60, 'y');
  std::filesystem::create_directories(dir / (other + "/" + other));
  io::write_file_atomic(dir / (other + "/" + other + "/z"), "c");
  const Members split{
      {"short/one", std::string(1000, 'a')}, {other + "/" + other + "/z", "c"}, {"empty", ""}};
  CHECK(read_all(*memory_source(make_archive(dir, "--format=ustar"))) == split);
}

TEST_CASE("broken archives are refused") {
  const test::TempDir dir;
  io::write_file_atomic(dir / "short", std::string(1000, 'a'));
  io::write_file_atomic(dir / "long", "b");
  io::write_file_atomic(dir / "empty", "");
  const std::string whole = make_archive(dir, "--format=gnu");
  CHECK(read_all(*memory_source(whole)).size() == 3);
  for (const size_t length : {size_t{0}, size_t{100}, size_t{512}, size_t{1000}, size_t{1536}}) {
    test::check_error(ErrorCode::kCorrupt, "truncated",
                      [&] { read_all(*memory_source(std::string_view(whole).substr(0, length))); });
  }
  for (size_t i = 0; i < 512; ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    CHECK_THROWS_AS(read_all(*memory_source(changed)), Error);
  }
  std::string huge = whole;  // a size of 2^40 bytes, with a right checksum
  huge.replace(124, 12, std::string("\x80\0\0\0\0\0\x01\0\0\0\0\0", 12));
  unsigned sum = 8 * ' ';
  for (size_t i = 0; i < 512; ++i) sum += i < 148 || i >= 156 ? static_cast<uint8_t>(huge[i]) : 0u;
  huge.replace(148, 8, fmt::format("{:06o}", sum) + std::string("\0 ", 2));
  test::check_error(ErrorCode::kCorrupt, "is more than", [&] { read_all(*memory_source(huge)); });
}
