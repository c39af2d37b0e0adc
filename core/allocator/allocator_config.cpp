// Parsing of the allocator's settings.
#include "core/allocator/allocator_config.h"

#include <algorithm>
#include <bit>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <numeric>
#include <vector>

#include "core/error.h"

namespace iolaus {
namespace {

constexpr const char* kVariable = "IOLAUS_CUDA_ALLOC_CONF";
constexpr std::string_view kKeys[] = {"expandable_segments", "max_split_size_mb",
                                      "garbage_collection_threshold", "roundup_power2_divisions"};

// Levenshtein's distance: insertions, deletions and replacements.
size_t distance(std::string_view a, std::string_view b) {
  std::vector<size_t> row(b.size() + 1);
  std::iota(row.begin(), row.end(), size_t{0});
  for (size_t i = 0; i < a.size(); ++i) {
    size_t diagonal = row[0]++;
    for (size_t j = 0; j < b.size(); ++j) {
      const size_t replaced = diagonal + (a[i] != b[j]);
      diagonal = row[j + 1];
      row[j + 1] = std::min({replaced, row[j] + 1, row[j + 1] + 1});
    }
  }
  return row.back();
}

std::string_view trim(std::string_view text) {
  while (!text.empty() && text.front() == ' ') text.remove_prefix(1);
  while (!text.empty() && text.back() == ' ') text.remove_suffix(1);
  return text;
}

[[noreturn]] void fail_value(std::string_view key, const char* expected, std::string_view value) {
  fail(ErrorCode::kConfig, "[{}] {}: expected {}, got '{}'", kVariable, key, expected, value);
}

template <class T> T parse_number(std::string_view key, const char* expected, std::string_view s) {
  T value{};
  const auto [end, error] = std::from_chars(s.data(), s.data() + s.size(), value);
  if (error != std::errc() || end != s.data() + s.size()) fail_value(key, expected, s);
  return value;
}

void set(AllocatorConfig& config, std::string_view key, std::string_view value) {
  if (key == kKeys[0]) {
    const bool on = value == "True" || value == "true";
    if (!on && value != "False" && value != "false") fail_value(key, "True or False", value);
    config.growing_segments = on;
  } else if (key == kKeys[1]) {
    const char* expected = "a number of MiB above 20";
    const auto mebibytes = parse_number<size_t>(key, expected, value);
    if (mebibytes <= 20 || mebibytes > (size_t{1} << 30)) fail_value(key, expected, value);
    config.max_split_bytes = mebibytes << 20;
  } else if (key == kKeys[2]) {
    const char* expected = "a fraction between 0 and 1";
    config.gc_threshold = parse_number<double>(key, expected, value);
    if (!(config.gc_threshold > 0 && config.gc_threshold < 1)) fail_value(key, expected, value);
  } else if (key == kKeys[3]) {
    const char* expected = "a power of two up to 64";
    config.roundup_divisions = parse_number<size_t>(key, expected, value);
    if (!std::has_single_bit(config.roundup_divisions) || config.roundup_divisions > 64) {
      fail_value(key, expected, value);
    }
  } else {
    const auto near = std::min_element(std::begin(kKeys), std::end(kKeys),
                                       [&](std::string_view a, std::string_view b) {
                                         return distance(key, a) < distance(key, b);
                                       });
    const bool is_near = distance(key, *near) <= std::max<size_t>(key.size() / 3, 2);
    std::string known;
    for (std::string_view k : kKeys) known += (known.empty() ? "" : ", ") + std::string(k);
    fail(ErrorCode::kConfig, "[{}] unknown key '{}'{}; the keys are {}", kVariable, key,
         is_near ? fmt::format("; did you mean '{}'?", *near) : "", known);
  }
}

}  // namespace

AllocatorConfig parse_allocator_config(std::string_view text) {
  AllocatorConfig config;
  while (!trim(text).empty()) {
    const size_t comma = std::min(text.find(','), text.size());
    const std::string_view entry = trim(text.substr(0, comma));
    text.remove_prefix(std::min(comma + 1, text.size()));
    const size_t colon = entry.find(':');
    IOLAUS_CHECK_CODE(colon != std::string_view::npos, ErrorCode::kConfig,
                      "[{}] expected key:value, got '{}'", kVariable, entry);
    set(config, trim(entry.substr(0, colon)), trim(entry.substr(colon + 1)));
  }
  return config;
}

AllocatorConfig allocator_config_from_environment() {
  const char* text = std::getenv(kVariable);
  AllocatorConfig config = parse_allocator_config(text == nullptr ? "" : text);
  const char* off = std::getenv("IOLAUS_NO_CUDA_MEMORY_CACHING");
  config.caching = off == nullptr || *off == '\0' || std::strcmp(off, "0") == 0;
  return config;
}

std::string to_string(const AllocatorConfig& config) {
  std::string text =
      fmt::format("expandable_segments:{}", config.growing_segments ? "True" : "False");
  if (config.max_split_bytes != SIZE_MAX) {
    text += fmt::format(",max_split_size_mb:{}", config.max_split_bytes >> 20);
  }
  if (config.gc_threshold > 0) {
    text += fmt::format(",garbage_collection_threshold:{}", config.gc_threshold);
  }
  if (config.roundup_divisions > 0) {
    text += fmt::format(",roundup_power2_divisions:{}", config.roundup_divisions);
  }
  return text;
}

}  // namespace iolaus
