// Rotations and colours beside torchvision's functions for given parameters
// (tests/data/nn/vision.py), and what RandomRotation and ColorJitter draw.
#include <doctest/doctest.h>

#include <nlohmann/json.hpp>
#include <set>

#include "autograd/ops.h"
#include "autograd/ops/arrange.h"
#include "config/instantiate.h"
#include "config/yaml.h"
#include "core/io/safetensors.h"
#include "nn/data/color.h"
#include "nn/data/rotation.h"
#include "tests/core/io_helpers.h"
#include "tests/devices.h"

using namespace iolaus;
using namespace iolaus::nn::data;
using nlohmann::json;

namespace {

const std::string kFile = std::string(IOLAUS_SOURCE_DIR) + "/tests/data/nn/vision.safetensors";

RotationOptions rotation_of(const json& c) {
  RotationOptions o;
  o.bilinear = c.at("mode") == "bilinear";
  o.expand = c.at("expand");
  o.fill = c.at("fill").get<std::vector<double>>();
  if (c.contains("center")) o.center = {c["center"][0].get<double>(), c["center"][1].get<double>()};
  return o;
}

Tensor run(const json& c, const Tensor& images) {
  const std::string name = c.at("name");
  const auto count = static_cast<size_t>(images.size(0));
  if (name == "rotate") {
    return rotate_images(images, std::vector<double>(count, c.at("angle").get<double>()),
                         rotation_of(c));
  }
  const std::vector<double> factors(count, c.at("factor").get<double>());
  if (name == "brightness") return adjust_brightness(images, factors);
  if (name == "contrast") return adjust_contrast(images, factors);
  if (name == "saturation") return adjust_saturation(images, factors);
  return adjust_hue(images, factors);
}

// 1 x C x H x W in a batch with another one.
Tensor batch_of(const Tensor& image, bool is_float) {
  const Tensor both = stack({image, flip(image, {2})});
  return is_float ? to(both, kFloat32) / 255.0 : both;
}

std::vector<int64_t> first(int64_t count) {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  for (int64_t i = 0; i < count; ++i) indices[static_cast<size_t>(i)] = i;
  return indices;
}

Tensor pixels(const Dims& sizes) {
  Tensor t = empty(sizes, {.dtype = kUInt8});
  for (int64_t i = 0; i < t.numel(); ++i)
    t.data<uint8_t>()[i] = static_cast<uint8_t>(i * 37 + i / 9);
  return t;
}

TransformPtr make(const std::string& text) {
  return config::instantiate<Transform>(
      config::load_yaml("{_target_: torchvision.transforms." + text + "}", "test"));
}

std::vector<double> applied(const TransformPtr& t, const Tensor& images,
                            const std::vector<int64_t>& indices, PhiloxKey key = {4, 1}) {
  return t->apply(images, indices, key).to_vector<double>();
}

}  // namespace

TEST_CASE("rotations and colours are torchvision's") {
  const auto tensors = io::load_safetensors(kFile);
  const json cases = json::parse(io::SafetensorsFile(kFile).metadata().at("cases"));
  CHECK(cases.size() > 300);
  for (const Device device : test::all_devices()) {
    for (const json& c : cases) {
      CAPTURE(c.dump());
      CAPTURE(device.str());
      const bool is_float = c.at("float");
      const Tensor images =
          batch_of(tensors.at("in." + c.at("image").get<std::string>()), is_float);
      const Tensor out = select(to(run(c, to(images, device)), Device()), 0, 0);
      const Tensor expected = tensors.at(c.at("out").get<std::string>());
      REQUIRE(out.sizes() == expected.sizes());
      REQUIRE(out.dtype() == expected.dtype());
      const auto a = out.to_vector<double>(), b = expected.to_vector<double>();
      double worst = 0;
      for (size_t i = 0; i < a.size(); ++i) worst = std::max(worst, std::abs(a[i] - b[i]));
      // On the CPU bytes are equal; elsewhere a fused product may fall to the next level.
      CHECK(worst <= (is_float ? 2e-6 : device.is_cpu() ? 0.0 : 1.0));
    }
  }
}

