// What an op supports is found by running its samples: what is printed is what works.
#include "apps/op_list.h"

#include <cstdio>
#include <map>
#include <set>

#include "autograd/grad_mode.h"
#include "autograd/op_registry.h"
#include "autograd/op_table.h"
#include "autograd/ops/copy.h"
#include "kernels/kernel_set.h"

namespace iolaus {
namespace {

using Calls = std::map<const VariantInfo*, uint64_t>;

Calls all_calls() {
  Calls calls;
  for (const KernelSetBase* set : all_kernel_sets()) {
    for (const VariantInfo* v : set->variants()) calls[v] = v->calls.load();
  }
  return calls;
}

std::string variants_of(const KernelSetBase& set) {
  std::string text = set.name() + " (";
  for (const VariantInfo* v : set.variants()) {
    if (text.back() != '(') text += ", ";
    text += v->name + (v->device == kCUDA ? ":cuda" : "");
  }
  return text + ")";
}

const OpInfo* samples_of(const std::string& op) {
  for (const OpInfo* info : all_ops()) {
    if (info->name == op) return info;
  }
  return nullptr;
}

// Whether the samples run with their floating inputs in dtype; for integers all inputs are cast.
bool works(const std::vector<OpSample>& samples, DType dtype, Device device) {
  const NoGrad no_grad;
  for (const OpSample& sample : samples) {
    Tensors inputs;
    for (const Tensor& x : sample.inputs) {
      inputs.push_back(is_floating(x.dtype()) ? to(x, dtype, device) : to(x, device));
    }
    try {
      sample.fn(inputs);
    } catch (const Error&) {
      return false;
    }
  }
  return !samples.empty();
}

void print_support(const std::string& op) {
  std::set<const KernelSetBase*> kernels;
  std::string dtypes;
  for (KernelSetBase* set : all_kernel_sets()) {
    if (set->name() == op) kernels.insert(set);
  }
  if (const OpInfo* info = samples_of(op)) {
    const auto samples = info->samples();
    const Calls before = all_calls();
    for (DeviceType type : {kCPU, kCUDA}) {
      if (!is_available(type)) continue;
      dtypes += (dtypes.empty() ? "" : "; ") + std::string(type == kCPU ? "cpu:" : "cuda:");
      for (int i = 0; i < kDTypeCount; ++i) {
        const auto dtype = static_cast<DType>(i);
        if (works(samples, dtype, type)) dtypes += std::string(" ") + dtype_name(dtype);
      }
    }
    for (const KernelSetBase* set : all_kernel_sets()) {
      for (const VariantInfo* v : set->variants()) {
        if (v->calls.load() != before.at(v) && set->name() != "copy" && set->name() != "fill") {
          kernels.insert(set);
        }
      }
    }
  } else {
    for (const KernelSetBase* set : kernels) {
      std::set<DType> known;
      for (const VariantInfo* v : set->variants()) known.insert(v->dtypes.begin(), v->dtypes.end());
      dtypes = "cpu:";
      for (DType dtype : known) dtypes += std::string(" ") + dtype_name(dtype);
    }
  }
  if (!dtypes.empty()) std::printf("    dtypes   %s\n", dtypes.c_str());
  std::string line;
  for (const KernelSetBase* set : kernels) line += (line.empty() ? "" : ", ") + variants_of(*set);
  if (!line.empty()) std::printf("    kernels  %s\n", line.c_str());
}

}  // namespace

void print_ops(const std::vector<std::string>& names) {
  for (const std::string& op : names.empty() ? op_names() : names) {
    for (const OpSchema& schema : find_op(op)) std::printf("%s\n", schema.text.c_str());
    print_support(op);
  }
  if (!names.empty()) return;
  for (const auto& [alias, op] : op_aliases()) std::printf("%s is %s\n", alias.c_str(), op.c_str());
}

}  // namespace iolaus
