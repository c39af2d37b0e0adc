// Profiler: how long the parts of training took, as Lightning's SimpleProfiler: a table of actions
// with calls, mean and total time. Off, a scope costs one test.
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>

namespace iolaus::nn {

class Profiler {
 public:
  void enable() { enabled_ = true; }
  bool enabled() const { return enabled_; }

  class Scope {
   public:
    Scope(Profiler& profiler, const char* action)
        : profiler_(profiler.enabled_ ? &profiler : nullptr), action_(action) {
      if (profiler_ != nullptr) start_ = Clock::now();
    }
    ~Scope() {
      if (profiler_ != nullptr) profiler_->add(action_, Clock::now() - start_);
    }
    Scope(const Scope&) = delete;
    Scope& operator=(const Scope&) = delete;

   private:
    Profiler* profiler_;
    const char* action_;
    std::chrono::steady_clock::time_point start_;
  };

  /// Actions by total time, longest first: mean (s), calls, total (s), share of all.
  std::string summary() const;

 private:
  using Clock = std::chrono::steady_clock;
  struct Action {
    double seconds = 0;
    int64_t calls = 0;
  };
  void add(const char* action, Clock::duration time) {
    Action& a = actions_[action];
    a.seconds += std::chrono::duration<double>(time).count();
    ++a.calls;
  }
  bool enabled_ = false;
  std::map<std::string, Action> actions_;
  Clock::time_point since_ = Clock::now();
};

}  // namespace iolaus::nn