TEST_CASE("what is drawn depends on key and sample alone, and keeps to its range") {
  const Tensor images = pixels({40, 3, 8, 8});
  const auto all = first(40);
  for (const char* text :
       {"RandomRotation, degrees: 30, interpolation: bilinear, fill: [1, 2, 3]",
        "v2.RandomRotation, degrees: [-90, 200], center: [1, 6]",
        "ColorJitter, brightness: 0.4, contrast: 0.5, saturation: [0.2, 3], hue: 0.3"}) {
    CAPTURE(text);
    const auto t = make(text);
    const auto whole = applied(t, images, all);
    const size_t each = whole.size() / 40;
    CHECK(applied(t, images, all) == whole);
    CHECK(applied(t, images, all, {5, 1}) != whole);
    // Samples alone, and in another order.
    for (const int64_t i : {0, 7, 39}) {
      const auto alone = applied(t, narrow(images, 0, i, 1), {i});
      const auto begin = whole.begin() + static_cast<std::ptrdiff_t>(static_cast<size_t>(i) * each);
      CHECK(std::vector<double>(begin, begin + static_cast<std::ptrdiff_t>(each)) == alone);
    }
    for (const Device device : test::all_devices()) {
      CAPTURE(device.str());
      const auto there = applied(t, to(images, device), all);
      // Sums in another order, and products that are fused, may fall to the other side of a level.
      for (size_t i = 0; i < whole.size(); ++i) REQUIRE(std::abs(there[i] - whole[i]) <= 1);
      if (device.is_cpu()) CHECK(there == whole);
    }
  }
  // Brightness alone: the factor can be read from a pixel of 100, float32.
  const Tensor grey = full({2000, 1, 1, 1}, 0.25);
  const auto factors = applied(make("ColorJitter, brightness: 0.5"), grey, first(2000));
  CHECK(*std::min_element(factors.begin(), factors.end()) >= 0.125);
  CHECK(*std::max_element(factors.begin(), factors.end()) <= 0.375);
  double sum = 0;
  for (const double f : factors) sum += f / 2000;
  CHECK(sum == doctest::Approx(0.25).epsilon(0.02));
  const auto high = applied(make("ColorJitter, brightness: [2, 2]"), narrow(grey, 0, 3, 1), {3});
  CHECK(high == std::vector<double>{0.5});
}

TEST_CASE("the jitter's operations come in each of their orders") {
  const Tensor image = pixels({1, 3, 8, 8});
  const Tensor images = contiguous(expand(image, {2400, 3, 8, 8}));
  const auto t = make(
      "ColorJitter, brightness: [0.8, 0.8], contrast: [1.3, 1.3], "
      "saturation: [1.4, 1.4], hue: [0.1, 0.1]");
  const Tensor out = t->apply(images, first(2400), {8, 0});
  std::map<std::vector<double>, int> seen;
  for (int64_t i = 0; i < 2400; ++i) ++seen[select(out, 0, i).to_vector<double>()];
  // The 24 orders, by hand.
  std::set<std::vector<double>> expected;
  std::vector<int> order{0, 1, 2, 3};
  do {
    Tensor x = image;
    for (const int operation : order) {
      const std::vector<double> f{operation == 0   ? 0.8
                                  : operation == 1 ? 1.3
                                  : operation == 2 ? 1.4
                                                   : 0.1};
      x = operation == 0   ? adjust_brightness(x, f)
          : operation == 1 ? adjust_contrast(x, f)
          : operation == 2 ? adjust_saturation(x, f)
                           : adjust_hue(x, f);
    }
    expected.insert(x.to_vector<double>());
  } while (std::next_permutation(order.begin(), order.end()));
  CHECK(expected.size() == 24);
  CHECK(seen.size() == 24);
  for (const auto& [values, count] : seen) {
    CHECK(expected.contains(values));
    CHECK(count > 60);  // 100 on average
    CHECK(count < 145);
  }
}

