// Samplers and the datasets that are made of others.
#include "nn/data/sampler.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "core/error.h"
#include "core/warning.h"
#include "nn/data/iterable.h"
#include "tests/core/io_helpers.h"

using namespace iolaus;
using namespace iolaus::nn::data;

namespace {

using Order = std::vector<int64_t>;

bool is_permutation_of(const Order& order, int64_t count) {
  const std::set<int64_t> all(order.begin(), order.end());
  return static_cast<int64_t>(order.size()) == count && static_cast<int64_t>(all.size()) == count &&
         *all.begin() == 0 && *all.rbegin() == count - 1;
}

// 0, 1, ... below count, of which one cannot be read.
class Counting final : public IterableDataset {
 public:
  explicit Counting(int64_t count, int64_t broken = -1) : count_(count), broken_(broken) {}
  std::unique_ptr<SampleIterator> start(PhiloxKey key) const override {
    struct Iterator final : SampleIterator {
      int64_t count, broken, place = 0;
      PhiloxKey key;
      Iterator(int64_t n, int64_t bad, PhiloxKey k) : count(n), broken(bad), key(k) {}
      std::optional<Sample> next() override {
        if (place == count) return std::nullopt;
        const int64_t i = place++;
        if (i == broken) fail(ErrorCode::kCorrupt, "[counting] line {} is broken", i);
        return Sample{from_values<int64_t>({i}, {}),
                      from_values<float>({philox_uniform(key, static_cast<uint64_t>(i))}, {})};
      }
      std::string state() const override { return std::to_string(place); }
      void restore(const std::string& state) override { place = std::stoll(state); }
    };
    return std::make_unique<Iterator>(count_, broken_, key);
  }

 private:
  int64_t count_, broken_;
};

Order all_numbers(IterableEpoch epoch) {
  Order all;
  while (const auto batch = epoch.next()) {
    for (const int64_t value : batch->input().to_vector<int64_t>()) all.push_back(value);
  }
  return all;
}

}  // namespace

TEST_CASE("random orders are permutations, others in each epoch") {
  const auto sampler = random_sampler(100, 7);
  CHECK(is_permutation_of(sampler->order(0), 100));
  CHECK(sampler->order(0) == sampler->order(0));
  CHECK(sampler->order(0) != sampler->order(1));
  CHECK(sampler->order(0) != random_sampler(100, 8)->order(0));
  CHECK(random_sampler(100, 7, false, 30)->order(0).size() == 30);
  CHECK(sequential_sampler(3)->order(5) == Order{0, 1, 2});
  const Order some = subset_random_sampler({5, 9, 70}, 1)->order(3);
  CHECK(std::set<int64_t>(some.begin(), some.end()) == std::set<int64_t>{5, 9, 70});
  std::map<int64_t, int> counts;
  for (const int64_t i : random_sampler(4, 7, true, 4000)->order(2)) ++counts[i];
  for (int64_t i = 0; i < 4; ++i) CHECK(std::abs(counts[i] - 1000) < 120);
  CHECK_THROWS_AS(random_sampler(4, 7, false, 5), Error);
}

TEST_CASE("weighted draws follow the weights") {
  std::map<int64_t, int> counts;
  for (const int64_t i : weighted_random_sampler({0, 1, 3, 0}, 4000, 5)->order(0)) ++counts[i];
  CHECK(counts.size() == 2);
  CHECK(std::abs(counts[1] - 1000) < 120);
  // Without replacement each once; the heavier one is first in about 3 of 4 epochs.
  const auto sampler = weighted_random_sampler({0, 1, 3, 0}, 2, 5, false);
  int heavy_first = 0;
  for (int64_t epoch = 0; epoch < 1000; ++epoch) {
    const Order order = sampler->order(epoch);
    CHECK(std::set<int64_t>(order.begin(), order.end()) == std::set<int64_t>{1, 2});
    heavy_first += order[0] == 2;
  }
  CHECK(std::abs(heavy_first - 750) < 60);
  CHECK_THROWS_AS(weighted_random_sampler({0, 1}, 2, 1, false), Error);
  CHECK_THROWS_AS(weighted_random_sampler({-1, 1}, 2, 1), Error);
  CHECK_THROWS_AS(weighted_random_sampler({0, 0}, 2, 1), Error);
}

TEST_CASE("every world size takes the same samples in the same step") {
  const auto base = random_sampler(96, 3);
  const auto steps = [&](int world_size) {
    std::vector<std::set<int64_t>> sets(6);  // 16 samples in a step of all ranks
    for (int rank = 0; rank < world_size; ++rank) {
      const auto batches =
          batch_sampler(distributed_sampler(base, world_size, rank), 16 / world_size)->batches(4);
      REQUIRE(batches.size() == 6);
      for (size_t s = 0; s < 6; ++s) sets[s].insert(batches[s].begin(), batches[s].end());
    }
    return sets;
  };
  const auto alone = steps(1);
  for (const auto& set : alone) CHECK(set.size() == 16);
  for (const int world_size : {2, 4, 8, 16}) CHECK(steps(world_size) == alone);
}

