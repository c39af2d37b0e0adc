// The truth for the optimizers of rules.h: each formula as torch.optim writes it, in double.
#include <cmath>

#include "kernels/elementwise/domain.h"
#include "kernels/optimizer/rules.h"
#include "kernels/reference_io.h"

namespace iolaus {
namespace {

// One element: what it holds, and its state as numbers.
struct Element {
  double theta, g, state[3], t, mu_product;
};

double power(double base, double exponent) { return std::pow(base, exponent); }
double mixed(double old, double now, double beta) { return beta * old + (1 - beta) * now; }

void rmsprop(const OptimizerStep& s, Element& e) {
  const bool heavy = s.momentum > 0;
  e.g += s.weight_decay * e.theta;
  e.state[0] = mixed(e.state[0], e.g * e.g, s.alpha);
  double average = e.state[0];
  if (s.centered) {
    double& mean = e.state[heavy ? 2 : 1];
    mean = mixed(mean, e.g, s.alpha);
    average -= mean * mean;
  }
  const double move = e.g / (std::sqrt(average) + s.eps);
  if (heavy) e.state[1] = s.momentum * e.state[1] + move;
  e.theta -= s.lr * (heavy ? e.state[1] : move);
}

void adagrad(const OptimizerStep& s, Element& e) {
  e.g += s.weight_decay * e.theta;
  e.state[0] += e.g * e.g;
  e.theta -= s.lr / (1 + (e.t - 1) * s.lr_decay) * e.g / (std::sqrt(e.state[0]) + s.eps);
}

void adadelta(const OptimizerStep& s, Element& e) {
  e.g += s.weight_decay * e.theta;
  e.state[0] = mixed(e.state[0], e.g * e.g, s.rho);
  const double move = e.g * std::sqrt(e.state[1] + s.eps) / std::sqrt(e.state[0] + s.eps);
  e.state[1] = mixed(e.state[1], move * move, s.rho);
  e.theta -= s.lr * move;
}

void adamax(const OptimizerStep& s, Element& e) {
  e.g += s.weight_decay * e.theta;
  e.state[0] = mixed(e.state[0], e.g, s.beta1);
  e.state[1] = std::max(s.beta2 * e.state[1], std::abs(e.g) + s.eps);
  e.theta -= s.lr / (1 - power(s.beta1, e.t)) * e.state[0] / e.state[1];
}

// The averages of adam and what precedes them.
void averages(const OptimizerStep& s, Element& e) {
  if (s.decoupled) {
    e.theta -= s.lr * s.weight_decay * e.theta;
  } else {
    e.g += s.weight_decay * e.theta;
  }
  e.state[0] = mixed(e.state[0], e.g, s.beta1);
  e.state[1] = mixed(e.state[1], e.g * e.g, s.beta2);
}

void nadam(const OptimizerStep& s, Element& e) {
  averages(s, e);
  const auto mu = [&](double t) { return s.beta1 * (1 - 0.5 * power(0.96, t * s.momentum_decay)); };
  const double denominator = std::sqrt(e.state[1] / (1 - power(s.beta2, e.t))) + s.eps;
  const double product = e.mu_product, next = product * mu(e.t + 1);
  e.theta -= s.lr * (1 - mu(e.t)) / (1 - product) * e.g / denominator;
  e.theta -= s.lr * mu(e.t + 1) / (1 - next) * e.state[0] / denominator;
}

void radam(const OptimizerStep& s, Element& e) {
  averages(s, e);
  const double mean = e.state[0] / (1 - power(s.beta1, e.t));
  const double end = 2 / (1 - s.beta2) - 1, correction2 = 1 - power(s.beta2, e.t);
  const double now = end - 2 * e.t * power(s.beta2, e.t) / correction2;
  double factor = 1;
  if (now > 5) {
    factor = std::sqrt((now - 4) * (now - 2) * end / ((end - 4) * (end - 2) * now)) *
             std::sqrt(correction2) / (std::sqrt(e.state[1]) + s.eps);
  }
  e.theta -= s.lr * mean * factor;
}

void lion(const OptimizerStep& s, Element& e) {
  e.theta -= s.lr * s.weight_decay * e.theta;
  const double c = mixed(e.state[0], e.g, s.beta1);
  e.theta -= s.lr * (c > 0 ? 1 : c < 0 ? -1 : 0);
  e.state[0] = mixed(e.state[0], e.g, s.beta2);
}

template <void (*element)(const OptimizerStep&, Element&)> void run(const OptimizerStep& s) {
  for (const OptimizerItem& item : s.items) {
    for (int64_t i = 0; i < item.numel; ++i) {
      Element e{load_real(item.param, s.element, i),
                load_real(item.grad, s.element, i) * (s.maximize ? -1 : 1),
                {},
                static_cast<double>(item.step),
                item.mu_product};
      for (int k = 0; k < 3; ++k) {
        if (item.state[k] != nullptr) e.state[k] = load_real(item.state[k], s.element, i);
      }
      element(s, e);
      for (int k = 0; k < 3; ++k) {
        if (item.state[k] != nullptr) store_real(item.state[k], s.element, i, e.state[k]);
      }
      store_real(item.param, s.element, i, e.theta);
    }
  }
}

template <class Family, void (*element)(const OptimizerStep&, Element&)> bool add() {
  return optimizer_kernels<Family>().add(
      {"reference", kCPU, dtypes_of(FloatTypes{}), run<element>});
}

const bool kAdded = add<optimizer::RmsProp, rmsprop>() && add<optimizer::Adagrad, adagrad>() &&
                    add<optimizer::Adadelta, adadelta>() && add<optimizer::Adamax, adamax>() &&
                    add<optimizer::NAdam, nadam>() && add<optimizer::RAdam, radam>() &&
                    add<optimizer::Lion, lion>();

}  // namespace
}  // namespace iolaus
