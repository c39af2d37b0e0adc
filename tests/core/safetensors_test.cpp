// safetensors files from and for the Python package (tests/data/core/files.py), and wrong ones.
#include "core/io/safetensors.h"

#include "core/views.h"
#include "tests/core/io_helpers.h"
#include "tests/core/reference_data.h"

using namespace iolaus;
using namespace iolaus::io;

namespace {

std::string file(const std::string& name) { return test::data_path("files/" + name); }

TensorMap reference_tensors() {
  TensorMap tensors;
  const auto data = test::load_json("files.json");
  for (const auto& [name, item] : data["safetensors_tensors"].items()) {
    tensors[name] =
        test::tensor_from_hex(item["dtype"], test::to_dims(item["shape"]), item["bytes"]);
  }
  return tensors;
}

std::string with_header(const std::string& header, size_t data = 0) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(header.size() >> (8 * i) & 255);
  return bytes + header + std::string(data, 'x');
}
void parse(const std::string& bytes) {
  SafetensorsFile(memory_source(bytes, "x.safetensors")).load_all();
}
void check_corrupt(const std::string& header, size_t data, const char* words) {
  test::check_error(ErrorCode::kCorrupt, words, [&] { parse(with_header(header, data)); });
}

}  // namespace

TEST_CASE("the Python package's tensors are read") {
  const SafetensorsFile reader(file("all.safetensors"));
  CHECK(reader.metadata() == Metadata{{"format", "pt"}});
  const TensorMap expected = reference_tensors();
  const TensorMap tensors = reader.load_all();
  REQUIRE(tensors.size() == expected.size());
  for (const auto& [name, t] : expected) {
    CAPTURE(name);
    REQUIRE(reader.contains(name));
    const Tensor got = reader.load(name);
    CHECK(got.dtype() == t.dtype());
    CHECK(got.sizes() == t.sizes());
    CHECK(test::to_hex(got) == test::to_hex(t));
  }
  CHECK_FALSE(reader.contains("other"));
  test::check_error(ErrorCode::kNotFound, "no tensor 'other'", [&] { reader.load("other"); });
  CHECK(load_safetensors(file("none.safetensors")).empty());
}

TEST_CASE("files are written with the Python package's own bytes") {
  const test::TempDir dir;
  save_safetensors(dir / "all", reference_tensors(), {{"format", "pt"}});
  CHECK(read_file(dir / "all", 1 << 20) == read_file(file("all.safetensors"), 1 << 20));
  save_safetensors(dir / "none", {});
  CHECK(read_file(dir / "none", 1 << 20) == read_file(file("none.safetensors"), 1 << 20));
}

TEST_CASE("strided tensors are written row-major and metadata comes back") {
  const test::TempDir dir;
  const Tensor t = from_values<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  const Metadata metadata{{"step", "7"}, {"a \"quoted\" key", "line\nbreak"}};
  save_safetensors(dir / "t", {{"t", views::transpose(t, 0, 1)}}, metadata);
  const SafetensorsFile reader(dir / "t");
  CHECK(reader.load("t").to_vector<int>() == std::vector<int>{1, 4, 2, 5, 3, 6});
  CHECK(reader.metadata() == metadata);
}

TEST_CASE("dtypes that tensors do not have are refused when that tensor is asked for") {
  const SafetensorsFile reader(file("uint32.safetensors"));
  CHECK(reader.load("v").to_vector<float>() == std::vector<float>{1, 1});
  test::check_error(ErrorCode::kUnsupported, "tensor 'u' has dtype U32", [&] { reader.load("u"); });
}

TEST_CASE("safetensors cut at any byte, or with bytes added, are corrupt") {
  const std::string bytes = read_file(file("all.safetensors"), 1 << 20);
  for (size_t size = 0; size < bytes.size(); ++size) {
    test::check_error(ErrorCode::kCorrupt, "x.safetensors", [&] { parse(bytes.substr(0, size)); });
  }
  test::check_error(ErrorCode::kCorrupt, "the last tensor ends at", [&] { parse(bytes + "x"); });
}

TEST_CASE("changing any byte of the header never does more than an error") {
  const std::string bytes = read_file(file("all.safetensors"), 1 << 20);
  const size_t header = bytes.find('x') == 0 ? 0
                                             : 8 + static_cast<unsigned char>(bytes[0]) +
                                                   256 * static_cast<unsigned char>(bytes[1]);
  for (size_t i = 0; i < header; ++i) {
    for (const int flip : {1, 2, 4, 8, 16, 32, 64, 128}) {
      std::string changed = bytes;
      changed[i] = static_cast<char>(changed[i] ^ flip);
      try {
        parse(changed);
      } catch (const Error& error) {
        const bool typed = error.code() == ErrorCode::kCorrupt ||
                           error.code() == ErrorCode::kUnsupported;  // F32 to F64 of another size
        CHECK(typed);
      }
    }
  }
}

