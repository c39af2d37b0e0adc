// Files that PyTorch and Lightning wrote (tests/data/core/torch_files.py), whole and broken.
#include "core/io/torch_file.h"

#include <zlib.h>

#include "core/io/numpy_pickle.h"
#include "core/io/tensor_bytes.h"
#include "tests/core/io_helpers.h"
#include "tests/core/reference_data.h"

using namespace iolaus;
using namespace iolaus::io;
using Kind = PickleValue::Kind;

namespace {

std::string file(const std::string& name) { return test::data_path("torch/" + name); }

std::string bytes_of(const Tensor& t) {
  const HostElements elements = host_elements(t);
  return {elements.data, elements.nbytes};
}

std::string little_endian(uint64_t value, int bytes) {
  std::string out;
  for (int i = 0; i < bytes; ++i) out += static_cast<char>(value >> (8 * i) & 255);
  return out;
}

// An archive of stored entries, as torch.save writes it.
std::string make_zip(const std::vector<std::pair<std::string, std::string>>& entries) {
  std::string out, directory;
  for (const auto& [name, data] : entries) {
    const auto crc = crc32_z(0, reinterpret_cast<const Bytef*>(data.data()), data.size());
    const std::string sizes = little_endian(crc, 4) + little_endian(data.size(), 4) +
                              little_endian(data.size(), 4) + little_endian(name.size(), 2) +
                              std::string(2, '\0');
    directory += "PK\1\2" + std::string(12, '\0') + sizes + std::string(10, '\0') +
                 little_endian(out.size(), 4) + name;
    out += "PK\3\4" + std::string(10, '\0') + sizes + name + data;
  }
  return out + directory + "PK\5\6" + std::string(4, '\0') + little_endian(entries.size(), 2) +
         little_endian(entries.size(), 2) + little_endian(directory.size(), 4) +
         little_endian(out.size(), 4) + std::string(2, '\0');
}

// A tensor in data.pkl: float32 storage '0' of count elements, and its geometry.
std::string tensor_pickle(int count, int offset, const std::string& sizes,
                          const std::string& strides) {
  const auto number = [](int n) { return "J" + little_endian(static_cast<uint32_t>(n), 4); };
  return "\x80\x02"
         "ctorch._utils\n_rebuild_tensor_v2\n((X" +
         little_endian(7, 4) + "storagectorch\nFloatStorage\nX" + little_endian(1, 4) + "0X" +
         little_endian(3, 4) + "cpu" + number(count) + "tQ" + number(offset) + "(" + sizes + "t(" +
         strides +
         "t\x89"
         "ccollections\nOrderedDict\n)RtR.";
}

TensorMap load_bytes(const std::string& bytes) {
  return TorchFile(memory_source(bytes, "test")).load_all();
}

std::string with_pickle(const std::string& pickle) {
  return make_zip({{"a/data.pkl", pickle}, {"a/data/0", std::string(16, '\0')}});
}

}  // namespace

TEST_CASE("tensors of torch.save are those of PyTorch, with their strides") {
  const TensorMap expected = load_safetensors(file("expected.safetensors"));
  const auto strides = test::load_json("torch/strides.json");
  std::map<std::string, TensorMap> loaded;
  size_t count = 0;
  for (const auto& [full_name, tensor] : expected) {
    CAPTURE(full_name);
    const size_t colon = full_name.find(':');
    const std::string path = full_name.substr(0, colon), name = full_name.substr(colon + 1);
    if (!loaded.contains(path)) count += (loaded[path] = load_torch(file(path))).size();
    REQUIRE(loaded[path].contains(name));
    const Tensor& got = loaded[path][name];
    CHECK(got.sizes() == tensor.sizes());
    CHECK(got.dtype() == tensor.dtype());
    CHECK(got.strides() == test::to_dims(strides[full_name]));
    CHECK(bytes_of(got) == bytes_of(tensor));
  }
  CHECK(count == expected.size());
  CHECK(loaded.size() == 10);
}

