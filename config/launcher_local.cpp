// The local launcher: jobs in processes of their own, several at a time, one per GPU if asked for.
// A job is a fork of this process (the config is composed already, the task is code): it cannot
// take the others down, and what it prints goes to console.log in its output directory. Its result
// comes back through a pipe. Nothing that breaks in a fork (CUDA, threads) is started before.
#include <fcntl.h>
#include <poll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <chrono>
#include <csignal>
#include <cstdio>
#include <cstring>
#include <deque>
#include <optional>
#include <thread>

#include "config/interpolation.h"
#include "config/local_job.h"
#include "config/paths.h"
#include "config/sweep.h"
#include "config/sweep_record.h"

namespace iolaus::config {
namespace {

using Clock = std::chrono::steady_clock;

std::atomic<int> interrupts{0};
extern "C" void count_interrupt(int) { interrupts.fetch_add(1); }

// SIGINT and SIGTERM are counted, not deadly, while jobs run: children are told first.
class InterruptGuard {
 public:
  InterruptGuard() {
    interrupts = 0;
    struct sigaction action {};
    action.sa_handler = count_interrupt;
    ::sigaction(SIGINT, &action, &before_int_);
    ::sigaction(SIGTERM, &action, &before_term_);
  }
  ~InterruptGuard() {
    ::sigaction(SIGINT, &before_int_, nullptr);
    ::sigaction(SIGTERM, &before_term_, nullptr);
  }
  InterruptGuard(const InterruptGuard&) = delete;
  InterruptGuard& operator=(const InterruptGuard&) = delete;

 private:
  struct sigaction before_int_ {
  }, before_term_{};
};

struct Worker {
  pid_t process = -1;
  int pipe = -1;
  std::size_t job = 0;   // index in the batch
  std::size_t slot = 0;  // which of the places (and GPUs) it has
  std::string answer;
  Clock::time_point start;
};

class LocalLauncher : public Launcher {
 public:
  explicit LocalLauncher(const Node& config)
      : gpus_(gpus_of(select(config, "hydra.launcher.gpus"))) {
    const NodeRef jobs = select(config, "hydra.launcher.n_jobs");
    const std::size_t cores = std::max(1U, std::thread::hardware_concurrency());
    places_ = gpus_.empty() ? cores : gpus_.size();
    if (jobs && !jobs->is_null()) {
      IOLAUS_CHECK_CODE(jobs->as_int() > 0, ErrorCode::kConfig,
                        "[launcher] expected hydra.launcher.n_jobs > 0, got {}", jobs->as_int());
      places_ = static_cast<std::size_t>(jobs->as_int());
    }
    stop_on_failure_ = select(config, "hydra.launcher.on_failure")->str() == "stop";
    const NodeRef table = select(config, "hydra.launcher.table");
    live_ = table && table->is_bool() ? table->as_bool() : ::isatty(STDERR_FILENO) == 1;
  }

  std::size_t width() const override { return places_; }

  std::vector<JobReturn> launch(SweepRun& run, std::vector<SweepJob>& jobs) override {
    configure_hydra_logging(run.config);
    make_directories(select(run.config, "hydra.sweep.dir")->str());
    log_hydra(fmt::format("Launching {} jobs, {} at a time", jobs.size(),
                          std::min(places_, std::max<std::size_t>(jobs.size(), 1))));
    const InterruptGuard guard;
    start(run, jobs);
    while (!waiting_.empty() || !workers_.empty()) {
      fill_places(run, jobs);
      wait_for_news(run, jobs);
      react_to_interrupts();
    }
    draw(true);
    if (interrupts > 0) fail(ErrorCode::kConfig, "[launcher] interrupted; --continue goes on");
    return std::move(results_);
  }

 private:
  void start(const SweepRun&, const std::vector<SweepJob>& jobs) {
    results_.assign(jobs.size(), {});
    drawn_ = 0;
    stopping_ = false;
    told_ = 0;
    free_slots_.clear();
    for (std::size_t slot = 0; slot < places_; ++slot) free_slots_.push_back(slot);
    for (std::size_t i = 0; i < jobs.size(); ++i) {
      results_[i].num = jobs[i].num;
      results_[i].overrides = jobs[i].overrides;
      waiting_.push_back(i);
    }
  }

  void fill_places(SweepRun& run, std::vector<SweepJob>& jobs) {
    while (!waiting_.empty() && !free_slots_.empty() && !stopping_ && interrupts == 0) {
      const std::size_t job = waiting_.front();
      waiting_.pop_front();
      const std::size_t slot = free_slots_.front();
      free_slots_.pop_front();
      begin(run, jobs, job, slot);
    }
    if (stopping_ || interrupts > 0) waiting_.clear();
  }

