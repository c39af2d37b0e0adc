// The loader's threads: workers take batch numbers in order and put what they made into a ring of
// slots, slot number % ring size; the consumer takes the slots in order. A worker waits while the
// ring is full, the consumer while its slot is empty. With pinned memory, the consumer sends each
// batch to the device as soon as it has it: that after the one it gives, where it is made already.
#include "nn/data/loader.h"

#include <condition_variable>
#include <mutex>
#include <thread>

#include "core/copy_queue.h"
#include "core/random.h"
#include "nn/data/batch_maker.h"

namespace iolaus::nn::data {
namespace {
// Seeds of their own for what a loader draws (see derive_seed).
constexpr uint64_t kShuffleStream = 0x5a0ff1e;
constexpr uint64_t kSampleStream = 0x5a3b1e;
}  // namespace

struct Epoch::State {
  State(DatasetPtr dataset, const DataLoaderOptions& loader_options,
        std::vector<std::vector<int64_t>> batches, PhiloxKey key, int64_t first)
      : maker(std::move(dataset), loader_options, std::move(batches), key),
        options(loader_options),
        next_made(first),
        next_taken(first) {}

  struct Made {
    bool ready = false;
    Batch batch;
    std::exception_ptr error;
  };
  BatchMaker maker;
  DataLoaderOptions options;
  std::unique_ptr<CopyQueue> copies;  // null: batches stay on the host
  std::optional<Made> ahead;          // taken and sent, and not yet given

  std::mutex mutex;
  std::condition_variable filled, freed;
  std::vector<Made> ring;
  int64_t next_made;   // the workers' next number
  int64_t next_taken;  // the consumer's
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
    if (options.pin_memory) copies = make_copy_queue(options.device);
    if (options.num_workers == 0) return;
    ring.resize(static_cast<size_t>(options.num_workers) *
                static_cast<size_t>(options.prefetch_factor));
    for (int i = 0; i < options.num_workers; ++i) workers.emplace_back([this] { work(); });
  }

  Made make(int64_t number) const {
    Made made{.ready = true, .batch = {}, .error = nullptr};
    try {
      made.batch = maker.make(number, copies != nullptr);
    } catch (...) {
      made.error = std::current_exception();
    }
    return made;
  }

  void work() {
    std::unique_lock lock(mutex);
    while (true) {
      freed.wait(lock, [&] {
        return stop || next_made == maker.num_batches() ||
               next_made < next_taken + static_cast<int64_t>(ring.size());
      });
      if (stop || next_made == maker.num_batches()) return;
      const int64_t number = next_made++;
      lock.unlock();
      Made made = make(number);
      lock.lock();
      slot(number) = std::move(made);
      filled.notify_one();
    }
  }
  Made& slot(int64_t number) { return ring[static_cast<size_t>(number) % ring.size()]; }

  // Takes the next batch. Without wait, nothing where it is not made yet.
  std::optional<Made> take(bool wait) {
    if (next_taken == maker.num_batches()) return std::nullopt;
    if (workers.empty()) {
      if (!wait) return std::nullopt;
      return make(next_taken++);
    }
    std::unique_lock lock(mutex);
    Made& next = slot(next_taken);
    if (!wait && !next.ready) return std::nullopt;
    filled.wait(lock, [&] { return next.ready; });
    Made taken = std::exchange(next, {});
    ++next_taken;
    lock.unlock();
    freed.notify_all();
    return taken;
  }

  std::optional<Made> take_and_send(bool wait) {
    std::optional<Made> taken = take(wait);
    if (taken && copies && !taken->error) copies->send(taken->batch.fields);
    return taken;
  }

  std::optional<Batch> next() {
    std::optional<Made> given = std::exchange(ahead, std::nullopt);
    if (!given) given = take_and_send(true);
    if (!given) return std::nullopt;
    if (copies) ahead = take_and_send(false);
    if (given->error) std::rethrow_exception(given->error);
    if (copies) given->batch.fields = copies->receive();
    return std::move(given->batch);
  }
};

Epoch::Epoch(std::unique_ptr<State> state) : state_(std::move(state)) {}
Epoch::Epoch(Epoch&&) noexcept = default;
Epoch::~Epoch() = default;

std::optional<Batch> Epoch::next() {
  std::optional<Batch> batch = state_->next();
  while (batch && batch->indices.empty()) batch = state_->next();  // all were bad
  return batch;
}

int64_t Epoch::position() const { return state_->next_taken - (state_->ahead ? 1 : 0); }
int64_t Epoch::bad_records() const { return state_->maker.bad_records(); }

DataLoader::DataLoader(DatasetPtr dataset, const DataLoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  IOLAUS_CHECK(dataset_ != nullptr, "[data] the loader has no dataset");
  IOLAUS_CHECK(options.num_workers >= 0 && options.num_workers <= 1024,
               "[data] expected num_workers in [0, 1024], got {}", options.num_workers);
  IOLAUS_CHECK(options.prefetch_factor > 0 && options.prefetch_factor <= 1024,
               "[data] expected prefetch_factor in [1, 1024], got {}", options.prefetch_factor);
  const int ways =
      (options.shuffle ? 1 : 0) + (options.sampler ? 1 : 0) + (options.batch_sampler ? 1 : 0);
  IOLAUS_CHECK(ways <= 1, "[data] expected one of shuffle, sampler and batch_sampler, got {}",
               ways);
  SamplerPtr sampler = options.sampler;
  if (!sampler && options.shuffle) {
    sampler = random_sampler(dataset_->size(), derive_seed(options.seed, kShuffleStream));
  } else if (!sampler) {
    sampler = sequential_sampler(dataset_->size());
  }
  batches_ = options.batch_sampler ? options.batch_sampler
                                   : batch_sampler(sampler, options.batch_size, options.drop_last);
}

int64_t DataLoader::num_batches() const { return batches_->size(); }

std::vector<std::vector<int64_t>> DataLoader::batches(int64_t epoch) const {
  return batches_->batches(epoch);
}

std::vector<int64_t> DataLoader::order(int64_t epoch) const {
  std::vector<int64_t> order;
  for (const auto& batch : batches(epoch)) order.insert(order.end(), batch.begin(), batch.end());
  return order;
}

Epoch DataLoader::epoch(int64_t epoch, int64_t first_batch) const {
  IOLAUS_CHECK_CODE(first_batch >= 0 && first_batch <= num_batches(), ErrorCode::kIndex,
                    "[data] expected a first batch in [0, {}], got {}", num_batches(), first_batch);
  const PhiloxKey key{derive_seed(options_.seed, kSampleStream), static_cast<uint64_t>(epoch)};
  auto state = std::make_unique<Epoch::State>(dataset_, options_, batches(epoch), key, first_batch);
  state->start();
  return Epoch(std::move(state));
}

std::unique_ptr<Pass> DataLoader::start(int64_t epoch, int64_t first_batch,
                                        const std::string&) const {
  return std::make_unique<Epoch>(this->epoch(epoch, first_batch));
}

Sample DataLoader::example() const {
  if (dataset_->size() == 0) return {};
  const int64_t first[] = {0};
  return dataset_->get_batch(first, {});
}

std::unique_ptr<Loader> DataLoader::in_order() const {
  DataLoaderOptions options = options_;
  options.shuffle = false;
  options.sampler = nullptr;
  return std::make_unique<DataLoader>(dataset_, options);
}

}  // namespace iolaus::nn::data
