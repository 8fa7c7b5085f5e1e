#include "core/pg/wal_changes.h"

#include "core/pg/wal_event.h"

namespace pitr {
namespace {

struct AddEvent {
  Lsn at;
  BlockChanges* changes;

  void operator()(const TransactionEnd& end) const {
    for (const RelationLocator& relation : end.dropped) changes->AddDroppedRelation(relation);
  }
  void operator()(const ParameterChange& change) const {
    if (change.wal_level == WalLevel::kMinimal) changes->AddEverything(BlockChanges::Unknown::kMinimalWal, at);
  }
  void operator()(const RelationCreated& created) const { changes->LimitTo({created.relation, created.fork}, 0); }
  void operator()(const RelationTruncated& truncated) const {
    if (truncated.heap) changes->LimitTo({truncated.relation, Fork::kMain}, truncated.blocks);
  }
  void operator()(const DatabaseCreated& created) const { changes->AddDatabase(created.database, created.tablespace); }
  void operator()(const DatabaseDropped& dropped) const {
    for (uint32_t tablespace : dropped.tablespaces) changes->AddDatabase(dropped.database, tablespace);
  }
  void operator()(const TablespaceCreated& created) const { changes->AddTablespace(created.tablespace); }
  void operator()(const TablespaceDropped& dropped) const { changes->AddTablespace(dropped.tablespace); }
  // The checksum of a page is not among the changes that every record of a page makes.
  void operator()(const DataChecksumsChanged&) const { changes->AddEverything(BlockChanges::Unknown::kChecksums, at); }
  template <class Other>
  void operator()(const Other&) const {}  // says nothing of blocks
};

// Those whose records AddEvent looks at. Most records are of none of them.
bool HasEvents(Rmgr rmgr) {
  switch (rmgr) {
    case Rmgr::kXlog:
    case Rmgr::kTransaction:
    case Rmgr::kStorage:
    case Rmgr::kDatabase:
    case Rmgr::kTablespace:
    case Rmgr::kReplicationOrigin:
    case Rmgr::kHeap:
    case Rmgr::kXlog2:
      return true;
    default:
      return false;
  }
}

}  // namespace

Status AddChangesOf(const WalRecord& record, BlockChanges* changes, std::vector<ReplayAction>* actions) {
  for (const BlockReference& block : record.blocks) changes->AddBlock({block.relation, block.fork}, block.block);
  if (!HasEvents(record.rmgr)) return Status::Ok();
  PITR_ASSIGN(const std::optional<WalEvent> event, DecodeWalEvent(record));
  if (!event) return Status::Ok();
  std::visit(AddEvent{record.start, changes}, event->what);
  NoteReplayAction(*event, actions);
  return Status::Ok();
}

}  // namespace pitr
