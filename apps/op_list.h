// The list of ops that `iolaus op --list` prints.
#pragma once

#include <string>
#include <vector>

namespace iolaus {

/// Every op (or those named) with its overloads; where the op has samples they are run in every
/// dtype on every device there is, and the dtypes that work and the kernels that ran are named.
/// Errors: kNotFound for a name that is none.
void print_ops(const std::vector<std::string>& names);

}  // namespace iolaus
