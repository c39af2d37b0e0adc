// The callbacks that Hydra itself brings (hydra.experimental.callbacks), under their names there.
#include <spdlog/logger.h>

#include "config/callbacks.h"
#include "config/logging.h"
#include "config/warning.h"

namespace iolaus::config {
namespace {

/// Logs what each job returned, or how it failed.
class LogJobReturn : public Callback {
 public:
  void on_job_end(const Node&, const JobReturn& job) override {
    const auto log = get_logger("hydra.experimental.callbacks.LogJobReturnCallback");
    if (job.status == JobReturn::Status::kFailed) {
      log->error("{}", job.error);
    } else {
      log->info("Succeeded with return value: {}", job.metric ? Node(*job.metric).str() : "None");
    }
  }
};

/// There it writes config.pickle for --experimental-rerun, which reads config.yaml here.
class PickleJobInfo : public Callback {
 public:
  void on_job_start(const Node&) override {
    warn_once(
        "PickleJobInfoCallback writes nothing here: --experimental-rerun reads the .hydra folder.");
  }
};

}  // namespace

std::map<std::string, CallbackFactory> builtin_callbacks() {
  return {{"hydra.experimental.callbacks.LogJobReturnCallback",
           [](const Node&) { return std::make_unique<LogJobReturn>(); }},
          {"hydra.experimental.callbacks.PickleJobInfoCallback",
           [](const Node&) { return std::make_unique<PickleJobInfo>(); }}};
}

}  // namespace iolaus::config
