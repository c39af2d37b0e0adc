// Callbacks of runs, named in `hydra.callbacks` by `_target_` and registered from C++:
//   static const bool registered = register_callback({"my.Callback"}, [](const Node& params) {
//     return std::make_unique<MyCallback>(params); });
// What a callback throws becomes a warning; it never fails a run.
#pragma once

#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "config/job.h"

namespace iolaus::config {

class Callback {
 public:
  virtual ~Callback() = default;
  /// `config` is the whole composed config, with its `hydra` node.
  virtual void on_run_start(const Node& /*config*/) {}
  virtual void on_run_end(const Node& /*config*/, const JobReturn& /*job*/) {}
  virtual void on_multirun_start(const Node& /*config*/) {}
  virtual void on_multirun_end(const Node& /*config*/) {}
  virtual void on_job_start(const Node& /*config*/) {}
  virtual void on_job_end(const Node& /*config*/, const JobReturn& /*job*/) {}
};

/// `params`: the callback's entry without `_target_`, resolved.
using CallbackFactory = std::function<std::unique_ptr<Callback>(const Node& params)>;
/// Registers a factory under all names; returns true, for use in a static initialiser.
bool register_callback(const std::vector<std::string>& names, CallbackFactory factory);

/// Those of Hydra itself; they need no registration.
std::map<std::string, CallbackFactory> builtin_callbacks();

/// The callbacks of one run, in the order of the config; the `end` ones run in reverse.
class Callbacks {
 public:
  /// kConfig for an unknown target.
  explicit Callbacks(const Node& config);
  void on_run_start(const Node& config);
  void on_run_end(const Node& config, const JobReturn& job);
  void on_multirun_start(const Node& config);
  void on_multirun_end(const Node& config);
  void on_job_start(const Node& config);
  void on_job_end(const Node& config, const JobReturn& job);

 private:
  void notify(const char* what, bool reverse, const std::function<void(Callback&)>& call);

  std::vector<std::pair<std::string, std::unique_ptr<Callback>>> callbacks_;
};

}  // namespace iolaus::config
