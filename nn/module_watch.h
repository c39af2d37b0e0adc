// ModuleWatch: hooks on several modules that tell when each is called and what with; they go when
// it goes. EvaluationScope: a model in evaluation mode for a while.
#pragma once

#include <functional>
#include <utility>
#include <vector>

#include "nn/module.h"

namespace iolaus::nn {

class ModuleWatch {
 public:
  ModuleWatch() = default;
  virtual ~ModuleWatch() {
    for (const auto& remove : remove_) remove();
  }
  ModuleWatch(const ModuleWatch&) = delete;
  ModuleWatch& operator=(const ModuleWatch&) = delete;

 protected:
  void watch(Module& module, size_t index) {
    remove_.push_back(module.register_forward_pre_hook([this, index](Module&, const Tensor& x) {
      entered(index, x);
      return Tensor();
    }));
    remove_.push_back(
        module.register_forward_hook([this, index](Module&, const Tensor& x, const Tensor& y) {
          left(index, x, y);
          return Tensor();
        }));
  }
  virtual void entered(size_t index, const Tensor& x) = 0;
  virtual void left(size_t index, const Tensor& x, const Tensor& y) = 0;

 private:
  std::vector<std::function<void()>> remove_;
};

class EvaluationScope {
 public:
  explicit EvaluationScope(Module& model) {
    for (const auto& [name, module] : model.named_modules()) {
      modes_.emplace_back(module, module->is_training());
    }
    model.eval();
  }
  /// Each module gets its own mode back: train() sets those below too, so parents come first.
  ~EvaluationScope() {
    for (const auto& [module, training] : modes_) module->train(training);
  }
  EvaluationScope(const EvaluationScope&) = delete;
  EvaluationScope& operator=(const EvaluationScope&) = delete;

 private:
  std::vector<std::pair<Module*, bool>> modes_;
};

}  // namespace iolaus::nn
