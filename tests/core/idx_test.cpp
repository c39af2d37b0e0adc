// IDX files, plain and gzipped (tests/data/core/files.py), Fashion-MNIST itself where it is
// installed, and files that are wrong.
#include "core/io/idx.h"

#include <zlib.h>

#include "tests/core/io_helpers.h"
#include "tests/core/reference_data.h"

using namespace iolaus;
using namespace iolaus::io;

namespace {

std::string file(const std::string& name) { return test::data_path("files/" + name); }

std::string idx_bytes(int type, std::initializer_list<uint32_t> sizes, const std::string& data) {
  std::string bytes{0, 0, static_cast<char>(type), static_cast<char>(sizes.size())};
  for (uint32_t size : sizes) bytes += test::big_endian(size);
  return bytes + data;
}

std::string gzipped(const std::string& data) {
  z_stream z{};
  REQUIRE(deflateInit2(&z, 9, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK);
  std::string out(deflateBound(&z, data.size()) + 64, '\0');
  std::string in = data;
  z.next_in = reinterpret_cast<Bytef*>(in.data());
  z.avail_in = static_cast<uInt>(in.size());
  z.next_out = reinterpret_cast<Bytef*>(out.data());
  z.avail_out = static_cast<uInt>(out.size());
  REQUIRE(deflate(&z, Z_FINISH) == Z_STREAM_END);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

Tensor parse(const std::string& bytes) { return read_idx(*memory_source(bytes, "x.idx")); }
void check_corrupt(const std::string& bytes, const char* words) {
  test::check_error(ErrorCode::kCorrupt, words, [&] { parse(bytes); });
}

}  // namespace

TEST_CASE("IDX files of every type read, plain and gzipped") {
  const auto data = test::load_json("files.json");
  REQUIRE(data["idx"].size() == 13);
  for (const auto& item : data["idx"]) {
    CAPTURE(item["file"].get<std::string>());
    const Tensor t = read_idx(file(item["file"]));
    CHECK(dtype_name(t.dtype()) == item["dtype"].get<std::string>());
    CHECK(t.sizes() == test::to_dims(item["shape"]));
    CHECK(test::to_hex(t) == item["bytes"].get<std::string>());
  }
}

TEST_CASE("Fashion-MNIST reads with its known sums") {
  const std::string folder = "/usr/share/datasets/fashion-mnist/";
  if (!std::filesystem::exists(folder + "train-labels-idx1-ubyte.gz")) {
    MESSAGE("skipped: ", folder, " is not installed");
    return;
  }
  const Tensor images = read_idx(folder + "train-images-idx3-ubyte.gz");
  const Tensor labels = read_idx(folder + "train-labels-idx1-ubyte.gz");
  CHECK(images.sizes() == Dims{60000, 28, 28});
  CHECK(labels.sizes() == Dims{60000});
  int64_t sum = 0, counts[10] = {};
  for (int64_t i = 0; i < images.numel(); ++i) sum += images.data<uint8_t>()[i];
  for (int64_t i = 0; i < 60000; ++i) ++counts[labels.data<uint8_t>()[i]];
  // The published mean of the training images is 0.2860 of 255.
  CHECK(static_cast<double>(sum) / static_cast<double>(images.numel()) / 255 ==
        doctest::Approx(0.2860).epsilon(1e-4));
  for (int64_t count : counts) CHECK(count == 6000);
}

TEST_CASE("IDX headers that lie are refused before memory is allocated") {
  check_corrupt(idx_bytes(8, {4000000000u, 4000000000u}, "x"), "overflow");
  check_corrupt(idx_bytes(8, {4000000000u, 1000000000u}, "x"), "can hold");
  check_corrupt(idx_bytes(8, {3}, "ab"), "need 3 bytes after byte 8");
  check_corrupt(idx_bytes(8, {3}, "abcd"), "bytes are left after the 11");
  check_corrupt(idx_bytes(8, {1u << 31, 1u << 31, 1u << 31}, "x"), "overflows");
  check_corrupt(idx_bytes(7, {1}, "x"), "begins 00 00 07");
  check_corrupt("PNG4", "not an IDX file");
  check_corrupt("", "truncated");
  std::string ranks(4 + 4 * 17, '\0');
  ranks[2] = 8;
  ranks[3] = 17;
  test::check_error(ErrorCode::kUnsupported, "17 dimensions", [&] { parse(ranks); });
}

TEST_CASE("a gzip bomb is refused by the sizes in its header") {
  // 64 MiB of zeros in 64 KiB, while the header says one byte.
  check_corrupt(gzipped(idx_bytes(8, {1}, std::string(64 << 20, '\0'))), "bytes are left");
  // The header promises more than any deflate stream of this size can hold.
  check_corrupt(gzipped(idx_bytes(8, {1u << 30}, "x")), "can hold");
}

TEST_CASE("gzip damage is found: a cut, a changed byte, a wrong checksum, bytes behind it") {
  std::string data;
  for (int i = 0; i < 1000; ++i) data += static_cast<char>(i * i % 251);
  const std::string bytes = gzipped(idx_bytes(8, {1000}, data));
  CHECK(parse(bytes).numel() == 1000);
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK_THROWS_AS(parse(bytes.substr(0, size)), Error);
  }
  for (size_t i = bytes.size() - 8; i < bytes.size(); ++i) {  // CRC and length
    std::string changed = bytes;
    changed[i] = static_cast<char>(changed[i] ^ 1);
    check_corrupt(changed, "invalid compressed data");
  }
  check_corrupt(bytes + "x", "compressed data");
}
