// The names of schedules in configs. `optimizer` is handed over by the program; a schedule in a
// list of schedules gets it from the one around it.
#include "config/instantiate.h"
#include "nn/optim/combined.h"
#include "nn/optim/cyclic.h"
#include "nn/optim/plateau.h"
#include "nn/optim/schedules.h"
#include "nn/optim/swa.h"

namespace iolaus::nn {
namespace {

using P = config::ParamType;
using config::Args;

const config::Param kOptimizer{"optimizer", P::kObject, "whose rate; the program hands it over",
                               nullptr};

std::shared_ptr<Optimizer> optimizer(const Args& a) { return a.object<Optimizer>("optimizer"); }

std::vector<std::string> names(const std::string& name) {
  return {"iolaus.optim.lr_scheduler." + name, "torch.optim.lr_scheduler." + name};
}

const config::Register<StepLR, Scheduler> kStep{
    {"iolaus.nn.StepLR", "iolaus.optim.lr_scheduler.StepLR", "torch.optim.lr_scheduler.StepLR"},
    "the rate times gamma every step_size epochs",
    {kOptimizer,
     {"step_size", P::kInt, "epochs between two changes"},
     {"gamma", P::kFloat, "the factor", 0.1}},
    [](const Args& a) {
      return std::make_shared<StepLR>(optimizer(a), a.get<int64_t>("step_size"),
                                      a.get<double>("gamma"));
    }};
const config::Register<MultiStepLR, Scheduler> kMultiStep{
    names("MultiStepLR"),
    "the rate times gamma at each milestone",
    {kOptimizer,
     {"milestones", P::kInts, "epochs at which the rate changes"},
     {"gamma", P::kFloat, "the factor", 0.1}},
    [](const Args& a) {
      return std::make_shared<MultiStepLR>(optimizer(a), a.get<std::vector<int64_t>>("milestones"),
                                           a.get<double>("gamma"));
    }};
const config::Register<ConstantLR, Scheduler> kConstant{
    names("ConstantLR"),
    "the rate times factor for total_iters epochs",
    {kOptimizer,
     {"factor", P::kFloat, "the factor", 1.0 / 3},
     {"total_iters", P::kInt, "for how many epochs", 5}},
    [](const Args& a) {
      return std::make_shared<ConstantLR>(optimizer(a), a.get<double>("factor"),
                                          a.get<int64_t>("total_iters"));
    }};
const config::Register<LinearLR, Scheduler> kLinear{
    names("LinearLR"),
    "the rate times a factor that changes by the same amount each epoch",
    {kOptimizer,
     {"start_factor", P::kFloat, "the factor of the first epoch", 1.0 / 3},
     {"end_factor", P::kFloat, "the factor at the end", 1.0},
     {"total_iters", P::kInt, "epochs until end_factor", 5}},
    [](const Args& a) {
      return std::make_shared<LinearLR>(optimizer(a), a.get<double>("start_factor"),
                                        a.get<double>("end_factor"), a.get<int64_t>("total_iters"));
    }};
const config::Register<ExponentialLR, Scheduler> kExponential{
    names("ExponentialLR"),
    "the rate times gamma every epoch",
    {kOptimizer, {"gamma", P::kFloat, "the factor"}},
    [](const Args& a) {
      return std::make_shared<ExponentialLR>(optimizer(a), a.get<double>("gamma"));
    }};
const config::Register<PolynomialLR, Scheduler> kPolynomial{
    names("PolynomialLR"),
    "a power of what is left of total_iters epochs",
    {kOptimizer,
     {"total_iters", P::kInt, "epochs until 0", 5},
     {"power", P::kFloat, "the power", 1.0}},
    [](const Args& a) {
      return std::make_shared<PolynomialLR>(optimizer(a), a.get<int64_t>("total_iters"),
                                            a.get<double>("power"));
    }};
const config::Register<CosineAnnealingLR, Scheduler> kCosine{
    {"iolaus.nn.CosineAnnealingLR", "iolaus.optim.lr_scheduler.CosineAnnealingLR",
     "torch.optim.lr_scheduler.CosineAnnealingLR"},
    "half a cosine from the first rate to eta_min",
    {kOptimizer,
     {"T_max", P::kInt, "epochs until eta_min"},
     {"eta_min", P::kFloat, "the lowest rate", 0.0}},
    [](const Args& a) {
      return std::make_shared<CosineAnnealingLR>(optimizer(a), a.get<int64_t>("T_max"),
                                                 a.get<double>("eta_min"));
    }};
const config::Register<CosineAnnealingWarmRestarts, Scheduler> kRestarts{
    names("CosineAnnealingWarmRestarts"),
    "half a cosine again and again",
    {kOptimizer,
     {"T_0", P::kInt, "epochs of the first cosine"},
     {"T_mult", P::kInt, "how many times longer the next one is", 1},
     {"eta_min", P::kFloat, "the lowest rate", 0.0}},
    [](const Args& a) {
      return std::make_shared<CosineAnnealingWarmRestarts>(
          optimizer(a), a.get<int64_t>("T_0"), a.get<int64_t>("T_mult"), a.get<double>("eta_min"));
    }};

MomentumCycle momentum(const Args& a) {
  return {a.get<bool>("cycle_momentum"), a.get<std::vector<double>>("base_momentum"),
          a.get<std::vector<double>>("max_momentum")};
}
std::vector<config::Param> with_momentum(std::vector<config::Param> params, double base,
                                         double max) {
  params.emplace_back("cycle_momentum", P::kBool, "moves momentum or beta1 the other way", true);
  params.emplace_back("base_momentum", P::kFloats, "its lowest value", base);
  params.emplace_back("max_momentum", P::kFloats, "its highest value", max);
  return params;
}

const config::Register<OneCycleLR, Scheduler> kOneCycle{
    names("OneCycleLR"), "up to max_lr and down again, once; one step a batch",
    with_momentum({kOptimizer,
                   {"max_lr", P::kFloats, "the highest rate, one number or one a group"},
                   {"total_steps", P::kInt, "steps of the cycle", nullptr},
                   {"epochs", P::kInt, "with steps_per_epoch, in place of total_steps", nullptr},
                   {"steps_per_epoch", P::kInt, "steps an epoch", nullptr},
                   {"pct_start", P::kFloat, "part of the steps in which the rate goes up", 0.3},
                   {"anneal_strategy", P::kString, "cos or linear", "cos"},
                   {"div_factor", P::kFloat, "max_lr over the first rate", 25.0},
                   {"final_div_factor", P::kFloat, "the first rate over the last", 1e4},
                   {"three_phase", P::kBool, "first down as it went up", false}},
                  0.85, 0.95),
    [](const Args& a) {
      OneCycleOptions o;
      o.max_lr = a.get<std::vector<double>>("max_lr");
      if (a.has("total_steps")) {
        o.total_steps = a.get<int64_t>("total_steps");
      } else if (a.has("epochs") && a.has("steps_per_epoch")) {
        o.total_steps = a.get<int64_t>("epochs") * a.get<int64_t>("steps_per_epoch");
      } else {
        a.fail_about("total_steps", "expected it, or epochs and steps_per_epoch");
      }
      o.pct_start = a.get<double>("pct_start");
      const auto strategy = a.get<std::string>("anneal_strategy");
      if (strategy != "cos" && strategy != "linear") {
        a.fail_about("anneal_strategy", "expected cos or linear");
      }
      o.linear = strategy == "linear";
      o.momentum = momentum(a);
      o.div_factor = a.get<double>("div_factor");
      o.final_div_factor = a.get<double>("final_div_factor");
      o.three_phase = a.get<bool>("three_phase");
      return std::make_shared<OneCycleLR>(optimizer(a), o);
    }};
const config::Register<SWALR, Scheduler> kSwa{
    {"iolaus.optim.swa_utils.SWALR", "torch.optim.swa_utils.SWALR"},
    "to swa_lr, and constant from there on: for averaged weights",
    {kOptimizer,
     {"swa_lr", P::kFloats, "the rate at the end, one number or one a group"},
     {"anneal_epochs", P::kInt, "epochs until it is reached", 10},
     {"anneal_strategy", P::kString, "cos or linear", "cos"}},
    [](const Args& a) {
      const auto strategy = a.get<std::string>("anneal_strategy");
      if (strategy != "cos" && strategy != "linear") {
        a.fail_about("anneal_strategy", "expected cos or linear, got " + strategy);
      }
      return std::make_shared<SWALR>(optimizer(a), a.get<std::vector<double>>("swa_lr"),
                                     a.get<int64_t>("anneal_epochs"), strategy == "linear");
    }};
const config::Register<CyclicLR, Scheduler> kCyclic{
    names("CyclicLR"), "between two rates along straight lines; one step a batch",
    with_momentum({kOptimizer,
                   {"base_lr", P::kFloats, "the lowest rate, one number or one a group"},
                   {"max_lr", P::kFloats, "the highest rate, one number or one a group"},
                   {"step_size_up", P::kInt, "steps up", 2000},
                   {"step_size_down", P::kInt, "steps down; null: as many", nullptr},
                   {"mode", P::kString, "triangular, triangular2 or exp_range", "triangular"},
                   {"gamma", P::kFloat, "factor a step of exp_range", 1.0}},
                  0.8, 0.9),
    [](const Args& a) {
      CyclicOptions o;
      o.base_lr = a.get<std::vector<double>>("base_lr");
      o.max_lr = a.get<std::vector<double>>("max_lr");
      o.step_size_up = a.get<int64_t>("step_size_up");
      o.step_size_down = a.has("step_size_down") ? a.get<int64_t>("step_size_down") : 0;
      o.mode = a.get<std::string>("mode");
      o.gamma = a.get<double>("gamma");
      o.momentum = momentum(a);
      return std::make_shared<CyclicLR>(optimizer(a), o);
    }};
const config::Register<ReduceLROnPlateau, Scheduler> kPlateau{
    names("ReduceLROnPlateau"),
    "lowers the rate when a metric stops to improve",
    {kOptimizer,
     {"mode", P::kString, "min or max", "min"},
     {"factor", P::kFloat, "the factor", 0.1},
     {"patience", P::kInt, "epochs without improvement that are borne", 10},
     {"threshold", P::kFloat, "by how much a metric must be better", 1e-4},
     {"threshold_mode", P::kString, "rel or abs", "rel"},
     {"cooldown", P::kInt, "epochs after a change in which nothing is counted", 0},
     {"min_lr", P::kFloats, "the lowest rate, one number or one a group", 0.0},
     {"eps", P::kFloat, "smaller changes are not made", 1e-8}},
    [](const Args& a) {
      const auto mode = a.get<std::string>("mode"), kind = a.get<std::string>("threshold_mode");
      if (mode != "min" && mode != "max") a.fail_about("mode", "expected min or max");
      if (kind != "rel" && kind != "abs") a.fail_about("threshold_mode", "expected rel or abs");
      PlateauOptions o;
      o.maximize = mode == "max";
      o.factor = a.get<double>("factor");
      o.patience = a.get<int64_t>("patience");
      o.threshold = a.get<double>("threshold");
      o.relative = kind == "rel";
      o.cooldown = a.get<int64_t>("cooldown");
      o.min_lr = a.get<std::vector<double>>("min_lr");
      o.eps = a.get<double>("eps");
      return std::make_shared<ReduceLROnPlateau>(optimizer(a), o);
    }};

// The schedules of a list, made for the optimizer where they are partial.
Schedulers schedulers(const Args& a) {
  Schedulers all;
  for (const config::Instance& item : a.instance("schedulers").items) {
    all.push_back(item.kind == config::Instance::Kind::kPartial
                      ? item.partial->call<Scheduler>({{"optimizer", optimizer(a)}})
                      : item.as<Scheduler>());
  }
  return all;
}
const config::Param kSchedulers{"schedulers", P::kObjects,
                                "targets with _partial_: true, which get the optimizer"};

const config::Register<SequentialLR, Scheduler> kSequential{
    names("SequentialLR"),
    "one schedule after the other",
    {kOptimizer,
     kSchedulers,
     {"milestones", P::kInts, "the epochs at which the next schedule begins"}},
    [](const Args& a) {
      return std::make_shared<SequentialLR>(optimizer(a), schedulers(a),
                                            a.get<std::vector<int64_t>>("milestones"));
    }};
const config::Register<ChainedScheduler, Scheduler> kChained{
    names("ChainedScheduler"),
    "several schedules at once",
    {kSchedulers, kOptimizer},
    [](const Args& a) { return std::make_shared<ChainedScheduler>(optimizer(a), schedulers(a)); }};

}  // namespace
}  // namespace iolaus::nn
