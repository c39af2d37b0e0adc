// Where the shipped config tree is.
#pragma once

#include <string>

namespace iolaus {

/// IOLAUS_CONF in the environment, else beside the program (build tree or installation).
/// Errors: kNotFound.
std::string conf_dir();

}  // namespace iolaus
