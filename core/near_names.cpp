// Near names for messages, by edit distance.
#include "core/near_names.h"

#include <algorithm>
#include <utility>

namespace iolaus {
namespace {

char lower(char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c; }

/// Edits (insert, delete, replace, swap of neighbours) between two short texts, ignoring case.
size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<size_t> before(b.size() + 1), last(b.size() + 1), now(b.size() + 1);
  for (size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    now[0] = i;
    for (size_t j = 1; j <= b.size(); ++j) {
      const bool same = lower(a[i - 1]) == lower(b[j - 1]);
      now[j] = std::min({last[j] + 1, now[j - 1] + 1, last[j - 1] + (same ? 0 : 1)});
      const bool swapped = i > 1 && j > 1 && lower(a[i - 1]) == lower(b[j - 2]) &&
                           lower(a[i - 2]) == lower(b[j - 1]);
      if (swapped) now[j] = std::min(now[j], before[j - 2] + 1);
    }
    std::swap(before, last);
    std::swap(last, now);
  }
  return last[b.size()];
}

}  // namespace

std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& names) {
  constexpr size_t kMostNames = 3, kLongest = 100;
  std::vector<std::pair<size_t, std::string>> found;
  if (name.size() > kLongest) return {};
  for (const std::string& candidate : names) {
    if (candidate.empty() || candidate.size() > kLongest) continue;
    const size_t allowed = std::max<size_t>(1, std::min(name.size(), candidate.size()) / 3);
    const size_t distance = edit_distance(name, candidate);
    const bool part = name.size() >= 3 && candidate.find(name) != std::string::npos;
    // Names that only share their last component are near too: "SGD" for "torch.optim.SGD".
    const auto tail = [](std::string_view text) { return text.substr(text.rfind('.') + 1); };
    const bool same_tail =
        name.find('.') != std::string_view::npos && tail(name) == tail(candidate);
    if (distance <= allowed || part || same_tail) found.emplace_back(distance, candidate);
  }
  std::sort(found.begin(), found.end());
  found.erase(std::unique(found.begin(), found.end()), found.end());
  std::vector<std::string> out;
  for (auto& [distance, candidate] : found) {
    if (out.size() < kMostNames) out.push_back(std::move(candidate));
  }
  return out;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  const std::vector<std::string> near = near_names(name, names);
  if (near.empty()) return {};
  std::string out = " Did you mean ";
  for (size_t i = 0; i < near.size(); ++i) {
    if (i > 0) out += i + 1 == near.size() ? " or " : ", ";
    out += "'" + near[i] + "'";
  }
  return out + "?";
}

}  // namespace iolaus
