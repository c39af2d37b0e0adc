// Inside of the trainer: calling one hook of all callbacks.
#pragma once

#include "nn/trainer/trainer.h"

namespace iolaus::nn {

template <class Fn> void Trainer::each_callback(const char* hook, Fn&& fn) {
  const Profiler::Scope scope(profiler_, hook);
  for (const auto& callback : callbacks_) fn(*callback);
}

}  // namespace iolaus::nn
