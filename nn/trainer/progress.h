// Progress: how far an epoch is, on stderr. On a terminal one line that is redrawn; elsewhere one
// line at the end of each epoch.
#pragma once

#include <chrono>
#include <cstdint>
#include <string>

namespace iolaus::nn {

class Progress {
 public:
  /// label: "Epoch 1/3", "Testing"; total: batches. enabled false prints nothing.
  Progress(std::string label, int64_t total, bool enabled);
  /// Whether update() would draw now: metrics need not be read before.
  bool is_due() const;
  /// After a batch; samples: done in it. Redraws at most ten times a second.
  void update(int64_t batch, int64_t samples, const std::string& metrics);
  /// Ends the line with its final metrics.
  void finish(const std::string& metrics);

 private:
  using Clock = std::chrono::steady_clock;
  void draw(const std::string& metrics, bool last);
  double seconds() const;

  std::string label_;
  int64_t total_, batch_ = 0, samples_ = 0;
  bool enabled_, terminal_;
  Clock::time_point start_, drawn_;
};

}  // namespace iolaus::nn
