// KernelSet: all variants of one kernel and the choice between them. A variant is one file that
// registers itself; a config selects it by name (kernels.softmax=warp); what ran is counted.
//
// A kernel's arguments are a struct (its header shows the formula). It has
//   DType dtype() const; Device device() const;      what the choice depends on
//   std::string describe() const;                    shapes, for messages
//   template <class V> void visit(V&& v);            v(name, tensor, Role), for the checker
//   Cost cost() const;                               flops and bytes, for the roofline
// and its kernel set is made with a function that gives sample arguments for a dtype (on the CPU).
// Where the best variant depends on the shape it also has
//   static constexpr const char* kSizes[] = {"rows", "n"};   names for rules and the tune cache
//   std::array<int64_t, 2> named_sizes() const;                    their values
//   std::string_view layout() const;   optional: how the operands lie, "" where they are dense
//   void adopt();    where visit() sees only samples' tensors (keep): makes tensors of the
//                    addresses; without it such a kernel is not tuned
#pragma once

#include <algorithm>
#include <array>
#include <atomic>
#include <memory>
#include <mutex>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "core/call_context.h"
#include "core/tensor.h"
#include "kernels/shape_rule.h"
#include "kernels/shape_table.h"

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
struct TuneKey;
struct TuneResult;

/// A choice as a config makes it. The first rule whose condition holds decides, else variant, else
/// (empty) the tune cache, else the best variant that can run.
struct KernelChoice {
  struct Rule {
    std::string when;  // a condition on the kernel's sizes, see shape_rule.h
    std::string use;   // a variant
  };
  std::string variant;
  std::vector<Rule> rules;
};

class KernelSetBase {
 public:
  /// op is the folder ("softmax"), name the kernel in it ("softmax", "softmax_backward").
  KernelSetBase(std::string op, std::string name);
  virtual ~KernelSetBase() = default;
  const std::string& op() const { return op_; }
  const std::string& name() const { return name_; }
  virtual std::vector<const VariantInfo*> variants() const = 0;
  /// Names of the sizes that rules and the tune cache tell calls apart by; empty where none.
  virtual std::span<const char* const> size_names() const = 0;
  /// Runs all samples of a dtype through one variant and compares with the fp64 reference.
  virtual std::vector<CheckResult> check(const VariantInfo& variant, DType dtype,
                                         const CheckOptions& options) = 0;
  /// Takes effect at the next call. Errors: kConfig for a condition that cannot be read, kNotFound
  /// for a variant that is not there.
  void select(const KernelChoice& choice);
  /// "warp", "block_online where n > 1024, else warp"; "" for none.
  std::string selected() const;
  /// Forgets what calls were resolved to, after a change of mode.
  void resolve_anew() { reset_choice(); }

 protected:
  using Variants = std::vector<const VariantInfo*>;
  // What the calls of one device and dtype are resolved to.
  struct Candidates {
    Variants list;          // in order of preference; only the named one where a config names one
    bool by_shape = false;  // the table is asked first
    Variants all;           // without regard to the choice
    Variants tunable;       // all but the reference and those that are not deterministic
    DeviceType device = kCPU;
    DType dtype = kFloat32;
    ShapeTable shapes;
  };
  // A call that the slow path asks about.
  struct Call {
    const void* args;
    std::span<const int64_t> key;  // sizes, and the number of the layout
    std::string_view layout;
    Device device;
  };

  virtual void reset_choice() = 0;
  virtual bool can_measure() const = 0;
  // Times the candidates that can run on copies of the call's operands, each checked first.
  virtual void measure(const void* args, const Variants& candidates, TuneResult& result) const = 0;
  virtual const char* why_not(const VariantInfo& variant, const void* args) const = 0;

  std::unique_ptr<Candidates> resolve_candidates(DeviceType device, DType dtype) const;
  // Decides about a shape that the table lacks, and enters it there. Null: the default.
  ShapeTable::Entry decide(Candidates& candidates, const Call& call);
  [[noreturn]] void fail_rejected(const Variants& list, const Call& call, bool by_rule) const;
  virtual std::string describe(const void* args) const = 0;

 private:
  struct Rule {
    ShapeRule when;
    std::string use;
  };
  const VariantInfo* tuned(Candidates& candidates, const Call& call, bool& keep);
  void load_entries(Candidates& candidates) const;
  TuneKey tune_key(const Candidates& candidates, const Call& call) const;
  const VariantInfo* named(const std::string& variant, const Candidates& candidates) const;
  [[noreturn]] void fail_unknown(const std::string& variant, DeviceType device, DType dtype) const;

  std::string op_, name_, selected_;
  std::vector<Rule> rules_;
  std::mutex decision_mutex_;
};

/// Every kernel set of the program, sorted by name.
std::vector<KernelSetBase*> all_kernel_sets();
/// Chooses a variant by name for an op ("softmax": all its kernels that have the variant) or for
/// one kernel ("softmax_backward"). Errors: kNotFound for an op or variant that is not there, with
/// those that are; kUnsupported for a variant whose device this machine lacks.
/// A choice with rules: each rule goes to the kernels that have its variant; their sizes must be
/// those that the condition names (kConfig).
void select_kernel(const std::string& op_or_name, const KernelChoice& choice);
inline void select_kernel(const std::string& op_or_name, const std::string& variant) {
  select_kernel(op_or_name, KernelChoice{variant, {}});
}
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

/// Arguments that rules and the tune cache can tell apart.
template <class Args>
concept HasSizes = requires(const Args& args) {
  Args::kSizes;
  args.named_sizes();
};

