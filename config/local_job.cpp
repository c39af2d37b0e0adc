// The child's side of the local launcher, and what the launcher makes of its end.
#include "config/local_job.h"

#include <fcntl.h>
#include <glob.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <csignal>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include "config/paths.h"
#include "config/yaml.h"

namespace iolaus::config {
namespace {

// The GPUs that the environment leaves us, or all there are.
std::vector<std::string> visible_gpus() {
  std::vector<std::string> gpus;
  if (const char* visible = std::getenv("CUDA_VISIBLE_DEVICES")) {
    std::string name;
    for (const char c : std::string(visible) + ",") {
      if (c != ',') {
        name += c;
        continue;
      }
      if (!name.empty() && name != "-1") gpus.push_back(name);
      name.clear();
    }
    return gpus;
  }
  ::glob_t found{};
  if (::glob("/dev/nvidia[0-9]*", 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) gpus.push_back(std::to_string(i));
  }
  ::globfree(&found);
  return gpus;
}

// What a job answers through its pipe.
std::string encode_result(const JobReturn& job) {
  Node node = Node::dict();
  node.set(Key("completed"), Node(job.status == JobReturn::Status::kCompleted));
  if (job.metric) node.set(Key("metric"), Node(*job.metric));
  node.set(Key("error"), Node(job.error));
  node.set(Key("output_dir"), Node(job.output_dir));
  node.set(Key("seconds"), Node(job.seconds));
  return to_json(node, -1);
}

void write_all(int file, const std::string& text) {
  for (std::size_t done = 0; done < text.size();) {
    const ssize_t written = ::write(file, text.data() + done, text.size() - done);
    if (written < 0 && errno == EINTR) continue;
    if (written <= 0) return;  // the parent is gone
    done += static_cast<std::size_t>(written);
  }
}

void redirect_console(const std::string& path) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0666);
  if (file < 0) return;
  ::dup2(file, STDOUT_FILENO);
  ::dup2(file, STDERR_FILENO);
  ::close(file);
}

std::string how_it_ended(int status) {
  if (WIFSIGNALED(status)) {
    return fmt::format("killed by signal {} ({})", WTERMSIG(status), ::strsignal(WTERMSIG(status)));
  }
  return fmt::format("ended with status {} and no result", WEXITSTATUS(status));
}

}  // namespace

std::vector<std::string> gpus_of(const NodeRef& setting) {
  if (!setting || setting->is_null()) return {};
  if (setting->is_string() && setting->as_string() == "auto") {
    std::vector<std::string> gpus = visible_gpus();
    if (gpus.empty()) {
      fail(ErrorCode::kUnsupported, "[launcher] hydra.launcher.gpus=auto: there is no GPU here");
    }
    return gpus;
  }
  std::vector<std::string> gpus;
  if (setting->is_list()) {
    for (const Node& gpu : *setting) gpus.push_back(resolve(gpu)->str());
  } else {
    gpus.push_back(setting->str());
  }
  return gpus;
}

void run_local_job(SweepRun& run, SweepJob& job, const std::string& gpu, int pipe,
                   int launcher_process) {
  // Without the launcher nobody would know of the job, and a sweep that is continued would meet it.
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (::getppid() != launcher_process) ::_exit(1);
  ::signal(SIGINT, SIG_IGN);  // the terminal sends it to all; the parent decides
  ::signal(SIGTERM, SIG_DFL);
  if (!gpu.empty()) ::setenv("CUDA_VISIBLE_DEVICES", gpu.c_str(), 1);
  JobReturn result;
  try {
    set_current_config(&job.config);
    const std::string directory =
        absolute_path(join_path(select(job.config, "hydra.sweep.dir")->str(),
                                select(job.config, "hydra.sweep.subdir")->str()));
    make_directories(directory);
    redirect_console(join_path(directory, "console.log"));
    result = run_sweep_job(run, job);
  } catch (const std::exception& error) {
    result.status = JobReturn::Status::kFailed;
    result.error = error.what();
  }
  if (!result.error.empty()) std::fprintf(stderr, "%s\n", result.error.c_str());
  std::fflush(nullptr);
  write_all(pipe, encode_result(result));
  // Not exit(): what the parent set up is not this process's to take down.
  ::_exit(result.status == JobReturn::Status::kCompleted ? 0 : 1);
}

JobReturn decode_result(const std::string& answer, int status) {
  JobReturn result;
  result.status = JobReturn::Status::kFailed;
  if (answer.empty()) {
    result.error = how_it_ended(status);
    return result;
  }
  const Node node = load_json(answer, "result of a job");
  if (node.at(Key("completed")).as_bool()) result.status = JobReturn::Status::kCompleted;
  if (const Node* metric = node.find(Key("metric"))) result.metric = metric->as_float();
  result.error = node.at(Key("error")).as_string();
  result.output_dir = node.at(Key("output_dir")).as_string();
  result.seconds = node.at(Key("seconds")).as_float();
  return result;
}

}  // namespace iolaus::config
