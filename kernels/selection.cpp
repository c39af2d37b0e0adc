// How a kernel set comes to its choice: the config's variant, a rule, the tune cache, the default.
#include <algorithm>

#include "core/warning.h"
#include "kernels/kernel_set.h"
#include "kernels/tune_cache.h"

namespace iolaus {
namespace {

// A measurement runs other kernels (copies, casts); those are not measured meanwhile.
thread_local bool t_measuring = false;

bool supports(const VariantInfo& v, DeviceType device, DType dtype) {
  return v.device == device && std::find(v.dtypes.begin(), v.dtypes.end(), dtype) != v.dtypes.end();
}

std::vector<std::string> names_of(const std::vector<const VariantInfo*>& variants) {
  std::vector<std::string> names;
  for (const VariantInfo* v : variants) names.push_back(v->name);
  return names;
}

}  // namespace

std::unique_ptr<KernelSetBase::Candidates> KernelSetBase::resolve_candidates(DeviceType device,
                                                                             DType dtype) const {
  auto c = std::make_unique<Candidates>();
  c->device = device;
  c->dtype = dtype;
  for (const VariantInfo* v : variants()) {
    if (supports(*v, device, dtype)) c->all.push_back(v);
  }
  std::stable_sort(c->all.begin(), c->all.end(),
                   [](const auto* a, const auto* b) { return a->rank > b->rank; });
  for (const VariantInfo* v : c->all) {
    if (selected_.empty() || v->name == selected_) c->list.push_back(v);
    if (v->name != "reference" && v->deterministic) c->tunable.push_back(v);
  }
  if (c->list.empty()) fail_unknown(selected_, device, dtype);
  const TuneMode mode = tune_mode();
  const bool tunable =
      selected_.empty() && mode != TuneMode::kOff && c->tunable.size() > 1 && can_measure();
  if (!tunable) c->tunable.clear();
  if (tunable) load_entries(*c);
  c->by_shape = !rules_.empty() || c->shapes.size() > 0 ||
                (tunable && (mode == TuneMode::kTune || mode == TuneMode::kFrozen));
  return c;
}

// Rules come first, and what they decide stands in the same table: an entry of the cache enters it
// only where no rule speaks of its shape.
void KernelSetBase::load_entries(Candidates& c) const {
  std::vector<int64_t> key;
  for (const TuneEntry& entry :
       load_tune_entries(name_, c.device, c.dtype, size_names(), names_of(c.tunable))) {
    const auto ruled = [&](const Rule& rule) { return rule.when.holds(entry.key.sizes, c.dtype); };
    if (std::any_of(rules_.begin(), rules_.end(), ruled)) continue;
    key = entry.key.sizes;
    key.push_back(ShapeTable::layout_number(entry.key.layout));
    c.shapes.add(key, named(entry.result.variant, c), false);
  }
}

const VariantInfo* KernelSetBase::named(const std::string& variant, const Candidates& c) const {
  for (const VariantInfo* v : c.all) {
    if (v->name == variant) return v;
  }
  fail_unknown(variant, c.device, c.dtype);
}

ShapeTable::Entry KernelSetBase::decide(Candidates& c, const Call& call) {
  if (t_measuring) return {};
  std::lock_guard lock(decision_mutex_);
  if (const ShapeTable::Entry* other = c.shapes.find(call.key)) return *other;  // another thread's
  const auto sizes = call.key.first(call.key.size() - 1);
  const auto rule = std::find_if(rules_.begin(), rules_.end(),
                                 [&](const Rule& r) { return r.when.holds(sizes, c.dtype); });
  ShapeTable::Entry decided;
  bool keep = true;
  if (rule != rules_.end()) {
    decided.variant = named(rule->use, c);
    decided.named = true;
  } else if (!c.tunable.empty()) {
    decided.variant = tuned(c, call, keep);
  }
  if (keep) c.shapes.add(call.key, decided.variant, decided.named);
  return decided;
}

TuneKey KernelSetBase::tune_key(const Candidates& c, const Call& call) const {
  return {name_,
          c.device,
          c.dtype,
          size_names(),
          {call.key.begin(), call.key.end() - 1},
          std::string(call.layout)};
}

// For a shape that has no entry.
const VariantInfo* KernelSetBase::tuned(Candidates& c, const Call& call, bool& keep) {
  Variants able;
  for (const VariantInfo* v : c.tunable) {
    if (why_not(*v, call.args) == nullptr) able.push_back(v);
  }
  if (able.size() < 2) return nullptr;  // there is nothing to choose
  const TuneMode mode = tune_mode();
  IOLAUS_CHECK_CODE(mode != TuneMode::kFrozen, ErrorCode::kNotFound,
                    "[tune] the tune cache is frozen and has no entry for {}; run once with "
                    "kernels.tune=tune, or name a variant: kernels.{}=VARIANT",
                    tune_key(c, call).str(), name_);
  if (mode != TuneMode::kTune) return nullptr;
  if (backend(c.device).is_recording(call.device)) {
    keep = false;  // a graph records launches and runs none; asked again outside of it
    return nullptr;
  }
  TuneEntry entry{tune_key(c, call), {}};
  for (const VariantInfo* v : c.tunable) {
    if (const char* reason = why_not(*v, call.args)) entry.result.rejected[v->name] = reason;
  }
  t_measuring = true;
  struct Done {
    ~Done() { t_measuring = false; }
  } done;
  try {
    measure(call.args, able, entry.result);
    save_tune_entry(entry);
  } catch (const Error& e) {
    warn("[tune] {} is not tuned: {}", entry.key.str(), e.what());
    return nullptr;
  }
  return named(entry.result.variant, c);
}

}  // namespace iolaus
