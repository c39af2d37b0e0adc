// Warnings that users should see and that do not stop anything. They go to stderr in the form of
// Python's warnings, and PYTHONWARNINGS=ignore silences them, as it does for the reference.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <vector>

namespace iolaus::config {

/// Reports a warning of a category: "UserWarning", "DeprecationWarning".
void warn(std::string_view category, std::string_view message);
/// The same for what a config gives cause to, each text once in a process: every job of a sweep
/// has it.
void warn_once(const std::string& message);
void warn_once(const std::vector<std::string>& messages);

using WarningHandler = std::function<void(std::string_view category, std::string_view message)>;
/// Takes over all warnings; nullptr brings the default back. Returns the handler before.
WarningHandler set_warning_handler(WarningHandler handler);

}  // namespace iolaus::config
