// L-BFGS, and its names in configs.
#include "nn/optim/lbfgs.h"

#include <cmath>

#include "autograd/grad_mode.h"
#include "autograd/ops.h"
#include "nn/optim/options.h"
#include "nn/optim/wolfe.h"

namespace iolaus::nn {
namespace {

using S = OptionSpec;

constexpr OptionSpec kOptions[] = {
    {"lr", S::kNumber, 1, "the step, or with a line search the first one tried"},
    {"max_iter", S::kCount, 20, "iterations a step"},
    {"tolerance_grad", S::kNumber, 1e-7, "ends where no gradient is larger"},
    {"tolerance_change", S::kNumber, 1e-9, "ends where neither loss nor parameters change more"},
    {"history_size", S::kCount, 100, "how many updates are kept"},
    {"maximize", S::kFlag, 0, "ascends instead"},
};

std::vector<config::Param> params_of_config() {
  std::vector<config::Param> all = option_params(kOptions);
  all.emplace_back("max_eval", config::ParamType::kInt,
                   "evaluations a step; null: max_iter * 5 / 4", nullptr);
  all.emplace_back("line_search_fn", config::ParamType::kString, "null or strong_wolfe", nullptr);
  return all;
}

const config::Register<LBFGS, Optimizer> kLbfgs{
    {"iolaus.optim.LBFGS", "torch.optim.LBFGS"},
    "L-BFGS; its step calls a closure several times",
    params_of_config(),
    [](const config::Args& a) {
      OptimizerOptions options = options_from(kOptions, a);
      if (a.has("max_eval")) options["max_eval"] = static_cast<double>(a.get<int64_t>("max_eval"));
      if (a.has("line_search_fn")) {
        if (a.get<std::string>("line_search_fn") != "strong_wolfe") {
          a.fail_about("line_search_fn", "expected strong_wolfe");
        }
        options["strong_wolfe"] = 1;
      }
      return std::make_shared<LBFGS>(a.extra<std::vector<ParamGroup>>("params"), options);
    }};

OptimizerOptions all_options(OptimizerOptions given) {
  OptimizerOptions own{{"max_eval", -1}, {"strong_wolfe", 0}};
  for (auto& [name, value] : own) {
    if (const auto found = given.find(name); found != given.end()) {
      value = found->second;
      given.erase(found);
    }
  }
  own.merge(with_defaults("LBFGS", kOptions, given));
  if (own["max_eval"] < 0) own["max_eval"] = std::floor(own["max_iter"] * 5 / 4);
  return own;
}

double product(const Tensor& a, const Tensor& b) { return dot(a, b).item<double>(); }
double largest(const Tensor& x) { return amax(abs(x)).item<double>(); }

}  // namespace

LBFGS::LBFGS(std::vector<ParamGroup> param_groups, const OptimizerOptions& options)
    : Optimizer(std::move(param_groups), all_options(options)) {
  IOLAUS_CHECK(groups().size() == 1, "[LBFGS] expected one group of parameters, got {}",
               groups().size());
  check_options("LBFGS", kOptions, groups()[0].options);
}

void LBFGS::check_group(const ParamGroup&) const {
  fail(ErrorCode::kInvalidArgument, "[LBFGS] expected one group of parameters");
}

void LBFGS::update(const ParamGroup&) {
  fail(ErrorCode::kInvalidArgument,
       "[LBFGS] step needs a closure that computes the loss and its gradients");
}

Tensor LBFGS::flat_gradient() const {
  Tensors parts;
  for (const Tensor& p : params()) {
    const Tensor g = p.grad();
    parts.push_back(reshape(g.defined() ? g.detach() : zeros_like(p.detach()), {p.numel()}));
  }
  const Tensor flat = cat(parts, 0);
  return maximizes() ? neg(flat) : flat;
}

void LBFGS::move(double step, const Tensor& direction) const {
  int64_t at = 0;
  for (const Tensor& p : params()) {
    const Tensor part = reshape(narrow(direction, 0, at, p.numel()), p.sizes());
    copy_(p, add(p, part, step));
    at += p.numel();
  }
}

LBFGS::Point LBFGS::evaluate(const Closure& closure) const {
  double loss = 0;
  {
    const GradMode with_grad(true);
    loss = closure().item<double>();
  }
  return {maximizes() ? -loss : loss, flat_gradient()};
}

// The product of the inverse Hessian's approximation and the gradient, negative: two loops over
// the last updates.
void LBFGS::find_direction(const Tensor& gradient, int64_t history) {
  const Tensor y = sub(gradient, memory_.previous_gradient), s = memory_.direction * memory_.t;
  const double ys = product(y, s);
  if (ys > 1e-10) {
    if (static_cast<int64_t>(memory_.old_dirs.size()) == history) {
      memory_.old_dirs.erase(memory_.old_dirs.begin());
      memory_.old_stps.erase(memory_.old_stps.begin());
      memory_.ro.erase(memory_.ro.begin());
    }
    memory_.old_dirs.push_back(y);
    memory_.old_stps.push_back(s);
    memory_.ro.push_back(1 / ys);
    memory_.h_diag = ys / product(y, y);
  }
  Tensor q = neg(gradient);
  std::vector<double> alpha(memory_.ro.size());
  for (size_t i = memory_.ro.size(); i-- > 0;) {
    alpha[i] = product(memory_.old_stps[i], q) * memory_.ro[i];
    q = add(q, memory_.old_dirs[i], -alpha[i]);
  }
  memory_.direction = q * memory_.h_diag;
  for (size_t i = 0; i < memory_.ro.size(); ++i) {
    const double beta = product(memory_.old_dirs[i], memory_.direction) * memory_.ro[i];
    memory_.direction = add(memory_.direction, memory_.old_stps[i], alpha[i] - beta);
  }
}

LBFGS::Point LBFGS::search(const Closure& closure, const Point& start, double slope, int64_t most,
                           double& step, int64_t& evaluations) const {
  Tensors origin;
  for (const Tensor& p : params()) origin.push_back(clone(p.detach()));
  const auto at = [&](double t) {
    move(t, memory_.direction);
    const Point point = evaluate(closure);
    for (size_t i = 0; i < origin.size(); ++i) copy_(params()[i], origin[i]);
    return LinePoint{t, point.loss, point.gradient, product(point.gradient, memory_.direction)};
  };
  const LineSearch result =
      strong_wolfe(at, {0, start.loss, start.gradient, slope}, step, largest(memory_.direction),
                   param_groups()[0].options.at("tolerance_change"), most);
  step = result.found.t;
  evaluations = result.evaluations;
  return {result.found.loss, result.found.gradient};
}

Tensor LBFGS::step_with(const Closure& closure) {
  const NoGrad no_grad;
  const OptimizerOptions& o = param_groups()[0].options;
  const auto max_iter = static_cast<int64_t>(o.at("max_iter"));
  const auto max_eval = static_cast<int64_t>(o.at("max_eval"));
  const double tolerance = o.at("tolerance_change"), lr = o.at("lr");
  Tensor first;
  Point now = evaluate([&] { return first = closure(); });
  int64_t evaluated = 1;
  ++memory_.func_evals;
  if (largest(now.gradient) <= o.at("tolerance_grad")) return first;
  for (int64_t i = 1; i <= max_iter; ++i) {
    if (++memory_.n_iter == 1) {
      memory_.direction = neg(now.gradient);
      memory_.old_dirs.clear();
      memory_.old_stps.clear();
      memory_.ro.clear();
      memory_.h_diag = 1;
    } else {
      find_direction(now.gradient, static_cast<int64_t>(o.at("history_size")));
    }
    memory_.previous_gradient = now.gradient;
    memory_.previous_loss = now.loss;
    memory_.t =
        memory_.n_iter == 1 ? std::min(1.0, 1 / sum(abs(now.gradient)).item<double>()) * lr : lr;
    const double slope = product(now.gradient, memory_.direction);
    if (slope > -tolerance) break;
    int64_t evaluations = 0;
    if (o.at("strong_wolfe") != 0) {
      now = search(closure, now, slope, max_eval - evaluated, memory_.t, evaluations);
      move(memory_.t, memory_.direction);
    } else {
      move(memory_.t, memory_.direction);
      if (i != max_iter) {
        now = evaluate(closure);
        evaluations = 1;
      }
    }
    evaluated += evaluations;
    memory_.func_evals += evaluations;
    if (i == max_iter || evaluated >= max_eval) break;
    if (largest(now.gradient) <= o.at("tolerance_grad")) break;
    if (largest(memory_.direction * memory_.t) <= tolerance) break;
    if (std::abs(now.loss - memory_.previous_loss) < tolerance) break;
  }
  return first;
}

std::map<std::string, Tensor> LBFGS::state_dict() const {
  const auto number = [](auto value) { return scalar_tensor(value, {.dtype = kFloat64}); };
  const auto count = [](int64_t value) { return scalar_tensor(value, {.dtype = kInt64}); };
  std::map<std::string, Tensor> all;
  if (memory_.n_iter == 0 && memory_.func_evals == 0) return all;
  all = {{"0.func_evals", count(memory_.func_evals)}, {"0.n_iter", count(memory_.n_iter)}};
  if (!memory_.direction.defined()) return all;
  all.insert(
      {{"0.d", memory_.direction},
       {"0.t", number(memory_.t)},
       {"0.H_diag", number(memory_.h_diag)},
       {"0.prev_flat_grad", memory_.previous_gradient},
       {"0.prev_loss", number(memory_.previous_loss)},
       {"0.ro", from_values<double>(memory_.ro, {static_cast<int64_t>(memory_.ro.size())})}});
  if (!memory_.ro.empty()) {
    all.emplace("0.old_dirs", stack(memory_.old_dirs));
    all.emplace("0.old_stps", stack(memory_.old_stps));
  }
  return all;
}

void LBFGS::load_state_dict(const std::map<std::string, Tensor>& saved) {
  const NoGrad no_grad;
  size_t used = 0;
  const auto has = [&](const char* name) { return saved.contains(std::string("0.") + name); };
  const auto get = [&](const char* name) {
    const auto found = saved.find(std::string("0.") + name);
    IOLAUS_CHECK(found != saved.end(), "[load_state_dict] LBFGS misses '0.{}'", name);
    ++used;
    return found->second;
  };
  const Tensor& like = params()[0];
  int64_t numel = 0;
  for (const Tensor& p : params()) numel += p.numel();
  const auto flat = [&](const char* name) {
    const Tensor x = get(name);
    IOLAUS_CHECK(x.size(-1) == numel,
                 "[load_state_dict] '0.{}' has shape {}, but there are {} "
                 "numbers to train",
                 name, x.sizes().str(), numel);
    return to(clone(x), like.dtype(), like.device());
  };
  Memory fresh;
  if (has("n_iter")) {
    fresh.func_evals = get("func_evals").item<int64_t>();
    fresh.n_iter = get("n_iter").item<int64_t>();
  }
  if (has("d")) {
    fresh.direction = flat("d");
    fresh.previous_gradient = flat("prev_flat_grad");
    fresh.t = get("t").item<double>();
    fresh.h_diag = get("H_diag").item<double>();
    fresh.previous_loss = get("prev_loss").item<double>();
    fresh.ro = to(get("ro"), kFloat64).to_vector<double>();
  }
  if (!fresh.ro.empty()) {
    const Tensor dirs = flat("old_dirs"), steps = flat("old_stps");
    for (size_t i = 0; i < fresh.ro.size(); ++i) {
      const auto at = static_cast<int64_t>(i);
      fresh.old_dirs.push_back(clone(select(dirs, 0, at)));
      fresh.old_stps.push_back(clone(select(steps, 0, at)));
    }
  }
  IOLAUS_CHECK(used == saved.size(), "[load_state_dict] {} entries do not belong to LBFGS",
               saved.size() - used);
  memory_ = std::move(fresh);
}

}  // namespace iolaus::nn
