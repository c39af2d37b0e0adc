// Signal handling: async-signal-safe, a flag and nothing else.
#include "nn/trainer/signals.h"

#include <unistd.h>
#include <csignal>

namespace iolaus::nn {
namespace {

constexpr int kSignals[] = {SIGTERM, SIGUSR1, SIGINT};
volatile std::sig_atomic_t g_signal = 0;
struct sigaction g_before[3];

void handle(int signal) {
  if (g_signal != 0) _exit(128 + signal);
  g_signal = signal;
}

}  // namespace

SignalWatch::SignalWatch(bool enabled) : enabled_(enabled) {
  if (!enabled_) return;
  g_signal = 0;
  struct sigaction action = {};
  action.sa_handler = handle;
  action.sa_flags = SA_RESTART;
  sigemptyset(&action.sa_mask);
  for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &action, &g_before[i]);
}

SignalWatch::~SignalWatch() {
  if (!enabled_) return;
  for (int i = 0; i < 3; ++i) sigaction(kSignals[i], &g_before[i], nullptr);
}

int pending_signal() { return g_signal; }

int interrupted_exit_status(int signal) { return signal == SIGINT ? 130 : 75; }

}  // namespace iolaus::nn
