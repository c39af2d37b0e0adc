// Transforms against their definition pixel by pixel, against PyTorch (tests/data/nn/resize.py),
// and against themselves: on another device, by other code, in other batches.
#include "nn/data/transforms.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <fstream>
#include <nlohmann/json.hpp>
#include <set>

#include "autograd/ops.h"
#include "config/instantiate.h"
#include "config/yaml.h"
#include "nn/data/images.h"
#include "nn/data/loader.h"
#include "nn/data/windows.h"
#include "tests/core/io_helpers.h"
#include "tests/devices.h"

using namespace iolaus;
using namespace iolaus::nn::data;

namespace {

// Each pixel has a value of its own, as far as 8 bits can.
Tensor numbered(const Dims& sizes, DType dtype = kUInt8) {
  Tensor t = empty(sizes, {.dtype = kUInt8});
  for (int64_t i = 0; i < t.numel(); ++i) t.data<uint8_t>()[i] = static_cast<uint8_t>(i * 7 + 3);
  return to(t, dtype);
}

std::vector<double> values(const Tensor& t) { return t.to_vector<double>(); }

std::vector<int64_t> first(int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) indices[static_cast<size_t>(i)] = i;
  return indices;
}

Tensor run(const TransformPtr& transform, const Tensor& images, PhiloxKey key = {1, 2}) {
  return transform->apply(images, first(images.size(0)), key);
}

// 1 x 1 x n of these values.
Tensor row(const std::vector<float>& all) {
  return from_values(all, {1, 1, 1, static_cast<int64_t>(all.size())});
}

std::vector<float> padded(PadMode mode, int64_t n) {
  return run(pad({n, 0, n, 0}, 9, mode), row({1, 2, 3})).to_vector<float>();
}

TransformPtr augment() {
  return compose({random_crop({.height = 8, .width = 6, .padding = {2, 3, 2, 3}, .fill = 5}),
                  random_horizontal_flip(), random_vertical_flip(0.3), cutout(3),
                  random_erasing({.p = 0.8, .value = 7})});
}

}  // namespace

TEST_CASE("padding modes are numpy's") {
  CHECK(padded(PadMode::kConstant, 2) == std::vector<float>{9, 9, 1, 2, 3, 9, 9});
  CHECK(padded(PadMode::kEdge, 2) == std::vector<float>{1, 1, 1, 2, 3, 3, 3});
  CHECK(padded(PadMode::kReflect, 2) == std::vector<float>{3, 2, 1, 2, 3, 2, 1});
  CHECK(padded(PadMode::kSymmetric, 2) == std::vector<float>{2, 1, 1, 2, 3, 3, 2});
  CHECK(padded(PadMode::kReflect, 5) == std::vector<float>{2, 1, 2, 3, 2, 1, 2, 3, 2, 1, 2, 3, 2});
}

TEST_CASE("flips mirror, with their probability") {
  const Tensor images = numbered({200, 2, 3, 4});
  CHECK(values(run(random_horizontal_flip(1), images)) == values(flip(images, {3})));
  CHECK(values(run(random_vertical_flip(1), images)) == values(flip(images, {2})));
  CHECK(values(run(random_horizontal_flip(0), images)) == values(images));
  const Tensor some = run(random_horizontal_flip(0.25), images);
  int flipped = 0;
  for (int64_t i = 0; i < 200; ++i) {
    flipped += values(select(some, 0, i)) != values(select(images, 0, i));
  }
  CHECK(flipped > 25);
  CHECK(flipped < 75);
}

TEST_CASE("crops are parts of the padded image, at each place equally often") {
  const Tensor image = numbered({1, 1, 4, 4});
  const Tensor images = contiguous(expand(image, {900, 1, 4, 4}));
  const Tensor around = run(pad({1, 1, 1, 1}), image);
  const Tensor crops = run(random_crop({.height = 4, .width = 4, .padding = {1, 1, 1, 1}}), images);
  std::map<std::vector<double>, int> seen;
  for (int64_t i = 0; i < 900; ++i) ++seen[values(select(crops, 0, i))];
  CHECK(seen.size() == 9);
  for (int64_t y = 0; y < 3; ++y) {
    for (int64_t x = 0; x < 3; ++x) {
      const int count = seen[values(narrow(narrow(around, 2, y, 4), 3, x, 4))];
      CHECK(count > 60);
      CHECK(count < 145);
    }
  }
  test::check_error(ErrorCode::kInvalidArgument, "padded images of at least 5 x 4, got 4 x 4",
                    [&] { run(random_crop({.height = 5, .width = 4}), image); });
  CHECK(run(random_crop({.height = 6, .width = 4, .pad_if_needed = true}), image).sizes() ==
        Dims{1, 1, 6, 4});
}

