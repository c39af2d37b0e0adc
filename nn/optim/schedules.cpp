// The plain schedules. Each has the form that starts from the last rate, in which schedules can be
// chained, and a closed one.
#include "nn/optim/schedules.h"

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>
#include <numbers>

namespace iolaus::nn {
namespace {

double real(int64_t n) { return static_cast<double>(n); }
double cosine(int64_t epoch, int64_t length) {
  return 1 + std::cos(std::numbers::pi * real(epoch) / real(length));
}

std::vector<LrLambda> for_groups(std::vector<LrLambda> lambdas, const Optimizer& optimizer,
                                 const char* name) {
  const size_t groups = optimizer.options().size();
  if (lambdas.size() == 1) lambdas.resize(groups, lambdas[0]);
  IOLAUS_CHECK(lambdas.size() == groups, "[{}] expected a function for each of {} groups, got {}",
               name, groups, lambdas.size());
  return lambdas;
}

}  // namespace

StepLR::StepLR(std::shared_ptr<Optimizer> optimizer, int64_t step_size, double gamma)
    : Scheduler(std::move(optimizer)), step_size_(step_size), gamma_(gamma) {
  IOLAUS_CHECK(step_size > 0, "[StepLR] expected step_size > 0, got {}", step_size);
  start();
}
std::vector<double> StepLR::rates() {
  return scaled(last_epoch() == 0 || last_epoch() % step_size_ != 0 ? 1 : gamma_);
}
std::vector<double> StepLR::closed_form() {
  return base_scaled(std::pow(gamma_, real(last_epoch() / step_size_)));
}

MultiStepLR::MultiStepLR(std::shared_ptr<Optimizer> optimizer, std::vector<int64_t> milestones,
                         double gamma)
    : Scheduler(std::move(optimizer)), milestones_(std::move(milestones)), gamma_(gamma) {
  std::sort(milestones_.begin(), milestones_.end());
  start();
}
std::vector<double> MultiStepLR::rates() {
  const auto count = std::count(milestones_.begin(), milestones_.end(), last_epoch());
  return scaled(std::pow(gamma_, real(count)));
}
std::vector<double> MultiStepLR::closed_form() {
  const auto reached = std::upper_bound(milestones_.begin(), milestones_.end(), last_epoch());
  return base_scaled(std::pow(gamma_, real(reached - milestones_.begin())));
}

ConstantLR::ConstantLR(std::shared_ptr<Optimizer> optimizer, double factor, int64_t total_iters)
    : Scheduler(std::move(optimizer)), factor_(factor), total_iters_(total_iters) {
  IOLAUS_CHECK(factor > 0 && factor <= 1, "[ConstantLR] expected a factor in (0, 1], got {}",
               factor);
  start();
}
std::vector<double> ConstantLR::rates() {
  if (last_epoch() == 0) return scaled(factor_);
  return scaled(last_epoch() == total_iters_ ? 1 / factor_ : 1);
}
std::vector<double> ConstantLR::closed_form() {
  return base_scaled(last_epoch() >= total_iters_ ? 1 : factor_);
}

LinearLR::LinearLR(std::shared_ptr<Optimizer> optimizer, double start_factor, double end_factor,
                   int64_t total_iters)
    : Scheduler(std::move(optimizer)),
      start_factor_(start_factor),
      end_factor_(end_factor),
      total_iters_(total_iters) {
  IOLAUS_CHECK(start_factor > 0 && start_factor <= 1 && end_factor >= 0 && end_factor <= 1,
               "[LinearLR] expected factors in (0, 1] and [0, 1], got {} and {}", start_factor,
               end_factor);
  IOLAUS_CHECK(total_iters > 0, "[LinearLR] expected total_iters > 0, got {}", total_iters);
  start();
}
std::vector<double> LinearLR::rates() {
  if (last_epoch() == 0) return scaled(start_factor_);
  if (is_initial() || last_epoch() > total_iters_) return current();
  const double change = end_factor_ - start_factor_;
  return scaled(1 +
                change / (real(total_iters_) * start_factor_ + real(last_epoch() - 1) * change));
}
std::vector<double> LinearLR::closed_form() {
  const double part = real(std::min(total_iters_, last_epoch())) / real(total_iters_);
  return base_scaled(start_factor_ + (end_factor_ - start_factor_) * part);
}

ExponentialLR::ExponentialLR(std::shared_ptr<Optimizer> optimizer, double gamma)
    : Scheduler(std::move(optimizer)), gamma_(gamma) {
  start();
}
std::vector<double> ExponentialLR::rates() { return scaled(is_initial() ? 1 : gamma_); }
std::vector<double> ExponentialLR::closed_form() {
  return base_scaled(std::pow(gamma_, real(last_epoch())));
}

PolynomialLR::PolynomialLR(std::shared_ptr<Optimizer> optimizer, int64_t total_iters, double power)
    : Scheduler(std::move(optimizer)), total_iters_(total_iters), power_(power) {
  IOLAUS_CHECK(total_iters > 0, "[PolynomialLR] expected total_iters > 0, got {}", total_iters);
  start();
}
std::vector<double> PolynomialLR::rates() {
  if (is_initial() || last_epoch() > total_iters_) return current();
  const double length = real(total_iters_);
  const double ratio = (1 - real(last_epoch()) / length) / (1 - real(last_epoch() - 1) / length);
  return scaled(std::pow(ratio, power_));
}
std::vector<double> PolynomialLR::closed_form() {
  const double part = real(std::min(total_iters_, last_epoch())) / real(total_iters_);
  return base_scaled(std::pow(1 - part, power_));
}

CosineAnnealingLR::CosineAnnealingLR(std::shared_ptr<Optimizer> optimizer, int64_t t_max,
                                     double eta_min)
    : Scheduler(std::move(optimizer)), t_max_(t_max), eta_min_(eta_min) {
  IOLAUS_CHECK(t_max > 0, "[CosineAnnealingLR] expected T_max > 0, got {}", t_max);
  start();
}
std::vector<double> CosineAnnealingLR::rates() {
  std::vector<double> all = current();
  if (is_initial()) return all;
  const bool from_lowest = (last_epoch() - 1 - t_max_) % (2 * t_max_) == 0;
  for (size_t i = 0; i < all.size(); ++i) {
    if (from_lowest) {
      all[i] += (base_lrs()[i] - eta_min_) * (1 - std::cos(std::numbers::pi / real(t_max_))) / 2;
    } else {
      all[i] =
          cosine(last_epoch(), t_max_) / cosine(last_epoch() - 1, t_max_) * (all[i] - eta_min_) +
          eta_min_;
    }
  }
  return all;
}
std::vector<double> CosineAnnealingLR::closed_form() {
  std::vector<double> all = base_lrs();
  for (double& rate : all) {
    rate = eta_min_ + (rate - eta_min_) * cosine(last_epoch(), t_max_) / 2;
  }
  return all;
}

CosineAnnealingWarmRestarts::CosineAnnealingWarmRestarts(std::shared_ptr<Optimizer> optimizer,
                                                         int64_t t_0, int64_t t_mult,
                                                         double eta_min)
    : Scheduler(std::move(optimizer)), t_0_(t_0), t_mult_(t_mult), eta_min_(eta_min), t_i_(t_0) {
  IOLAUS_CHECK(t_0 > 0 && t_mult >= 1,
               "[CosineAnnealingWarmRestarts] expected T_0 > 0 and T_mult >= 1, got {} and {}", t_0,
               t_mult);
  start();
}
void CosineAnnealingWarmRestarts::advance() {
  if (last_epoch() < 0) {
    t_cur_ = 0;
    t_i_ = t_0_;
  } else if (++t_cur_ >= t_i_) {
    t_cur_ %= t_i_;
    t_i_ *= t_mult_;
  }
  Scheduler::advance();
}
std::vector<double> CosineAnnealingWarmRestarts::rates() {
  std::vector<double> all = base_lrs();
  for (double& rate : all) rate = eta_min_ + (rate - eta_min_) * cosine(t_cur_, t_i_) / 2;
  return all;
}
nlohmann::json CosineAnnealingWarmRestarts::state_dict() const {
  nlohmann::json state = Scheduler::state_dict();
  state["T_cur"] = t_cur_;
  state["T_i"] = t_i_;
  return state;
}
void CosineAnnealingWarmRestarts::load(const nlohmann::json& state) {
  Scheduler::load(state);
  state.at("T_cur").get_to(t_cur_);
  state.at("T_i").get_to(t_i_);
}

LambdaLR::LambdaLR(std::shared_ptr<Optimizer> optimizer, std::vector<LrLambda> lr_lambdas)
    : Scheduler(std::move(optimizer)),
      lambdas_(for_groups(std::move(lr_lambdas), *optimizer_, "LambdaLR")) {
  start();
}
std::vector<double> LambdaLR::rates() {
  std::vector<double> all = base_lrs();
  for (size_t i = 0; i < all.size(); ++i) all[i] *= lambdas_[i](last_epoch());
  return all;
}

MultiplicativeLR::MultiplicativeLR(std::shared_ptr<Optimizer> optimizer,
                                   std::vector<LrLambda> lr_lambdas)
    : Scheduler(std::move(optimizer)),
      lambdas_(for_groups(std::move(lr_lambdas), *optimizer_, "MultiplicativeLR")) {
  start();
}
std::vector<double> MultiplicativeLR::rates() {
  std::vector<double> all = current();
  if (is_initial()) return all;
  for (size_t i = 0; i < all.size(); ++i) all[i] *= lambdas_[i](last_epoch());
  return all;
}

}  // namespace iolaus::nn
