// Warnings on stderr, each text once. PYTHONWARNINGS=ignore silences them, as scripts around Hydra
// applications expect.
#pragma once

#include <string>
#include <vector>

namespace iolaus::config {

void warn(const std::string& message);
void warn_all(const std::vector<std::string>& messages);

}  // namespace iolaus::config
