// iolaus train: composes an experiment, trains it, tests it, and leaves config, log, metrics.csv,
// checkpoints and kernels.json (which variants ran) in the run's output folder.
#include <spdlog/spdlog.h>

#include "apps/commands.h"
#include "apps/experiment.h"
#include "apps/kernel_config.h"
#include "config/app.h"
#include "config/interpolation.h"
#include "config/update.h"
#include "config/yaml.h"
#include "core/parallel.h"
#include "kernels/kernel_set.h"
#include "nn/loggers/csv_logger.h"

namespace iolaus {
namespace {

config::TaskResult train(const config::Node& cfg, const config::JobContext& job) {
  const Device device = set_up(cfg);
  const nn::TrainerOptions options = trainer_options(*config::select(cfg, "trainer"));
  nn::Experiment e = make_experiment(cfg, device);
  add_optimizer(cfg, e);
  e.data->setup();
  e.config = config::to_yaml(config::to_resolved(cfg));
  std::vector<std::shared_ptr<nn::Logger>> loggers{
      std::make_shared<nn::CSVLogger>(nn::LogDirectory(job.output_dir, "", ""), "", 1)};
  nn::Trainer trainer(options, job.output_dir, std::move(loggers));

  spdlog::info("{} parameters on {}, {} threads, output in {}", e.model->parameter_count(),
               device.str(), num_threads(), job.output_dir);
  std::optional<nn::Checkpoint> resume;
  if (const auto path = config::select(cfg, "ckpt_path"); path && !path->is_null()) {
    resume = nn::load_checkpoint(path->as_string());
    spdlog::info("resuming at epoch {}, step {} from {}", resume->epoch, resume->step,
                 path->as_string());
  }
  trainer.fit(e, resume ? &*resume : nullptr);
  const nn::Metrics metrics = trainer.test(e);
  for (const std::string& line : kernels_that_ran()) spdlog::debug("kernel {}", line);
  write_kernel_record(job.output_dir + "/kernels.json");
  for (const auto& [name, value] : metrics) spdlog::info("{}: {:.4f}", name, value);
  print_metrics(metrics, "test/");
  return metrics.at("test/acc");
}

}  // namespace

int train_main(int argc, char** argv) {
  return config::main(argc, argv,
                      {.name = "train",
                       .config_dir = conf_dir(),
                       .config_name = "train",
                       .command = "iolaus train"},
                      train);
}

}  // namespace iolaus
