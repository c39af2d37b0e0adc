// From the overrides of a sweep to those of its jobs: one list of values for each key, and the
// product of the lists.
#include <map>

#include "config/interpolation.h"
#include "config/sweep.h"

namespace iolaus::config {
namespace {

constexpr std::size_t kMaxJobs = 1'000'000;

}  // namespace

std::vector<Override> sweep_overrides(SweepRun& run, const std::vector<std::string>& lines) {
  std::vector<std::string> all;
  const NodeRef params = select(run.config, "hydra.sweeper.params");
  if (params && params->is_dict()) {
    for (const Node& param : *params) {
      all.push_back(param.key().text() + "=" + resolve(param)->str());
    }
  }
  all.insert(all.end(), lines.begin(), lines.end());
  return parse_overrides(all, run.session.composer.grammar());
}

std::vector<std::vector<std::string>> override_lists(SweepRun& run,
                                                     const std::vector<Override>& overrides) {
  std::vector<std::vector<std::string>> lists;
  std::map<std::string, std::size_t> index;
  for (const Override& override : overrides) {
    const std::string key = override.key_element();
    std::vector<std::string> values;
    if (override.value_type == Override::ValueType::kInterval) {
      fail(ErrorCode::kConfig,
           "BasicSweeper does not support sweep type : INTERVAL_SWEEP\n"
           "'{}': hydra/sweeper=random and hydra/sweeper=tpe search over intervals.",
           override.line);
    }
    if (override.is_sweep()) {
      std::vector<std::string> options;
      if (override.value_type == Override::ValueType::kGlob) {
        options = run.session.composer.base_repository().options(override.key);
      }
      values = sweep_values(override, options);
    } else {
      values = {override.value.as_override()};
    }
    for (std::string& value : values) value = key + "=" + value;
    const auto [known, added] = index.emplace(key, lists.size());
    if (added) {
      lists.push_back(std::move(values));
    } else {
      lists[known->second] = std::move(values);
    }
  }
  return lists;
}

std::vector<std::vector<std::string>> expand_product(
    const std::vector<std::vector<std::string>>& lists) {
  std::size_t count = 1;
  for (const auto& list : lists) {
    if (list.empty()) return {};
    if (count > kMaxJobs / list.size()) {
      fail(ErrorCode::kConfig, "[sweep] expected at most {} jobs", kMaxJobs);
    }
    count *= list.size();
  }
  std::vector<std::vector<std::string>> jobs(count);
  for (std::size_t job = 0; job < count; ++job) {
    std::size_t rest = job, block = count;
    for (const auto& list : lists) {
      block /= list.size();
      jobs[job].push_back(list[rest / block]);
      rest %= block;
    }
  }
  return jobs;
}

}  // namespace iolaus::config
