// Registry of callbacks, and their notification.
#include "config/callbacks.h"

#include <algorithm>

#include "config/interpolation.h"
#include "config/update.h"
#include "config/warning.h"

namespace iolaus::config {
namespace {

std::map<std::string, CallbackFactory>& registry() {
  static std::map<std::string, CallbackFactory> factories = builtin_callbacks();
  return factories;
}

}  // namespace

bool register_callback(const std::vector<std::string>& names, CallbackFactory factory) {
  for (const std::string& name : names) registry()[name] = factory;
  return true;
}

Callbacks::Callbacks(const Node& config) {
  const NodeRef entries = select(config, "hydra.callbacks");
  if (!entries || !entries->is_dict()) return;
  for (const Node& entry : *entries) {
    Node params = to_resolved(entry);
    const Node* target = params.find(Key("_target_"));
    if (!target || !target->is_string()) {
      fail_at(entry, "expected a callback with a _target_, got " + entry.str());
    }
    const std::string name = target->as_string();
    const auto found = registry().find(name);
    if (found == registry().end()) {
      std::vector<std::string> names;
      for (const auto& [each, factory] : registry()) names.push_back(each);
      std::string known;
      for (const std::string& each : names) known += (known.empty() ? "" : ", ") + each;
      fail_at(entry, "Unknown callback '" + name + "'." + did_you_mean(name, names) +
                         "\nRegistered callbacks: " + known);
    }
    params.erase(Key("_target_"));
    callbacks_.emplace_back(name, found->second(params));
  }
}

void Callbacks::notify(const char* what, bool reverse, const std::function<void(Callback&)>& call) {
  for (std::size_t i = 0; i < callbacks_.size(); ++i) {
    auto& [name, callback] = callbacks_[reverse ? callbacks_.size() - 1 - i : i];
    try {
      call(*callback);
    } catch (const std::exception& error) {
      warn_once(fmt::format("Callback {}.{} raised {}", name, what, error.what()));
    }
  }
}

void Callbacks::on_run_start(const Node& config) {
  notify("on_run_start", false, [&](Callback& callback) { callback.on_run_start(config); });
}
void Callbacks::on_run_end(const Node& config, const JobReturn& job) {
  notify("on_run_end", true, [&](Callback& callback) { callback.on_run_end(config, job); });
}
void Callbacks::on_multirun_start(const Node& config) {
  notify("on_multirun_start", false,
         [&](Callback& callback) { callback.on_multirun_start(config); });
}
void Callbacks::on_multirun_end(const Node& config) {
  notify("on_multirun_end", true, [&](Callback& callback) { callback.on_multirun_end(config); });
}
void Callbacks::on_job_start(const Node& config) {
  notify("on_job_start", false, [&](Callback& callback) { callback.on_job_start(config); });
}
void Callbacks::on_job_end(const Node& config, const JobReturn& job) {
  notify("on_job_end", true, [&](Callback& callback) { callback.on_job_end(config, job); });
}

}  // namespace iolaus::config