/// Arguments whose calls can be repeated on copies: visit() sees their tensors, or adopt() lets it.
template <class Args>
concept CanBeMeasured = HasSizes<Args> &&(
    requires(Args& args) { args.adopt(); } || !requires(Args & args) { args.keep; });

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

  /// Runs the variant that the selection gives for the arguments. Errors: kUnsupported.
  void operator()(const Args& args) {
    Candidates& candidates = resolved(args.device().type, args.dtype());
    if constexpr (HasSizes<Args>) {
      if (candidates.by_shape) [[unlikely]] {
        if (const VariantInfo* chosen = by_shape(candidates, args)) return call(*chosen, args);
      }
    }
    for (const VariantInfo* variant : candidates.list) {
      if (can_run(*variant, args)) [[likely]]
        return call(*variant, args);
    }
    fail_rejected(candidates.list, {&args, {}, {}, args.device()}, false);
  }

  /// Runs one variant by name; for checks and benchmarks. Returns why it could not, or null.
  const char* run(const VariantInfo& variant, const Args& args) const {
    if (const char* reason = why_not(variant, &args)) return reason;
    execute(variant, args);
    return nullptr;
  }

  std::vector<const VariantInfo*> variants() const override {
    std::vector<const VariantInfo*> all;
    for (const auto& entry : entries_) all.push_back(entry.get());
    return all;
  }
  std::span<const char* const> size_names() const override {
    if constexpr (HasSizes<Args>) return Args::kSizes;
    return {};
  }
  std::vector<CheckResult> check(const VariantInfo& variant, DType dtype,
                                 const CheckOptions& options) override;  // kernels/check.h

 private:
  struct Entry : VariantInfo {
    void (*run)(const Args&);
    const char* (*why_not)(const Args&);
  };
  static const Entry& entry(const VariantInfo& variant) {
    return static_cast<const Entry&>(variant);
  }
  static bool can_run(const VariantInfo& variant, const Args& args) {
    const auto reason = entry(variant).why_not;
    return reason == nullptr || reason(args) == nullptr;
  }

  void call(const VariantInfo& variant, const Args& args) const {
    variant.calls.fetch_add(1, std::memory_order_relaxed);
    execute(variant, args);
  }
  void execute(const VariantInfo& variant, const Args& args) const {
    if (variant.device == kCPU) return entry(variant).run(args);
    const CallContext context{name().c_str(), variant.name.c_str(), &args, &kFormat};
    const CallScope scope(context);
    entry(variant).run(args);
  }
  static std::string describe_args(const void* args) {
    return static_cast<const Args*>(args)->describe();
  }
  static constexpr CallFormat format() {
    if constexpr (HasSizes<Args>) {
      static_assert(std::size(Args::kSizes) <= CallFormat::kMaxSizes);
      return {describe_args, Args::kSizes, [](const void* args, int64_t* out) {
                const auto sizes = static_cast<const Args*>(args)->named_sizes();
                std::copy(sizes.begin(), sizes.end(), out);
              }};
    }
    return {describe_args, {}, nullptr};
  }
  static constexpr CallFormat kFormat = format();

  const VariantInfo* by_shape(Candidates& candidates, const Args& args) {
    constexpr size_t kCount = std::size(Args::kSizes);
    const std::array<int64_t, kCount> sizes = args.named_sizes();
    std::string_view layout;
    if constexpr (requires { args.layout(); }) layout = args.layout();
    std::array<int64_t, kCount + 1> key;
    std::copy(sizes.begin(), sizes.end(), key.begin());
    key[kCount] = ShapeTable::layout_number(layout);
    const ShapeTable::Entry* found = candidates.shapes.find(key);
    const Call call{&args, key, layout, args.device()};
    ShapeTable::Entry decided;
    if (found == nullptr) {
      decided = decide(candidates, call);
      found = &decided;
    }
    if (found->variant == nullptr || can_run(*found->variant, args)) return found->variant;
    if (found->named) fail_rejected({found->variant}, call, true);
    return nullptr;  // measured on other addresses, which were better aligned
  }

  Candidates& resolved(DeviceType device, DType dtype) {
    auto& slot = resolved_[static_cast<int>(device)][static_cast<int>(dtype)];
    Candidates* found = slot.load(std::memory_order_acquire);
    return found != nullptr ? *found : resolve(device, dtype);
  }
  Candidates& resolve(DeviceType device, DType dtype) {
    std::lock_guard lock(mutex_);
    kept_.push_back(resolve_candidates(device, dtype));
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

  bool can_measure() const override { return CanBeMeasured<Args>; }
  void measure(const void* args, const Variants& candidates, TuneResult& result) const override {
    if constexpr (CanBeMeasured<Args>) {
      measure_call(*static_cast<const Args*>(args), candidates, result);
    }
  }
  void measure_call(const Args& args, const Variants& candidates,
                    TuneResult& result) const;  // kernels/tune.h
  const char* why_not(const VariantInfo& variant, const void* args) const override {
    const auto reason = entry(variant).why_not;
    return reason == nullptr ? nullptr : reason(*static_cast<const Args*>(args));
  }
  std::string describe(const void* args) const override { return describe_args(args); }

  SampleFn samples_;
  std::vector<std::unique_ptr<Entry>> entries_;
  std::mutex mutex_;
  // What is in use is never freed: a call on another thread may still read it.
  std::vector<std::unique_ptr<Candidates>> kept_;
  std::atomic<Candidates*> resolved_[2][kDTypeCount] = {};
};

}  // namespace iolaus
