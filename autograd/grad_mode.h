// Whether operations record a graph: a flag of each thread, switched by scopes.
#pragma once

namespace iolaus {

namespace detail {
inline thread_local bool t_grad_enabled = true;
}

inline bool grad_enabled() { return detail::t_grad_enabled; }

/// Sets the mode until the end of the scope.
class GradMode {
 public:
  explicit GradMode(bool enabled) : before_(detail::t_grad_enabled) {
    detail::t_grad_enabled = enabled;
  }
  ~GradMode() { detail::t_grad_enabled = before_; }
  GradMode(const GradMode&) = delete;
  GradMode& operator=(const GradMode&) = delete;

 private:
  bool before_;
};

/// torch.no_grad() as a scope: `NoGrad no_grad;`
class NoGrad : GradMode {
 public:
  NoGrad() : GradMode(false) {}
};

}  // namespace iolaus
