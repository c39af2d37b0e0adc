// Scheduling, barriers, collectives, and the diagnoses of threads that wait for what never comes.
#include "core/cuda/sim/block.h"

#include <algorithm>
#include <csetjmp>
#include <deque>
#include <map>
#include <random>
#include <vector>

#include "core/cuda/sim/checker.h"
#include "core/cuda/sim/fiber.h"
#include "core/cuda/sim/memory.h"
#include "core/cuda/sim/options.h"
#include "core/cuda/sim/shared.h"

namespace iolaus::sim {

Indices g_indices;
SimThread* g_thread = nullptr;

namespace {

// Lanes that have come to a collective with one mask; several masks may be pending in a warp.
struct Rendezvous {
  unsigned mask, arrived;
  const char* what;
  Place place;
};
struct Warp {
  unsigned live = 0;
  std::vector<Rendezvous> pending;
};

struct Executor {
  const Grid* grid = nullptr;
  std::vector<SimThread> threads;
  std::vector<Warp> warps;
  std::deque<SimThread*> ready;
  SimThread* chosen = nullptr;  // runs next, on its own fiber
  unsigned live = 0;
  bool failed = false, unwinding = false;
  // The block's barrier.
  unsigned arrived = 0;
  const char* barrier_what = nullptr;
  Place barrier_place{};
  int count = 0, result = 0;
  bool all = true, any = false;
  std::vector<Fiber*> idle;
  std::mt19937_64 random;
  sigjmp_buf fault;
};
Executor& executor() {
  static auto* one = new Executor;
  return *one;
}

std::string dims(const auto& d) { return fmt::format("({}, {}, {})", d.x, d.y, d.z); }

SimThread* pop_ready(Executor& e) {
  if (e.ready.empty()) return nullptr;
  const Order order = options().order;
  auto found = e.ready.begin();
  if (order == Order::kLifo) found = std::prev(e.ready.end());
  if (order == Order::kRandom) found += static_cast<long>(e.random() % e.ready.size());
  SimThread* thread = *found;
  if (found == e.ready.begin()) {
    e.ready.pop_front();
  } else {
    *found = e.ready.back();  // the order within a random queue is of no matter
    e.ready.pop_back();
  }
  return thread;
}

void make_current(SimThread* thread) {
  g_thread = thread;
  if (thread == nullptr) return;
  g_indices.thread = thread->index;
  checker::on_switch(thread->fiber->stack_begin(), thread->fiber->stack_size());
}

void finish_thread(Executor& e, SimThread* thread) {
  thread->is_done = true;
  --e.live;
  e.warps[thread->linear / kWarpSize].live &= ~(1u << (thread->linear % kWarpSize));
}

void run_thread(Executor& e, SimThread* thread, Fiber* fiber) {
  thread->fiber = fiber;
  make_current(thread);
  try {
    e.grid->body(e.grid->arguments.get());
    if (!thread->copies.empty()) {
      fail_thread(fmt::format("returns with {} cp.async copies that were never waited for",
                              thread->copies.size()));
    }
  } catch (const KernelFault&) {
    e.failed = true;
  }
  finish_thread(e, thread);
}

// A fiber runs fresh threads one after another, until the next one has a fiber of its own.
void fiber_main(Fiber* self) {
  Executor& e = executor();
  for (;;) {
    SimThread* next = std::exchange(e.chosen, nullptr);
    while (next != nullptr) {
      run_thread(e, next, self);
      next = e.failed ? nullptr : pop_ready(e);
      if (next != nullptr && next->fiber != nullptr) e.chosen = std::exchange(next, nullptr);
    }
    e.idle.push_back(self);
    make_current(nullptr);
    Fiber::suspend();
  }
}

Fiber* take_fiber(Executor& e) {
  if (e.idle.empty()) {
    auto* slot = new Fiber*;  // the body needs its own address
    *slot = new Fiber([slot] { fiber_main(*slot); });
    return *slot;
  }
  Fiber* fiber = e.idle.back();
  e.idle.pop_back();
  return fiber;
}

void resume(Executor& e, SimThread* thread) {
  Fiber* fiber = thread->fiber;
  if (fiber == nullptr) {
    fiber = take_fiber(e);
    e.chosen = thread;
  } else {
    make_current(thread);
  }
  fiber->resume();
  make_current(nullptr);
}

// The calling thread waits; another runs. Returns when somebody made it ready again.
void suspend_thread(const char* what, Place place, unsigned mask) {
  Executor& e = executor();
  SimThread* self = g_thread;
  self->waits_in = what;
  self->place = place;
  self->mask = mask;
  make_current(nullptr);
  Fiber::suspend();
  if (e.unwinding) throw KernelFault{};
}

void make_ready(Executor& e, SimThread& thread) {
  thread.waits_in = nullptr;
  e.ready.push_back(&thread);
}

// "threads 0-31 wait in __syncthreads at f.cu:3; threads 32-63 have returned"
std::string who_waits_where(const Executor& e) {
  std::map<std::string, std::vector<unsigned>> groups;
  for (const SimThread& t : e.threads) {
    if (t.is_done) {
      groups["have returned"].push_back(t.linear);
    } else if (t.waits_in != nullptr) {
      std::string where = "wait in " + at(t.waits_in, t.place);
      if (t.mask != 0) where += fmt::format(" (mask {:#010x})", t.mask);
      groups[where].push_back(t.linear);
    }
  }
  std::string text;
  for (const auto& [where, members] : groups) {
    std::string list;
    for (size_t i = 0; i < members.size();) {
      size_t j = i;
      while (j + 1 < members.size() && members[j + 1] == members[j] + 1) ++j;
      if (!list.empty()) list += ", ";
      list += i == j ? fmt::format("{}", members[i]) : fmt::format("{}-{}", members[i], members[j]);
      i = j + 1;
    }
    text += fmt::format("{}threads {} {}", text.empty() ? "" : "; ", list, where);
  }
  return text;
}

std::string describe_block(const Executor& e) {
  return fmt::format("{}, block {}", function_name(e.grid->kernel), dims(g_indices.block));
}

// After a diagnosis: the threads that wait leave their kernels by an exception.
void unwind(Executor& e) {
  e.unwinding = true;
  e.ready.clear();
  for (SimThread& t : e.threads) {
    if (!t.is_done && t.fiber != nullptr) resume(e, &t);
    t.copies.clear();
  }
  e.unwinding = false;
}

void reset(Executor& e, uint64_t number) {
  const dim3 n = e.grid->block;
  e.random.seed(options().seed * 0x9e3779b97f4a7c15u + number);
  e.failed = false;
  e.arrived = 0;
  e.ready.clear();
  e.live = static_cast<unsigned>(e.threads.size());
  for (size_t w = 0; w < e.warps.size(); ++w) {
    const unsigned lanes = std::min<unsigned>(kWarpSize, e.live - static_cast<unsigned>(w) * 32);
    e.warps[w].live = lanes == kWarpSize ? ~0u : (1u << lanes) - 1;
    e.warps[w].pending.clear();
  }
  for (unsigned i = 0; i < e.threads.size(); ++i) {
    SimThread& t = e.threads[i];
    t.index = {i % n.x, i / n.x % n.y, i / n.x / n.y};
    t.linear = i;
    t.is_done = false;
    t.waits_in = nullptr;
    t.fiber = nullptr;
    t.block_epoch = t.warp_epoch = 0;
    t.copies.clear();
    t.copy_group = 0;
  }
  const bool reverse = options().order == Order::kReverse;
  for (unsigned i = 0; i < e.threads.size(); ++i) {
    e.ready.push_back(&e.threads[reverse ? e.threads.size() - 1 - i : i]);
  }
}

bool run_block(Executor& e, uint64_t number) {
  const dim3 g = e.grid->grid;
  g_indices.block = {static_cast<unsigned>(number % g.x), static_cast<unsigned>(number / g.x % g.y),
                     static_cast<unsigned>(number / g.x / g.y)};
  reset(e, number);
  checker::on_block();
  begin_shared_block(e.grid->shared_bytes, e.grid->shared_limit);
  // A fault of a memory access jumps here: the fiber is lost, the rest unwinds.
  if (sigsetjmp(e.fault, 0) == 0) {
    while (!e.failed) {
      SimThread* next = e.chosen != nullptr ? std::exchange(e.chosen, nullptr) : pop_ready(e);
      if (next == nullptr) break;
      resume(e, next);
    }
  } else {
    g_thread->is_done = true;
    g_thread = nullptr;
    Fiber::abandon_running();
    e.failed = true;
  }
  if (!e.failed && e.live > 0) {
    record_diagnosis(describe_block(e) + ": deadlock: " + who_waits_where(e));
    e.failed = true;
  }
  e.chosen = nullptr;
  if (e.failed) unwind(e);
  return !e.failed;
}

}  // namespace

std::string describe_current_thread() {
  const Executor& e = executor();
  return fmt::format("{}, thread {}", describe_block(e), dims(g_indices.thread));
}

bool run_grid(const Grid& grid) {
  Executor& e = executor();
  e.grid = &grid;
  const dim3 g = grid.grid, b = grid.block;
  e.threads.resize(size_t{b.x} * b.y * b.z);
  e.warps.resize((e.threads.size() + kWarpSize - 1) / kWarpSize);
  g_indices.block_dim = b;
  g_indices.grid_dim = g;
  checker::on_launch({grid.arguments.get(), grid.argument_bytes},
                     {e.threads.data(), e.threads.size() * sizeof(SimThread)});
  const uint64_t blocks = uint64_t{g.x} * g.y * g.z;
  std::vector<uint64_t> shuffled;
  if (options().order == Order::kRandom) {
    shuffled.resize(blocks);
    for (uint64_t i = 0; i < blocks; ++i) shuffled[i] = i;
    std::shuffle(shuffled.begin(), shuffled.end(), std::mt19937_64(options().seed));
  }
  const bool reverse = options().order == Order::kReverse;
  bool good = true;
  const FaultHandler handler([](const std::string& text) {
    record_diagnosis(describe_current_thread() + ": " + text);
    siglongjmp(executor().fault, 1);
  });
  for (uint64_t i = 0; good && i < blocks; ++i) {
    good = run_block(e, !shuffled.empty() ? shuffled[i] : (reverse ? blocks - 1 - i : i));
  }
  const std::string report = checker::take_report();
  if (!report.empty()) {
    record_diagnosis(function_name(grid.kernel) + ": " + report);
    good = false;
  }
  e.grid = nullptr;
  return good;
}

int block_barrier(Vote vote, bool predicate, const char* what, Place place) {
  Executor& e = executor();
  if (e.live != e.threads.size()) {
    fail_thread(fmt::format("{} can never be passed: {} of {} threads have returned",
                            at(what, place), e.threads.size() - e.live, e.threads.size()));
  }
  if (e.arrived == 0) {
    e.barrier_what = what;
    e.barrier_place = place;
    e.count = 0;
    e.all = true;
    e.any = false;
  } else if (std::string_view(e.barrier_place.file) != place.file ||
             e.barrier_place.line != place.line || std::string_view(what) != e.barrier_what) {
    fail_thread(fmt::format("divergent barrier: {} while others wait in {}", at(what, place),
                            at(e.barrier_what, e.barrier_place)));
  }
  e.count += predicate;
  e.all = e.all && predicate;
  e.any = e.any || predicate;
  if (++e.arrived < e.threads.size()) {
    suspend_thread(what, place, 0);
  } else {
    e.arrived = 0;
    e.result = vote == Vote::kCount ? e.count : (vote == Vote::kAnd ? e.all : e.any);
    for (SimThread& t : e.threads) ++t.block_epoch;
    const bool reverse = options().order == Order::kReverse;
    for (size_t i = 0; i < e.threads.size(); ++i) {
      SimThread& t = e.threads[reverse ? e.threads.size() - 1 - i : i];
      if (&t != g_thread) make_ready(e, t);
    }
    // The last to come takes its turn like the others, so that orders differ after a barrier too.
    const int result = e.result;
    yield_thread();
    return result;
  }
  return e.result;
}

bool warp_arrive(unsigned mask, const char* what, Place place) {
  Executor& e = executor();
  Warp& warp = e.warps[g_thread->linear / kWarpSize];
  const unsigned bit = 1u << lane();
  if ((mask & bit) == 0) {
    fail_thread(
        fmt::format("{}: lane {} is not in its own mask {:#010x}", at(what, place), lane(), mask));
  }
  if ((mask & ~warp.live) != 0) {
    fail_thread(fmt::format("{}: lane {} of mask {:#010x} has returned or is not in the block",
                            at(what, place), __builtin_ctz(mask & ~warp.live), mask));
  }
  auto found = std::find_if(warp.pending.begin(), warp.pending.end(),
                            [&](const Rendezvous& r) { return r.mask == mask; });
  if (found == warp.pending.end()) {
    warp.pending.push_back({mask, 0, what, place});
    found = std::prev(warp.pending.end());
  } else if (std::string_view(found->what) != what || found->place.line != place.line) {
    fail_thread(fmt::format("divergent warp: {} while others wait in {} with the same mask",
                            at(what, place), at(found->what, found->place)));
  }
  found->arrived |= bit;
  if (found->arrived == mask) return true;
  suspend_thread(what, place, mask);
  return false;
}

void warp_release(unsigned mask) {
  Executor& e = executor();
  const unsigned first = g_thread->linear / kWarpSize * kWarpSize;
  std::erase_if(e.warps[first / kWarpSize].pending,
                [&](const Rendezvous& r) { return r.mask == mask; });
  const bool reverse = options().order == Order::kReverse;
  for (unsigned i = 0; i < kWarpSize; ++i) {
    const unsigned l = reverse ? kWarpSize - 1 - i : i;
    if ((mask >> l & 1) != 0 && l != lane()) make_ready(e, e.threads[first + l]);
  }
}

void warp_fence(unsigned mask) {
  const Executor& e = executor();
  if ((mask & e.warps[g_thread->linear / kWarpSize].live) ==
      e.warps[g_thread->linear / kWarpSize].live) {
    ++g_thread->warp_epoch;
  }
}

SimThread& warp_lane(unsigned lane) {
  return executor().threads[g_thread->linear / kWarpSize * kWarpSize + lane];
}

unsigned live_lanes() { return executor().warps[g_thread->linear / kWarpSize].live; }

void yield_thread() {
  Executor& e = executor();
  e.ready.push_back(g_thread);
  make_current(nullptr);
  Fiber::suspend();
  if (e.unwinding) throw KernelFault{};
}

}  // namespace iolaus::sim
