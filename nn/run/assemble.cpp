// Instantiating an experiment's parts.
#include "nn/run/assemble.h"

#include <algorithm>

#include "config/instantiate.h"
#include "config/interpolation.h"
#include "nn/callbacks/callback.h"
#include "nn/loggers/csv_logger.h"
#include "nn/loss.h"
#include "nn/trainer/supervised.h"

namespace iolaus::nn::detail {
namespace {

using config::Instance;

config::NodeRef required(const config::Node& cfg, const char* path) {
  config::NodeRef found = value_at(cfg, path);
  IOLAUS_CHECK_CODE(static_cast<bool>(found), ErrorCode::kConfig, "the config has no '{}'", path);
  return found;
}

std::shared_ptr<config::Partial> partial(const config::Node& node, const char* what) {
  const auto made = config::instantiate<config::Partial>(node);
  if (made == nullptr) config::fail_at(node, std::string(what) + " must not be null");
  return made;
}

// A schedule, or Lightning's dict {scheduler: ..., interval: step, frequency: 1, monitor:
// val/loss}.
SchedulerConfig make_scheduler(const config::Node& node,
                               const std::shared_ptr<Optimizer>& optimizer) {
  SchedulerConfig out;
  const config::NodeRef inner = config::select(node, "scheduler");
  if (inner) {
    for (const config::Node& option : node) {
      const std::string key = option.key().text();
      if (key == "interval") {
        out.interval = option.str();
        if (out.interval != "epoch" && out.interval != "step") {
          config::fail_at(option, "interval must be 'epoch' or 'step', got '" + out.interval + "'");
        }
      } else if (key == "frequency") {
        if (!option.is_int() || option.as_int() < 1) {
          config::fail_at(option, "frequency must be a positive integer, got " + option.repr());
        }
        out.frequency = option.as_int();
      } else if (key == "monitor") {
        out.monitor = option.str();
      } else if (key != "scheduler" && key != "name" && key != "strict") {
        config::fail_at(option,
                        "a schedule has scheduler, interval, frequency, monitor, name and "
                        "strict, not '" +
                            key + "'");
      }
    }
  }
  out.scheduler =
      partial(inner ? *inner : node, "scheduler")->call<Scheduler>({{"optimizer", optimizer}});
  if (out.scheduler->needs_metric() && out.monitor.empty()) out.monitor = "val/loss";
  return out;
}

OptimizerConfig make_optimizer(const config::Node& cfg, Module& model) {
  OptimizerConfig out;
  out.optimizer = partial(*required(cfg, "optimizer"), "optimizer")
                      ->call<Optimizer>({{"params", one_group(model.parameters())}});
  const config::NodeRef scheduler = value_at(cfg, "scheduler");
  if (scheduler && !scheduler->empty()) {
    out.schedulers.push_back(make_scheduler(*scheduler, out.optimizer));
  }
  return out;
}

bool is_a(const Instance& instance, std::type_index type) {
  if (instance.target == nullptr) return false;
  const auto& conversions = instance.target->conversions;
  return std::any_of(conversions.begin(), conversions.end(),
                     [&](const config::Conversion& c) { return c.type == type; });
}

// One target, or a dict or list of them; entries that are null are left out.
template <class T> std::vector<std::shared_ptr<T>> all_of(const config::NodeRef& node) {
  std::vector<std::shared_ptr<T>> out;
  if (!node) return out;
  const Instance made = config::instantiate_any(*node);
  if (made.kind == Instance::Kind::kObject) {
    out.push_back(made.as<T>());
  } else {
    for (const Instance& item : made.items) {
      if (auto object = item.as<T>()) out.push_back(object);
    }
  }
  return out;
}

}  // namespace

config::NodeRef value_at(const config::Node& cfg, const char* path) {
  config::NodeRef found = config::select(cfg, path, {.throw_on_missing = true});
  return found && !found->is_null() ? found : config::NodeRef();
}

std::shared_ptr<data::DataModule> make_data(const config::Node& cfg) {
  const char* key = value_at(cfg, "datamodule") ? "datamodule" : "data";
  return config::instantiate<data::DataModule>(*required(cfg, key));
}

std::shared_ptr<LightningModule> make_module(const config::Node& cfg, bool trained) {
  const Instance made = config::instantiate_any(*required(cfg, "model"));
  if (is_a(made, typeid(LightningModule))) return made.as<LightningModule>();
  const auto model = made.as<Module>();
  const auto loss = config::instantiate<Loss>(*required(cfg, "loss"));
  if (trained) required(cfg, "optimizer");
  return std::make_shared<SupervisedModule>(model, loss,
                                            [cfg](Module& m) { return make_optimizer(cfg, m); });
}

std::shared_ptr<Trainer> make_trainer(const config::Node& cfg, const std::string& output_dir) {
  config::Extras extras;
  if (const config::NodeRef callbacks = value_at(cfg, "callbacks")) {
    extras["callbacks"] = all_of<Callback>(callbacks);
  }
  const bool has_logger = config::select(cfg, "logger") || config::select(cfg, "trainer.logger");
  if (has_logger && value_at(cfg, "logger")) {
    extras["logger"] = all_of<Logger>(value_at(cfg, "logger"));
  } else if (!has_logger) {
    extras["logger"] = std::vector<std::shared_ptr<Logger>>{
        std::make_shared<CSVLogger>(LogDirectory(output_dir, "", std::string()))};
  }
  config::Node defaults = config::Node::dict();
  if (!value_at(cfg, "trainer.default_root_dir")) defaults.set("default_root_dir", output_dir);
  return config::instantiate<Trainer>(*required(cfg, "trainer"),
                                      {.overrides = defaults, .extras = extras});
}

std::shared_ptr<Trainer> make_tester(const config::Node& cfg) {
  config::Node overrides = config::Node::dict();
  overrides.set("enable_checkpointing", false);
  config::Extras extras{{"callbacks", std::vector<std::shared_ptr<Callback>>()},
                        {"logger", std::vector<std::shared_ptr<Logger>>()}};
  return config::instantiate<Trainer>(*required(cfg, "trainer"),
                                      {.overrides = overrides, .extras = extras});
}

}  // namespace iolaus::nn::detail
