// Identity and life cycle of the server, from shared variables and pg_control.
#include "server/server_state.h"

#include <fcntl.h>

#include "core/pg/timestamp.h"
#include "server/pg.h"

extern "C" {
#include "access/transam.h"
#include "access/xlog.h"
#include "access/xlogrecovery.h"
#include "catalog/pg_control.h"
#include "utils/guc.h"
#include "utils/timestamp.h"
}

namespace pitr::server {

ClusterIdentity ServerIdentity() {
  return {.system_id = {GetSystemIdentifier()},
          .segment_size_bytes = static_cast<uint32_t>(wal_segment_size),
          .pg_major = PG_VERSION_NUM / 10000};
}

Timeline WrittenTimeline() {
  return {PgCall([]() -> uint32 { return RecoveryInProgress() ? 0 : GetWALInsertionTimeLine(); })};
}

bool ServerIsShuttingDown() {
  ControlFileData control;
  const int fd = open("global/pg_control", O_RDONLY | O_CLOEXEC);
  if (fd < 0) return false;
  // A read torn by a concurrent write does not matter: the state is one aligned word.
  const ssize_t got = read(fd, &control, sizeof control);
  close(fd);
  if (got != static_cast<ssize_t>(sizeof control)) return false;
  return control.state == DB_SHUTDOWNING || control.state == DB_SHUTDOWNED ||
         control.state == DB_SHUTDOWNED_IN_RECOVERY;
}

bool SummarizesWal() {
  const char* value = PgCall([] { return GetConfigOption("summarize_wal", true, false); });
  return value != nullptr && std::string_view(value) == "on";
}

std::optional<Timeline> OwnTimeline() {
  if (const Timeline written = WrittenTimeline(); written.valid()) return written;
  TimeLineID timeline = 0;
  TimeLineID* const replayed = &timeline;
  PgCall([replayed] { GetXLogReplayRecPtr(replayed); });
  return timeline != 0 ? std::optional<Timeline>(Timeline{timeline}) : std::nullopt;
}

int64_t WriterStartMicros() {
  if (!WrittenTimeline().valid()) return 0;
  return MicrosFromPgTimestamp(PgStartTime);
}

Lsn WalPosition() {
  return Lsn{
      PgCall([]() -> uint64 { return RecoveryInProgress() ? GetXLogReplayRecPtr(NULL) : GetXLogInsertRecPtr(); })};
}

OwnPosition WriterPosition() {
  if (!WrittenTimeline().valid()) return {};
  OwnPosition position;
  position.next_xid = PgCall([]() -> uint64 { return U64FromFullTransactionId(ReadNextFullTransactionId()); });
  position.end = Lsn{PgCall([]() -> uint64 { return GetXLogInsertRecPtr(); })};
  return position;
}

std::string ServerVersion() {
  std::string version = PgCall([] { return GetConfigOption("server_version", false, false); });
  return version.substr(0, version.find(' '));
}

}  // namespace pitr::server
