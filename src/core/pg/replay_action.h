// What replay does besides changing pages and ending transactions, and that a recovery must be prepared for: it makes
// and removes directories of tablespaces and databases at the record itself, whether or not the transaction that wrote
// it commits later, and it compares settings with the primary's (docs/design/010-what-replay-does.md).
// Plain values; any thread.
#pragma once
#include <string>
#include <vector>

#include "core/pg/control.h"
#include "core/pg/lsn.h"
#include "core/pg/wal_event.h"

namespace pitr {

struct ReplayAction {
  enum class Kind : uint32_t {  // values as stored in change maps
    kTablespaceCreated = 1,
    kTablespaceDropped = 2,
    kDatabaseDropped = 3,
    kSettings = 4,
    kDatabaseInvalidated = 5,  // refuses connections from here on; a kDatabaseDropped is to follow
    kOriginDropped = 6         // a replication origin: how far a subscription got is forgotten
  };
  Kind kind = Kind::kTablespaceCreated;
  Lsn start;                                // of the record
  uint32_t xid = 0;                         // the transaction that wrote it; 0: none, what it does needs no commit
  uint32_t oid = 0;                         // of the tablespace or database; the number of the origin
  std::string path;                         // of a tablespace that is made, absolute; empty: inside the data directory
  RecoveryLimits limits;                    // kSettings: what holds from here on
  WalLevel wal_level = WalLevel::kMinimal;  // kSettings
  // The record that ended the transaction, where the WAL that was looked at has it; 0/0: it does not.
  Lsn ended;
  bool committed = false;
  bool operator==(const ReplayAction&) const = default;
};

// Adds what the record does, if it is one of those; a record that ends a transaction completes those before it.
// `actions` is of one stretch of WAL, ascending.
void NoteReplayAction(const WalEvent& event, std::vector<ReplayAction>* actions);

}  // namespace pitr
