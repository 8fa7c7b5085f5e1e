#include "server/claim_owner.h"

#include "server/pg.h"

extern "C" {
#include "storage/proc.h"
#include "storage/procarray.h"
}

namespace pitr::server {

ClaimOwner ThisProcess() noexcept { return {MyProcPid, MyProc - ProcGlobal->allProcs}; }

bool Lives(const ClaimOwner& owner) noexcept {
  if (owner.pid == 0) return false;
  const PGPROC* proc = BackendPidGetProc(owner.pid);
  return proc != nullptr && proc - ProcGlobal->allProcs == owner.proc;
}

}  // namespace pitr::server