TEST_CASE("angles are drawn from their range, and expanded images are made equal in a Compose") {
  const auto t = make("RandomRotation, degrees: [90, 90]");
  const Tensor images = pixels({3, 2, 5, 5});
  CHECK(applied(t, images, {4, 5, 6}) == rot90(images, 1, {2, 3}).to_vector<double>());
  // A place beside the middle follows the angle: of -20 to 20 degrees it stays in the right part.
  Tensor dot = full({1, 1, 41, 41}, 0.0);
  dot.data<float>()[20 * 41 + 38] = 1;
  const Tensor many = contiguous(expand(dot, {300, 1, 41, 41}));
  const Tensor out =
      make("RandomRotation, degrees: 20, interpolation: bilinear")->apply(many, first(300), {3, 3});
  const Tensor rows = arange(41, kFloat32);
  const Tensor mass = sum(out, {2, 3});
  const Tensor heights = sum(out * view(rows, {1, 1, 41, 1}), {2, 3}) / mass;
  const auto ys = heights.to_vector<double>();
  const double reach = 18 * std::sin(20 * 3.14159265 / 180);
  CHECK(*std::min_element(ys.begin(), ys.end()) > 20 - reach - 0.6);
  CHECK(*std::min_element(ys.begin(), ys.end()) < 20 - reach + 1);
  CHECK(*std::max_element(ys.begin(), ys.end()) > 20 + reach - 1);
  CHECK(*std::max_element(ys.begin(), ys.end()) < 20 + reach + 0.6);

  const Tensor wide = pixels({6, 1, 4, 9});
  const std::string rotation = "RandomRotation, degrees: 80, expand: true";
  test::check_error(ErrorCode::kInvalidArgument,
                    "[RandomRotation] expand gives images of one batch the sizes", [&] {
                      make(rotation)->apply(wide, first(6), {1, 1});
                    });
  const std::string before = "Compose, transforms: [{_target_: torchvision.transforms." + rotation;
  test::check_error(ErrorCode::kInvalidArgument,
                    "[Compose] expected images of one size behind the last transform", [&] {
                      make(before + "}]")->apply(wide, first(6), {1, 1});
                    });
  const auto cropped =
      make(before + "}, {_target_: torchvision.transforms.CenterCrop, size: [4, 4]}]");
  const Tensor done = cropped->apply(wide, first(6), {1, 1});
  CHECK(done.sizes() == Dims{6, 1, 4, 4});
  CHECK(applied(cropped, narrow(wide, 0, 5, 1), {5}, {1, 1}) ==
        select(done, 0, 5).to_vector<double>());
}

TEST_CASE("rotations and jitters that make no sense are errors") {
  const auto refuses = [](const char* text, const char* what, ErrorCode code = ErrorCode::kConfig) {
    CAPTURE(text);
    test::check_error(code, what, [&] { make(text); });
  };
  refuses("RandomRotation, degrees: -3", "expected a single number not to be negative");
  refuses("RandomRotation, degrees: [1, 2, 3]", "expected one number or two");
  refuses("RandomRotation, degrees: 3, interpolation: bicubic", "expected nearest or bilinear");
  refuses("RandomRotation, degrees: 3, center: [1]", "expected two numbers, x and y");
  refuses("ColorJitter, hue: 0.6", "[ColorJitter] hue expected two values that ascend in [-0.5",
          ErrorCode::kInvalidArgument);
  refuses("ColorJitter, contrast: [-1, 2]", "[ColorJitter] contrast expected two values",
          ErrorCode::kInvalidArgument);
  refuses("ColorJitter, brightness: [2, 1]", "[ColorJitter] brightness expected two values",
          ErrorCode::kInvalidArgument);
  const Tensor five = pixels({1, 5, 3, 3});
  test::check_error(ErrorCode::kInvalidArgument,
                    "[ColorJitter] expected 1 images (B, 1 or 3, H, W)", [&] {
                      make("ColorJitter, hue: 0.1")->apply(five, first(1), {1, 1});
                    });
  test::check_error(
      ErrorCode::kInvalidArgument, "[RandomRotation] expected one fill value or 5", [&] {
        make("RandomRotation, degrees: 3, fill: [1, 2]")->apply(five, first(1), {1, 1});
      });
}
