// Images per second that the loader alone makes of Fashion-MNIST: batches of 64, shuffled and
// normalised, with and without a random crop and flip, with 0 and 2 workers. One line of JSON per
// case; tests/bench/loader.py prints them beside PyTorch's. Usage: bench_loader [EPOCHS]
#include <fmt/core.h>

#include <algorithm>
#include <chrono>
#include <cstdlib>

#include "nn/data/loader.h"
#include "nn/data/mnist.h"

using namespace iolaus;
using namespace iolaus::nn::data;

namespace {

double seconds_since(std::chrono::steady_clock::time_point begin) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - begin).count();
}

// The median over the epochs.
double images_per_second(const DatasetPtr& dataset, int workers, int epochs) {
  const DataLoader loader(dataset, {.batch_size = 64, .shuffle = true, .num_workers = workers});
  std::vector<double> rates;
  for (int e = 0; e < epochs; ++e) {
    const auto begin = std::chrono::steady_clock::now();
    int64_t images = 0;
    Epoch epoch = loader.epoch(e);
    for (const Batch& batch : epoch) images += batch.size();
    rates.push_back(static_cast<double>(images) / seconds_since(begin));
  }
  std::nth_element(rates.begin(), rates.begin() + epochs / 2, rates.end());
  return rates[static_cast<size_t>(epochs / 2)];
}

}  // namespace

int main(int argc, char** argv) {
  const int epochs = argc > 1 ? std::atoi(argv[1]) : 5;
  const auto begin = std::chrono::steady_clock::now();
  const auto plain = load_fashion_mnist(true);
  fmt::print("{{\"case\": \"read\", \"seconds\": {:.4f}}}\n", seconds_since(begin));
  const auto augmented = plain->with_transform(
      compose({random_crop({.height = 28, .width = 28, .padding = {4, 4, 4, 4}}),
               random_horizontal_flip()}));
  for (const int workers : {0, 2}) {
    fmt::print("{{\"case\": \"plain_{}\", \"images_per_s\": {:.0f}}}\n", workers,
               images_per_second(plain, workers, epochs));
    fmt::print("{{\"case\": \"crop_flip_{}\", \"images_per_s\": {:.0f}}}\n", workers,
               images_per_second(augmented, workers, epochs));
  }
}
