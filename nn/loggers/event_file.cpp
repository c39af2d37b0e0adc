// Checksums, records and the file's name.
#include "nn/loggers/event_file.h"

#include <fmt/core.h>
#include <unistd.h>

#include <array>
#include <atomic>
#include <chrono>
#include <climits>

namespace iolaus::nn {
namespace {

constexpr std::array<uint32_t, 256> crc_table() {
  std::array<uint32_t, 256> table{};
  for (uint32_t i = 0; i < 256; ++i) {
    uint32_t crc = i;
    for (int bit = 0; bit < 8; ++bit) crc = crc >> 1 ^ (crc & 1 ? 0x82F63B78u : 0u);
    table[i] = crc;
  }
  return table;
}

template <class T> void append_little_endian(std::string& out, T value) {
  for (size_t i = 0; i < sizeof value; ++i) out += static_cast<char>(value >> 8 * i & 0xFF);
}

}  // namespace

uint32_t masked_crc32c(std::string_view data) {
  static constexpr auto kTable = crc_table();
  uint32_t crc = 0xFFFFFFFFu;
  for (const char c : data) crc = crc >> 8 ^ kTable[(crc ^ static_cast<unsigned char>(c)) & 0xFF];
  crc = ~crc;
  return (crc >> 15 | crc << 17) + 0xA282EAD8u;
}

std::string tf_record(std::string_view data) {
  std::string record;
  record.reserve(data.size() + 16);
  append_little_endian(record, static_cast<uint64_t>(data.size()));
  append_little_endian(record, masked_crc32c(record));
  record += data;
  append_little_endian(record, masked_crc32c(data));
  return record;
}

double wall_time() {
  const auto now = std::chrono::system_clock::now().time_since_epoch();
  return std::chrono::duration<double>(now).count();
}

Proto summary_event(double time, std::optional<int64_t> step, const Proto& summary) {
  Proto event;
  event.real(1, time);
  if (step) event.integer(2, *step);
  return event.message(5, summary);
}

Proto version_event(double time) {
  Proto event;
  return event.real(1, time).text(3, "brain.Event:2").message(10, Proto().text(1, "iolaus"));
}

Proto graph_event(double time, const Proto& graph) {
  return Proto().real(1, time).message(4, graph);
}

Proto graph_metadata_event(double time) {
  const Proto device = Proto().text(1, "/device:CPU:0");
  const Proto metadata = Proto().message(1, Proto().message(1, device));
  return Proto().real(1, time).message(8, Proto().text(1, "step1").message(2, metadata));
}

void EventFile::open(const std::string& folder, const std::string& suffix) {
  static std::atomic<int> counter{0};
  char host[HOST_NAME_MAX + 1] = "localhost";
  ::gethostname(host, sizeof host - 1);
  const double now = wall_time();
  file_.open(fmt::format("{}/events.out.tfevents.{:010}.{}.{}.{}{}", folder,
                         static_cast<int64_t>(now), host, ::getpid(), counter.fetch_add(1),
                         suffix));
  file_.append(tf_record(version_event(now).bytes()));
}

}  // namespace iolaus::nn
