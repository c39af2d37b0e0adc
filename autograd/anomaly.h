// Anomaly mode: backward looks at every gradient that an op gives and names the op whose gradient
// is the first with a NaN. It waits for the device after each op.
#pragma once

namespace iolaus {

namespace detail {
inline thread_local bool t_detect_anomaly = false;
}

inline bool detects_anomaly() { return detail::t_detect_anomaly; }

/// torch.autograd.set_detect_anomaly as a scope of this thread.
class DetectAnomaly {
 public:
  explicit DetectAnomaly(bool enabled = true) : before_(detail::t_detect_anomaly) {
    detail::t_detect_anomaly = enabled;
  }
  ~DetectAnomaly() { detail::t_detect_anomaly = before_; }
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

 private:
  bool before_;
};

}  // namespace iolaus
