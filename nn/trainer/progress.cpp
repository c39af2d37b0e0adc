// Layout and drawing of progress bars. The cursor stays on the line of the innermost bar.
#include "nn/trainer/progress.h"

#include <fmt/core.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

namespace iolaus::nn {
namespace {

constexpr int kLargestBar = 40, kSmallestBar = 5;

std::string clock_text(double seconds) {
  const auto s = static_cast<int64_t>(std::min(seconds, 1e9) + 0.5);
  return s >= 3600 ? fmt::format("{}:{:02}:{:02}", s / 3600, s / 60 % 60, s % 60)
                   : fmt::format("{}:{:02}", s / 60, s % 60);
}

// Characters, where a text is UTF-8.
int length_of(std::string_view text) {
  return static_cast<int>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

std::string cut(const std::string& text, int length) {
  if (length_of(text) <= length) return text;
  if (length <= 0) return "";
  size_t end = 0;
  for (int kept = 0; end < text.size(); ++end) {
    if ((text[end] & 0xC0) != 0x80 && kept++ == length) break;
  }
  return text.substr(0, end);
}

std::string bar_text(double share, int width, bool utf8) {
  const int filled = static_cast<int>(std::clamp(share, 0.0, 1.0) * width);
  std::string bar;
  for (int i = 0; i < width; ++i) {
    bar += i < filled ? (utf8 ? "━" : "=") : i == filled ? (utf8 ? "╸" : ">") : " ";
  }
  return bar;
}

// tqdm's: iterations a second, or seconds an iteration.
std::string speed_text(const ProgressState& s) {
  const double rate = static_cast<double>(s.fresh) / std::max(s.seconds, 1e-9);
  if (s.fresh == 0) return "?it/s";
  return rate >= 1 ? fmt::format("{:.2f}it/s", rate) : fmt::format("{:.2f}s/it", 1 / rate);
}

std::string samples_text(const ProgressState& s) {
  if (s.samples == 0) return "";
  return fmt::format("{:.0f} samples/s",
                     static_cast<double>(s.samples) / std::max(s.seconds, 1e-9));
}

std::string count_text(const ProgressState& s) {
  return s.total > 0 ? fmt::format("{}/{}", s.batch, s.total) : fmt::format("{}", s.batch);
}

// As tqdm with Lightning's padding: the shorter of all digits and three, at least five characters.
std::string value_text(double value) {
  std::string all = fmt::format("{}", value), three = fmt::format("{:.3g}", value);
  const size_t exponent = three.find('e');
  if (exponent != std::string::npos && three.size() == exponent + 4 && three[exponent + 2] == '0') {
    three.erase(exponent + 2, 1);  // 1e-05
  }
  if (std::isfinite(value) && all.find_first_of(".e") == std::string::npos) all += ".0";
  std::string text = three.size() < all.size() ? three : all;
  if (!std::isfinite(value) || text.find('e') != std::string::npos) return text;
  if (text.find('.') == std::string::npos && text.size() < 5) text += '.';
  if (text.size() < 5) text.append(5 - text.size(), '0');
  return text;
}

int terminal_width() {
  winsize size = {};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0) return size.ws_col;
  return 80;
}

bool can_redraw() {
  const char* term = std::getenv("TERM");
  return ::isatty(STDERR_FILENO) != 0 && (term == nullptr || std::string_view(term) != "dumb");
}

// The locale's encoding, by the variables that name it; the program itself stays in the C locale.
bool is_utf8() {
  for (const char* name : {"LC_ALL", "LC_CTYPE", "LANG"}) {
    const char* value = std::getenv(name);
    if (value == nullptr || *value == '\0') continue;
    const std::string_view text = value;
    return text.find("UTF-8") != text.npos || text.find("utf8") != text.npos;
  }
  return false;
}

void print(const std::string& text) {
  std::fputs(text.c_str(), stderr);
  std::fflush(stderr);
}

}  // namespace

std::string progress_line(const ProgressState& s, int width, bool utf8) {
  std::string clock = clock_text(s.seconds);
  if (s.total > 0 && s.fresh > 0) {
    const double a_batch = s.seconds / static_cast<double>(s.fresh);
    clock +=
        "<" + clock_text(a_batch * static_cast<double>(std::max<int64_t>(s.total - s.batch, 0)));
  }
  const std::string counts = fmt::format("{} {} {}", count_text(s), clock, speed_text(s));
  std::string samples = samples_text(s);
  if (!samples.empty()) samples = " " + samples;
  std::string metrics = s.metrics.empty() ? "" : " " + s.metrics;

  const int smallest = s.total > 0 ? kSmallestBar + 1 : 0;
  int room = width - length_of(s.label) - 1 - length_of(counts);
  if (room - length_of(samples) - length_of(metrics) < smallest) samples.clear();
  room -= length_of(samples);
  metrics = cut(metrics, std::max(room - smallest, 0));
  room -= length_of(metrics);
  std::string line = s.label + " ";
  if (smallest > 0 && room >= smallest) {
    const double share = static_cast<double>(s.batch) / static_cast<double>(s.total);
    line += bar_text(share, std::min(room - 1, kLargestBar), utf8) + " ";
  }
  return cut(line + counts + samples + metrics, width);
}

std::string progress_summary(const ProgressState& s) {
  std::string line =
      fmt::format("{}: {} in {:.1f} s, {}", s.label, count_text(s), s.seconds, speed_text(s));
  if (s.samples > 0) line += ", " + samples_text(s);
  return s.metrics.empty() ? line : line + ", " + s.metrics;
}

std::string progress_metrics(const std::map<std::string, double>& metrics,
                             const std::string& v_num) {
  std::string text;
  if (!v_num.empty())
    text = "v_num=" + v_num.substr(v_num.size() - std::min<size_t>(v_num.size(), 4));
  for (const auto& [name, value] : metrics) {
    text += (text.empty() ? "" : ", ") + name + "=" + value_text(value);
  }
  return text;
}

Progress* Progress::current_ = nullptr;

Progress::Progress(std::string label, int64_t total, bool enabled)
    : enabled_(enabled), terminal_(enabled && can_redraw()), start_(Clock::now()), drawn_(start_) {
  state_.label = std::move(label);
  state_.total = total;
  if (!enabled_) return;
  outer_ = current_;
  current_ = this;
  if (!terminal_) return;
  if (outer_ != nullptr) print("\n");
  draw();
}

Progress::~Progress() {
  if (enabled_ && !ended_) end(false);
}

bool Progress::is_due() const {
  return terminal_ && current_ == this && Clock::now() - drawn_ >= std::chrono::milliseconds(100);
}

void Progress::update(int64_t batch, int64_t samples, const std::string& metrics) {
  state_.batch = batch;
  state_.samples += samples;
  ++state_.fresh;
  if (!is_due()) return;
  state_.metrics = metrics;
  draw();
}

void Progress::finish(const std::string& metrics) {
  if (!enabled_ || ended_) return;
  state_.metrics = metrics;
  end(true);
}

void Progress::draw() {
  drawn_ = Clock::now();
  state_.seconds = std::chrono::duration<double>(drawn_ - start_).count();
  static const bool utf8 = is_utf8();
  // The last column stays free: a full line makes some terminals begin another.
  print("\r\x1b[K" + progress_line(state_, terminal_width() - 1, utf8));
}

void Progress::end(bool finished) {
  ended_ = true;
  if (current_ == this) current_ = outer_;
  if (!terminal_) {
    if (!finished) return;
    state_.seconds = std::chrono::duration<double>(Clock::now() - start_).count();
    return print(progress_summary(state_) + "\n");
  }
  if (outer_ != nullptr) return print("\r\x1b[K\x1b[A");  // gone, and up to the outer bar's line
  if (finished) draw();
  print("\n");
}

}  // namespace iolaus::nn
