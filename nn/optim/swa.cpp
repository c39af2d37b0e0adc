// SWALR and update_bn, after torch/optim/swa_utils.py (2.15).
#include "nn/optim/swa.h"

#include <algorithm>
#include <cmath>
#include <numbers>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "nn/layers/batch_norm.h"

namespace iolaus::nn {

SWALR::SWALR(std::shared_ptr<Optimizer> optimizer, std::vector<double> swa_lr,
             int64_t anneal_epochs, bool linear)
    : Scheduler(std::move(optimizer)), anneal_epochs_(anneal_epochs), linear_(linear) {
  IOLAUS_CHECK(anneal_epochs >= 0, "[SWALR] anneal_epochs must not be negative, got {}",
               anneal_epochs);
  auto& groups = optimizer_->groups();
  if (swa_lr.size() == 1) swa_lr.resize(groups.size(), swa_lr[0]);
  IOLAUS_CHECK(swa_lr.size() == groups.size(),
               "[SWALR] expected swa_lr for each of {} groups, got {}", groups.size(),
               swa_lr.size());
  for (size_t i = 0; i < groups.size(); ++i) groups[i].options["swa_lr"] = swa_lr[i];
  start();
}

double SWALR::progress(int64_t steps) const {
  const double part =
      static_cast<double>(steps) / static_cast<double>(std::max<int64_t>(1, anneal_epochs_));
  const double t = std::clamp(part, 0.0, 1.0);
  return linear_ ? t : (1 - std::cos(std::numbers::pi * t)) / 2;
}

// Each rate is a mean of the first one and swa_lr; the first is found back from the newest.
std::vector<double> SWALR::rates() {
  int64_t step = step_count_ - 1;
  if (anneal_epochs_ == 0) step = std::max<int64_t>(1, step);
  const double before = progress(step - 1), now = progress(step);
  std::vector<double> all;
  for (const ParamGroup& group : optimizer_->groups()) {
    const double lr = group.options.at("lr"), target = group.options.at("swa_lr");
    const double first = before == 1 ? target : (lr - before * target) / (1 - before);
    all.push_back(target * now + first * (1 - now));
  }
  return all;
}

CollectBatchNorm::CollectBatchNorm(Module& model, bool from_nothing) {
  for (const auto& [name, module] : model.named_modules()) {
    auto* norm = dynamic_cast<BatchNorm*>(module);
    if (norm == nullptr) continue;
    if (from_nothing) norm->reset_running_stats();
    momenta_.emplace_back(norm, norm->momentum());
    norm->set_momentum(std::nullopt);
  }
}

CollectBatchNorm::~CollectBatchNorm() {
  for (const auto& [norm, momentum] : momenta_) norm->set_momentum(momentum);
}

bool has_batch_norm(Module& model) {
  const auto all = model.named_modules();
  return std::any_of(all.begin(), all.end(), [](const auto& named) {
    return dynamic_cast<BatchNorm*>(named.second) != nullptr;
  });
}

void update_bn(const data::Loader& loader, Module& model, Device device) {
  const CollectBatchNorm collect(model);
  if (collect.empty()) return;
  const NoGrad no_grad;
  struct Training {
    explicit Training(Module& m) : module(m), before(m.is_training()) { module.train(); }
    ~Training() { module.train(before); }
    Module& module;
    bool before;
  } training(model);
  const auto pass = loader.start(0);
  while (const std::optional<data::Batch> batch = pass->next()) {
    model(to(batch->input(), device));
  }
}

}  // namespace iolaus::nn
