// CIFAR's official forms with a few images (tests/data/nn/cifar.py), in archives and folders.
#include "nn/data/cifar.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <filesystem>
#include <mutex>

#include "core/io/atomic_file.h"
#include "core/io/file.h"
#include "core/warning.h"
#include "tests/core/io_helpers.h"

using namespace iolaus;
using namespace iolaus::nn::data;
namespace fs = std::filesystem;

namespace {

const std::string kFolder = std::string(IOLAUS_SOURCE_DIR) + "/tests/data/nn/cifar";

std::string last_warning;

// Warnings go to last_warning while it lives.
struct CatchWarnings {
  CatchWarnings() {
    last_warning.clear();
    set_warning_handler([](const std::string& message) { last_warning = message; });
  }
  ~CatchWarnings() { set_warning_handler(nullptr); }
};

// Pixels as the script made them, for count images in files of per_file.
void check_images(const CifarImages& data, int64_t count, int64_t per_file) {
  REQUIRE(data.images.sizes() == Dims{count, 3, 32, 32});
  const uint8_t* pixel = data.images.data<uint8_t>();
  int64_t wrong = 0;
  for (int64_t n = 0; n < count; ++n) {
    for (int64_t c = 0; c < 3; ++c) {
      for (int64_t y = 0; y < 32; ++y) {
        for (int64_t x = 0; x < 32; ++x, ++pixel) {
          wrong += *pixel != (n % per_file * 7 + c * 50 + y * 3 + x) % 256;
        }
      }
    }
  }
  CHECK(wrong == 0);
}

void check_ten(const std::string& path) {
  CAPTURE(path);
  const CatchWarnings warnings;
  const CifarImages train = read_cifar(path, Cifar::k10, true);
  check_images(train, 10, 2);
  CHECK(train.labels.to_vector<int64_t>() == std::vector<int64_t>{2, 3, 4, 5, 6, 7, 8, 9, 0, 1});
  CHECK(last_warning.find("10 images, where the official data have 50000") != std::string::npos);
  const CifarImages test = read_cifar(path, Cifar::k10, false);
  check_images(test, 3, 3);
  CHECK(test.labels.to_vector<int64_t>() == std::vector<int64_t>{4, 5, 6});
  REQUIRE(test.classes.size() == 10);
  CHECK(test.classes[0] == "airplane");
  CHECK(test.classes[9] == "truck");
}

void check_hundred(const std::string& path) {
  CAPTURE(path);
  const CatchWarnings warnings;
  const CifarImages train = read_cifar(path, Cifar::k100, true);
  check_images(train, 5, 5);
  CHECK(train.labels.to_vector<int64_t>() == std::vector<int64_t>{3, 16, 29, 42, 55});
  CHECK(train.classes.size() == 100);
  CHECK(train.classes[99] == "fine_99");
  CHECK(read_cifar(path, Cifar::k100, false).labels.to_vector<int64_t>() ==
        std::vector<int64_t>{50, 63});
}

void unpack(const std::string& archive, const std::string& folder) {
  const std::string command = "tar xzf " + kFolder + "/" + archive + ".tar.gz -C " + folder;
  REQUIRE(std::system(command.c_str()) == 0);
}

}  // namespace

TEST_CASE("CIFAR loads from its archives") {
  check_ten(kFolder);
  check_ten(kFolder + "/cifar-10-python.tar.gz");
  check_ten(kFolder + "/cifar-10-binary.tar.gz");
  check_hundred(kFolder);
  check_hundred(kFolder + "/cifar-100-python.tar.gz");
  check_hundred(kFolder + "/cifar-100-binary.tar.gz");
}

TEST_CASE("CIFAR loads from folders, inside of them and around them") {
  for (const char* form : {"python", "binary"}) {
    const test::TempDir dir;
    unpack(std::string("cifar-10-") + form, dir.path());
    unpack(std::string("cifar-100-") + form, dir.path());
    check_ten(dir.path());
    check_hundred(dir.path());
    check_ten(dir /
              (form == std::string("python") ? "cifar-10-batches-py" : "cifar-10-batches-bin"));
    check_hundred(dir / (std::string("cifar-100-") + form));
  }
}

TEST_CASE("CIFAR's files that are missing or wrong are named") {
  const CatchWarnings warnings;
  const test::TempDir dir;
  const auto load = [&] { read_cifar(dir.path(), Cifar::k10, true); };
  test::check_error(ErrorCode::kNotFound, "with data_batch_1 and so on; they are offered at", load);
  test::check_error(ErrorCode::kNotFound, "expected cifar-100-python.tar.gz or",
                    [&] { read_cifar(kFolder + "/cifar-10-python.tar.gz", Cifar::k100, true); });
  unpack("cifar-10-binary", dir.path());
  const std::string batch = dir / "cifar-10-batches-bin/data_batch_3.bin";
  std::string bytes = io::read_file(batch, 1 << 20);
  io::write_file_atomic(batch, bytes.substr(0, 4000));
  test::check_error(ErrorCode::kCorrupt, "data_batch_3.bin: expected records of 3073 bytes", load);
  bytes[3073] = 10;
  io::write_file_atomic(batch, bytes);
  test::check_error(ErrorCode::kCorrupt, "expected labels in [0, 10), got 10 for image 5", load);
  io::write_file_atomic(dir / "cifar-10-batches-bin/batches.meta.txt", "cat\ndog\n");
  bytes[3073] = 9;
  io::write_file_atomic(batch, bytes);
  test::check_error(ErrorCode::kCorrupt, "expected 10 names of classes, got 2", load);

  unpack("cifar-10-python", dir.path());
  const std::string pickled = dir / "cifar-10-batches-py/data_batch_2";
  std::string pickle = io::read_file(pickled, 1 << 20);
  const auto replace = [&](const std::string& from, const std::string& to) {
    std::string changed = pickle;
    changed.replace(changed.find(from), from.size(), to);
    io::write_file_atomic(pickled, changed);
  };
  replace("labels", "babels");
  test::check_error(ErrorCode::kCorrupt, "expected labels in a dict, got nothing", load);
  replace("_reconstruct", "_reinvented_");
  test::check_error(ErrorCode::kUnsupported, "'_reinvented_' is not one that files may name", load);
  replace(std::string("M\0\x0c", 3), std::string("M\0\x0b", 3));
  test::check_error(ErrorCode::kCorrupt, "expected 5632 bytes for an array's shape", load);
}
