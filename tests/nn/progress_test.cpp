// Progress bars: layout for every width, and what a terminal and a file get to see.
#include <doctest/doctest.h>
#include <fcntl.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <thread>
#include <vector>

#include "nn/trainer/progress.h"
#include "tests/nn/log_folder.h"

using namespace iolaus;
using namespace iolaus::nn;

namespace {

const ProgressState kState{.label = "Epoch 1/3",
                           .batch = 30,
                           .total = 120,
                           .fresh = 20,
                           .samples = 1280,
                           .seconds = 8,
                           .metrics = "loss=0.412"};

size_t characters(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xC0) != 0x80; }));
}

// Puts stderr back, and gives what came through a terminal of 60 columns.
class Terminal {
 public:
  Terminal() : saved_(::dup(STDERR_FILENO)) {
    master_ = ::posix_openpt(O_RDWR | O_NOCTTY);
    REQUIRE(master_ >= 0);
    REQUIRE(::grantpt(master_) == 0);
    REQUIRE(::unlockpt(master_) == 0);
    const int slave = ::open(::ptsname(master_), O_RDWR | O_NOCTTY);
    REQUIRE(slave >= 0);
    const winsize size = {24, 60, 0, 0};
    ::ioctl(slave, TIOCSWINSZ, &size);
    ::dup2(slave, STDERR_FILENO);
    ::close(slave);
    ::setenv("TERM", "xterm", 1);
    ::setenv("LC_ALL", "C.UTF-8", 1);
  }
  ~Terminal() {
    restore();
    ::close(master_);
  }
  std::string text() {
    restore();  // closes the other end, so that reading ends
    std::string all;
    char buffer[4096];
    for (ssize_t n; (n = ::read(master_, buffer, sizeof buffer)) > 0;)
      all.append(buffer, static_cast<size_t>(n));
    return all;
  }

 private:
  void restore() {
    if (saved_ < 0) return;
    ::dup2(saved_, STDERR_FILENO);
    ::close(saved_);
    saved_ = -1;
  }
  int saved_, master_ = -1;
};

// What the screen shows after all control sequences that Progress uses.
std::vector<std::string> screen(const std::string& text) {
  std::vector<std::string> lines(1);
  size_t row = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const std::string rest = text.substr(i, 3);
    if (text[i] == '\r') continue;  // every line is written from its start, after \x1b[K
    if (text[i] == '\n') {
      if (++row == lines.size()) lines.emplace_back();
    } else if (rest == "\x1b[K") {
      lines[row].clear();
      i += 2;
    } else if (rest == "\x1b[A") {
      --row;
      i += 2;
    } else {
      lines[row] += text[i];
    }
  }
  return lines;
}

}  // namespace

TEST_CASE("a wide terminal gets everything, a narrow one less") {
  CHECK(progress_line(kState, 120) ==
        "Epoch 1/3 ━━━━━━━━━━╸                              30/120 0:08<0:36 2.50it/s "
        "160 samples/s loss=0.412");
  const std::string counts = " 30/120 0:08<0:36 2.50it/s";
  // 60 characters beside the bar, so 17 and a blank are left: a quarter of 17 is 4.
  CHECK(progress_line(kState, 78, false) ==
        "Epoch 1/3 ====>" + std::string(12, ' ') + counts + " 160 samples/s loss=0.412");
  // 46 without the samples: 13 are left.
  CHECK(progress_line(kState, 60, false) ==
        "Epoch 1/3 ===>" + std::string(9, ' ') + counts + " loss=0.412");
  // The smallest bar is 5.
  CHECK(progress_line(kState, 48, false) ==
        "Epoch 1/3 =>" + std::string(3, ' ') + counts + " loss=0");
  for (int width = 1; width < 130; ++width) {
    CAPTURE(width);
    CHECK(characters(progress_line(kState, width)) <= static_cast<size_t>(width));
  }
}

