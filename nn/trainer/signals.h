// Signals that end training in order: SIGTERM (schedulers, containers), SIGUSR1 (Slurm's warning)
// and SIGINT (Ctrl-C). The handler only sets a flag; the trainer saves a checkpoint at the next
// step, or batch of a validation. A second signal ends the process at once.
#pragma once

namespace iolaus::nn {

/// Handles the signals while it lives; the former handlers come back afterwards.
class SignalWatch {
 public:
  explicit SignalWatch(bool enabled);
  ~SignalWatch();
  SignalWatch(const SignalWatch&) = delete;
  SignalWatch& operator=(const SignalWatch&) = delete;

 private:
  bool enabled_;
};

/// The signal that came while a SignalWatch lived; 0: none.
int pending_signal();

/// Exit status of a run that a signal ended in order, its checkpoint saved: 75 (EX_TEMPFAIL: start
/// it again), for Ctrl-C 130 as shells have it.
int interrupted_exit_status(int signal);

}  // namespace iolaus::nn
