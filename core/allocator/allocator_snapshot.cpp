// Snapshots as pickles. Call sites come again and again, so each is written once and referred to.
// Source of the format: the docstring of torch.cuda.memory._snapshot (PyTorch 2.x).
#include "core/allocator/allocator_snapshot.h"

#include <map>

#include "core/backtrace.h"
#include "core/io/pickle_writer.h"

namespace iolaus {
namespace {

class SnapshotPickle {
 public:
  explicit SnapshotPickle(const std::vector<AllocatorSnapshot>& devices) {
    std::vector<void*> addresses;
    for (const AllocatorSnapshot& device : devices) {
      for (const MemoryEvent& event : device.events) collect(event.site, addresses);
      for (const SegmentSnapshot& segment : device.segments) {
        for (const BlockSnapshot& block : segment.blocks) collect(block.site, addresses);
      }
    }
    const std::vector<StackFrame> found = symbolise(addresses);
    for (size_t i = 0; i < addresses.size(); ++i) names_[addresses[i]] = found[i];
  }

  std::string write(const std::vector<AllocatorSnapshot>& devices) {
    size_t segments = 0;
    for (const AllocatorSnapshot& device : devices) segments += device.segments.size();
    p_.dict(3);
    p_.str("segments");
    p_.list(segments);
    for (size_t i = 0; i < devices.size(); ++i) {
      for (const SegmentSnapshot& segment : devices[i].segments) write_segment(i, segment);
    }
    p_.str("device_traces");
    p_.list(devices.size());
    for (const AllocatorSnapshot& device : devices) {
      p_.list(device.events.size());
      for (const MemoryEvent& event : device.events) write_event(event);
    }
    p_.str("allocator_settings");
    write_settings(devices.empty() ? AllocatorConfig() : devices[0].config);
    return p_.finish();
  }

 private:
  void collect(const CallSitePtr& site, std::vector<void*>& addresses) {
    if (site == nullptr) return;
    for (void* address : site->frames) {
      if (names_.try_emplace(address).second) addresses.push_back(address);
    }
  }
  void number(const char* key, uint64_t value) {
    p_.str(key);
    p_.integer(static_cast<int64_t>(value));
  }
  void text(const char* key, std::string_view value) {
    p_.str(key);
    p_.str(value);
  }
  static uint64_t stream_number(StreamKey stream) { return reinterpret_cast<uintptr_t>(stream); }

  void write_frame(const std::string& file, const std::string& name) {
    p_.dict(3);
    text("filename", file);
    number("line", 0);
    text("name", name);
  }

  // The op's name stands as the innermost frame.
  void write_frames(const CallSitePtr& site) {
    p_.str("frames");
    if (site == nullptr) {
      p_.list(0);
      return;
    }
    const auto known = sites_.find(site.get());
    if (known != sites_.end()) return p_.again(known->second);
    sites_[site.get()] = p_.list(site->frames.size() + (site->op != nullptr));
    if (site->op != nullptr) write_frame("op", site->op);
    for (void* address : site->frames) {
      const StackFrame& frame = names_[address];
      const auto written = frames_.find(address);
      if (written != frames_.end()) {
        p_.again(written->second);
        continue;
      }
      frames_[address] = p_.dict(3);
      text("filename", frame.file);
      number("line", 0);
      text("name", frame.name);
    }
  }

  void write_segment(size_t device, const SegmentSnapshot& s) {
    uint64_t allocated = 0, active = 0, requested = 0;
    for (const BlockSnapshot& block : s.blocks) {
      if (block.use == BlockUse::kFree) continue;
      active += block.size;
      requested += block.requested;
      if (block.use == BlockUse::kInUse) allocated += block.size;
    }
    p_.dict(12);
    number("device", device);
    number("address", s.address);
    number("total_size", s.size);
    number("allocated_size", allocated);
    number("active_size", active);
    number("requested_size", requested);
    number("stream", stream_number(s.stream));
    text("segment_type", s.is_small ? "small" : "large");
    p_.str("segment_pool_id");
    p_.list(2);
    p_.integer(0);
    p_.integer(static_cast<int64_t>(s.pool));
    p_.str("is_expandable");
    p_.boolean(s.is_growing);
    write_frames(nullptr);
    p_.str("blocks");
    p_.list(s.blocks.size());
    for (const BlockSnapshot& block : s.blocks) {
      p_.dict(5);
      number("address", block.address);
      number("size", block.size);
      number("requested_size", block.requested);
      text("state", block.use == BlockUse::kFree    ? "inactive"
                    : block.use == BlockUse::kInUse ? "active_allocated"
                                                    : "active_pending_free");
      write_frames(block.site);
    }
  }

  void write_event(const MemoryEvent& event) {
    p_.dict(6);
    text("action", action_name(event.action));
    number(event.action == MemoryAction::kOutOfMemory ? "device_free" : "addr", event.address);
    number("size", event.size);
    number("stream", stream_number(event.stream));
    number("time_us", static_cast<uint64_t>(event.time_us));
    write_frames(event.site);
  }

  void write_settings(const AllocatorConfig& config) {
    p_.dict(2);
    text("IOLAUS_CUDA_ALLOC_CONF", to_string(config));
    p_.str("expandable_segments");
    p_.boolean(config.growing_segments);
  }

  io::PickleWriter p_;
  std::map<void*, StackFrame> names_;
  std::map<void*, uint32_t> frames_;  // numbers in the pickle
  std::map<const CallSite*, uint32_t> sites_;
};

}  // namespace

std::string pickle_snapshot(const std::vector<AllocatorSnapshot>& devices) {
  return SnapshotPickle(devices).write(devices);
}

}  // namespace iolaus
