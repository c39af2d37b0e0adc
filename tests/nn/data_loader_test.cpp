// The loader's promises: every sample once, the same batches whatever the workers do, errors with
// their index, a start in the middle.
#include "nn/data/loader.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <set>
#include <thread>

#include "core/warning.h"
#include "tests/core/io_helpers.h"
#include "tests/devices.h"

using namespace iolaus;
using namespace iolaus::nn::data;

namespace {

// Sample i is (i, a random number of it); some take longer than others, and one may be broken.
class Numbers final : public Dataset {
 public:
  explicit Numbers(int64_t size, int64_t broken = -1, bool slow = false)
      : size_(size), broken_(broken), slow_(slow) {}
  int64_t size() const override { return size_; }
  Sample get(int64_t index, PhiloxKey key) const override {
    if (index == broken_) fail(ErrorCode::kCorrupt, "[numbers] cannot decode");
    if (slow_ && index % 7 == 0) std::this_thread::sleep_for(std::chrono::milliseconds(2));
    made_.fetch_add(1);
    return {from_values<int64_t>({index}, {}),
            from_values<float>({philox_uniform(key, static_cast<uint64_t>(index)), 1.0f}, {2})};
  }
  int made() const { return made_; }

 private:
  int64_t size_, broken_;
  bool slow_;
  mutable std::atomic<int> made_{0};
};

// All numbers of an epoch, batch by batch.
std::vector<std::vector<float>> contents(const DataLoader& loader, int64_t epoch,
                                         int64_t first = 0) {
  std::vector<std::vector<float>> batches;
  Epoch pass = loader.epoch(epoch, first);
  for (Batch& batch : pass) {
    CHECK(batch.number == first + static_cast<int64_t>(batches.size()));
    CHECK(batch.input().to_vector<int64_t>() == batch.indices);
    auto all = batch.input().to_vector<float>();
    for (float x : batch.target().to_vector<float>()) all.push_back(x);
    batches.push_back(all);
  }
  return batches;
}

DataLoader make_loader(const DataLoaderOptions& options, int64_t size = 103, bool slow = false) {
  return DataLoader(std::make_shared<Numbers>(size, -1, slow), options);
}

}  // namespace

TEST_CASE("batches are the same for any number of workers") {
  const auto expected = contents(make_loader({.batch_size = 8, .shuffle = true, .seed = 5}), 3);
  CHECK(expected.size() == 13);
  for (const int workers : {1, 2, 5, 20}) {
    for (const int prefetch : {1, 4}) {
      const DataLoader loader = make_loader({.batch_size = 8,
                                             .shuffle = true,
                                             .num_workers = workers,
                                             .prefetch_factor = prefetch,
                                             .seed = 5},
                                            103, true);
      CHECK(contents(loader, 3) == expected);
    }
  }
}

TEST_CASE("an epoch holds each sample once, in another order for each epoch and seed") {
  const DataLoader loader = make_loader({.batch_size = 10, .shuffle = true, .seed = 1});
  const auto order = loader.order(0);
  CHECK(std::set<int64_t>(order.begin(), order.end()).size() == 103);
  CHECK(order == loader.order(0));
  CHECK(order != loader.order(1));
  CHECK(order != make_loader({.shuffle = true, .seed = 2}).order(0));
  CHECK(contents(loader, 0) != contents(loader, 1));
  const auto plain = make_loader({}).order(7);
  CHECK(std::is_sorted(plain.begin(), plain.end()));
}

TEST_CASE("random numbers of a sample change with the epoch, not with its place") {
  const DataLoader a = make_loader({.batch_size = 103, .seed = 4});
  const DataLoader b = make_loader({.batch_size = 103, .shuffle = true, .seed = 4});
  const Batch first = *a.epoch(2).next(), second = *b.epoch(2).next(), later = *a.epoch(3).next();
  const auto at = [](const Batch& batch, int64_t sample) {
    const auto found = std::find(batch.indices.begin(), batch.indices.end(), sample);
    return batch.target()
        .to_vector<float>()[static_cast<size_t>(found - batch.indices.begin()) * 2];
  };
  CHECK(at(first, 42) == at(second, 42));
  CHECK(at(first, 42) != at(later, 42));
}

