// pitr_accept_repository(): archiving to another repository than until now is meant.
#include "core/repo/opening/known_repository.h"
#include "server/guc.h"
#include "server/ready_files.h"
#include "server/rows.h"

extern "C" {
#include "postmaster/pgarch.h"
}

namespace pitr::server {

PITR_FUNCTION(pitr_accept_repository) {
  const std::string repository = TextArgument(fcinfo, 0);
  const Config config = CurrentConfig();
  if (repository != config.repository)
    return Status(Code::kInvalidArgument, "\"" + repository + "\" is not what pg_pitr.repository is set to")
        .WithDetail("It is set to \"" + config.repository + "\".")
        .WithHint("Set it and reload first, then accept the same text.");
  PITR_ASSIGN(const std::string before, AcceptRepository(repository, kDataDirectory));
  // It has given up on its file for up to a minute.
  PgCall([] { PgArchWakeup(); });
  if (before.empty()) {
    fcinfo->isnull = true;
    return Status::Ok();
  }
  const char* text = before.c_str();
  *result = PgCall([text] { return CStringGetTextDatum(text); });
  return Status::Ok();
}

}  // namespace pitr::server
