// The pool behind parallel_for. A caller publishes the parts of its loop in a slot, then works on
// them like everybody else and waits only for parts that another thread has begun: a worker that
// got no core takes nothing and delays nobody. Workers look for work for a short while, then sleep.
#include "core/parallel.h"

#include <atomic>
#include <cstdlib>
#include <exception>
#include <mutex>
#include <system_error>
#include <thread>
#include <utility>

#include "core/error.h"

namespace iolaus {
namespace {

constexpr int kMostThreads = 1024;
constexpr int kSlots = 8;      // loops of different callers at the same time
constexpr int kSpins = 4000;   // about 100 us of looking before a thread sleeps
constexpr int kPartBits = 16;  // of a ticket: the parts that nobody has begun
constexpr uint64_t kPartMask = (uint64_t{1} << kPartBits) - 1;
static_assert(kMostThreads <= kPartMask);

void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#endif
}

// One loop. Its fields are read only by who holds a part of it, and the caller leaves it when all
// parts are done, so the slot can be used again without anybody noticing.
struct alignas(64) Slot {
  std::atomic<uint64_t> ticket{0};  // generation << kPartBits | parts not begun
  std::atomic<int> unfinished{0};   // parts of others that are not done
  std::atomic<bool> used{false};
  void (*fn)(void*, int64_t, int64_t) = nullptr;
  void* context = nullptr;
  std::atomic<bool> failed{false};
  std::exception_ptr error;  // the first one

  // Runs a part, unless one before has failed.
  void run(int64_t part) {
    if (failed.load(std::memory_order_relaxed)) return;
    try {
      fn(context, part, part + 1);
    } catch (...) {
      if (!failed.exchange(true, std::memory_order_relaxed)) error = std::current_exception();
    }
  }
  // Takes a part and runs it; false where none is left.
  bool work() {
    uint64_t now = ticket.load(std::memory_order_acquire);
    do {
      if ((now & kPartMask) == 0) return false;
    } while (!ticket.compare_exchange_weak(now, now - 1, std::memory_order_acq_rel,
                                           std::memory_order_acquire));
    run(static_cast<int64_t>(now & kPartMask));
    return true;
  }
};

thread_local bool t_inside = false;  // this thread runs a part

class Pool {
 public:
  // Leaked: workers may look at it until the process has ended.
  static Pool& get() {
    static Pool& pool = *new Pool;
    return pool;
  }

  void run(int64_t parts, void (*fn)(void*, int64_t, int64_t), void* context) {
    Slot* slot = take_slot();
    if (slot == nullptr) return fn(context, 0, parts);
    grow(static_cast<int>(std::min<int64_t>(parts, num_threads())) - 1);
    slot->fn = fn;
    slot->context = context;
    slot->unfinished.store(static_cast<int>(parts - 1), std::memory_order_relaxed);
    const uint64_t before = slot->ticket.load(std::memory_order_relaxed);
    slot->ticket.store(
        (((before >> kPartBits) + 1) << kPartBits) | static_cast<uint64_t>(parts - 1),
        std::memory_order_release);
    wake(parts - 1);
    slot->run(0);
    while (slot->work()) slot->unfinished.fetch_sub(1, std::memory_order_relaxed);
    wait_for(*slot);
    std::exception_ptr error = std::exchange(slot->error, nullptr);
    slot->failed.store(false, std::memory_order_relaxed);
    slot->used.store(false, std::memory_order_release);
    if (error) std::rethrow_exception(std::move(error));
  }

 private:
  Slot* take_slot() {
    for (Slot& slot : slots_) {
      if (!slot.used.load(std::memory_order_relaxed) &&
          !slot.used.exchange(true, std::memory_order_acquire)) {
        return &slot;
      }
    }
    return nullptr;
  }

  void grow(int workers) {
    if (workers_.load(std::memory_order_acquire) >= workers) return;
    const std::lock_guard lock(growing_);
    for (int i = workers_.load(std::memory_order_relaxed); i < workers; ++i) {
      try {
        std::thread([this] { serve(); }).detach();
      } catch (const std::system_error&) {
        return;  // no more threads here: the callers do the rest
      }
      workers_.store(i + 1, std::memory_order_release);
    }
  }

  // A worker counts itself as asleep before it looks at the news for the last time.
  void wake(int64_t parts) {
    news_.fetch_add(1, std::memory_order_seq_cst);
    const int asleep = asleep_.load(std::memory_order_seq_cst);
    for (int64_t i = std::min<int64_t>(parts, asleep); i > 0; --i) news_.notify_one();
  }

  static void wait_for(Slot& slot) {
    for (int spins = 0; spins < kSpins; ++spins) {
      if (slot.unfinished.load(std::memory_order_acquire) == 0) return;
      pause();
    }
    for (int left; (left = slot.unfinished.load(std::memory_order_acquire)) != 0;) {
      slot.unfinished.wait(left, std::memory_order_acquire);
    }
  }

  bool work_somewhere() {
    bool found = false;
    for (Slot& slot : slots_) {
      while (slot.work()) {
        found = true;
        // The last of them wakes the caller, who may have left the slot to the next one by then:
        // a notification too many does no harm.
        if (slot.unfinished.fetch_sub(1, std::memory_order_acq_rel) == 1) {
          slot.unfinished.notify_one();
        }
      }
    }
    return found;
  }

  [[noreturn]] void serve() {
    t_inside = true;
    for (;;) {
      const uint32_t seen = news_.load(std::memory_order_acquire);
      if (work_somewhere()) continue;
      bool fresh = false;
      for (int spins = 0; spins < kSpins && !fresh; ++spins) {
        pause();
        fresh = news_.load(std::memory_order_acquire) != seen;
      }
      if (fresh) continue;
      asleep_.fetch_add(1, std::memory_order_seq_cst);
      news_.wait(seen, std::memory_order_seq_cst);
      asleep_.fetch_sub(1, std::memory_order_relaxed);
    }
  }

  Slot slots_[kSlots];
  alignas(64) std::atomic<uint32_t> news_{0};
  std::atomic<int> asleep_{0};
  std::atomic<int> workers_{0};
  std::mutex growing_;
};

std::atomic<int> g_threads{0};

int threads_at_start() {
  if (const char* text = std::getenv("OMP_NUM_THREADS")) {
    const long count = std::strtol(text, nullptr, 10);
    if (count >= 1) return static_cast<int>(std::min<long>(count, kMostThreads));
  }
  return std::clamp(static_cast<int>(std::thread::hardware_concurrency()), 1, kMostThreads);
}

}  // namespace

int num_threads() {
  const int threads = g_threads.load(std::memory_order_relaxed);
  if (threads > 0) [[likely]]
    return threads;
  int none = 0;
  g_threads.compare_exchange_strong(none, threads_at_start(), std::memory_order_relaxed);
  return g_threads.load(std::memory_order_relaxed);
}

void set_num_threads(int count) {
  IOLAUS_CHECK(count >= 1 && count <= kMostThreads,
               "[set_num_threads] expected 1 to {} threads, got {}", kMostThreads, count);
  g_threads.store(count, std::memory_order_relaxed);
}

namespace detail {
void parallel_run(int64_t count, void (*fn)(void*, int64_t, int64_t), void* context) {
  if (t_inside) return fn(context, 0, count);
  struct Inside {
    Inside() { t_inside = true; }
    ~Inside() { t_inside = false; }
  } inside;
  Pool::get().run(count, fn, context);
}
}  // namespace detail

}  // namespace iolaus
