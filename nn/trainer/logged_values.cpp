// Accumulation of logged values without synchronisation.
#include "nn/trainer/logged_values.h"

#include "autograd/grad_mode.h"
#include "autograd/ops.h"

namespace iolaus::nn {
namespace {

std::string suffix(int64_t loader) { return fmt::format("/dataloader_idx_{}", loader); }

}  // namespace

std::string LoggedValues::Value::full_name(const char* fork) const {
  const bool ends = loader != kNoLoader && options.add_dataloader_idx;
  return name + fork + (ends ? suffix(loader) : "");
}

void LoggedValues::add(const std::string& name, const Tensor& value, const LogOptions& options,
                       bool training, int64_t batch_size) {
  IOLAUS_CHECK(value.defined() && value.numel() == 1,
               "[log] '{}' must have one element, got {}; take its mean or sum", name,
               value.defined() ? value.describe() : "an undefined tensor");
  const NoGrad no_grad;
  const bool ends = loader_ != kNoLoader && options.add_dataloader_idx;
  Value& v = values_[ends ? name + suffix(loader_) : name];
  const bool on_step = options.on_step.value_or(training);
  const bool on_epoch = options.on_epoch.value_or(!training);
  IOLAUS_CHECK(on_step || on_epoch, "[log] '{}' is logged neither on step nor on epoch", name);
  IOLAUS_CHECK(!v.declared || (v.on_step == on_step && v.on_epoch == on_epoch &&
                               v.options.reduce_fx == options.reduce_fx),
               "[log] '{}' was logged before with other options (on_step, on_epoch, reduce_fx)",
               name);
  IOLAUS_CHECK(
      !v.declared ||
          (v.loader == loader_ && v.options.add_dataloader_idx == options.add_dataloader_idx),
      "[log] '{}' was logged for another loader; with add_dataloader_idx=false each loader "
      "needs names of its own",
      name);
  v.declared = true;
  v.name = name;
  v.loader = loader_;
  v.on_step = on_step;
  v.on_epoch = on_epoch;
  v.options = options;
  v.last = value.detach();
  if (!on_epoch) return;
  const Tensor x = to(reshape(v.last, {}), kFloat64);
  const double weight = options.batch_size > 0 ? static_cast<double>(options.batch_size)
                                               : static_cast<double>(batch_size);
  switch (options.reduce_fx) {
    case Reduce::kMean:
      v.reduced = v.reduced.defined() ? iolaus::add(v.reduced, mul(x, weight)) : mul(x, weight);
      v.weight += weight;
      break;
    case Reduce::kSum:
      v.reduced = v.reduced.defined() ? iolaus::add(v.reduced, x) : x;
      break;
    case Reduce::kMin:
      v.reduced = v.reduced.defined() ? minimum(v.reduced, x) : x;
      break;
    case Reduce::kMax:
      v.reduced = v.reduced.defined() ? maximum(v.reduced, x) : x;
      break;
  }
}

double LoggedValues::Value::result() const {
  const double x = reduced.item<double>();
  return options.reduce_fx == Reduce::kMean ? x / weight : x;
}

bool LoggedValues::goes_to(const Value& value, For target) const {
  if (value.loader != loader_) return false;
  switch (target) {
    case For::kLogger:
      return value.options.logger;
    case For::kProgressBar:
      return value.options.prog_bar;
    default:
      return true;
  }
}

Metrics LoggedValues::step_values(For target) const {
  Metrics out;
  for (const auto& [key, v] : values_) {
    if (!v.on_step || !v.last.defined() || !goes_to(v, target)) continue;
    const double x = v.last.item<double>();
    out[v.full_name(v.on_epoch ? "_step" : "")] = x;
    if (v.on_epoch && target == For::kCallbacks) out[v.full_name("")] = x;
  }
  return out;
}

Metrics LoggedValues::epoch_values(For target) const {
  Metrics out;
  for (const auto& [key, v] : values_) {
    if (!v.on_epoch || !v.reduced.defined() || !goes_to(v, target)) continue;
    const double x = v.result();
    out[v.full_name(v.on_step ? "_epoch" : "")] = x;
    if (v.on_step && target == For::kCallbacks) out[v.full_name("")] = x;
  }
  return out;
}

void LoggedValues::reset() {
  for (auto& [name, v] : values_) {
    v.last = {};
    v.reduced = {};
    v.weight = 0;
  }
}

void LoggedValues::save(std::map<std::string, Tensor>& tensors, const std::string& prefix) const {
  for (const auto& [name, v] : values_) {
    if (!v.last.defined()) continue;
    tensors[prefix + "last." + name] = v.last;
    if (v.reduced.defined()) {
      tensors[prefix + "reduced." + name] = v.reduced;
      tensors[prefix + "weight." + name] = full({}, v.weight, {.dtype = kFloat64});
    }
    const LogOptions& o = v.options;
    tensors[prefix + "options." + name] = from_values<int64_t>(
        {v.on_step, v.on_epoch, static_cast<int64_t>(o.reduce_fx), o.prog_bar, o.logger}, {5});
  }
}

void LoggedValues::restore(const std::map<std::string, Tensor>& tensors,
                           const std::string& prefix) {
  const std::string first = prefix + "last.";
  for (const auto& [key, last] : tensors) {
    if (!key.starts_with(first)) continue;
    Value v;
    v.name = key.substr(first.size());
    const auto of = [&](const char* part) {
      const auto found = tensors.find(prefix + part + v.name);
      return found == tensors.end() ? Tensor() : found->second;
    };
    const Tensor options = of("options."), weight = of("weight.");
    v.last = last;
    v.reduced = of("reduced.");
    IOLAUS_CHECK_CODE(
        options.defined() && options.numel() == 5 && v.reduced.defined() == weight.defined(),
        ErrorCode::kCorrupt, "the checkpoint's logged value '{}' is not complete", v.name);
    const auto numbers = options.to_vector<int64_t>();
    v.on_step = numbers[0] != 0;
    v.on_epoch = numbers[1] != 0;
    v.options.reduce_fx = static_cast<Reduce>(numbers[2]);
    v.options.prog_bar = numbers[3] != 0;
    v.options.logger = numbers[4] != 0;
    if (weight.defined()) v.weight = weight.item<double>();
    values_[v.name] = std::move(v);
  }
}

}  // namespace iolaus::nn
