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

void KernelSetBase::select(const std::string& variant) {
  selected_ = variant;
  reset_choice();
}

void KernelSetBase::fail_unknown(const VariantInfo* found, DeviceType device, DType dtype) const {
  if (selected_.empty()) {
    fail(ErrorCode::kUnsupported, "[{}] no variant for dtype {} on {}; there are {}", name_,
         dtype_name(dtype), device_name(device), list_variants(*this));
  }
  if (found != nullptr && found->device != device) {
    fail(ErrorCode::kUnsupported,
         "[{}] variant '{}' runs on {}, but the tensors are on {}; there are {}", name_, selected_,
         device_name(found->device), device_name(device), list_variants(*this));
  }
  fail(ErrorCode::kUnsupported, "[{}] variant '{}' does not support dtype {}; there are {}", name_,
       selected_, dtype_name(dtype), list_variants(*this));
}

void KernelSetBase::fail_rejected(const std::string& reasons, const std::string& args) const {
  fail(ErrorCode::kUnsupported, "[{}] no {}variant can run on {}:{}", name_,
       selected_.empty() ? "" : "selected ", args, reasons);
}

std::vector<KernelSetBase*> all_kernel_sets() {
  std::vector<KernelSetBase*> sets;
  for (const auto& [name, set] : table()) sets.push_back(set);
  return sets;
}

void select_kernel(const std::string& op_or_name, const std::string& variant) {
  std::vector<KernelSetBase*> named, chosen;
  std::string ops, known;
  for (const auto& [name, set] : table()) {
    ops += (ops.empty() ? "" : ", ") + name;
    if (name != op_or_name && set->op() != op_or_name) continue;
    named.push_back(set);
    known += "\n  " + name + ": " + list_variants(*set);
    for (const VariantInfo* v : set->variants()) {
      if (v->name != variant) continue;
      IOLAUS_CHECK_CODE(
          is_available(v->device), ErrorCode::kUnsupported,
          "[{}] variant '{}' needs {}, which this machine or build lacks; there are{}", op_or_name,
          variant, device_name(v->device), known);
      chosen.push_back(set);
      break;
    }
  }
  IOLAUS_CHECK_CODE(!named.empty(), ErrorCode::kNotFound,
                    "there is no kernel '{}' to choose a variant of; there are {}", op_or_name,
                    ops);
  IOLAUS_CHECK_CODE(!chosen.empty(), ErrorCode::kNotFound,
                    "[{}] there is no variant '{}'; there are{}", op_or_name, variant, known);
  for (KernelSetBase* set : chosen) set->select(variant);
}

void reset_kernel_selection() {
  for (const auto& [name, set] : table()) set->select("");
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
