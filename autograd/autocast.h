// Autocast: mixed precision as torch.autocast. While a guard lives, operations on its device take
// the dtype that suits them: products and convolutions bfloat16 or float16, losses and (on CUDA)
// exponentials, sums and norms float32, and those that join tensors the widest that they get. What
// is cast is a table (autocast.cpp); an op asks it by one line:
//
//   if (autocast::on()) return autocast::call("linear", linear, x, weight, bias);
#pragma once

#include <array>
#include <optional>
#include <string_view>

#include "core/tensor.h"

namespace iolaus {

namespace autocast::detail {
struct DeviceMode {
  bool enabled = false;
  DType dtype = kBFloat16;
};
struct Mode {
  bool on = false;  // any device is, and no op is being run
  bool cache = true;
  int guards = 0;
  std::array<DeviceMode, 2> devices;
};
inline thread_local Mode t_mode;
}  // namespace autocast::detail

/// torch.autocast as a scope of this thread: `Autocast autocast(kCUDA);`
class Autocast {
 public:
  /// dtype: bfloat16 or float16; without one bfloat16 on the CPU, float16 on CUDA. A cast of a
  /// parameter is kept until the outermost guard ends, unless cache is false; enabled = false
  /// switches casts off inside another guard. Errors: kType for another dtype.
  explicit Autocast(DeviceType device, std::optional<DType> dtype = {}, bool enabled = true,
                    bool cache = true);
  ~Autocast();
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  autocast::detail::Mode before_;
};

/// No casts in this scope, on any device: inside ops, and in backward.
class NoAutocast {
 public:
  NoAutocast() : before_(autocast::detail::t_mode.on) { autocast::detail::t_mode.on = false; }
  ~NoAutocast() { autocast::detail::t_mode.on = before_; }
  NoAutocast(const NoAutocast&) = delete;
  NoAutocast& operator=(const NoAutocast&) = delete;

 private:
  bool before_;
};

namespace autocast {

inline bool on() { return detail::t_mode.on; }
/// Called where a backward frees the graph: casts that are kept belong to it, and are made anew.
void forget_graphs();

/// The casts of one call: what becomes of each argument.
class Casts {
 public:
  explicit Casts(std::string_view op) : op_(op) {}
  void see(const Tensor& x);
  void see(const Tensors& list) {
    for (const Tensor& x : list) see(x);
  }
  template <class T> void see(const T&) {}
  /// Errors: kType for an op that must not be cast (binary_cross_entropy on CUDA).
  void decide();
  Tensor operator()(const Tensor& x) const;
  Tensors operator()(const Tensors& list) const;
  template <class T> const T& operator()(const T& other) const { return other; }

 private:
  bool fits(const Tensor& x) const;

  std::string_view op_;
  std::optional<DeviceType> device_;
  std::optional<DType> to_;
  bool wide_ = false;  // an argument is float32
  bool some_ = false;  // an argument can be cast
};

/// fn(args...) with the tensors cast as the table says of op, and nothing cast inside.
template <class Fn, class... Args> auto call(std::string_view op, Fn&& fn, const Args&... args) {
  Casts casts(op);
  (casts.see(args), ...);
  casts.decide();
  const NoAutocast inside;
  return fn(casts(args)...);
}

}  // namespace autocast
}  // namespace iolaus
