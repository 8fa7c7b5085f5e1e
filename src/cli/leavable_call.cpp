#include "cli/leavable_call.h"

#include <poll.h>
#include <unistd.h>

#include <cstdio>

namespace pitr::cli {
namespace {

constexpr int kStepMillis = 20;
constexpr int kGraceMillis = 500;
bool left_behind = false;

bool EndsWithin(const Job& job, int millis) {
  pollfd ready{job.ready_fd(), POLLIN, 0};
  return job.done() || (poll(&ready, 1, millis) > 0 && job.done());
}

}  // namespace

Status CallWhile(Job::Body body, const std::function<Status()>& look) {
  PITR_ASSIGN(std::unique_ptr<Job> job, Job::Start(std::move(body)));
  while (!EndsWithin(*job, kStepMillis)) {
    Status seen = look();
    if (seen.ok()) continue;
    job->Cancel();
    if (EndsWithin(*job, kGraceMillis)) break;
    left_behind = true;
    (void)job.release();
    return seen;
  }
  return job->Join();
}

int ExitCodeOrLeave(int code) {
  if (!left_behind) return code;
  (void)std::fflush(nullptr);
  _exit(code);
}

}  // namespace pitr::cli
