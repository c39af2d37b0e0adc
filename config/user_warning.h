// Warnings about a config, each text once in a process.
#pragma once

#include <string>
#include <vector>

namespace iolaus::config {

void user_warning(const std::string& message);
void user_warnings(const std::vector<std::string>& messages);

}  // namespace iolaus::config