TEST_CASE("tensors that shared memory share it again") {
  const TensorMap views = load_torch(file("views.pth"));
  CHECK(views.at("same").storage().get() == views.at("transposed").storage().get());
  CHECK(views.at("same").storage().get() == views.at("window").storage().get());
  CHECK(views.at("same").storage().get() != views.at("parameter").storage().get());
}

TEST_CASE("what is saved beside tensors can be asked for") {
  TorchFile checkpoint(file("checkpoint.pth"));
  const PickleValue& root = checkpoint.root();
  CHECK(root.find("epoch")->integer == 3);
  CHECK(root.find("note")->text == "\xc3\xa9tat");
  CHECK(root.find("best")->real == 0.25);
  CHECK(root.find("big")->integer == int64_t{1} << 40);
  CHECK(root.find("negative")->integer == -3);
  CHECK(root.find("size")->is_object("torch", "Size"));
  const auto array = tensor_of_numpy(*root.find("array"), "test");
  REQUIRE(array.has_value());
  CHECK(array->to_vector<float>() == std::vector<float>{0, 1, 2, 3, 4});
  CHECK(checkpoint.load_all(*root.find("model")).contains("1.running_mean"));
  TorchFile lightning(file("lightning.ckpt"));
  CHECK(lightning.root().find("hyper_parameters")->find("width")->integer == 3);
  CHECK(lightning.load_all(*lightning.root().find("state_dict")).size() == 2);
  CHECK(lightning.root().find("optimizer_states")->items().size() == 1);
}

TEST_CASE("files that are no data are refused with what to do") {
  const auto refuse = [](const char* name, const char* words) {
    test::check_error(ErrorCode::kUnsupported, words, [&] { load_torch(file(name)); });
  };
  refuse("legacy.pth", "torch.save(torch.load(path, map_location='cpu'), path)");
  refuse("module.pth", "'torch.nn.modules.container'.'Sequential' is not one that files may name");
  refuse("uint16.pth", "tensors of torch.uint16 are not supported");
  refuse("script.pth", "TorchScript");
  test::check_error(ErrorCode::kCorrupt, "begins with other bytes",
                    [&] { load_torch(file("expected.safetensors")); });
  test::check_error(ErrorCode::kNotFound, "none.pth", [&] { load_torch(file("none.pth")); });
}

TEST_CASE("every cut and every flipped byte of a file is an error or changes nothing much") {
  const std::string whole = read_file(file("tensor.pth"), 1 << 20);
  const auto read = [](const std::string& bytes) {
    try {
      load_bytes(bytes);
      return true;
    } catch (const Error& error) {
      const bool expected =
          error.code() == ErrorCode::kCorrupt || error.code() == ErrorCode::kUnsupported;
      CHECK_MESSAGE(expected, error.what());
      return false;
    }
  };
  CHECK(read(whole));
  for (size_t length = 0; length < whole.size(); ++length)
    CHECK_FALSE(read(whole.substr(0, length)));
  for (size_t i = 0; i < whole.size(); ++i) {
    std::string changed = whole;
    changed[i] = static_cast<char>(changed[i] ^ 0x55);
    read(changed);
  }
}

TEST_CASE("flipped data fail their CRC") {
  const std::string pickle = tensor_pickle(4, 0, "K\x04", "K\x01");
  std::string zip = with_pickle(pickle);
  CHECK(load_bytes(zip).at("").to_vector<float>() == std::vector<float>(4, 0.0f));
  const size_t at = zip.find("a/data/0") + 8;
  zip[at + 5] ^= 1;
  test::check_error(ErrorCode::kCorrupt, "entry 'a/data/0': expected the CRC",
                    [&] { load_bytes(zip); });
}

