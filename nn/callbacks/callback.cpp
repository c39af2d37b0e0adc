// A callback without state.
#include "nn/callbacks/callback.h"

#include <nlohmann/json.hpp>

namespace iolaus::nn {

nlohmann::json Callback::state_dict() const { return nullptr; }
void Callback::load_state_dict(const nlohmann::json&) {}

}  // namespace iolaus::nn
