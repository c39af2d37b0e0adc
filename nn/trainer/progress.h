// Progress: how far an epoch is, on stderr. On a terminal a line that is redrawn at most ten times
// a second and fits its width; elsewhere one line at the end. A bar that begins while another one
// lives (validation within an epoch) is drawn below it, and goes when it ends.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace iolaus::nn {

/// What a bar shows at one moment.
struct ProgressState {
  std::string label;    // "Epoch 1/3"
  int64_t batch = 0;    // done
  int64_t total = 0;    // not positive: not known
  int64_t fresh = 0;    // batches done since this process began the epoch: for the speed
  int64_t samples = 0;  // of those; 0 shows no samples a second
  double seconds = 0;   // since then
  std::string metrics;  // at the end
};

/// "Epoch 1/3 ━━━━━╸    468/938 0:03<0:03 150.3it/s 9620 samples/s loss=0.412" in at most width
/// characters: a narrow terminal gets a shorter bar, then no samples, then cut metrics.
std::string progress_line(const ProgressState& state, int width, bool utf8 = true);
/// The same without a bar, for files: "Epoch 1/3: 938/938 in 6.2 s, 150.3it/s, ...".
std::string progress_summary(const ProgressState& state);
/// "v_num=3, train/loss=0.412": metrics as Lightning's bar prints them. v_num: at most its last
/// four characters; "" leaves it out.
std::string progress_metrics(const std::map<std::string, double>& metrics,
                             const std::string& v_num = "");

class Progress {
 public:
  /// label: "Epoch 1/3", "Testing"; total: batches, not positive where that is not known. enabled
  /// false prints nothing.
  Progress(std::string label, int64_t total, bool enabled);
  /// Leaves the line as it is where finish() was not called.
  ~Progress();
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  /// Whether update() would draw now: metrics need not be read before.
  bool is_due() const;
  /// After a batch; batch: how many are done, also before this process; samples: in this batch.
  void update(int64_t batch, int64_t samples, const std::string& metrics);
  /// Ends the line with its final metrics.
  void finish(const std::string& metrics);

 private:
  using Clock = std::chrono::steady_clock;
  void draw();
  void end(bool finished);

  static Progress* current_;  // the innermost one that lives
  ProgressState state_;
  bool enabled_, terminal_, ended_ = false;
  Progress* outer_ = nullptr;
  Clock::time_point start_, drawn_;
};

}  // namespace iolaus::nn
