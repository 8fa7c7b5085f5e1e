// Decoding of the main data of the records concerned.
#include "core/pg/wal_event.h"

#include <algorithm>

#include "core/base/byte_reader.h"
#include "core/pg/invalid_database.h"
#include "core/pg/timestamp.h"

namespace pitr {
namespace {

namespace xlog {
constexpr uint8_t kCheckpointShutdown = 0x00, kCheckpointOnline = 0x10, kSwitch = 0x40, kBackupEnd = 0x50;
constexpr uint8_t kParameterChange = 0x60, kRestorePoint = 0x70, kEndOfRecovery = 0x90, kOverwriteContrecord = 0xD0;
}  // namespace xlog
namespace xact {
constexpr uint8_t kOperationMask = 0x70, kHasInfo = 0x80;
constexpr uint8_t kCommit = 0x00, kPrepare = 0x10, kAbort = 0x20, kCommitPrepared = 0x30, kAbortPrepared = 0x40;
constexpr uint32_t kHasDatabase = 1, kHasSubtransactions = 2, kHasRelations = 4, kHasInvalidations = 8;
constexpr uint32_t kHasTwoPhase = 16, kHasGid = 128, kHasDroppedStats = 256;
constexpr size_t kInvalidationSize = 16;
constexpr size_t StatsItemSize(int pg_major) { return pg_major >= 18 ? 16 : 12; }  // object id of 64 bits since 18
}  // namespace xact
namespace smgr {
constexpr uint8_t kCreate = 0x10, kTruncate = 0x20;
constexpr uint32_t kHeap = 1, kVisibilityMap = 2, kFreeSpaceMap = 4;
}  // namespace smgr
namespace dbase {
constexpr uint8_t kCreateFileCopy = 0x00, kCreateWalLog = 0x10, kDrop = 0x20;
}
namespace tblspc {
constexpr uint8_t kCreate = 0x00, kDrop = 0x10;
}
constexpr uint8_t kXlog2Checksums = 0x00, kStandbyLock = 0x00, kOriginDrop = 0x10;

using Event = decltype(WalEvent::what);

class Fields : public ByteReader {
 public:
  using ByteReader::ByteReader;
  Lsn Position() { return {U64()}; }
  int64_t Time() { return MicrosFromPgTimestamp(Get<int64_t>()); }
  RelationLocator Relation() {
    RelationLocator relation;
    relation.tablespace = U32();
    relation.database = U32();
    relation.number = U32();
    return relation;
  }
  // Up to the terminating zero, which must be there within `max` bytes.
  std::string Text(size_t max) {
    const std::string_view text = AsText(rest().first(std::min(max, rest().size())));
    const size_t size = text.find('\0');
    if (size == std::string_view::npos) {
      Fail();
      return {};
    }
    std::string result(text.substr(0, size));
    Skip(size + 1);
    return result;
  }
};

TransactionEnd ReadTransactionEnd(const WalRecord& record, uint8_t operation, Fields& in) {
  TransactionEnd end;
  end.committed = operation == xact::kCommit || operation == xact::kCommitPrepared;
  end.prepared = operation == xact::kCommitPrepared || operation == xact::kAbortPrepared;
  end.xid = record.xid;
  end.micros = in.Time();
  const uint32_t has = (record.info & xact::kHasInfo) != 0 ? in.U32() : 0;
  if ((has & xact::kHasDatabase) != 0) {
    end.database = in.U32();
    in.U32();  // its tablespace
  }
  if ((has & xact::kHasSubtransactions) != 0)
    for (size_t n = in.Count(sizeof(uint32_t)); n > 0; --n) end.subtransactions.push_back(in.U32());
  if ((has & xact::kHasRelations) != 0)
    for (size_t n = in.Count(sizeof(RelationLocator)); n > 0; --n) end.dropped.push_back(in.Relation());
  if ((has & xact::kHasDroppedStats) != 0) {
    const size_t size = xact::StatsItemSize(record.pg_major);
    in.Skip(in.Count(size) * size);
  }
  if ((has & xact::kHasInvalidations) != 0) in.Skip(in.Count(xact::kInvalidationSize) * xact::kInvalidationSize);
  // The record is written by whoever ends the prepared transaction; its own number is here.
  if ((has & xact::kHasTwoPhase) != 0) {
    end.xid = in.U32();
    constexpr size_t kMaxGidSize = 200;
    if ((has & xact::kHasGid) != 0) end.gid = in.Text(kMaxGidSize);
  }
  return end;
}

std::optional<Event> ReadTransaction(const WalRecord& record, Fields& in) {
  const uint8_t operation = record.info & xact::kOperationMask;
  switch (operation) {
    case xact::kCommit:
    case xact::kAbort:
    case xact::kCommitPrepared:
    case xact::kAbortPrepared:
      return ReadTransactionEnd(record, operation, in);
    case xact::kPrepare: {
      TransactionPrepared prepared;
      in.Skip(2 * sizeof(uint32_t));  // magic number, length
      prepared.xid = in.U32();
      in.Skip(sizeof(uint32_t));  // database
      prepared.micros = in.Time();
      return prepared;
    }
    default:
      return std::nullopt;
  }
}

Checkpoint ReadCheckpoint(const WalRecord& record, Fields& in) {
  const bool is19 = record.pg_major >= 19;
  Checkpoint checkpoint;
  checkpoint.shutdown = record.operation() == xlog::kCheckpointShutdown;
  checkpoint.redo = in.Position();
  checkpoint.timeline = {in.U32()};
  checkpoint.previous_timeline = {in.U32()};
  in.Skip(is19 ? 16 : 8);  // see the checkpoint copy in control.cpp
  checkpoint.next_xid = in.Get<uint64_t>();
  in.Skip(32);  // other counters
  checkpoint.micros = static_cast<int64_t>(in.Get<uint64_t>() * 1'000'000);
  if (is19) {
    in.Skip(12);
    checkpoint.data_checksums = static_cast<DataChecksums>(in.U32());
  }
  return checkpoint;
}

ParameterChange ReadParameterChange(Fields& in) {
  ParameterChange change;
  change.limits.max_connections = in.Get<int32_t>();
  change.limits.max_worker_processes = in.Get<int32_t>();
  change.limits.max_wal_senders = in.Get<int32_t>();
  change.limits.max_prepared_transactions = in.Get<int32_t>();
  change.limits.max_locks_per_transaction = in.Get<int32_t>();
  change.wal_level = static_cast<WalLevel>(in.Get<int32_t>());
  return change;
}

std::optional<Event> ReadXlog(const WalRecord& record, Fields& in) {
  constexpr size_t kRestorePointNameSize = 64;
  switch (record.operation()) {
    case xlog::kCheckpointShutdown:
    case xlog::kCheckpointOnline:
      return ReadCheckpoint(record, in);
    case xlog::kSwitch:
      return SegmentSwitch{};
    case xlog::kBackupEnd:
      return BackupEnd{in.Position()};
    case xlog::kParameterChange:
      return ReadParameterChange(in);
    case xlog::kRestorePoint: {
      RestorePoint point;
      point.micros = in.Time();
      point.name = in.Text(kRestorePointNameSize);
      return point;
    }
    case xlog::kEndOfRecovery: {
      EndOfRecovery end;
      end.micros = in.Time();
      end.timeline = {in.U32()};
      end.previous_timeline = {in.U32()};
      return end;
    }
    case xlog::kOverwriteContrecord: {
      AbandonedRecord abandoned;
      abandoned.start = in.Position();
      abandoned.micros = in.Time();
      return abandoned;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Event> ReadStorage(const WalRecord& record, Fields& in) {
  if (record.operation() == smgr::kCreate) {
    RelationCreated created;
    created.relation = in.Relation();
    created.fork = static_cast<Fork>(in.U32());
    return created;
  }
  if (record.operation() != smgr::kTruncate) return std::nullopt;
  RelationTruncated truncated;
  truncated.blocks = in.U32();
  truncated.relation = in.Relation();
  const uint32_t flags = in.U32();
  truncated.heap = (flags & smgr::kHeap) != 0;
  truncated.visibility_map = (flags & smgr::kVisibilityMap) != 0;
  truncated.free_space_map = (flags & smgr::kFreeSpaceMap) != 0;
  return truncated;
}

std::optional<Event> ReadDatabase(const WalRecord& record, Fields& in) {
  switch (record.operation()) {
    case dbase::kCreateFileCopy:
    case dbase::kCreateWalLog: {
      DatabaseCreated created;
      created.copied = record.operation() == dbase::kCreateFileCopy;
      created.database = in.U32();
      created.tablespace = in.U32();
      if (created.copied) {
        created.source_database = in.U32();
        created.source_tablespace = in.U32();
      }
      return created;
    }
    case dbase::kDrop: {
      DatabaseDropped dropped;
      dropped.database = in.U32();
      for (size_t n = in.Count(sizeof(uint32_t)); n > 0; --n) dropped.tablespaces.push_back(in.U32());
      return dropped;
    }
    default:
      return std::nullopt;
  }
}

std::optional<Event> ReadStandby(const WalRecord& record, Fields& in) {
  constexpr size_t kLockBytes = 12;  // transaction, database, relation
  if (record.operation() != kStandbyLock) return std::nullopt;
  ExclusiveLocks locks;
  for (size_t n = in.Count(kLockBytes); n > 0; --n) {
    locks.xids.push_back(in.U32());
    in.Skip(kLockBytes - sizeof(uint32_t));
  }
  return locks;
}

std::optional<Event> ReadTablespace(const WalRecord& record, Fields& in) {
  constexpr size_t kMaxPathSize = 1024;
  if (record.operation() == tblspc::kCreate) {
    TablespaceCreated created;
    created.tablespace = in.U32();
    created.path = in.Text(kMaxPathSize);
    return created;
  }
  if (record.operation() == tblspc::kDrop) return TablespaceDropped{in.U32()};
  return std::nullopt;
}

}  // namespace

Result<std::optional<WalEvent>> DecodeWalEvent(const WalRecord& record) {
  Fields in(record.main_data);
  std::optional<Event> event;
  switch (record.rmgr) {
    case Rmgr::kXlog:
      event = ReadXlog(record, in);
      break;
    case Rmgr::kTransaction:
      event = ReadTransaction(record, in);
      break;
    case Rmgr::kStorage:
      event = ReadStorage(record, in);
      break;
    case Rmgr::kDatabase:
      event = ReadDatabase(record, in);
      break;
    case Rmgr::kTablespace:
      event = ReadTablespace(record, in);
      break;
    case Rmgr::kStandby:
      event = ReadStandby(record, in);
      break;
    case Rmgr::kHeap:
      if (const auto database = InvalidatedDatabase(record)) event = DatabaseInvalidated{*database};
      break;
    case Rmgr::kReplicationOrigin:
      if (record.operation() == kOriginDrop) event = OriginDropped{in.Get<uint16_t>()};
      break;
    case Rmgr::kXlog2:
      if (record.operation() == kXlog2Checksums) event = DataChecksumsChanged{static_cast<DataChecksums>(in.U32())};
      break;
    default:
      break;
  }
  if (!in.ok())
    return Status(Code::kCorruption, "WAL record at " + record.start.ToString() + " of resource manager " +
                                         std::string(RmgrName(record.rmgr)) + " is too short for what it says");
  if (!event) return std::optional<WalEvent>();
  return std::optional<WalEvent>(WalEvent{record.start, record.end, std::move(*event), record.xid});
}

}  // namespace pitr
