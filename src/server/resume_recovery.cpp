// The postmaster does nothing else with files (rule "nothing at load"). It must do this, because only before the
// startup process has begun can a server be kept from replaying beyond the target of its recovery.
#include "server/resume_recovery.h"

#include <unistd.h>

#include "core/restore/cut_off_recovery.h"
#include "server/pg.h"

namespace pitr::server {

void ResumeRecovery() noexcept {
  if (IsUnderPostmaster || !IsPostmasterEnvironment) return;
  if (access(std::string(kRestoreMarkPath).c_str(), F_OK) != 0) return;
  PlainError said;
  Pending pending;
  RunCpp(
      [&] {
        PITR_ASSIGN(const auto text, ResumeCutOff(DataDir));
        if (text) said.Set(ERRCODE_WARNING, text->c_str());
        return Status::Ok();
      },
      &pending);
  if (!pending.ok())
    ereport(WARNING, (errmsg_internal("pg_pitr could not look at how the recovery of this restored directory went: %s",
                                      pending.error ? pending.error->message : pending.plain.message)));
  if (said.sqlstate != 0)
    ereport(WARNING, (errmsg_internal("%s", said.message),
                      errhint("The server goes on to its target. One that was told to shut down there opens with "
                              "recovery_target_action = 'promote'.")));
}

}  // namespace pitr::server
