// The profiler's table.
#include "nn/trainer/profiler.h"

#include <fmt/core.h>

#include <algorithm>
#include <vector>

namespace iolaus::nn {

std::string Profiler::summary() const {
  const double all = std::chrono::duration<double>(Clock::now() - since_).count();
  std::vector<std::pair<std::string, Action>> sorted(actions_.begin(), actions_.end());
  std::stable_sort(sorted.begin(), sorted.end(), [](const auto& a, const auto& b) {
    return a.second.seconds > b.second.seconds;
  });
  std::string text = fmt::format("Profile of {:.3f} s; actions may contain each other\n", all);
  text += fmt::format("{:<36}{:>14}{:>10}{:>14}{:>9}\n", "action", "mean (s)", "calls", "total (s)",
                      "share");
  for (const auto& [name, a] : sorted) {
    text += fmt::format("{:<36}{:>14.3e}{:>10}{:>14.4f}{:>7.1f} %\n", name,
                        a.seconds / static_cast<double>(a.calls), a.calls, a.seconds,
                        100 * a.seconds / all);
  }
  return text;
}

}  // namespace iolaus::nn
