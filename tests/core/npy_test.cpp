// npy files from and for NumPy (tests/data/core/files.py), and files that are wrong.
#include "core/io/npy.h"

#include "core/io/tensor_bytes.h"
#include "core/views.h"
#include "tests/core/io_helpers.h"
#include "tests/core/reference_data.h"

using namespace iolaus;
using namespace iolaus::io;

namespace {

std::string row_major_hex(const Tensor& t) {
  const HostElements elements = host_elements(t);
  return test::to_hex(std::string_view(elements.data, elements.nbytes));
}

std::string file(const std::string& name) { return test::data_path("files/" + name); }

// A version 1 file with this dict and these elements.
std::string npy_bytes(const std::string& dict, const std::string& elements = "") {
  std::string bytes("\x93NUMPY\x01\x00", 8);
  bytes += static_cast<char>(dict.size() & 255);
  bytes += static_cast<char>(dict.size() >> 8);
  return bytes + dict + elements;
}
Tensor parse(const std::string& bytes) { return read_npy(*memory_source(bytes, "x.npy")); }
std::string dict(const std::string& descr, const std::string& shape) {
  return "{'descr': " + descr + ", 'fortran_order': False, 'shape': " + shape + "}";
}

}  // namespace

TEST_CASE("npy files of every dtype, order and version read as NumPy reads them") {
  const auto data = test::load_json("files.json");
  REQUIRE(data["npy"].size() >= 20);
  for (const auto& item : data["npy"]) {
    CAPTURE(item["file"].get<std::string>());
    const Tensor t = read_npy(file(item["file"]));
    CHECK(dtype_name(t.dtype()) == item["dtype"].get<std::string>());
    CHECK(t.sizes() == test::to_dims(item["shape"]));
    CHECK(row_major_hex(t) == item["bytes"].get<std::string>());
  }
}

TEST_CASE("npy files are written with NumPy's own bytes") {
  const test::TempDir dir;
  const auto data = test::load_json("files.json");
  for (const auto& item : data["npy"]) {
    const std::string name = item["file"];
    const Tensor t =
        test::tensor_from_hex(item["dtype"], test::to_dims(item["shape"]), item["bytes"]);
    write_npy(dir / name, t);
    CHECK(row_major_hex(read_npy(dir / name)) == item["bytes"].get<std::string>());
    if (item["same"]) CHECK(read_file(dir / name, 1 << 20) == read_file(file(name), 1 << 20));
  }
}

TEST_CASE("strided tensors are written in row-major order") {
  const test::TempDir dir;
  const Tensor t = from_values<int16_t>({0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11}, {2, 3, 2});
  const Tensor view = views::slice(views::permute(t, {2, 0, 1}), 2, 0, 3, 2);
  write_npy(dir / "t.npy", view);
  const Tensor back = read_npy(dir / "t.npy");
  CHECK(back.sizes() == Dims{2, 2, 2});
  CHECK(back.to_vector<int>() == std::vector<int>{0, 4, 6, 10, 1, 5, 7, 11});
  const Tensor fortran = read_npy(file("fortran.npy"));
  CHECK(fortran.strides() == Dims{1, 2, 6});
}

TEST_CASE("npy dtypes that tensors do not have are refused by name") {
  const auto check = [](const char* name, const char* words) {
    test::check_error(ErrorCode::kUnsupported, words, [&] { read_npy(file(name)); });
  };
  check("bad_struct.npy", "structured dtypes are not supported");
  check("bad_uint32.npy", "dtype '<u4' is not supported");
  check("bad_complex.npy", "dtype '<c8' is not supported");
  check("bad_unicode.npy", "dtype '<U2' is not supported");
  check("bad_object.npy", "dtype '|O' is not supported");
}

