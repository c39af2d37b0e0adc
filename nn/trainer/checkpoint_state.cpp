// state.json: counters, options, and the states of schedules and callbacks.
#include "nn/trainer/checkpoint_state.h"

#include <cmath>
#include <nlohmann/json.hpp>

#include "core/error.h"
#include "core/io/json.h"

namespace iolaus::nn::detail {
namespace {

using nlohmann::json;
constexpr int kFormat = 3;

json parsed(const std::string& text) { return text.empty() ? json() : json::parse(text); }

}  // namespace

std::string state_text(const Checkpoint& c) {
  json state{{"format", kFormat},
             {"epoch", c.epoch},
             {"batch", c.batch},
             {"stream", c.stream},
             {"validation_due", c.validation_due},
             {"evaluated", c.evaluated},
             {"global_step", c.global_step},
             {"batches_that_stepped", c.batches_that_stepped},
             {"total_batches", c.total_batches},
             {"seconds", c.seconds},
             {"generator", {{"seed", c.generator.seed}, {"offset", c.generator.offset}}},
             {"optimizer_options", c.optimizer_options},
             {"schedulers", json::array()},
             {"callbacks", json::object()},
             {"scaler", parsed(c.scaler)},
             {"metrics", json::object()}};
  for (const std::string& text : c.schedulers) state["schedulers"].push_back(parsed(text));
  for (const auto& [key, text] : c.callbacks) state["callbacks"][key] = parsed(text);
  for (const auto& [name, value] : c.metrics) {
    if (std::isfinite(value)) state["metrics"][name] = value;
  }
  return state.dump(1);
}

void read_state(const std::string& path, Checkpoint& c) {
  const json state = io::read_json(path);
  try {
    IOLAUS_CHECK_CODE(state.at("format") == kFormat, ErrorCode::kUnsupported,
                      "{} has format {}, this program reads {}", path, state.at("format").dump(),
                      kFormat);
    state.at("epoch").get_to(c.epoch);
    state.at("batch").get_to(c.batch);
    c.stream = state.value("stream", "");
    state.at("validation_due").get_to(c.validation_due);
    state.at("evaluated").get_to(c.evaluated);
    state.at("global_step").get_to(c.global_step);
    state.at("batches_that_stepped").get_to(c.batches_that_stepped);
    state.at("total_batches").get_to(c.total_batches);
    state.at("seconds").get_to(c.seconds);
    state.at("generator").at("seed").get_to(c.generator.seed);
    state.at("generator").at("offset").get_to(c.generator.offset);
    state.at("optimizer_options").get_to(c.optimizer_options);
    for (const json& scheduler : state.at("schedulers")) c.schedulers.push_back(scheduler.dump());
    for (const auto& [key, value] : state.at("callbacks").items()) c.callbacks[key] = value.dump();
    if (!state.at("scaler").is_null()) c.scaler = state.at("scaler").dump();
    state.at("metrics").get_to(c.metrics);
  } catch (const json::exception& e) {
    fail(ErrorCode::kCorrupt, "{} is not the state of a checkpoint: {}", path, e.what());
  }
}

}  // namespace iolaus::nn::detail