TEST_CASE("the middle is cut as torchvision cuts it") {
  const Tensor image = numbered({1, 1, 5, 7});
  CHECK(values(run(center_crop(2, 4), image)) ==
        values(narrow(narrow(image, 2, 2, 2), 3, 2, 4)));  // 1.5 rounds to 2
  CHECK(values(run(center_crop(4, 7), image)) == values(narrow(image, 2, 0, 4)));  // 0.5 to 0
  CHECK(values(run(center_crop(8, 7), image)) == values(run(pad({0, 1, 0, 2}), image)));
}

TEST_CASE("erased rectangles have the size and shape that was asked for") {
  const Tensor images = full({300, 2, 20, 30}, 1.0);
  const Tensor out =
      run(random_erasing({.p = 0.5, .min_scale = 0.1, .max_scale = 0.2, .value = -1}), images);
  int erased = 0;
  for (int64_t i = 0; i < 300; ++i) {
    const Tensor plane = select(select(out, 0, i), 0, 1);
    CHECK(values(plane) == values(select(select(out, 0, i), 0, 0)));
    const auto count = sum(lt(plane, 0)).item<int64_t>();
    const auto rows = sum(any(lt(plane, 0), Dims{1})).item<int64_t>();
    const auto columns = sum(any(lt(plane, 0), Dims{0})).item<int64_t>();
    CHECK(count == rows * columns);
    if (count == 0) continue;
    ++erased;
    CHECK(count >= 40);  // 60 to 120 pixels, with edges rounded
    CHECK(count <= 150);
  }
  CHECK(erased > 110);
  CHECK(erased < 190);
  const Tensor cut = run(cutout(4), images);
  for (int64_t i = 0; i < 300; ++i) {
    const auto zeros = sum(eq(select(select(cut, 0, i), 0, 0), 0)).item<int64_t>();
    CHECK(zeros >= 4);  // a corner
    CHECK(zeros <= 16);
  }
}

TEST_CASE("resized images are PyTorch's") {
  std::ifstream file(std::string(IOLAUS_SOURCE_DIR) + "/tests/data/nn/resize.json");
  for (const auto& c : nlohmann::json::parse(file)) {
    const int64_t rows = c["rows"], columns = c["columns"], height = c["height"];
    std::vector<float> pixels;
    for (int64_t i = 0; i < rows * columns; ++i) pixels.push_back(static_cast<float>(i * 37 % 101));
    const Tensor out = run(resize(height, c["width"].get<int64_t>(), c["antialias"].get<bool>()),
                           from_values(pixels, {1, 1, rows, columns}));
    const auto expected = c["out"].get<std::vector<double>>();
    const auto got = values(out);
    REQUIRE(got.size() == expected.size());
    for (size_t i = 0; i < got.size(); ++i) {
      CHECK(std::abs(got[i] - expected[i]) <= 1e-5 + 1.3e-6 * std::abs(expected[i]));
    }
  }
  CHECK(run(resize(4), numbered({1, 3, 8, 12})).sizes() == Dims{1, 3, 4, 6});
  CHECK(run(resize(4), numbered({1, 3, 12, 8})).sizes() == Dims{1, 3, 6, 4});
  CHECK(run(resize(4), numbered({1, 3, 12, 8})).dtype() == kUInt8);
}

TEST_CASE("ToTensor and Normalize together are one step with the same values") {
  const Tensor images = numbered({2, 3, 16, 16});
  const Normalization n{{0.4f, 0.5f, 0.6f}, {0.2f, 0.3f, 0.25f}};
  const Tensor fused = run(compose({to_tensor(), normalize(n)}), images);
  const Tensor apart = run(normalize(n), run(to_tensor(), images));
  CHECK(values(fused) == values(apart));
  CHECK(values(PixelValues(n).convert_by_ops(images)) == values(fused));
  test::check_error(ErrorCode::kType, "ToTensor goes before", [&] { run(normalize(n), images); });
  test::check_error(ErrorCode::kInvalidArgument, "expected 1 means and deviations", [&] {
    run(normalize(n), full({1, 1, 2, 2}, 1.0));
  });
}