TEST_CASE("the last batch is smaller, or left out") {
  CHECK(make_loader({.batch_size = 10}).num_batches() == 11);
  CHECK(make_loader({.batch_size = 10, .drop_last = true}).num_batches() == 10);
  CHECK(contents(make_loader({.batch_size = 10}), 0).back().size() == 9);
  CHECK(contents(make_loader({.batch_size = 10, .drop_last = true}), 0).size() == 10);
  CHECK(contents(make_loader({.batch_size = 1000}), 0).size() == 1);
  CHECK(contents(make_loader({.batch_size = 1000, .drop_last = true}), 0).empty());
  CHECK(contents(make_loader({.num_workers = 2}, 0), 0).empty());
}

TEST_CASE("an epoch resumes at any batch with what would have followed") {
  for (const int workers : {0, 3}) {
    const DataLoader loader =
        make_loader({.batch_size = 8, .shuffle = true, .num_workers = workers, .seed = 9});
    const auto whole = contents(loader, 1);
    const auto rest = contents(loader, 1, 5);
    CHECK(rest == std::vector(whole.begin() + 5, whole.end()));
    CHECK(contents(loader, 1, 13).empty());
    CHECK_THROWS_AS(loader.epoch(1, 14), Error);
  }
}

TEST_CASE("a broken sample is an error with batch and index, and the epoch goes on behind it") {
  for (const int workers : {0, 1, 3}) {
    CAPTURE(workers);
    const DataLoader loader(std::make_shared<Numbers>(50, 23),
                            {.batch_size = 10, .num_workers = workers});
    Epoch epoch = loader.epoch(0);
    CHECK(epoch.next()->number == 0);
    CHECK(epoch.next()->number == 1);
    CHECK(epoch.position() == 2);
    test::check_error(ErrorCode::kCorrupt, "[data] batch 2: sample 23: [numbers] cannot decode",
                      [&] { epoch.next(); });
    CHECK(epoch.next()->number == 3);
    CHECK(epoch.next()->number == 4);
    CHECK_FALSE(epoch.next().has_value());
    CHECK_FALSE(epoch.next().has_value());
  }
}

TEST_CASE("bad records are left out and counted where that is asked for, up to a cap") {
  set_warning_handler([](const std::string&) {});
  for (const int workers : {0, 3}) {
    CAPTURE(workers);
    const DataLoader loader(std::make_shared<Numbers>(25, 13),
                            {.batch_size = 10, .num_workers = workers, .skip_bad_records = true});
    Epoch epoch = loader.epoch(0);
    std::vector<int64_t> sizes;
    for (const Batch& batch : epoch) {
      CHECK(batch.input().to_vector<int64_t>() == batch.indices);
      CHECK(std::find(batch.indices.begin(), batch.indices.end(), 13) == batch.indices.end());
      sizes.push_back(batch.size());
    }
    CHECK(sizes == std::vector<int64_t>{10, 9, 5});
    CHECK(epoch.bad_records() == 1);
    const DataLoader alone(std::make_shared<Numbers>(3, 1),
                           {.batch_size = 1, .num_workers = workers, .skip_bad_records = true});
    std::vector<int64_t> numbers;  // a batch of nothing is left out
    Epoch pass = alone.epoch(0);
    for (const Batch& batch : pass) numbers.push_back(batch.number);
    CHECK(numbers == std::vector<int64_t>{0, 2});
    const DataLoader capped(
        std::make_shared<Numbers>(25, 13),
        {.batch_size = 10, .num_workers = workers, .skip_bad_records = true, .max_bad_records = 0});
    Epoch strict = capped.epoch(0);
    strict.next();
    test::check_error(ErrorCode::kCorrupt,
                      "[data] batch 1: more than 0 bad records; the last is sample 13",
                      [&] { strict.next(); });
  }
  set_warning_handler(nullptr);
}

TEST_CASE("a collate hook makes the batches") {
  const auto collate = [](std::span<const Sample> samples) {
    return Sample{from_values<int64_t>({static_cast<int64_t>(samples.size())}, {}),
                  samples.back()[1]};
  };
  const DataLoader loader(std::make_shared<Numbers>(5, 4), {.batch_size = 4, .collate = collate});
  Epoch epoch = loader.epoch(0);
  const Batch batch = *epoch.next();
  CHECK(batch.input().item<int64_t>() == 4);
  CHECK(batch.target().sizes() == Dims{2});
  test::check_error(ErrorCode::kCorrupt, "[data] batch 1: sample 4: [numbers] cannot decode",
                    [&] { epoch.next(); });
}