TEST_CASE("npy files cut anywhere are errors") {
  const std::string bytes = read_file(file("float32.npy"), 1 << 20);
  for (size_t size = 0; size < bytes.size(); ++size) {
    CHECK_THROWS_AS(parse(bytes.substr(0, size)), Error);
  }
  test::check_error(ErrorCode::kCorrupt, "expected 24 bytes of elements from byte 128, got 25",
                    [&] { parse(bytes + "x"); });
}

TEST_CASE("npy headers that lie are refused before memory is allocated") {
  const auto corrupt = [](const std::string& bytes, const char* words) {
    test::check_error(ErrorCode::kCorrupt, words, [&] { parse(bytes); });
  };
  corrupt(npy_bytes(dict("'<f4'", "(1000000000000,)")), "expected 4000000000000 bytes");
  corrupt(npy_bytes(dict("'<f4'", "(9223372036854775807, 2)")), "overflows");
  corrupt(npy_bytes(dict("'<f4'", "(99999999999999999999,)")), "fits into 64 bits");
  corrupt(npy_bytes(dict("'<f8'", "(4611686018427387904,)")), "overflows");
  corrupt(npy_bytes(dict("'<f4'", "(0, 9223372036854775807, 9)")), "overflows");
  corrupt(npy_bytes(dict("'<f4'", "(-1,)")), "expected a size at byte 61");
  corrupt(npy_bytes(dict("'<f4'", "(1")), "expected ',' or ')'");
  corrupt(npy_bytes(dict("'<f4'", "(1)"), "abcd"), "expected a tuple");
  corrupt(npy_bytes(dict("'<f4'", "2")), "expected '('");
  corrupt(npy_bytes("{'descr': '<f4"), "expected a dtype at byte 20");
  corrupt(npy_bytes("{'descr': '<f4', 'descr': '<f4'}"), "is there twice");
  corrupt(npy_bytes("{'descr': '<f4'}"), "expected the keys");
  corrupt(npy_bytes("{'descr': '<f4', 'order': 1}"), "unknown key 'order'");
  corrupt(npy_bytes(dict("'<f4'", "(1,)") + " x", "abcd"), "expected the end of the header");
  corrupt(npy_bytes("{'fortran_order': 1}"), "expected True or False");
  corrupt(npy_bytes(dict("'|b1'", "(2,)"), std::string("\x01\x02")), "expected 0 or 1");
  corrupt("\x89PNG0000000000000000", "not an npy file");
  corrupt(std::string("\x93NUMPY\x02\x00\xff\xff\xff\xff", 12) + "abc", "at most 65536 bytes");
  test::check_error(ErrorCode::kUnsupported, "17 dimensions", [] {
    parse(npy_bytes(dict("'<f4'", "(1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1,1)"), "abcd"));
  });
  test::check_error(ErrorCode::kUnsupported, "got 4.0",
                    [] { parse(std::string("\x93NUMPY\x04\x00\x00\x00", 10)); });
  test::check_error(ErrorCode::kUnsupported, "'|V2'",
                    [] { parse(npy_bytes(dict("'|V2'", "(1,)"), "ab")); });
}

TEST_CASE("npy headers may be written in other ways that mean the same") {
  const Tensor t = parse(
      npy_bytes("{ \"shape\" : (2L , 1),\n'fortran_order':True,\"descr\":\"=i2\" , } \n", "abcd"));
  CHECK(t.sizes() == Dims{2, 1});
  CHECK(t.dtype() == kInt16);
  CHECK(t.to_vector<int>() == std::vector<int>{'a' | 'b' << 8, 'c' | 'd' << 8});
  CHECK(parse(npy_bytes(dict("'|u1'", "()"), "A")).item<int>() == 'A');
}

TEST_CASE("a file that is not there is not found") {
  test::check_error(ErrorCode::kNotFound, "cannot open /nowhere/x.npy: No such file",
                    [] { read_npy("/nowhere/x.npy"); });
  test::check_error(ErrorCode::kNotFound, "cannot create /nowhere/x.npy",
                    [] { write_npy("/nowhere/x.npy", empty({1})); });
}
