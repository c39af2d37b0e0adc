// FlopCounter: adds up the operations of a thread's matrix products, convolutions and attention, by
// what their kernels say they cost: what PyTorch's FlopCounterMode counts too. Ops start such
// kernels through run_counted().
#pragma once

#include <map>
#include <string>
#include <utility>

#include "kernels/kernel_set.h"

namespace iolaus {

class FlopCounter {
 public:
  /// Counts from here to its end. Counters nest: an outer one counts what an inner one does.
  FlopCounter() : outer_(std::exchange(current(), this)) {}
  ~FlopCounter() { current() = outer_; }
  FlopCounter(const FlopCounter&) = delete;
  FlopCounter& operator=(const FlopCounter&) = delete;

  double flops() const {
    double sum = 0;
    for (const auto& [op, cost] : by_op_) sum += cost.flops;
    return sum;
  }
  /// By op, "matmul": the folder of its kernels.
  const std::map<std::string, Cost>& by_op() const { return by_op_; }

  void add(const std::string& op, const Cost& cost) {
    Cost& sum = by_op_[op];
    sum.flops += cost.flops;
    sum.bytes += cost.bytes;
    if (outer_ != nullptr) outer_->add(op, cost);
  }
  /// The innermost counter of this thread; null where there is none.
  static FlopCounter*& current() {
    static constinit thread_local FlopCounter* innermost = nullptr;
    return innermost;
  }

 private:
  FlopCounter* outer_;
  std::map<std::string, Cost> by_op_;
};

/// Runs a kernel, and counts it where somebody counts.
template <class Args> void run_counted(KernelSet<Args>& kernels, const Args& args) {
  if (FlopCounter* counter = FlopCounter::current()) [[unlikely]]
    counter->add(kernels.op(), args.cost());
  kernels(args);
}

}  // namespace iolaus
