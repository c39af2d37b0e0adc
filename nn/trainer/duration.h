// Durations in configs, as Lightning's max_time takes them.
#pragma once

#include <string_view>

#include "config/instantiate.h"

namespace iolaus::nn {

/// Seconds of an argument: a number of them, "DD:HH:MM:SS", or a dict with weeks, days, hours,
/// minutes and seconds. Errors: kConfig with the place.
double parse_duration(const config::Args& args, std::string_view name);

}  // namespace iolaus::nn
