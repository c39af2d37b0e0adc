// The record as JSON lines, appended and flushed at once.
#include "config/sweep_record.h"

#include <unistd.h>
#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstring>
#include <filesystem>

#include "config/paths.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

Node to_node(const std::vector<std::string>& overrides, const SweepRecord::Entry& entry) {
  Node node = Node::dict();
  node.set(Key("num"), Node(entry.num));
  Node list = Node::list();
  for (const std::string& line : overrides) list.append(Node(line));
  node.set(Key("overrides"), std::move(list));
  node.set(Key("state"), Node(entry.state));
  if (entry.metric) node.set(Key("metric"), Node(*entry.metric));
  if (entry.seconds > 0) node.set(Key("seconds"), Node(entry.seconds));
  if (!entry.error.empty()) node.set(Key("error"), Node(entry.error));
  return node;
}

std::string cell(const std::string& text, std::size_t width) {
  return text + std::string(width > text.size() ? width - text.size() : 0, ' ');
}

std::string metric_text(const std::optional<double>& metric) {
  return metric ? fmt::format("{:.6g}", *metric) : "";
}

}  // namespace

SweepRecord::SweepRecord(std::string directory, bool resume)
    : path_(join_path(directory, "jobs.jsonl")) {
  if (!resume) {
    ::unlink(path_.c_str());
  } else if (is_file(path_)) {
    read_record();
  } else if (is_file(join_path(directory, "multirun.yaml"))) {
    read_job_folders(directory);
  }
}

void SweepRecord::read_record() {
  const std::string text = read_text(path_);
  std::size_t at = 0;
  for (int number = 1; at < text.size(); ++number) {
    const std::size_t end = text.find('\n', at);
    if (end == std::string::npos) {  // torn by a kill: the job counts as running
      if (::truncate(path_.c_str(), static_cast<off_t>(at)) != 0) {
        fail(ErrorCode::kIo, "[sweep] cannot shorten {}: {}", path_, std::strerror(errno));
      }
      break;
    }
    const Node line =
        load_json(std::string_view(text).substr(at, end - at), fmt::format("{}:{}", path_, number));
    at = end + 1;
    Entry entry;
    entry.num = static_cast<int>(line.at(Key("num")).as_int());
    entry.state = line.at(Key("state")).as_string();
    if (const Node* metric = line.find(Key("metric"))) entry.metric = metric->as_float();
    if (const Node* seconds = line.find(Key("seconds"))) entry.seconds = seconds->as_float();
    if (const Node* error = line.find(Key("error"))) entry.error = error->as_string();
    std::vector<std::string> overrides;
    for (const Node& item : line.at(Key("overrides"))) overrides.push_back(item.as_string());
    entries_[overrides] = entry;
  }
}

// Folders of jobs may lie deeper (hydra.sweep.subdir may have slashes in it).
void SweepRecord::read_job_folders(const std::string& directory) {
  constexpr int kDepth = 6;
  std::filesystem::recursive_directory_iterator file(directory), end;
  for (; file != end; ++file) {
    if (file.depth() >= kDepth) file.disable_recursion_pending();
    const std::filesystem::path& path = file->path();
    if (path.filename() != "overrides.yaml" || path.parent_path().filename() != ".hydra") continue;
    std::vector<std::string> overrides;
    for (const Node& line : load_file(path.string())) overrides.push_back(line.str());
    // Written down: from now on the record knows of jobs that the folders do not tell apart.
    append(overrides, {.state = "completed"});
  }
}

const SweepRecord::Entry* SweepRecord::find(const std::vector<std::string>& overrides) const {
  const auto found = entries_.find(overrides);
  return found == entries_.end() ? nullptr : &found->second;
}

void SweepRecord::started(int num, const std::vector<std::string>& overrides) {
  append(overrides, {.num = num, .state = "running"});
}

void SweepRecord::ended(const std::vector<std::string>& overrides, const Entry& entry) {
  append(overrides, entry);
}

void SweepRecord::append(const std::vector<std::string>& overrides, const Entry& entry) {
  entries_[overrides] = entry;
  std::FILE* file = std::fopen(path_.c_str(), "ab");
  if (!file) fail(ErrorCode::kIo, "[sweep] cannot open {}: {}", path_, std::strerror(errno));
  const std::string line = to_json(to_node(overrides, entry), -1) + "\n";
  const bool written = std::fwrite(line.data(), 1, line.size(), file) == line.size();
  if (std::fclose(file) != 0 || !written) {
    fail(ErrorCode::kIo, "[sweep] cannot write {}: {}", path_, std::strerror(errno));
  }
}

void SweepRecord::remove() { ::unlink(path_.c_str()); }

std::string sweep_table(const std::vector<JobReturn>& jobs) {
  std::vector<std::vector<std::string>> rows = {{"job", "state", "seconds", "metric", "overrides"}};
  for (const JobReturn& job : jobs) {
    std::string overrides;
    for (const std::string& line : job.overrides) {
      overrides += (overrides.empty() ? "" : " ") + line;
    }
    const bool failed = job.status == JobReturn::Status::kFailed;
    std::string state = job.status == JobReturn::Status::kCompleted ? "completed" : "not run";
    if (failed) state = "failed";
    if (failed && !job.error.empty())
      overrides += "  (" + job.error.substr(0, job.error.find('\n')) + ")";
    rows.push_back({"#" + std::to_string(job.num.value_or(0)), state,
                    job.seconds > 0 ? fmt::format("{:.1f}", job.seconds) : "",
                    metric_text(job.metric), overrides});
  }
  std::vector<std::size_t> widths(rows[0].size(), 0);
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) widths[i] = std::max(widths[i], row[i].size());
  }
  std::string text;
  for (const auto& row : rows) {
    for (std::size_t i = 0; i + 1 < row.size(); ++i) text += cell(row[i], widths[i]) + "  ";
    text += row.back() + "\n";
  }
  return text;
}

}  // namespace iolaus::config
