// Data modules as configs name them, on CIFAR's files with a few images (tests/data/nn/cifar.py).
#include "nn/data/image_module.h"

#include <doctest/doctest.h>

#include <set>

#include "config/instantiate.h"
#include "config/yaml.h"
#include "core/warning.h"
#include "tests/core/io_helpers.h"
#include "tests/devices.h"

using namespace iolaus;
using namespace iolaus::nn::data;

namespace {

std::shared_ptr<ImageModule> make(const std::string& target, const std::string& more,
                                  Device device = {}) {
  set_warning_handler([](const std::string&) {});
  const std::string folder = std::string(IOLAUS_SOURCE_DIR) + "/tests/data/nn/cifar";
  const auto module =
      std::dynamic_pointer_cast<ImageModule>(config::instantiate<DataModule>(config::load_yaml(
          "{_target_: iolaus.nn.data." + target + ", data_dir: " + folder + ", " + more + "}",
          "test")));
  module->set_device(device);
  module->setup();
  module->test_loader();
  set_warning_handler(nullptr);
  return module;
}

std::vector<double> inputs(const DataLoader& loader, int64_t epoch = 0) {
  std::vector<double> all;
  Epoch pass = loader.epoch(epoch);
  for (const Batch& batch : pass) {
    for (const double value : batch.input().to_vector<double>()) all.push_back(value);
  }
  return all;
}

std::set<int64_t> samples(const DataLoader& loader) {
  const auto order = loader.order(0);
  return {order.begin(), order.end()};
}

const std::string kAugment =
    "train_transform: {_target_: torchvision.transforms.Compose, transforms: ["
    "{_target_: torchvision.transforms.RandomCrop, size: 32, padding: 4}, "
    "{_target_: torchvision.transforms.RandomRotation, degrees: 15}, "
    "{_target_: torchvision.transforms.ColorJitter, brightness: 0.3, hue: 0.1}, "
    "{_target_: torchvision.transforms.RandomHorizontalFlip}]}";

}  // namespace

TEST_CASE("CIFAR modules split, batch and normalise") {
  const auto ten = make("CIFAR10", "batch_size: 4, train_val_split: [7, 3]");
  CHECK(ten->train_loader()->num_batches() == 2);
  CHECK(samples(*ten->val_loader()).size() == 3);
  CHECK(ten->test_loader()->num_batches() == 1);
  CHECK(ten->predict_loader() == nullptr);
  const Batch batch = *ten->test_loader()->epoch(0).next();
  CHECK(batch.input().sizes() == Dims{3, 3, 32, 32});
  CHECK(batch.target().to_vector<int64_t>() == std::vector<int64_t>{4, 5, 6});
  // Red of pixel (0, 0) is 0, green of image 1 is 57.
  const float* pixel = batch.input().data<float>();
  CHECK(pixel[0] == doctest::Approx(-0.4914 / 0.2470));
  CHECK(pixel[4 * 1024] == doctest::Approx((57 / 255.0 - 0.4822) / 0.2435));
  const auto hundred = make("CIFAR100", "val_size: 2");
  CHECK(hundred->val_loader()->epoch(0).next()->size() == 2);
  CHECK(make("CIFAR10", "val_size: 0")->val_loader() == nullptr);
  test::check_error(ErrorCode::kInvalidArgument,
                    "leaves 8 images for training and 3 for validation",
                    [] { make("CIFAR10", "train_val_split: [8, 3]"); });
  test::check_error(ErrorCode::kConfig, "expected error or skip, got drop",
                    [] { make("CIFAR10", "on_bad_record: drop"); });
}

TEST_CASE("training images are transformed, the others are not") {
  const auto plain = make("CIFAR10", "val_size: 3, shuffle: false");
  const auto augmented = make("CIFAR10", "val_size: 3, shuffle: false, " + kAugment);
  CHECK(inputs(*plain->val_loader()) == inputs(*augmented->val_loader()));
  CHECK(inputs(*plain->test_loader()) == inputs(*augmented->test_loader()));
  CHECK(inputs(*plain->train_loader()) != inputs(*augmented->train_loader()));
  CHECK(inputs(*augmented->train_loader(), 0) != inputs(*augmented->train_loader(), 1));
}

TEST_CASE("batches are the same from workers, through pinned memory, and made on the device") {
  const auto expected = inputs(*make("CIFAR10", "batch_size: 3, " + kAugment)->train_loader(), 2);
  for (const Device device : test::all_devices()) {
    for (const char* how : {"resident: true, pin_memory: true", "num_workers: 2, pin_memory: true",
                            "pin_memory: true"}) {
      CAPTURE(device.str());
      CAPTURE(how);
      const auto module =
          make("CIFAR10", std::string(how) + ", batch_size: 3, " + kAugment, device);
      CHECK(module->train_loader()->epoch(0).next()->input().device() == device);
      CHECK(inputs(*module->train_loader(), 2) == expected);
    }
  }
  test::check_error(ErrorCode::kInvalidArgument, "leave one out",
                    [] { make("CIFAR10", "resident: true, num_workers: 1"); });
}

TEST_CASE("combined modules train on the first and evaluate on all") {
  const std::string folder = std::string(IOLAUS_SOURCE_DIR) + "/tests/data/nn/cifar";
  const auto part = [&](const char* name, const char* more) {
    return std::string("{_target_: iolaus.nn.data.") + name + ", data_dir: " + folder + ", " +
           more + "}";
  };
  const auto combined = [](const std::string& modules) {
    return config::instantiate<DataModule>(config::load_yaml(
        "{_target_: iolaus.nn.data.Combined, modules: [" + modules + "]}", "test"));
  };
  set_warning_handler([](const std::string&) {});
  const auto both = combined(part("CIFAR10", "val_size: 3, batch_size: 2") + ", " +
                             part("CIFAR100", "val_size: 2, batch_size: 1"));
  both->set_device({});
  both->setup();
  CHECK(both->train_loader()->length() == 4);  // 7 in pairs
  REQUIRE(both->val_loaders().size() == 2);
  CHECK(both->val_loaders()[0]->length() == 2);
  CHECK(both->val_loaders()[1]->length() == 2);
  CHECK(both->test_loaders().size() == 2);
  CHECK(both->test_loaders()[1]->batch_size() == 1);
  CHECK(both->predict_loaders().empty());
  // Without validation data a module adds no loader.
  const auto one =
      combined(part("CIFAR10", "val_size: 0") + ", " + part("CIFAR100", "val_size: 2"));
  one->setup();
  CHECK(one->val_loaders().size() == 1);
  set_warning_handler(nullptr);
  test::check_error(ErrorCode::kInvalidArgument, "expected one data module or more",
                    [&] { combined(""); });
}