TEST_CASE("clocks, speeds and totals that are not known") {
  ProgressState s = kState;
  s.total = 0;
  CHECK(progress_line(s, 100) == "Epoch 1/3 30 0:08 2.50it/s 160 samples/s loss=0.412");
  s.samples = 0;
  s.seconds = 3700;
  s.metrics = "";
  CHECK(progress_line(s, 100) == "Epoch 1/3 30 1:01:40 185.00s/it");
  s.fresh = 0;
  CHECK(progress_line(s, 100) == "Epoch 1/3 30 1:01:40 ?it/s");
  CHECK(progress_summary(kState) ==
        "Epoch 1/3: 30/120 in 8.0 s, 2.50it/s, 160 samples/s, loss=0.412");
}

TEST_CASE("metrics are written as Lightning's bar writes them") {
  // From Tqdm.format_num of pytorch_lightning 2.6.
  const std::pair<double, const char*> values[] = {
      {0.5, "0.500"},       {0.123456, "0.123"}, {12.3456, "12.30"},         {2, "2.000"},
      {1e-5, "1e-5"},       {10000, "1e+4"},     {123456.7, "1.23e+5"},      {99.99, "100.0"},
      {-1.5, "-1.50"},      {1234.5, "1234.5"},  {-0.00012345, "-0.000123"}, {0, "0.000"},
      {3.25e-7, "3.25e-7"}, {100, "100.0"}};
  for (const auto& [value, text] : values) {
    CHECK(progress_metrics({{"a", value}}) == std::string("a=") + text);
  }
  CHECK(progress_metrics({{"b", std::nan("")}, {"a", 1}}, "12") == "v_num=12, a=1.000, b=nan");
  CHECK(progress_metrics({}, "my-version") == "v_num=sion");
  CHECK(progress_metrics({}).empty());
}

TEST_CASE("a terminal gets a line that is redrawn, and inner bars come and go below it") {
  Terminal terminal;
  {
    Progress outer("Epoch 1/2", 4, true);
    CHECK_FALSE(outer.is_due());
    outer.update(1, 8, "loss=1");  // too soon after the first
    std::this_thread::sleep_for(std::chrono::milliseconds(120));
    CHECK(outer.is_due());
    outer.update(2, 8, "loss=2");
    {
      Progress inner("Validation", 3, true);
      CHECK_FALSE(outer.is_due());
      inner.finish("val/acc=1");
    }
    outer.finish("loss=4");
  }
  Progress("Off", 3, false).finish("x");
  const std::string text = terminal.text();
  CAPTURE(text);
  CHECK(text.find("loss=1") == std::string::npos);
  CHECK(text.find("loss=2") != std::string::npos);
  CHECK(text.find("Validation") != std::string::npos);
  CHECK(text.find("Off") == std::string::npos);
  const auto lines = screen(text);
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("Epoch 1/2 "));
  CHECK(lines[0].ends_with(" loss=4"));
  CHECK(characters(lines[0]) <= 59);
  CHECK(lines[1].empty());
}

TEST_CASE("bars that an error ends leave the cursor on a new line") {
  Terminal terminal;
  try {
    Progress outer("Epoch 1/2", 4, true);
    Progress inner("Validation", 3, true);
    throw std::runtime_error("stop");
  } catch (const std::runtime_error&) {
  }
  const auto lines = screen(terminal.text());
  REQUIRE(lines.size() == 2);
  CHECK(lines[0].starts_with("Epoch 1/2 "));
  CHECK(lines[1].empty());
}

TEST_CASE("a file gets one line a bar, at its end") {
  const LogFolder folder;
  const std::string path = folder.dir / "stderr";
  const int saved = ::dup(STDERR_FILENO), file = ::open(path.c_str(), O_WRONLY | O_CREAT, 0666);
  ::dup2(file, STDERR_FILENO);
  {
    Progress outer("Epoch 1/2", 2, true);
    outer.update(1, 8, "loss=1");
    outer.update(2, 8, "loss=2");
    outer.finish("loss=3");
    const Progress dropped("Validation", 2, true);
  }
  ::dup2(saved, STDERR_FILENO);
  ::close(saved);
  ::close(file);
  const std::string text = read_text(path);
  CHECK(text.starts_with("Epoch 1/2: 2/2 in 0.0 s, "));
  CHECK(text.ends_with("samples/s, loss=3\n"));
  CHECK(std::count(text.begin(), text.end(), '\n') == 1);
}