TEST_CASE("headers that lie are refused") {
  const std::string a = R"("a":{"dtype":"U8","shape":[2],"data_offsets":[0,2]})";
  CHECK_NOTHROW(parse(with_header("{" + a + "}  ", 2)));
  check_corrupt("{" + a + "," + a + "}", 2, "begins at byte 0");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]},)"
                R"("a":{"dtype":"U8","shape":[0],"data_offsets":[0,0]}})",
                0, "tensor 'a' is there twice");
  check_corrupt("{" + a + R"(,"b":{"dtype":"U8","shape":[1],"data_offsets":[3,4]}})", 4,
                "tensor 'b' begins at byte 3 of the data, but the one before it ends at 2");
  check_corrupt("{" + a + R"(,"b":{"dtype":"U8","shape":[2],"data_offsets":[1,3]}})", 3,
                "neither overlap");
  check_corrupt(R"({"a":{"dtype":"F32","shape":[2],"data_offsets":[0,2]}})", 2, "need 8 bytes");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[2,0]}})", 2, "ascend");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0]}})", 2, "two data_offsets");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,1,2]}})", 2, "a number");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[-2],"data_offsets":[0,2]}})", 2, "negative");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[2.0],"data_offsets":[0,2]}})", 2, "fraction");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[2],"shape":[2],"data_offsets":[0,2]}})", 2, "once");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[2]}})", 2, "not all of them");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[2],"data_offsets":[0,2],"x":1}})", 2, "got x");
  check_corrupt(R"({"a":{"dtype":"Q8","shape":[2],"data_offsets":[0,2]}})", 2, "got Q8");
  check_corrupt(R"({"a":{"dtype":"F4","shape":[3],"data_offsets":[0,2]}})", 2,
                "no number of bytes");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[4294967296,4294967296],"data_offsets":[0,0]}})", 0,
                "overflows");
  check_corrupt(R"({"a":{"dtype":"U8","shape":[18446744073709551615],)"
                R"("data_offsets":[0,18446744073709551615]}})",
                0, "overflows");
  check_corrupt(R"({"a":{"dtype":"BOOL","shape":[2],"data_offsets":[0,2]}})", 2, "expected 0 or 1");
  check_corrupt(R"({"__metadata__":{"a":1}})", 0, "in __metadata__");
  check_corrupt(R"({"__metadata__":{"a":"1","a":"2"}})", 0, "got a twice");
  check_corrupt(R"({"__metadata__":{},"__metadata__":{}})", 0, "once");
  check_corrupt(R"({"a":[]})", 0, "an array is not expected");
  check_corrupt(R"({"a":{"dtype":{"a":{}}}})", 0, "an object is not expected");
  check_corrupt("{" + a + "} x", 2, "no valid JSON at byte");
  check_corrupt(" {" + a + "}", 2, "expected '{' at byte 8");
  check_corrupt("{\"\xff\":{}}", 0, "no valid JSON at byte 10");
  check_corrupt("", 0, "expected '{'");
  check_corrupt("{" + std::string(2000, '['), 0, "no valid JSON");
}

TEST_CASE("a header of more than 100 MB, or longer than the file, is refused at once") {
  std::string bytes = with_header("{}");
  bytes[3] = '\x06';  // 2 + 0x06000000 = 100,663,298 bytes
  test::check_error(ErrorCode::kCorrupt, "at most 100000000 bytes", [&] { parse(bytes); });
  bytes[3] = '\x05';
  test::check_error(ErrorCode::kCorrupt, "truncated", [&] { parse(bytes); });
}

TEST_CASE("a header of endless tensors or metadata is refused") {
  std::string tensors = "{", metadata = R"({"__metadata__":{)";
  for (int i = 0; i < 262145; ++i) {
    tensors += fmt::format(R"("{}":{{"dtype":"U8","shape":[0],"data_offsets":[0,0]}},)", i);
    metadata += fmt::format(R"("{}":"",)", i);
  }
  check_corrupt(tensors, 0, "at most 262144 tensors");
  check_corrupt(metadata, 0, "at most 262144 keys");
}

TEST_CASE("what cannot be written is refused and leaves no file") {
  const test::TempDir dir;
  const Tensor t = from_values<float>({1}, {1});
  const auto check = [&](const TensorMap& tensors, const char* words) {
    test::check_error(ErrorCode::kInvalidArgument, words,
                      [&] { save_safetensors(dir / "x", tensors); });
  };
  check({{"t", Tensor()}}, "undefined");
  check({{"__metadata__", t}}, "reserved");
  check({{"\xff", t}}, "not UTF-8");
  CHECK(std::filesystem::is_empty(dir.path()));
}