TEST_CASE("windows and rectangles by tensor ops equal those by loops, on every device") {
  std::vector<Window> windows;
  std::vector<Rectangle> rectangles;
  for (int64_t i = 0; i < 12; ++i) {
    windows.push_back({i - 6, 4 - i, i % 2 == 0, i % 3 == 0});
    rectangles.push_back({i % 5, i % 3, i % 5 + i % 4, i % 3 + 2});
  }
  for (const Device device : test::all_devices()) {
    CAPTURE(device.str());
    for (const DType dtype : {kUInt8, kFloat32}) {
      const Tensor images = numbered({12, 2, 9, 7}, dtype), there = to(images, device);
      for (const PadMode mode :
           {PadMode::kConstant, PadMode::kEdge, PadMode::kReflect, PadMode::kSymmetric}) {
        const WindowShape shape{8, 10, mode, 4};
        const Tensor expected = take_windows(images, windows, shape);
        const Tensor got = take_windows_by_ops(there, windows, shape);
        CHECK(got.dtype() == dtype);
        CHECK(values(got) == values(expected));
      }
      CHECK(values(fill_rectangles_by_ops(there, rectangles, 3)) ==
            values(fill_rectangles(images, rectangles, 3)));
    }
  }
}

TEST_CASE("what is drawn depends on seed, epoch and sample alone") {
  const TransformPtr transform = augment();
  const Tensor images = numbered({40, 3, 8, 8});
  const Tensor all = transform->apply(images, first(40), {5, 6});
  const std::vector<int64_t> one{17};
  CHECK(values(transform->apply(contiguous(narrow(images, 0, 17, 1)), one, {5, 6})) ==
        values(narrow(all, 0, 17, 1)));
  CHECK(values(transform->apply(images, first(40), {5, 7})) != values(all));
  CHECK(values(transform->apply(images, first(40), {6, 6})) != values(all));
  // Two of a kind draw differently.
  const auto crop = random_crop({.height = 4, .width = 4});
  const Tensor twice = compose({crop, crop})->apply(numbered({40, 1, 8, 8}), first(40), {5, 6});
  CHECK(twice.sizes() == Dims{40, 1, 4, 4});
}

TEST_CASE("augmented batches are equal for any number of workers, and on every device") {
  const auto dataset = std::make_shared<ImageDataset>(
      numbered({50, 3, 8, 8}), zeros({50}, {.dtype = kInt64}), 10,
      Normalization{{0.5f, 0.4f, 0.3f}, {0.2f, 0.3f, 0.4f}}, augment());
  const auto contents = [](const DatasetPtr& data, int workers) {
    const DataLoader loader(data,
                            {.batch_size = 16, .shuffle = true, .num_workers = workers, .seed = 3});
    std::vector<double> all;
    Epoch epoch = loader.epoch(2);
    for (const Batch& batch : epoch) {
      CHECK(batch.input().sizes() == Dims{batch.size(), 3, 8, 6});
      for (const double value : values(batch.input())) all.push_back(value);
      for (const double value : values(batch.target())) all.push_back(value);
    }
    return all;
  };
  const auto expected = contents(dataset, 0);
  CHECK(contents(dataset, 1) == expected);
  CHECK(contents(dataset, 3) == expected);
  for (const Device device : test::all_devices()) {
    CAPTURE(device.str());
    const auto there = std::make_shared<DeviceImages>(dataset, device);
    CHECK(there->get_batch(first(2), {})[0].device() == device);
    CHECK(contents(there, 0) == expected);
  }
}

TEST_CASE("configs name transforms as torchvision does") {
  const auto make = [](const std::string& yaml) {
    return config::instantiate<Transform>(config::load_yaml(yaml, "test"));
  };
  const TransformPtr pipeline = make(R"(
_target_: torchvision.transforms.Compose
transforms:
  - {_target_: torchvision.transforms.Resize, size: [12, 10]}
  - {_target_: torchvision.transforms.RandomCrop, size: 8, padding: [1, 2], padding_mode: reflect}
  - {_target_: torchvision.transforms.RandomHorizontalFlip}
  - {_target_: torchvision.transforms.v2.RandomVerticalFlip, p: 0.1}
  - {_target_: torchvision.transforms.Pad, padding: [1, 0, 2, 0]}
  - {_target_: torchvision.transforms.CenterCrop, size: [8, 7]}
  - {_target_: torchvision.transforms.ToTensor}
  - {_target_: torchvision.transforms.Normalize, mean: [0.5], std: [0.25]}
  - {_target_: torchvision.transforms.RandomErasing, p: 1, scale: [0.1, 0.2]}
  - {_target_: iolaus.nn.data.transforms.Cutout, size: 2}
)");
  const Tensor out = run(pipeline, numbered({3, 1, 9, 9}));
  CHECK(out.sizes() == Dims{3, 1, 8, 7});
  CHECK(out.dtype() == kFloat32);
  CHECK_THROWS_WITH_AS(make("{_target_: torchvision.transforms.Pad, padding: [1, 2, 3]}"),
                       doctest::Contains("expected one number, two or four"), Error);
  CHECK_THROWS_WITH_AS(
      make("{_target_: torchvision.transforms.RandomCrop, size: 3, padding_mode: wrap}"),
      doctest::Contains("expected constant, edge, reflect or symmetric, got wrap"), Error);
}
