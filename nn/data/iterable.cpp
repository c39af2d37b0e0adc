// Batches of a stream of samples. A state is "batches samples bad " and then the iterator's own.
#include "nn/data/iterable.h"

#include <sstream>

#include "core/random.h"
#include "core/warning.h"

namespace iolaus::nn::data {
namespace {

constexpr uint64_t kStreamSeed = 0x57ea3;

Sample stack_samples(const std::vector<Sample>& samples) {
  Sample batch;
  for (size_t i = 0; i < samples[0].size(); ++i) {
    Tensors column;
    for (const Sample& sample : samples) column.push_back(sample.at(i));
    batch.push_back(stack(column));
  }
  return batch;
}

}  // namespace

std::string SampleIterator::state() const {
  fail(ErrorCode::kUnsupported, "[data] this stream has no state to save");
}
void SampleIterator::restore(const std::string&) {
  fail(ErrorCode::kUnsupported, "[data] this stream has no state to restore");
}

IterableEpoch::IterableEpoch(std::unique_ptr<SampleIterator> samples,
                             const DataLoaderOptions& options, Resume resume,
                             const std::string& state)
    : samples_(std::move(samples)), options_(options), resume_(resume) {
  if (state.empty()) return;
  std::istringstream text(state);
  text >> batches_ >> given_ >> bad_records_;
  IOLAUS_CHECK_CODE(text.good() && text.get() == ' ' && batches_ >= 0 && given_ >= 0,
                    ErrorCode::kCorrupt, "[data] expected the state of a pass, got '{}'",
                    state.substr(0, 48));
  samples_->restore(state.substr(static_cast<size_t>(text.tellg())));
}

std::string IterableEpoch::state() const {
  if (resume_ != Resume::kState) return "";
  return fmt::format("{} {} {} ", batches_, given_, bad_records_) + samples_->state();
}

std::optional<Sample> IterableEpoch::next_sample() {
  while (true) {
    try {
      return samples_->next();
    } catch (const Error& error) {
      if (!options_.skip_bad_records) {
        fail(error.code(), "[data] batch {}: sample {}: {}", batches_, given_, error.what());
      }
      ++bad_records_;
      IOLAUS_CHECK_CODE(bad_records_ <= options_.max_bad_records, ErrorCode::kCorrupt,
                        "[data] more than {} bad records; the last: {}", options_.max_bad_records,
                        error.what());
      warn("[data] a sample after number {} is left out: {}", given_, error.what());
    }
  }
}

std::optional<Batch> IterableEpoch::next() {
  std::vector<Sample> samples;
  Batch batch;
  while (static_cast<int64_t>(samples.size()) < options_.batch_size) {
    std::optional<Sample> sample = next_sample();
    if (!sample) break;
    samples.push_back(std::move(*sample));
    batch.indices.push_back(given_++);
  }
  const bool is_short = static_cast<int64_t>(samples.size()) < options_.batch_size;
  if (samples.empty() || (is_short && options_.drop_last)) return std::nullopt;
  batch.number = batches_++;
  batch.fields = options_.collate ? options_.collate(samples) : stack_samples(samples);
  return batch;
}

IterableLoader::IterableLoader(IterableDatasetPtr dataset, const DataLoaderOptions& options)
    : dataset_(std::move(dataset)), options_(options) {
  IOLAUS_CHECK(dataset_ != nullptr, "[data] the loader has no dataset");
  IOLAUS_CHECK(options.batch_size > 0, "[data] expected batch_size > 0, got {}",
               options.batch_size);
  IOLAUS_CHECK(!options.shuffle && !options.sampler && !options.batch_sampler &&
                   options.num_workers == 0 && !options.pin_memory,
               "[data] an iterable dataset has one order, on one thread: shuffle, samplers, "
               "num_workers and pin_memory do not apply");
}

IterableEpoch IterableLoader::epoch(int64_t epoch, const std::string& state) const {
  const PhiloxKey key{derive_seed(options_.seed, kStreamSeed), static_cast<uint64_t>(epoch)};
  return {dataset_->start(key), options_, dataset_->resumes(), state};
}

std::unique_ptr<Pass> IterableLoader::start(int64_t epoch, int64_t first_batch,
                                            const std::string& state) const {
  if (first_batch == 0) return std::make_unique<IterableEpoch>(this->epoch(epoch));
  switch (dataset_->resumes()) {
    case Resume::kState:
      IOLAUS_CHECK_CODE(!state.empty(), ErrorCode::kCorrupt,
                        "[data] expected the stream's state after batch {} of epoch {}, there is "
                        "none",
                        first_batch, epoch);
      return std::make_unique<IterableEpoch>(this->epoch(epoch, state));
    case Resume::kReplay:
      break;
    default:
      fail(ErrorCode::kUnsupported,
           "[data] cannot go on after batch {} of epoch {}: this stream has no state and does not "
           "repeat itself; start from a checkpoint of an epoch's end, or give the dataset states "
           "(Resume::kState)",
           first_batch, epoch);
  }
  auto pass = std::make_unique<IterableEpoch>(this->epoch(epoch));
  for (int64_t i = 0; i < first_batch; ++i) {
    IOLAUS_CHECK_CODE(pass->next().has_value(), ErrorCode::kUnsupported,
                      "[data] cannot go on after batch {} of epoch {}: the stream gave only {} "
                      "batches this time",
                      first_batch, epoch, i);
  }
  return pass;
}

}  // namespace iolaus::nn::data
