// The loader's threads: workers take batch numbers in order and put what they made into a ring of
// slots, slot number % ring size; the consumer takes the slots in order. A worker waits while the
// ring is full, the consumer while its slot is empty.
#include "nn/data/loader.h"

#include <algorithm>
#include <condition_variable>
#include <mutex>
#include <numeric>
#include <thread>

#include "core/random.h"

namespace iolaus::nn::data {
namespace {
// Seeds of their own for what a loader draws (see derive_seed).
constexpr uint64_t kShuffleStream = 0x5a0ff1e;
constexpr uint64_t kSampleStream = 0x5a3b1e;
}  // namespace

struct Epoch::State {
  DatasetPtr dataset;
  DataLoaderOptions options;
  std::vector<int64_t> order;
  PhiloxKey key;
  int64_t num_batches = 0;
  int64_t next_delivered = 0;

  struct Slot {
    bool ready = false;
    Batch batch;
    std::exception_ptr error;
  };
  std::mutex mutex;
  std::condition_variable filled, freed;
  std::vector<Slot> ring;
  int64_t next_taken = 0;
  bool stop = false;
  std::vector<std::thread> workers;

  ~State() {
    {
      std::lock_guard lock(mutex);
      stop = true;
    }
    freed.notify_all();
    for (std::thread& worker : workers) worker.join();
  }

  void start() {
    if (options.num_workers == 0) return;
    ring.resize(static_cast<size_t>(options.num_workers) *
                static_cast<size_t>(options.prefetch_factor));
    for (int i = 0; i < options.num_workers; ++i) workers.emplace_back([this] { work(); });
  }

  Batch make(int64_t number) const {
    const auto size = static_cast<int64_t>(order.size());
    const int64_t begin = number * options.batch_size;
    const int64_t end = std::min(begin + options.batch_size, size);
    Batch batch;
    batch.number = number;
    batch.indices.assign(order.begin() + begin, order.begin() + end);
    try {
      batch.fields = dataset->get_batch(batch.indices, key);
    } catch (const Error& error) {
      fail(error.code(), "[data] batch {}: {}", number, error.what());
    } catch (const std::exception& error) {
      fail(ErrorCode::kInternal, "[data] batch {}: {}", number, error.what());
    }
    return batch;
  }

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      freed.wait(lock, [&] {
        return stop || next_taken == num_batches ||
               next_taken < next_delivered + static_cast<int64_t>(ring.size());
      });
      if (stop || next_taken == num_batches) return;
      const int64_t number = next_taken++;
      lock.unlock();
      Slot made;
      try {
        made.batch = make(number);
      } catch (...) {
        made.error = std::current_exception();
      }
      made.ready = true;
      lock.lock();
      ring[static_cast<size_t>(number) % ring.size()] = std::move(made);
      filled.notify_one();
    }
  }

  Batch take() {
    if (workers.empty()) return make(next_delivered++);
    std::unique_lock lock(mutex);
    Slot& slot = ring[static_cast<size_t>(next_delivered) % ring.size()];
    filled.wait(lock, [&] { return slot.ready; });
    Slot taken = std::move(slot);
    slot = Slot();
    ++next_delivered;
    lock.unlock();
    freed.notify_all();
    if (taken.error) std::rethrow_exception(taken.error);
    return std::move(taken.batch);
  }
};

Epoch::Epoch(std::unique_ptr<State> state) : state_(std::move(state)) {}
Epoch::Epoch(Epoch&&) noexcept = default;
Epoch::~Epoch() = default;

std::optional<Batch> Epoch::next() {
  if (state_->next_delivered == state_->num_batches) return std::nullopt;
  return state_->take();
}

int64_t Epoch::position() const { return state_->next_delivered; }

DataLoader::DataLoader(DatasetPtr dataset, const DataLoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  IOLAUS_CHECK(dataset_ != nullptr, "[data] the loader has no dataset");
  IOLAUS_CHECK(options.batch_size > 0, "[data] expected batch_size > 0, got {}",
               options.batch_size);
  IOLAUS_CHECK(options.num_workers >= 0 && options.num_workers <= 1024,
               "[data] expected num_workers in [0, 1024], got {}", options.num_workers);
  IOLAUS_CHECK(options.prefetch_factor > 0 && options.prefetch_factor <= 1024,
               "[data] expected prefetch_factor in [1, 1024], got {}", options.prefetch_factor);
}

int64_t DataLoader::num_batches() const {
  const int64_t size = dataset_->size(), batch = options_.batch_size;
  return size / batch + (!options_.drop_last && size % batch != 0 ? 1 : 0);
}

std::vector<int64_t> DataLoader::order(int64_t epoch) const {
  if (options_.shuffle) {
    const uint64_t seed = derive_seed(options_.seed, kShuffleStream);
    return random_permutation({seed, static_cast<uint64_t>(epoch)}, dataset_->size());
  }
  std::vector<int64_t> order(static_cast<size_t>(dataset_->size()));
  std::iota(order.begin(), order.end(), int64_t{0});
  return order;
}

Epoch DataLoader::epoch(int64_t epoch, int64_t first_batch) const {
  IOLAUS_CHECK_CODE(first_batch >= 0 && first_batch <= num_batches(), ErrorCode::kIndex,
                    "[data] expected a first batch in [0, {}], got {}", num_batches(), first_batch);
  auto state = std::make_unique<Epoch::State>();
  state->dataset = dataset_;
  state->options = options_;
  state->order = order(epoch);
  state->key = {derive_seed(options_.seed, kSampleStream), static_cast<uint64_t>(epoch)};
  state->num_batches = num_batches();
  state->next_delivered = state->next_taken = first_batch;
  state->start();
  return Epoch(std::move(state));
}

}  // namespace iolaus::nn::data