TEST_CASE("ranks get equally many samples") {
  const auto base = sequential_sampler(10);
  CHECK(distributed_sampler(base, 4, 0)->order(0) == Order{0, 4, 8});
  CHECK(distributed_sampler(base, 4, 3)->order(0) == Order{3, 7, 1});
  CHECK(distributed_sampler(base, 4, 3, true)->order(0) == Order{3, 7});
  CHECK(distributed_sampler(base, 4, 1, true)->size() == 2);
  CHECK_THROWS_AS(distributed_sampler(base, 4, 4), Error);
}

TEST_CASE("a loader follows the sampler or the batches that it is given") {
  const auto data =
      std::make_shared<TensorDataset>(Tensors{from_values<int64_t>({10, 11, 12, 13, 14}, {5})});
  const auto inputs = [](const DataLoader& loader) {
    std::vector<Order> all;
    Epoch epoch = loader.epoch(0);
    for (const Batch& batch : epoch) all.push_back(batch.input().to_vector<int64_t>());
    return all;
  };
  const auto sampler = distributed_sampler(sequential_sampler(5), 2, 1, true);
  CHECK(inputs(DataLoader(data, {.batch_size = 2, .sampler = sampler})) ==
        std::vector<Order>{{11, 13}});
  struct Given final : BatchSampler {
    int64_t size() const override { return 2; }
    std::vector<Order> batches(int64_t) const override { return {{4}, {0, 3, 1}}; }
  };
  for (const int workers : {0, 2}) {
    const DataLoader loader(data,
                            {.num_workers = workers, .batch_sampler = std::make_shared<Given>()});
    CHECK(loader.num_batches() == 2);
    CHECK(inputs(loader) == std::vector<Order>{{14}, {10, 13, 11}});
    CHECK(loader.order(0) == Order{4, 0, 3, 1});
  }
  CHECK_THROWS_AS(DataLoader(data, {.shuffle = true, .sampler = sampler}), Error);
}

TEST_CASE("datasets lie in tensors and behind one another") {
  const Tensor x = from_values<float>({1, 2, 3, 4, 5, 6}, {3, 2});
  const auto a = std::make_shared<TensorDataset>(Tensors{x, from_values<int64_t>({7, 8, 9}, {3})});
  CHECK(a->get(1, {})[0].to_vector<float>() == std::vector<float>{3, 4});
  CHECK(a->get(2, {})[1].item<int64_t>() == 9);
  const ConcatDataset both({a, a});
  CHECK(both.size() == 6);
  CHECK(both.get_batch(Order{0, 3, 5}, {})[1].to_vector<int64_t>() == Order{7, 7, 9});
  CHECK_THROWS_AS(both.get(6, {}), Error);
  CHECK_THROWS_AS(TensorDataset({x, empty({2})}), Error);
  CHECK_THROWS_AS(ConcatDataset({}), Error);
}

TEST_CASE("an iterable dataset comes in batches, and goes on from a state") {
  const IterableLoader loader(std::make_shared<Counting>(23), {.batch_size = 5, .seed = 2});
  const Order all = all_numbers(loader.epoch(0));
  CHECK(all.size() == 23);
  CHECK(std::is_sorted(all.begin(), all.end()));
  IterableEpoch epoch = loader.epoch(1);
  epoch.next();
  const std::string state = epoch.state();
  const auto expected = epoch.next(), again = loader.epoch(1, state).next();
  CHECK(again->number == 1);
  CHECK(again->indices == expected->indices);
  CHECK(again->input().to_vector<int64_t>() == expected->input().to_vector<int64_t>());
  CHECK(again->target().to_vector<float>() == expected->target().to_vector<float>());
  CHECK(again->target().to_vector<float>() !=
        loader.epoch(0, state).next()->target().to_vector<float>());
  const IterableLoader dropping(std::make_shared<Counting>(23),
                                {.batch_size = 5, .drop_last = true});
  CHECK(all_numbers(dropping.epoch(0)).size() == 20);
  test::check_error(ErrorCode::kCorrupt, "expected the state of a pass, got 'x'",
                    [&] { loader.epoch(0, "x"); });
  CHECK_THROWS_AS(IterableLoader(std::make_shared<Counting>(1), {.shuffle = true}), Error);
}

TEST_CASE("a broken record of a stream is an error, or left out and counted") {
  const auto data = std::make_shared<Counting>(12, 7);
  IterableEpoch strict = IterableLoader(data, {.batch_size = 5}).epoch(0);
  strict.next();
  test::check_error(ErrorCode::kCorrupt, "[data] batch 1: sample 7: [counting] line 7 is broken",
                    [&] { strict.next(); });
  const auto quiet = [](const std::string&) {};
  set_warning_handler(quiet);
  IterableEpoch lenient =
      IterableLoader(data, {.batch_size = 5, .skip_bad_records = true}).epoch(0);
  lenient.next();
  CHECK(lenient.next()->input().to_vector<int64_t>() == Order{5, 6, 8, 9, 10});
  CHECK(lenient.bad_records() == 1);
  IterableEpoch capped =
      IterableLoader(data, {.batch_size = 5, .skip_bad_records = true, .max_bad_records = 0})
          .epoch(0);
  capped.next();
  test::check_error(ErrorCode::kCorrupt, "more than 0 bad records", [&] { capped.next(); });
  set_warning_handler(nullptr);
}
