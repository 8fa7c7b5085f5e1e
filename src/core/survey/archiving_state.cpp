#include "core/survey/archiving_state.h"

#include <algorithm>

namespace pitr {
namespace {

void SetName(const ArchivingConditions& now, ArchivingState& state) {
  if (!now.archive_mode) {
    state.name = "off";
  } else if (!now.configured.ok()) {
    state.name = "not configured";
    state.problem = now.configured.message();
    state.hint = now.configured.hint();
  } else if (!now.runs) {
    state.name = "not started";
  } else if (now.failures > 0) {
    state.name = now.held ? "held" : "failing";
  } else if (!now.retried.empty()) {
    state.name = "failing";
    state.problem = now.retried;
    state.hint = now.retried_hint;
  } else if (now.current_file.empty()) {
    state.name = "idle";
  } else if (now.waited_ms <= now.request_timeout_ms) {
    state.name = "archiving";
  } else {
    state.name = "stalled";
    state.problem = "the repository does not answer: WAL file " + now.current_file + " has been on its way for " +
                    std::to_string(now.waited_ms / 1000) + " s";
    state.hint = "Check the network, or the file system that " + now.repository +
                 " is on. After that was mounted anew, SELECT pg_reload_conf() makes the archiver begin again.";
  }
}

}  // namespace

ArchivingState JudgeArchiving(const ArchivingConditions& now) {
  ArchivingState state;
  SetName(now, state);
  if (now.oldest_commit_micros != 0)
    state.at_risk_micros = std::max<int64_t>(0, now.now_micros - now.oldest_commit_micros);
  return state;
}

}  // namespace pitr
