// Timing in turns.
#include "kernels/tune.h"

#include <algorithm>

namespace iolaus::detail {
namespace {

constexpr double kSampleSeconds = 1e-3;  // of one sample: many calls, so that the clock is exact
constexpr int kSamples = 21;             // odd: the median is one of them
constexpr double kNearTie = 0.02;

}  // namespace

std::vector<double> time_in_turns(Device device, std::span<const std::function<void()>> works) {
  Backend& clock = backend(device.type);
  std::vector<int64_t> calls;
  for (const auto& work : works) {
    // The first call may load code and fill caches; the third says how many make a sample.
    double once = 0;
    for (int i = 0; i < 3; ++i) once = clock.seconds(device, work);
    calls.push_back(
        std::clamp<int64_t>(static_cast<int64_t>(kSampleSeconds / std::max(once, 1e-9)), 1, 10000));
  }
  // Long calls need fewer samples: a slow shape must not stop a training for seconds.
  std::vector<std::vector<double>> samples(works.size());
  double spent = 0;
  for (int s = 0; s < kSamples && (s < 3 || spent < 0.1 * static_cast<double>(works.size())); ++s) {
    for (size_t i = 0; i < works.size(); ++i) {
      const double seconds = clock.seconds(device, [&] {
        for (int64_t c = 0; c < calls[i]; ++c) works[i]();
      });
      spent += seconds;
      samples[i].push_back(seconds / static_cast<double>(calls[i]));
    }
  }
  std::vector<double> medians;
  for (auto& list : samples) {
    const auto middle = list.begin() + static_cast<std::ptrdiff_t>(list.size() / 2);
    std::nth_element(list.begin(), middle, list.end());
    medians.push_back(*middle);
  }
  return medians;
}

size_t fastest(std::span<const double> seconds) {
  const auto best =
      static_cast<size_t>(std::min_element(seconds.begin(), seconds.end()) - seconds.begin());
  return seconds[best] < (1 - kNearTie) * seconds[0] ? best : 0;
}

}  // namespace iolaus::detail