TEST_CASE("tensors stay inside of their storage") {
  const auto refuse = [](ErrorCode code, const char* words, const std::string& pickle) {
    test::check_error(code, words, [&] { load_bytes(with_pickle(pickle)); });
  };
  const auto corrupt = ErrorCode::kCorrupt;
  const std::string huge = "\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7f";
  refuse(corrupt, "outside of its storage of 4 elements", tensor_pickle(4, 0, "K\x05", "K\x01"));
  refuse(corrupt, "outside of its storage", tensor_pickle(4, 1, "K\x04", "K\x01"));
  refuse(corrupt, "outside of its storage", tensor_pickle(4, 0, "K\x02", huge));
  refuse(corrupt, "outside of its storage", tensor_pickle(4, 0, huge + "K\x03", huge + "K\x01"));
  refuse(corrupt, "a size or stride >= 0", tensor_pickle(4, 3, "K\x02", "J\xff\xff\xff\xff"));
  refuse(corrupt, "an offset >= 0", tensor_pickle(4, -1, "K\x02", "K\x01"));
  refuse(corrupt, "as many strides as sizes", tensor_pickle(4, 0, "K\x02K\x02", "K\x01"));
  refuse(corrupt, "expected 20 bytes of float32 in storage '0', got 16",
         tensor_pickle(5, 0, "K\x02", "K\x01"));
  refuse(ErrorCode::kUnsupported, "much larger than the file",
         tensor_pickle(4, 0, "J" + little_endian(1 << 30, 4), std::string("K\0", 2)));
  const std::string none = tensor_pickle(4, 0, std::string("K\0", 2) + huge, huge + "K\x01");
  CHECK(load_bytes(with_pickle(none)).at("").numel() == 0);
}

TEST_CASE("archives that contradict themselves are refused") {
  const std::string pickle = tensor_pickle(4, 0, "K\x04", "K\x01");
  const auto refuse = [](ErrorCode code, const char* words, const std::string& zip) {
    test::check_error(code, words, [&] { load_bytes(zip); });
  };
  refuse(ErrorCode::kCorrupt, "without data.pkl", make_zip({{"a/other", ""}}));
  refuse(ErrorCode::kCorrupt, "the storage '0' is missing", make_zip({{"a/data.pkl", pickle}}));
  refuse(ErrorCode::kCorrupt, "entry 'a/data.pkl' is there twice",
         make_zip({{"a/data.pkl", "N."}, {"a/data.pkl", "N."}}));
  refuse(ErrorCode::kCorrupt, "byte order little or big",
         make_zip({{"a/data.pkl", "N."}, {"a/byteorder", "none"}}));
  std::string zip = with_pickle(pickle);
  const size_t directory = zip.find("PK\1\2"), end = zip.rfind("PK\5\6");
  zip[directory + 10] = 8;
  refuse(ErrorCode::kUnsupported, "expected stored bytes, got compressed", zip);
  zip = with_pickle(pickle);
  zip[directory + 20] = zip[directory + 24] = '\x7f';
  zip[directory + 21] = zip[directory + 25] = '\x7f';
  refuse(ErrorCode::kCorrupt, "reach behind byte", zip);
  zip = with_pickle(pickle);
  zip[end + 8] = zip[end + 10] = '\x70';
  refuse(ErrorCode::kCorrupt, "do not fit into a directory", zip);
  zip = with_pickle(pickle);
  zip[5] = 'x', zip[30] = 'x';  // the local header names another entry
  refuse(ErrorCode::kCorrupt, "another one lies at byte 0", zip);
}

TEST_CASE("walks over shared values end") {
  // 60 levels of a list that holds the one before it ten times, with a tensor at the bottom.
  std::string pickle = tensor_pickle(4, 0, "K\x04", "K\x01");
  pickle.pop_back();
  pickle = "\x80\x04" + pickle.substr(2) + "\x94";
  for (int i = 0; i < 60; ++i) {
    pickle += "](";
    for (int k = 0; k < 10; ++k) pickle += std::string("h") + static_cast<char>(i);
    pickle += "e\x94";
  }
  const std::string bytes = "(" + pickle + "l.";
  test::check_error(ErrorCode::kUnsupported, "expected at most",
                    [&] { load_bytes(with_pickle(bytes)); });
  const std::string itself =
      "]q\x01h\x01"
      "a.";
  test::check_error(ErrorCode::kUnsupported, "in 64 levels",
                    [&] { load_bytes(with_pickle(itself)); });
}
