// A restored server whose recovery was cut off goes on with it (core/restore/cut_off_recovery.h).
#pragma once

namespace pitr::server {

// From the postmaster only, each time before it starts recovery: at its start and after a crash of one of its
// processes. Looks for one file in a directory that was not restored. A failure is a warning in the log. Raises
// nothing.
void ResumeRecovery() noexcept;

}  // namespace pitr::server
