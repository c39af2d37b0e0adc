// From the config's `kernels` to the choices of the kernel sets.
#include "nn/run/kernel_config.h"

#include <nlohmann/json.hpp>
#include <set>

#include "core/io/atomic_file.h"
#include "kernels/fp32_precision.h"
#include "kernels/kernel_set.h"
#include "kernels/linalg/linalg.h"
#include "kernels/tune_cache.h"

namespace iolaus {
namespace {

constexpr const char* kForms =
    "a kernel variant must be a name, null, or {default: NAME, rules: [{when: \"n > 1024\", use: "
    "NAME}]}";

// The text of an entry that a dict must have, or may have where it is optional.
std::string text_of(const config::Node& dict, const char* key, bool optional = false) {
  const config::Node* found = dict.find(key);
  if (optional && (found == nullptr || found->is_null())) return "";
  if (found == nullptr || !found->is_string()) config::fail_at(dict, kForms);
  return found->as_string();
}

void check_keys(const config::Node& dict, std::initializer_list<const char*> known) {
  for (const config::Node& entry : dict) {
    const std::string key = entry.key().text();
    bool found = false;
    for (const char* name : known) found = found || key == name;
    if (!found) config::fail_at(entry, "unknown key '" + key + "': " + kForms);
  }
}

KernelChoice choice_of(const config::Node& node) {
  if (node.is_string()) return {node.as_string(), {}};
  if (!node.is_dict()) config::fail_at(node, kForms);
  check_keys(node, {"default", "rules"});
  KernelChoice choice{text_of(node, "default", true), {}};
  const config::Node* rules = node.find("rules");
  if (rules == nullptr || rules->is_null()) return choice;
  if (!rules->is_list()) config::fail_at(*rules, kForms);
  for (const config::Node& rule : *rules) {
    if (!rule.is_dict()) config::fail_at(rule, kForms);
    check_keys(rule, {"when", "use"});
    choice.rules.push_back({text_of(rule, "when"), text_of(rule, "use")});
  }
  return choice;
}

void apply_tune_mode(const config::Node& node) {
  if (node.is_null()) return reset_tune_mode();
  // YAML reads an unquoted `off` as false.
  if (node.is_bool() && !node.as_bool()) return set_tune_mode(TuneMode::kOff);
  if (!node.is_string()) config::fail_at(node, "kernels.tune must be off, read, tune or frozen");
  set_tune_mode(parse_tune_mode(node.as_string()));
}

}  // namespace

void apply_kernel_config(const config::Node& kernels) {
  reset_kernel_selection();
  reset_tune_mode();
  set_fp32_precision(Fp32Precision::kIeee);
  linalg::select_for_cuda("");
  std::set<std::string> ops;
  for (const KernelSetBase* set : all_kernel_sets()) ops.insert(set->op());
  for (const bool for_ops : {true, false}) {
    for (const config::Node& entry : kernels) {
      const std::string name = entry.key().text();
      if (ops.contains(name) != for_ops || (entry.is_null() && name != "tune")) continue;
      try {
        if (name == "tune") {
          apply_tune_mode(entry);
        } else if (name == "fp32_precision") {
          if (!entry.is_string()) config::fail_at(entry, "it must be ieee or tf32");
          set_fp32_precision(parse_fp32_precision(entry.as_string()));
        } else if (name == "linalg") {
          if (!entry.is_string()) config::fail_at(entry, "it must be cusolver, lapack or null");
          linalg::select_for_cuda(entry.as_string());
        } else {
          select_kernel(name, choice_of(entry));
        }
      } catch (const Error& e) {
        throw Error(e.code(), std::string(e.what()) + "\n(kernels." + name + ", " +
                                  entry.mark().text() + ")");
      }
    }
  }
}

void write_kernel_record(const std::string& path) {
  nlohmann::json record = nlohmann::json::object();
  for (const KernelSetBase* set : all_kernel_sets()) {
    for (const VariantInfo* v : set->variants()) {
      const uint64_t calls = v->calls.load();
      if (calls == 0) continue;
      nlohmann::json& kernel = record[set->name()];
      kernel["calls"][v->name] = calls;
      kernel["chosen"] = set->selected();
    }
  }
  io::write_file_atomic(path, record.dump(2) + "\n");
}

}  // namespace iolaus
