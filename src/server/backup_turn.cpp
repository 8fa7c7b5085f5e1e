// Waiting for the backup that runs, or joining it.
#include "server/backup_turn.h"

#include "server/backup_slot.h"
#include "server/log_pg.h"
#include "server/wait.h"

extern "C" {
#include "utils/snapmgr.h"
}

namespace pitr::server {
namespace {

constexpr int kTurnPollMs = 100;

std::string StartedBy(const BackupSlot& running) {
  return std::string("It was started by ") + running.request.requested_by + " and is " +
         BackupPhaseName(running.phase) + ".";
}

[[noreturn]] void RefuseSecond(const BackupSlot& running) {
  RaiseFromCpp(ERRCODE_OBJECT_IN_USE, NameOfBackup(running) + " is already running", StartedBy(running),
               "Watch it in pitr_progress, stop it with pitr_backup_cancel(), or wait for it with if_running => "
               "'wait'.");
}

int Fullness(const std::string& type) { return type == "full" ? 2 : type == "diff" ? 1 : 0; }

// Why the running backup is less than what is asked for; empty: it is not. Goes by what was asked of it: what it has
// become is not known from its first moment on.
std::string WhyNotJoined(const BackupSlot& running, const BackupRequest& wanted) {
  const BackupRequest& asked = running.request;
  if (running.cancel_requested || running.phase == BackupPhase::kAbandoning) return "it is being stopped";
  if (Fullness(asked.type) < Fullness(wanted.type))
    return std::string("it is of type ") + asked.type + ", and " + wanted.type + " is asked for";
  if (wanted.label[0] != '\0' && std::string(wanted.label) != asked.label) return "another label is asked for";
  if (std::string(wanted.annotations) != "{}" && wanted.annotations[0] != '\0' &&
      std::string(wanted.annotations) != asked.annotations)
    return "other annotations are asked for";
  if (asked.allow_page_errors && !wanted.allow_page_errors) return "it lets in damaged pages";
  if (wanted.verify_changes && !asked.verify_changes && Fullness(asked.type) < 2)
    return "it does not verify what it leaves out";
  return "";
}

void AwaitEndOf(uint64_t generation) {
  // Looking up names took one, which would hold back vacuum while we wait.
  PgCall([] { InvalidateCatalogSnapshot(); });
  bool running = true;
  for (;;) {
    (void)ReadBackupSlot(generation, running);
    if (!running) return;
    WaitInterruptibly(-1, kTurnPollMs);
  }
}

}  // namespace

Result<IfRunning> ParseIfRunning(const std::string& text) {
  if (text == "fail") return IfRunning::kFail;
  if (text == "wait") return IfRunning::kWait;
  if (text == "join") return IfRunning::kJoin;
  return Status(Code::kInvalidArgument, "if_running cannot be \"" + text + "\"")
      .WithHint("Use 'fail', 'wait' (for the backup that runs, then take this one) or 'join'.");
}

std::string NameOfBackup(const BackupSlot& slot) {
  const std::string label = slot.label[0] ? slot.label : slot.request.label;
  return label.empty() ? "a backup" : "backup \"" + label + "\"";
}

Result<BackupTurn> TakeBackupTurn(const BackupRequest& request, IfRunning if_running,
                                  Status (*able)(const BackupRequest&)) {
  PITR_TRY(able(request));
  auto running = std::make_unique<BackupSlot>();
  for (;;) {
    if (const uint64_t claimed = ClaimBackup(request, *running); claimed != 0) return BackupTurn{claimed, false};
    if (if_running == IfRunning::kFail) RefuseSecond(*running);
    std::string detail = StartedBy(*running);
    if (if_running == IfRunning::kJoin) {
      const std::string why_not = WhyNotJoined(*running, request);
      if (why_not.empty()) {
        ReportText(NOTICE, "joining " + NameOfBackup(*running) + ", which runs already", detail);
        return BackupTurn{running->generation, true};
      }
      detail += " It is not joined: " + why_not + ".";
    }
    ReportText(NOTICE, "waiting for the end of " + NameOfBackup(*running) + ", which runs already", detail);
    AwaitEndOf(running->generation);
    PITR_TRY(able(request));
  }
}

}  // namespace pitr::server
