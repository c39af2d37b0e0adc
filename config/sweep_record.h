// The record of a sweep's jobs, `jobs.jsonl` in the sweep's directory: one line when a job starts
// and one when it ends. A sweep that is continued reads it and leaves out what was completed; a job
// that began and never ended was killed, and runs again. A sweep of the basic launcher that
// completes removes its record, so that its directory looks as Hydra leaves it; then the saved
// overrides of its jobs' folders say what has run.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

#include "config/job.h"

namespace iolaus::config {

class SweepRecord {
 public:
  struct Entry {
    int num = 0;
    std::string state = {};  // "running", "completed", "failed"
    std::optional<double> metric = {};
    double seconds = 0;
    std::string error = {};
  };

  /// Opens the record in `directory`. `resume`: keep what it says; else start a new one.
  /// kCorrupt for a line that is not ours (a torn last line is dropped).
  SweepRecord(std::string directory, bool resume);

  /// What is known of the job with these overrides.
  const Entry* find(const std::vector<std::string>& overrides) const;
  const std::map<std::vector<std::string>, Entry>& entries() const { return entries_; }

  void started(int num, const std::vector<std::string>& overrides);
  void ended(const std::vector<std::string>& overrides, const Entry& entry);
  void remove();

 private:
  void read_record();
  void read_job_folders(const std::string& directory);
  void append(const std::vector<std::string>& overrides, const Entry& entry);

  std::string path_;
  std::map<std::vector<std::string>, Entry> entries_;
};

/// The table of jobs: number, state, time, metric, overrides.
std::string sweep_table(const std::vector<JobReturn>& jobs);

}  // namespace iolaus::config
