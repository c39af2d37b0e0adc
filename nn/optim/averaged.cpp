// Averages of weights.
#include "nn/optim/averaged.h"

#include "autograd/grad_mode.h"
#include "autograd/ops.h"

namespace iolaus::nn {

AveragedModel::AveragedModel(std::shared_ptr<Module> model, std::optional<double> decay,
                             bool use_buffers)
    : model_(std::move(model)), decay_(decay) {
  IOLAUS_CHECK(model_ != nullptr, "[AveragedModel] expected a module");
  IOLAUS_CHECK(!decay_ || (*decay_ >= 0 && *decay_ <= 1),
               "[AveragedModel] expected a decay in [0, 1], got {}", decay_.value_or(0));
  for (const auto& [name, p] : model_->named_parameters()) {
    entries_.push_back({name, p, clone(p.detach()), true});
  }
  for (const auto& [name, b] : model_->named_buffers()) {
    entries_.push_back({name, b, clone(b.detach()), use_buffers && is_floating(b.dtype())});
  }
}

void AveragedModel::update_parameters() {
  const NoGrad no_grad;
  const double weight = decay_ ? 1 - *decay_ : 1 / static_cast<double>(n_averaged_ + 1);
  for (const Entry& e : entries_) {
    const Tensor now = to(e.own.detach(), e.average.device());
    copy_(e.average, e.averaged && n_averaged_ > 0 ? lerp(e.average, now, weight) : now);
  }
  ++n_averaged_;
}

void AveragedModel::swap() {
  const NoGrad no_grad;
  for (const Entry& e : entries_) {
    const Tensor kept = clone(e.own.detach());
    copy_(e.own, to(e.average, e.own.device()));
    copy_(e.average, to(kept, e.average.device()));
  }
}

std::map<std::string, Tensor> AveragedModel::state_dict() const {
  std::map<std::string, Tensor> all{{"n_averaged", from_values<int64_t>({n_averaged_}, {})}};
  for (const Entry& e : entries_) all.emplace("module." + e.name, e.average);
  return all;
}

void AveragedModel::load_state_dict(const std::map<std::string, Tensor>& state) {
  const NoGrad no_grad;
  const auto get = [&](const std::string& name) {
    const auto found = state.find(name);
    IOLAUS_CHECK(found != state.end(), "[load_state_dict] AveragedModel misses '{}'", name);
    return found->second;
  };
  for (const Entry& e : entries_) {
    const Tensor saved = get("module." + e.name);
    IOLAUS_CHECK(saved.sizes() == e.average.sizes(),
                 "[load_state_dict] 'module.{}' has shape {}, that of the model is {}", e.name,
                 saved.sizes().str(), e.average.sizes().str());
  }
  n_averaged_ = get("n_averaged").item<int64_t>();
  for (const Entry& e : entries_) {
    copy_(e.average, to(get("module." + e.name), e.average.device()));
  }
}

}  // namespace iolaus::nn
