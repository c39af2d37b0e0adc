// What a logger does that does not say otherwise: nothing.
#include "nn/loggers/logger.h"

namespace iolaus::nn {

Logger::~Logger() = default;
void Logger::log_hyperparams(const config::Node&) {}
void Logger::log_histogram(const std::string&, const Tensor&, int64_t) {}
void Logger::log_image(const std::string&, const Tensor&, int64_t) {}
void Logger::log_text(const std::string&, const std::string&, int64_t) {}
void Logger::log_graph(Module&, const Dims&) {}
void Logger::save() {}
void Logger::finalize(const std::string&) { save(); }
std::string Logger::name() const { return ""; }
std::string Logger::version() const { return ""; }
std::string Logger::log_dir() const { return ""; }

}  // namespace iolaus::nn