  void begin(SweepRun& run, std::vector<SweepJob>& jobs, std::size_t job, std::size_t slot) {
    int ends[2];
    if (::pipe2(ends, O_CLOEXEC) != 0) {
      fail(ErrorCode::kIo, "[launcher] cannot make a pipe: {}", std::strerror(errno));
    }
    run.record.started(jobs[job].num, jobs[job].overrides);
    std::fflush(nullptr);
    const pid_t launcher = ::getpid();
    const pid_t process = ::fork();
    if (process < 0) fail(ErrorCode::kIo, "[launcher] cannot fork: {}", std::strerror(errno));
    if (process == 0) {
      ::close(ends[0]);
      run_local_job(run, jobs[job], gpus_.empty() ? "" : gpus_[slot % gpus_.size()], ends[1],
                    launcher);
    }
    ::close(ends[1]);
    workers_.push_back({process, ends[0], job, slot, {}, Clock::now()});
  }

  // Reads answers until one job has ended, or a moment has passed (the table counts seconds).
  void wait_for_news(SweepRun& run, std::vector<SweepJob>& jobs) {
    std::vector<pollfd> polled;
    for (const Worker& worker : workers_) polled.push_back({worker.pipe, POLLIN, 0});
    if (polled.empty()) return;
    if (::poll(polled.data(), polled.size(), live_ ? 500 : 2000) <= 0) return draw(false);
    for (std::size_t i = polled.size(); i-- > 0;) {
      if (polled[i].revents == 0) continue;
      char buffer[4096];
      const ssize_t got = ::read(polled[i].fd, buffer, sizeof(buffer));
      if (got > 0) {
        workers_[i].answer.append(buffer, static_cast<std::size_t>(got));
      } else if (got == 0) {
        end(run, jobs, i);
      }
    }
    draw(false);
  }

  void end(SweepRun& run, std::vector<SweepJob>& jobs, std::size_t index) {
    const Worker worker = std::move(workers_[index]);
    workers_.erase(workers_.begin() + static_cast<std::ptrdiff_t>(index));
    ::close(worker.pipe);
    int status = 0;
    while (::waitpid(worker.process, &status, 0) < 0 && errno == EINTR) {
    }
    SweepJob& job = jobs[worker.job];
    JobReturn& result = results_[worker.job];
    result = decode_result(worker.answer, status);
    result.num = job.num;
    result.overrides = job.overrides;
    if (result.seconds == 0) {
      result.seconds = std::chrono::duration<double>(Clock::now() - worker.start).count();
    }
    const bool failed = result.status == JobReturn::Status::kFailed;
    run.record.ended(job.overrides, {.num = job.num,
                                     .state = failed ? "failed" : "completed",
                                     .metric = result.metric,
                                     .seconds = result.seconds,
                                     .error = result.error});
    if (!live_) {
      log_hydra(fmt::format("\t#{} {} after {:.1f} s{}", job.num, failed ? "failed" : "completed",
                            result.seconds, failed ? ": " + result.error : ""));
    }
    free_slots_.push_back(worker.slot);
    if (failed && stop_on_failure_) stopping_ = true;
  }

  // The first signal asks the jobs to stop, the second one kills them.
  void react_to_interrupts() {
    const int count = interrupts;
    if (count == 0 || count == told_) return;
    told_ = count;
    for (const Worker& worker : workers_) ::kill(worker.process, count == 1 ? SIGTERM : SIGKILL);
  }

  // The table of jobs in place: up over the last one, then drawn again.
  void draw(bool last) {
    if (!live_) return;
    std::string text;
    std::size_t lines = 0;
    for (const Worker& worker : workers_) {
      if (lines == 20) break;
      std::string overrides;
      for (const std::string& line : results_[worker.job].overrides) overrides += " " + line;
      const double seconds = std::chrono::duration<double>(Clock::now() - worker.start).count();
      text += fmt::format("\033[K#{:<5} running {:7.0f} s {}\n", *results_[worker.job].num, seconds,
                          overrides.substr(0, 100));
      ++lines;
    }
    const auto count = [&](JobReturn::Status status) {
      return std::count_if(results_.begin(), results_.end(),
                           [&](const JobReturn& job) { return job.status == status; });
    };
    text += fmt::format("\033[K{} completed, {} failed, {} running, {} waiting\n",
                        count(JobReturn::Status::kCompleted), count(JobReturn::Status::kFailed),
                        workers_.size(), waiting_.size());
    ++lines;
    std::string clear;
    for (std::size_t i = lines; i < drawn_; ++i) clear += "\033[K\n";
    if (drawn_ > 0) std::fprintf(stderr, "\033[%zuA", drawn_);
    std::fputs((text + clear).c_str(), stderr);
    drawn_ = last ? 0 : std::max(lines, drawn_);
  }

  std::vector<std::string> gpus_;
  std::size_t places_ = 1;
  bool stop_on_failure_ = false, live_ = false, stopping_ = false;
  int told_ = 0;
  std::size_t drawn_ = 0;
  std::deque<std::size_t> waiting_, free_slots_;
  std::vector<Worker> workers_;
  std::vector<JobReturn> results_;
};

}  // namespace

std::unique_ptr<Launcher> make_local_launcher(const Node& config) {
  return std::make_unique<LocalLauncher>(config);
}

}  // namespace iolaus::config
