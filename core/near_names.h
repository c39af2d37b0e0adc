// Near names: what a message suggests where somebody wrote a name that is not there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace iolaus {

/// At most three of names that are near name, nearest first.
std::vector<std::string> near_names(std::string_view name, const std::vector<std::string>& names);
/// " Did you mean 'a' or 'b'?", or "" where nothing is near.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& names);

}  // namespace iolaus
