// Event files as TensorBoard reads them: a sequence of TFRecords, each an Event message with the
// time, the step and a summary. Here are the events and their framing; nn/loggers/summaries.h has
// what is in them. Sources: tensorboard/compat/proto/event.proto and
// tensorflow.org/tutorials/load_data/tfrecord.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "nn/loggers/append_file.h"
#include "nn/loggers/protobuf.h"

namespace iolaus::nn {

/// CRC-32C (Castagnoli, RFC 3720), masked so that a checksum of data with checksums is still good.
uint32_t masked_crc32c(std::string_view data);
/// Length, its checksum, the data, its checksum.
std::string tf_record(std::string_view data);

/// Seconds since 1970.
double wall_time();
/// A summary at a step, and the first event of a file.
Proto summary_event(double time, std::optional<int64_t> step, const Proto& summary);
Proto version_event(double time);
/// A graph, and the empty measurements that TensorBoard wants with it.
Proto graph_event(double time, const Proto& graph);
Proto graph_metadata_event(double time);

class EventFile {
 public:
  bool is_open() const { return file_.is_open(); }
  /// Makes folder/events.out.tfevents.TIME.HOST.PID.N<suffix>. Errors: kIo.
  void open(const std::string& folder, const std::string& suffix = "");
  /// Appends records, all or none. Errors: kIo.
  void append(std::string_view records) { file_.append(records); }
  /// Brings it to the disk. Errors: kIo.
  void sync() { file_.sync(); }

 private:
  AppendFile file_;
};

}  // namespace iolaus::nn
