// KernelSet: all variants of one kernel and the choice between them. A variant is one file that
// registers itself; a config selects it by name (kernels.softmax=warp); what ran is counted.
//
// A kernel's arguments are a struct (its header shows the formula). It has
//   DType dtype() const; Device device() const;      what the choice depends on
//   std::string describe() const;                    shapes, for messages
//   template <class V> void visit(V&& v);            v(name, tensor, Role), for the checker
//   Cost cost() const;                               flops and bytes, for the roofline
// and its kernel set is made with a function that gives sample arguments for a dtype (on the CPU).
#pragma once

#include <atomic>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <vector>

#include "core/op_scope.h"
#include "core/tensor.h"

namespace iolaus {

enum class Role { kIn, kOut, kInOut };

/// What a call costs at least: floating point operations, and bytes moved to or from memory.
struct Cost {
  double flops = 0;
  double bytes = 0;
};

/// What a variant says of itself.
struct VariantInfo {
  std::string name;
  DeviceType device = kCPU;
  std::vector<DType> dtypes;
  int rank = 0;               // the highest one that can run is the default
  bool deterministic = true;  // bitwise the same result for the same arguments
  mutable std::atomic<uint64_t> calls{0};
};

struct CheckOptions;
struct CheckResult;

class KernelSetBase {
 public:
  /// op is the folder ("softmax"), name the kernel in it ("softmax", "softmax_backward").
  KernelSetBase(std::string op, std::string name);
  virtual ~KernelSetBase() = default;
  const std::string& op() const { return op_; }
  const std::string& name() const { return name_; }
  virtual std::vector<const VariantInfo*> variants() const = 0;
  /// Runs all samples of a dtype through one variant and compares with the fp64 reference.
  virtual std::vector<CheckResult> check(const VariantInfo& variant, DType dtype,
                                         const CheckOptions& options) = 0;
  /// The variant that the config names; empty: the default. Resolved anew at the next call.
  void select(const std::string& variant);
  const std::string& selected() const { return selected_; }

 protected:
  virtual void reset_choice() = 0;
  [[noreturn]] void fail_unknown(const VariantInfo* found, DeviceType device, DType dtype) const;
  [[noreturn]] void fail_rejected(const std::string& reasons, const std::string& args) const;

 private:
  std::string op_, name_, selected_;
};

/// Every kernel set of the program, sorted by name.
std::vector<KernelSetBase*> all_kernel_sets();
/// Chooses a variant by name for an op ("softmax": all its kernels that have the variant) or for
/// one kernel ("softmax_backward"). Errors: kNotFound for an op or variant that is not there, with
/// those that are; kUnsupported for a variant whose device this machine lacks.
void select_kernel(const std::string& op_or_name, const std::string& variant);
/// Back to the defaults everywhere.
void reset_kernel_selection();
/// "softmax/softmax: cpu x120" for every variant that ran in this process.
std::vector<std::string> kernels_that_ran();

/// A variant: why_not returns null where it can run on the arguments, else the reason.
template <class Args> struct Variant {
  const char* name;
  DeviceType device;
  std::vector<DType> dtypes;
  void (*run)(const Args&);
  int rank = 0;
  const char* (*why_not)(const Args&) = nullptr;
  bool deterministic = true;
};

template <class Args> class KernelSet final : public KernelSetBase {
 public:
  using SampleFn = std::vector<Args> (*)(DType);
  KernelSet(std::string op, std::string name, SampleFn sample_fn)
      : KernelSetBase(std::move(op), std::move(name)), samples_(sample_fn) {}

  /// Arguments with random inputs for a dtype, on the CPU: what the checker runs.
  std::vector<Args> samples(DType dtype) const { return samples_(dtype); }

  /// Called by each variant's file while the program starts. Returns true, for a static.
  bool add(const Variant<Args>& v) {
    auto entry = std::make_unique<Entry>();
    entry->name = v.name;
    entry->device = v.device;
    entry->dtypes = v.dtypes;
    entry->rank = v.rank;
    entry->deterministic = v.deterministic;
    entry->run = v.run;
    entry->why_not = v.why_not;
    entries_.push_back(std::move(entry));
    return true;
  }

  /// Runs the selected variant, or the best that can. Errors: kUnsupported.
  void operator()(const Args& args) {
    const OpScope scope(name().c_str());
    const Candidates& list = candidates(args.device().type, args.dtype());
    for (const Entry* entry : list) {
      if (entry->why_not == nullptr || entry->why_not(args) == nullptr) [[likely]] {
        entry->calls.fetch_add(1, std::memory_order_relaxed);
        return entry->run(args);
      }
    }
    std::string reasons;
    for (const Entry* entry : list) reasons += "\n  " + entry->name + ": " + entry->why_not(args);
    fail_rejected(reasons, args.describe());
  }

  /// Runs one variant by name; for checks and benchmarks. Returns why it could not, or null.
  const char* run(const VariantInfo& variant, const Args& args) const {
    const auto& entry = static_cast<const Entry&>(variant);
    if (entry.why_not != nullptr) {
      if (const char* reason = entry.why_not(args)) return reason;
    }
    entry.run(args);
    return nullptr;
  }

  std::vector<const VariantInfo*> variants() const override {
    std::vector<const VariantInfo*> all;
    for (const auto& entry : entries_) all.push_back(entry.get());
    return all;
  }
  std::vector<CheckResult> check(const VariantInfo& variant, DType dtype,
                                 const CheckOptions& options) override;  // kernels/check.h

 private:
  struct Entry : VariantInfo {
    void (*run)(const Args&);
    const char* (*why_not)(const Args&);
  };
  using Candidates = std::vector<const Entry*>;

  const Candidates& candidates(DeviceType device, DType dtype) {
    auto& slot = resolved_[static_cast<int>(device)][static_cast<int>(dtype)];
    const Candidates* list = slot.load(std::memory_order_acquire);
    return list != nullptr ? *list : resolve(device, dtype);
  }

  const Candidates& resolve(DeviceType device, DType dtype) {
    std::lock_guard lock(mutex_);
    auto list = std::make_unique<Candidates>();
    const VariantInfo* named = nullptr;
    for (const auto& entry : entries_) {
      if (!selected().empty() && entry->name != selected()) continue;
      named = entry.get();
      const auto& dtypes = entry->dtypes;
      if (entry->device != device) continue;
      if (std::find(dtypes.begin(), dtypes.end(), dtype) == dtypes.end()) continue;
      list->push_back(entry.get());
    }
    if (list->empty()) fail_unknown(named, device, dtype);
    std::stable_sort(list->begin(), list->end(),
                     [](const Entry* a, const Entry* b) { return a->rank > b->rank; });
    kept_.push_back(std::move(list));
    resolved_[static_cast<int>(device)][static_cast<int>(dtype)].store(kept_.back().get(),
                                                                       std::memory_order_release);
    return *kept_.back();
  }

  void reset_choice() override {
    std::lock_guard lock(mutex_);
    for (auto& row : resolved_) {
      for (auto& slot : row) slot.store(nullptr, std::memory_order_release);
    }
  }

  SampleFn samples_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::mutex mutex_;
  // Lists in use are never freed: a call on another thread may still read one.
  std::vector<std::unique_ptr<Candidates>> kept_;
  std::atomic<const Candidates*> resolved_[2][kDTypeCount] = {};
};

}  // namespace iolaus
