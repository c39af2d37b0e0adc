// How a program ends whose GPU failed.
#pragma once

namespace iolaus::nn {

/// From now on a device failure ends the process at once, with its message in the log and on stderr
/// and the status kDeviceFailureExit: whatever ran later (a checkpoint on the way out, a
/// destructor) would use the device. train_main calls it.
void exit_on_device_failure();

}  // namespace iolaus::nn
