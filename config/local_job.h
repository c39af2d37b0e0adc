// One job of the local launcher: its process from within, its answer, and the GPUs that jobs get.
#pragma once

#include <string>
#include <vector>

#include "config/interpolation.h"
#include "config/sweep.h"

namespace iolaus::config {

/// Runs the job in this process, a fork of the launcher's, and ends the process. What the job
/// prints goes to console.log in its output directory, its result into `pipe`. `gpu`, where not
/// empty, is all that CUDA sees. The process dies with the launcher's.
[[noreturn]] void run_local_job(SweepRun& run, SweepJob& job, const std::string& gpu, int pipe,
                                int launcher_process);

/// The result that a job's process wrote, or how it ended without one (`status` of waitpid).
JobReturn decode_result(const std::string& answer, int status);

/// The GPUs of `hydra.launcher.gpus`: null, a list, one, or `auto`: those that the environment
/// leaves us, else all there are. kUnsupported for `auto` where there is none.
std::vector<std::string> gpus_of(const NodeRef& setting);

}  // namespace iolaus::config
