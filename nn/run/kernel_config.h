// The `kernels` group of a config: which variant computes what.
#pragma once

#include <string>

#include "config/node.h"

namespace iolaus {

/// Applies `kernels` after a reset of all choices. Each entry is an op or a kernel with a variant's
/// name, null, or rules: {default: warp, rules: [{when: "n > 1024", use: block_online}]}; `tune` is
/// the tune cache's mode, `linalg` the library that factorises matrices on CUDA (its names are
/// cusolver and lapack). A kernel's own entry beats its op's.
/// Errors: kConfig, kNotFound, kUnsupported with the place in the config.
void apply_kernel_config(const config::Node& kernels);

/// Writes what ran in this process to a JSON file: for each kernel its variants with the number of
/// calls, and the choice that the config made ("" for none). Errors: kIo, kNotFound.
void write_kernel_record(const std::string& path);

}  // namespace iolaus
