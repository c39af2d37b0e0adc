// --experimental-rerun: runs a task again with the config that an earlier run saved.
#pragma once

#include <string>

#include "config/app.h"
#include "config/arguments.h"

namespace iolaus::config {

/// `path`: a run's folder, its .hydra folder or a file in it. Returns the exit status.
int rerun(const std::string& path, const Arguments& arguments, const Task& task);

}  // namespace iolaus::config
