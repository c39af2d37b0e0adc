// The table of all kernel sets, and selection by name.
#include "kernels/kernel_set.h"

#include <algorithm>
#include <map>

namespace iolaus {
namespace {

std::map<std::string, KernelSetBase*>& table() {
  static auto* sets = new std::map<std::string, KernelSetBase*>;
  return *sets;
}

const char* device_name(DeviceType type) { return type == kCPU ? "cpu" : "cuda"; }

std::string list_variants(const KernelSetBase& set) {
  std::string text;
  for (const VariantInfo* v : set.variants()) {
    if (!text.empty()) text += ", ";
    text += v->name + " (" + device_name(v->device) + ")";
  }
  return text;
}

}  // namespace

KernelSetBase::KernelSetBase(std::string op, std::string name)
    : op_(std::move(op)), name_(std::move(name)) {
  IOLAUS_CHECK_CODE(table().emplace(name_, this).second, ErrorCode::kInternal,
                    "the kernel '{}' is defined twice", name_);
}

void KernelSetBase::select(const KernelChoice& choice) {
  std::vector<Rule> rules;
  for (const KernelChoice::Rule& rule : choice.rules) {
    IOLAUS_CHECK_CODE(!size_names().empty(), ErrorCode::kConfig,
                      "[{}] this kernel has no sizes that a rule could ask about; choose one "
                      "variant for all shapes",
                      name_);
    const auto all = variants();
    IOLAUS_CHECK_CODE(
        std::any_of(all.begin(), all.end(), [&](const auto* v) { return v->name == rule.use; }),
        ErrorCode::kNotFound, "[{}] there is no variant '{}'; there are {}", name_, rule.use,
        list_variants(*this));
    rules.push_back({ShapeRule(rule.when, size_names(), name_), rule.use});
  }
  selected_ = choice.variant;
  rules_ = std::move(rules);
  reset_choice();
}

std::string KernelSetBase::selected() const {
  std::string text;
  for (const Rule& rule : rules_) text += rule.use + " where " + rule.when.text() + ", else ";
  if (rules_.empty()) return selected_;
  return text + (selected_.empty() ? "the default" : selected_);
}

void KernelSetBase::fail_unknown(const std::string& variant, DeviceType device, DType dtype) const {
  if (variant.empty()) {
    fail(ErrorCode::kUnsupported, "[{}] no variant for dtype {} on {}; there are {}", name_,
         dtype_name(dtype), device_name(device), list_variants(*this));
  }
  for (const VariantInfo* v : variants()) {
    if (v->name != variant || v->device == device) continue;
    fail(ErrorCode::kUnsupported,
         "[{}] variant '{}' runs on {}, but the tensors are on {}; there are {}", name_, variant,
         device_name(v->device), device_name(device), list_variants(*this));
  }
  fail(ErrorCode::kUnsupported, "[{}] variant '{}' does not support dtype {}; there are {}", name_,
       variant, dtype_name(dtype), list_variants(*this));
}

void KernelSetBase::fail_rejected(const Variants& list, const Call& call, bool by_rule) const {
  std::string reasons;
  for (const VariantInfo* v : list) reasons += "\n  " + v->name + ": " + why_not(*v, call.args);
  fail(ErrorCode::kUnsupported, "[{}] no {}variant can run on {}:{}", name_,
       by_rule || !selected_.empty() ? "selected " : "", describe(call.args), reasons);
}

std::vector<KernelSetBase*> all_kernel_sets() {
  std::vector<KernelSetBase*> sets;
  for (const auto& [name, set] : table()) sets.push_back(set);
  return sets;
}

void select_kernel(const std::string& op_or_name, const KernelChoice& choice) {
  std::vector<KernelSetBase*> named;
  std::string ops, known;
  for (const auto& [name, set] : table()) {
    ops += (ops.empty() ? "" : ", ") + name;
    if (name != op_or_name && set->op() != op_or_name) continue;
    named.push_back(set);
    known += "\n  " + name + ": " + list_variants(*set);
  }
  IOLAUS_CHECK_CODE(!named.empty(), ErrorCode::kNotFound,
                    "there is no kernel '{}' to choose a variant of; there are {}", op_or_name,
                    ops);
  // The kernels that have the variant; for the others nothing is chosen.
  std::map<KernelSetBase*, KernelChoice> chosen;
  const auto find = [&](const std::string& variant) {
    std::vector<KernelSetBase*> found;
    for (KernelSetBase* set : named) {
      for (const VariantInfo* v : set->variants()) {
        if (v->name != variant) continue;
        IOLAUS_CHECK_CODE(
            is_available(v->device), ErrorCode::kUnsupported,
            "[{}] variant '{}' needs {}, which this machine or build lacks; there are{}",
            op_or_name, variant, device_name(v->device), known);
        found.push_back(set);
        break;
      }
    }
    IOLAUS_CHECK_CODE(!found.empty(), ErrorCode::kNotFound,
                      "[{}] there is no variant '{}'; there are{}", op_or_name, variant, known);
    return found;
  };
  if (!choice.variant.empty()) {
    for (KernelSetBase* set : find(choice.variant)) chosen[set].variant = choice.variant;
  }
  for (const KernelChoice::Rule& rule : choice.rules) {
    for (KernelSetBase* set : find(rule.use)) chosen[set].rules.push_back(rule);
  }
  for (const auto& [set, own] : chosen) set->select(own);
}

void reset_kernel_selection() {
  for (const auto& [name, set] : table()) set->select({});
}

std::vector<std::string> kernels_that_ran() {
  std::vector<std::string> lines;
  for (const auto& [name, set] : table()) {
    for (const VariantInfo* v : set->variants()) {
      const uint64_t calls = v->calls.load();
      if (calls > 0) lines.push_back(fmt::format("{}: {} x{}", name, v->name, calls));
    }
  }
  return lines;
}

}  // namespace iolaus
