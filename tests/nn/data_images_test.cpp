// Images to normalised tensors, bit for bit PyTorch's (tests/data/nn/normalize.py), and MNIST's
// files, right and wrong.
#include <doctest/doctest.h>

#include <bit>
#include <cstring>
#include <fstream>
#include <nlohmann/json.hpp>
#include <numeric>

#include "core/io/atomic_file.h"
#include "nn/data/loader.h"
#include "nn/data/mnist.h"
#include "tests/core/io_helpers.h"

using namespace iolaus;
using namespace iolaus::nn::data;

namespace {

Tensor bytes(const Dims& sizes) {
  Tensor t = empty(sizes, {.dtype = kUInt8});
  for (int64_t i = 0; i < t.numel(); ++i) t.data<uint8_t>()[i] = static_cast<uint8_t>(i);
  return t;
}

// An IDX file with these sizes and the bytes 0, 1, 2, ... modulo 10.
void write_idx(const std::string& path, std::initializer_list<uint32_t> sizes) {
  std::string content{0, 0, 8, static_cast<char>(sizes.size())};
  uint32_t count = 1;
  for (const uint32_t size : sizes) {
    content += test::big_endian(size);
    count *= size;
  }
  for (uint32_t i = 0; i < count; ++i) content += static_cast<char>(i % 10);
  io::write_file_atomic(path, content);
}

}  // namespace

TEST_CASE("bytes are normalised to PyTorch's very bits") {
  std::ifstream file(std::string(IOLAUS_SOURCE_DIR) + "/tests/data/nn/normalize.json");
  const auto data = nlohmann::json::parse(file);
  for (const auto& c : data["cases"]) {
    const ImageDataset dataset(bytes({1, 16, 16}), from_values<int64_t>({3}, {1}), 10,
                               {{c["mean"].get<float>()}, {c["std"].get<float>()}});
    const Tensor image = dataset.get(0, {})[0];
    CHECK(image.sizes() == Dims{1, 16, 16});
    for (int i = 0; i < 256; ++i) {
      CHECK(std::bit_cast<int32_t>(image.data<float>()[i]) == c["bits"][i].get<int32_t>());
    }
  }
}

TEST_CASE("channels have tables of their own and batches follow the indices") {
  const ImageDataset dataset(bytes({3, 2, 2, 2}), from_values<uint8_t>({4, 5, 6}, {3}), 7,
                             {{0, 0.5f}, {1, 0.25f}});
  const Sample batch = dataset.get_batch(std::vector<int64_t>{2, 0}, {});
  CHECK(batch[0].sizes() == Dims{2, 2, 2, 2});
  CHECK(batch[1].dtype() == kInt64);
  CHECK(batch[1].to_vector<int64_t>() == std::vector<int64_t>{6, 4});
  const auto values = batch[0].to_vector<float>();
  for (int i = 0; i < 4; ++i) {
    CHECK(values[i] == doctest::Approx((16 + i) / 255.0));
    CHECK(values[4 + i] == doctest::Approx(((20 + i) / 255.0 - 0.5) / 0.25));
    CHECK(values[8 + i] == doctest::Approx(i / 255.0));
  }
  CHECK(dataset.get(1, {})[1].item<int64_t>() == 5);
  CHECK(dataset.get(1, {})[1].dim() == 0);
  CHECK_THROWS_AS(dataset.get(3, {}), Error);
  CHECK_THROWS_AS(dataset.get(-1, {}), Error);
}

TEST_CASE("images and labels that do not fit are refused") {
  const Tensor labels = from_values<uint8_t>({1, 2}, {2});
  const auto check = [&](ErrorCode code, const char* words, auto&&... arguments) {
    test::check_error(code, words, [&] { ImageDataset dataset(arguments...); });
  };
  check(ErrorCode::kInvalidArgument, "one for each image", bytes({3, 2, 2}), labels, 10);
  check(ErrorCode::kInvalidArgument, "(N, H, W) or (N, C, H, W)", bytes({2, 2}), labels, 10);
  check(ErrorCode::kType, "expected uint8 images, got float32[2, 2, 2]", empty({2, 2, 2}), labels,
        10);
  check(ErrorCode::kInvalidArgument, "expected labels in [0, 2), got 2 for image 1",
        bytes({2, 2, 2}), labels, 2);
  check(ErrorCode::kInvalidArgument, "expected 1 means", bytes({2, 2, 2}), labels, 10,
        Normalization{{0, 0}, {1, 1}});
  check(ErrorCode::kInvalidArgument, "deviations > 0", bytes({2, 2, 2}), labels, 10,
        Normalization{{0}, {0}});
}

TEST_CASE("a folder in MNIST's format loads; wrong folders name what is wrong") {
  const test::TempDir dir;
  test::check_error(ErrorCode::kNotFound, "install Debian's package dataset-fashion-mnist",
                    [&] { load_mnist(dir.path(), true, mnist_normalization()); });
  write_idx(dir / "train-images-idx3-ubyte", {5, 4, 3});
  write_idx(dir / "train-labels-idx1-ubyte", {5});
  const auto dataset = load_mnist(dir.path(), true, {});
  CHECK(dataset->size() == 5);
  CHECK(dataset->image_sizes() == Dims{1, 4, 3});
  CHECK(dataset->get(3, {})[1].item<int64_t>() == 3);
  write_idx(dir / "train-labels-idx1-ubyte", {4});
  test::check_error(ErrorCode::kCorrupt, "train-labels-idx1-ubyte: expected 5 labels",
                    [&] { load_mnist(dir.path(), true, {}); });
  write_idx(dir / "train-images-idx3-ubyte", {5});
  test::check_error(ErrorCode::kCorrupt, "expected images uint8[N, H, W], got uint8[5]",
                    [&] { load_mnist(dir.path(), true, {}); });
  std::string wrong("\0\0\x08\x01\0\0\0\x01\x0a", 9);  // one label: 10
  io::write_file_atomic(dir / "t10k-labels-idx1-ubyte", wrong);
  write_idx(dir / "t10k-images-idx3-ubyte", {1, 2, 2});
  test::check_error(ErrorCode::kCorrupt, "expected labels below 10, got 10 for image 0",
                    [&] { load_mnist(dir.path(), false, {}); });
}

TEST_CASE("Fashion-MNIST loads, and its normalised pixels have mean 0 and deviation 1") {
  if (!std::filesystem::exists(kFashionMnistPath)) {
    MESSAGE("skipped: ", std::string(kFashionMnistPath), " is not installed");
    return;
  }
  CHECK(load_fashion_mnist(false)->size() == 10000);
  const auto train = load_fashion_mnist(true);
  CHECK(train->size() == 60000);
  const DataLoader loader(train, {.batch_size = 1000, .shuffle = true, .num_workers = 2});
  double sum = 0, squares = 0;
  int64_t labels = 0;
  Epoch epoch = loader.epoch(0);
  for (const Batch& batch : epoch) {
    CHECK(batch.input().sizes() == Dims{1000, 1, 28, 28});
    const float* x = batch.input().data<float>();
    for (int64_t i = 0; i < batch.input().numel(); ++i) {
      sum += x[i];
      squares += x[i] * x[i];
    }
    for (const int64_t label : batch.target().to_vector<int64_t>()) labels += label;
  }
  const double n = 60000.0 * 784;
  CHECK(std::abs(sum / n) < 1e-3);
  CHECK(std::abs(squares / n - 1) < 1e-3);
  CHECK(labels == 6000 * 45);
}
