// iolaus eval: the test metrics of a saved model, rebuilt from the config in its checkpoint.
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/experiment.h"
#include "config/app.h"
#include "config/interpolation.h"
#include "config/merge.h"
#include "config/yaml.h"

namespace iolaus {
namespace {

config::TaskResult evaluate(const config::Node& cfg, const config::JobContext&) {
  const config::NodeRef path = config::select(cfg, "ckpt_path", {.throw_on_missing = true});
  const nn::Checkpoint checkpoint = nn::load_checkpoint(path->as_string());
  config::Node saved = config::load_yaml(checkpoint.config, path->as_string() + "/config.yaml");
  config::merge(saved, *config::select(cfg, "override"));
  saved.set("device", *config::select(cfg, "device"));
  saved.set("threads", *config::select(cfg, "threads"));

  const Device device = set_up(saved);
  const nn::Experiment e = make_experiment(saved, device);
  e.model->load_state_dict(checkpoint.model);
  nn::Trainer trainer(trainer_options(*config::select(saved, "trainer")), "", {});
  const nn::Metrics metrics = trainer.test(e);
  print_metrics(metrics, "test/");
  return metrics.at("test/acc");
}

}  // namespace

int eval_main(int argc, char** argv) {
  return config::main(
      argc, argv,
      {.name = "eval", .config_dir = conf_dir(), .config_name = "eval", .command = "iolaus eval"},
      evaluate);
}

}  // namespace iolaus