TEST_CASE("batches arrive on the device in order, whole, and with their errors") {
  for (const Device device : test::all_devices()) {
    for (const int workers : {0, 3}) {
      CAPTURE(device.str());
      CAPTURE(workers);
      const DataLoader host = make_loader({.batch_size = 8, .shuffle = true, .seed = 5}, 500);
      const DataLoader pinned = make_loader({.batch_size = 8,
                                             .shuffle = true,
                                             .num_workers = workers,
                                             .seed = 5,
                                             .pin_memory = true,
                                             .device = device},
                                            500, true);
      CHECK(contents(pinned, 2) == contents(host, 2));
      CHECK(contents(pinned, 2, 60) == contents(host, 2, 60));
      Epoch epoch = pinned.epoch(0);
      CHECK(epoch.next()->input().device() == device);
      CHECK(epoch.position() == 1);
      const DataLoader broken(
          std::make_shared<Numbers>(50, 23),
          {.batch_size = 10, .num_workers = workers, .pin_memory = true, .device = device});
      Epoch faulty = broken.epoch(0);
      CHECK(faulty.next()->number == 0);
      CHECK(faulty.next()->number == 1);
      test::check_error(ErrorCode::kCorrupt, "[data] batch 2: sample 23", [&] { faulty.next(); });
      CHECK(faulty.position() == 3);
      CHECK(faulty.next()->number == 3);
      CHECK(faulty.next()->number == 4);
      CHECK_FALSE(faulty.next().has_value());
    }
  }
}

TEST_CASE("an epoch that is left early ends its workers, which are never far ahead") {
  const auto dataset = std::make_shared<Numbers>(100000);
  const DataLoader loader(dataset, {.batch_size = 10, .num_workers = 2, .prefetch_factor = 3});
  {
    Epoch epoch = loader.epoch(0);
    epoch.next();
    epoch.next();
    std::this_thread::sleep_for(std::chrono::milliseconds(20));
  }
  CHECK(dataset->made() >= 20);
  CHECK(dataset->made() <= (2 + 6 + 2) * 10);
  { Epoch never_used = loader.epoch(0); }
}

TEST_CASE("samples that do not fit together are an error that shows both") {
  const Tensor a = empty({2}), b = empty({3}), c = empty({2}, {.dtype = kInt64});
  test::check_error(ErrorCode::kInvalidArgument, "got float32[2] on cpu and float32[3] on cpu",
                    [&] {
                      stack(std::vector{a, b});
                    });
  CHECK_THROWS_AS(stack(std::vector{a, c}), Error);
  CHECK_THROWS_AS(stack(std::vector<Tensor>{}), Error);
  CHECK(stack(std::vector{a, a, a}).sizes() == Dims{3, 2});
}

TEST_CASE("subsets and splits hand on their samples") {
  const DatasetPtr numbers = std::make_shared<Numbers>(10);
  const Subset subset(numbers, {7, 3});
  CHECK(subset.get(1, {})[0].item<int64_t>() == 3);
  CHECK(subset.get_batch(std::vector<int64_t>{1, 0, 1}, {})[0].to_vector<int64_t>() ==
        std::vector<int64_t>{3, 7, 3});
  CHECK_THROWS_AS(Subset(numbers, {10}), Error);
  const auto parts = random_split(numbers, {7, 3}, 1);
  std::set<int64_t> seen;
  for (const auto& part : parts) {
    for (int64_t i = 0; i < part->size(); ++i) seen.insert(part->get(i, {})[0].item<int64_t>());
  }
  CHECK(parts[0]->size() == 7);
  CHECK(seen.size() == 10);
  CHECK(random_split(numbers, {7, 3}, 1)[0]->get(0, {})[0].item() ==
        parts[0]->get(0, {})[0].item());
  test::check_error(ErrorCode::kInvalidArgument, "add up to 9, but the dataset has 10", [&] {
    random_split(numbers, {6, 3}, 1);
  });
}

TEST_CASE("loader options that make no sense are refused") {
  const auto make = [](const DataLoaderOptions& options) { make_loader(options); };
  CHECK_THROWS_AS(make({.batch_size = 0}), Error);
  CHECK_THROWS_AS(make({.num_workers = -1}), Error);
  CHECK_THROWS_AS(make({.prefetch_factor = 0}), Error);
  CHECK_THROWS_AS(DataLoader(nullptr, {}), Error);
}
