// What matters for recovery among WAL records, as typed values: where transactions ended, restore points,
// checkpoints, timelines, switches, and changes of whole relations and databases.
// Plain values; any thread. Formats: access/xact.h, catalog/pg_control.h, access/xlog_internal.h,
// catalog/storage_xlog.h, commands/dbcommands_xlog.h of 15 to 19. Times are microseconds since 1970 UTC.
#pragma once
#include <optional>
#include <string>
#include <variant>
#include <vector>

#include "core/base/status.h"
#include "core/pg/control.h"
#include "core/pg/lsn.h"
#include "core/pg/wal_record.h"

namespace pitr {

struct TransactionEnd {
  bool committed = false;  // else rolled back
  bool prepared = false;   // by COMMIT PREPARED or ROLLBACK PREPARED
  uint32_t xid = 0;        // of the top-level transaction that ended
  int64_t micros = 0;
  uint32_t database = 0;  // 0 when the record does not say
  std::vector<uint32_t> subtransactions;
  std::vector<RelationLocator> dropped;  // relations whose files go away with this
  std::string gid;                       // of a prepared transaction, if logged
};
struct TransactionPrepared {  // PREPARE TRANSACTION: from here on it survives a crash
  uint32_t xid = 0;
  int64_t micros = 0;
};
struct RestorePoint {
  std::string name;
  int64_t micros = 0;
};
struct Checkpoint {
  bool shutdown = false;  // else taken while running
  Lsn redo;
  Timeline timeline, previous_timeline;
  uint64_t next_xid = 0;                        // at its beginning, with epoch
  int64_t micros = 0;                           // whole seconds
  std::optional<DataChecksums> data_checksums;  // since 19
};
struct EndOfRecovery {  // a new timeline was begun without a shutdown checkpoint
  Timeline timeline, previous_timeline;
  int64_t micros = 0;
};
struct BackupEnd {
  Lsn start;  // where the backup that ended had started: its checkpoint's redo position
};
struct SegmentSwitch {};
struct ParameterChange {
  RecoveryLimits limits;
  WalLevel wal_level = WalLevel::kMinimal;
};
struct AbandonedRecord {  // a crash left a record incomplete
  Lsn start;
  int64_t micros = 0;
};
struct RelationCreated {
  RelationLocator relation;
  Fork fork = Fork::kMain;
};
struct RelationTruncated {
  RelationLocator relation;
  uint32_t blocks = 0;                                                // of the main fork that remain
  bool heap = false, visibility_map = false, free_space_map = false;  // which forks
};
struct DatabaseCreated {
  uint32_t database = 0, tablespace = 0;
  uint32_t source_database = 0, source_tablespace = 0;  // only when copied
  bool copied = false;  // its files are copied and not in WAL; else every page is logged
};
struct DatabaseDropped {
  uint32_t database = 0;
  std::vector<uint32_t> tablespaces;
};
struct DatabaseInvalidated {  // by a DROP DATABASE that is going to remove its files
  uint32_t database = 0;
};
struct ExclusiveLocks {  // that transactions hold on tables: nobody reads these until the transactions have ended
  std::vector<uint32_t> xids;
};
struct TablespaceCreated {
  uint32_t tablespace = 0;
  std::string path;
};
struct TablespaceDropped {
  uint32_t tablespace = 0;
};
struct OriginDropped {  // a replication origin, by DROP SUBSCRIPTION or pg_replication_origin_drop()
  uint32_t origin = 0;
};
struct DataChecksumsChanged {  // since 19
  DataChecksums state = DataChecksums::kOff;
};

struct WalEvent {
  Lsn start;  // of the record
  Lsn end;
  std::variant<TransactionEnd, TransactionPrepared, RestorePoint, Checkpoint, EndOfRecovery, BackupEnd, SegmentSwitch,
               ParameterChange, AbandonedRecord, RelationCreated, RelationTruncated, DatabaseCreated, DatabaseDropped,
               DatabaseInvalidated, TablespaceCreated, TablespaceDropped, DataChecksumsChanged, ExclusiveLocks,
               OriginDropped>
      what;
  uint32_t xid = 0;  // of the record; 0: none
};

// nullopt for every other record; kCorruption when a record is shorter than what it must hold.
Result<std::optional<WalEvent>> DecodeWalEvent(const WalRecord& record);

}  // namespace pitr
