// Drawing of the progress bar.
#include "nn/trainer/progress.h"

#include <fmt/core.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace iolaus::nn {
namespace {

std::string clock_text(double seconds) {
  const auto s = static_cast<int64_t>(seconds + 0.5);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

std::string bar_text(double share) {
  constexpr int kWidth = 20;
  const int filled = static_cast<int>(share * kWidth);
  std::string bar;
  for (int i = 0; i < kWidth; ++i) bar += i < filled ? "━" : (i == filled ? "╸" : " ");
  return bar;
}

}  // namespace

Progress::Progress(std::string label, int64_t total, bool enabled)
    : label_(std::move(label)),
      total_(total),
      enabled_(enabled),
      terminal_(isatty(STDERR_FILENO) != 0),
      start_(Clock::now()),
      drawn_(start_) {}

double Progress::seconds() const {
  return std::max(std::chrono::duration<double>(Clock::now() - start_).count(), 1e-9);
}

bool Progress::is_due() const {
  return enabled_ && terminal_ && Clock::now() - drawn_ >= std::chrono::milliseconds(100);
}

void Progress::update(int64_t batch, int64_t samples, const std::string& metrics) {
  batch_ = batch;
  samples_ += samples;
  if (!is_due()) return;
  drawn_ = Clock::now();
  draw(metrics, false);
}

void Progress::finish(const std::string& metrics) {
  if (enabled_) draw(metrics, true);
}

void Progress::draw(const std::string& metrics, bool last) {
  const double elapsed = seconds(),
               share = static_cast<double>(batch_) / std::max<int64_t>(total_, 1);
  const double rest = batch_ > 0 ? elapsed * (1 / share - 1) : 0;
  const std::string speed =
      fmt::format("{:.0f} samples/s", static_cast<double>(samples_) / elapsed);
  if (terminal_) {
    std::fprintf(stderr, "\r\x1b[K%s %s %ld/%ld %s<%s %s %s%s", label_.c_str(),
                 bar_text(share).c_str(), static_cast<long>(batch_), static_cast<long>(total_),
                 clock_text(elapsed).c_str(), clock_text(rest).c_str(), speed.c_str(),
                 metrics.c_str(), last ? "\n" : "");
  } else {
    std::fprintf(stderr, "%s: %ld/%ld in %.1f s, %s %s\n", label_.c_str(),
                 static_cast<long>(batch_), static_cast<long>(total_), elapsed, speed.c_str(),
                 metrics.c_str());
  }
  std::fflush(stderr);
}

}  // namespace iolaus::nn
