#include "core/pg/wal_event.h"

#include <gtest/gtest.h>

#include "core/pg/recovery_target.h"
#include "core/pg/timestamp.h"

namespace pitr {
namespace {

constexpr int64_t kEventNoon = INT64_C(1795435200000000);  // 2026-11-23 12:00 UTC
constexpr int64_t kPgNoon = kEventNoon - kPgEpochMicros;

// Main data, built field by field.
struct Data : Bytes {
  Data& U32(uint32_t value) {
    AppendLe(*this, value);
    return *this;
  }
  Data& U64(uint64_t value) {
    AppendLe(*this, value);
    return *this;
  }
  Data& Text(std::string_view text) {
    insert(end(), text.begin(), text.end());
    push_back(0);
    return *this;
  }
  Data& Zeroes(size_t n) {
    insert(end(), n, 0);
    return *this;
  }
};

Result<std::optional<WalEvent>> Decode(Rmgr rmgr, uint8_t info, const Bytes& data, int major = 15, uint32_t xid = 700) {
  WalRecord record;
  record.pg_major = major;
  record.rmgr = rmgr;
  record.info = info;
  record.xid = xid;
  record.start = {0x1000};
  record.end = {0x1100};
  record.main_data = data;
  return DecodeWalEvent(record);
}

template <class T>
T Expect(Rmgr rmgr, uint8_t info, const Bytes& data, int major = 15) {
  const auto event = Decode(rmgr, info, data, major);
  EXPECT_TRUE(event.ok()) << event.status().ToString();
  if (!event.ok() || !event.value() || !std::holds_alternative<T>(event.value()->what)) {
    ADD_FAILURE() << "no such event";
    return {};
  }
  EXPECT_EQ(event.value()->start, (Lsn{0x1000}));
  EXPECT_EQ(event.value()->end, (Lsn{0x1100}));
  return std::get<T>(event.value()->what);
}

// Any shorter record of the same kind is refused.
void ExpectEveryCutIsRefused(Rmgr rmgr, uint8_t info, const Bytes& data, int major = 15) {
  for (size_t size = 0; size < data.size(); ++size)
    EXPECT_EQ(Decode(rmgr, info, Bytes(data.begin(), data.begin() + static_cast<ptrdiff_t>(size)), major).code(),
              Code::kCorruption)
        << size;
}

TEST(WalEvent, PlainCommitAndAbort) {
  const Data data = Data().U64(kPgNoon);
  const auto commit = Expect<TransactionEnd>(Rmgr::kTransaction, 0x00, data);
  EXPECT_TRUE(commit.committed);
  EXPECT_FALSE(commit.prepared);
  EXPECT_EQ(commit.xid, 700u);
  EXPECT_EQ(commit.micros, kEventNoon);
  EXPECT_FALSE(Expect<TransactionEnd>(Rmgr::kTransaction, 0x20, data).committed);
  ExpectEveryCutIsRefused(Rmgr::kTransaction, 0x00, data);
}

TEST(WalEvent, CommitPreparedWithEverything) {
  for (int major : {15, 17, 18, 19}) {
    Data data = Data().U64(kPgNoon).U32(1 | 2 | 4 | 8 | 16 | 128 | 256);
    data.U32(5).U32(1663);                            // database, tablespace
    data.U32(2).U32(701).U32(702);                    // subtransactions
    data.U32(1).U32(1663).U32(5).U32(16400);          // dropped relations
    data.U32(2).Zeroes(2 * (major >= 18 ? 16 : 12));  // dropped statistics
    data.U32(3).Zeroes(3 * 16);                       // invalidations
    data.U32(699).Text("gid one");                    // prepared transaction
    const auto end = Expect<TransactionEnd>(Rmgr::kTransaction, 0x30 | 0x80, data, major);
    EXPECT_TRUE(end.committed);
    EXPECT_TRUE(end.prepared);
    EXPECT_EQ(end.xid, 699u);
    EXPECT_EQ(end.gid, "gid one");
    EXPECT_EQ(end.database, 5u);
    EXPECT_EQ(end.subtransactions, (std::vector<uint32_t>{701, 702}));
    EXPECT_EQ(end.dropped, (std::vector<RelationLocator>{{1663, 5, 16400}}));
    ExpectEveryCutIsRefused(Rmgr::kTransaction, 0x30 | 0x80, data, major);
  }
}

TEST(WalEvent, HugeCountsAreRefusedAtOnce) {
  const Data data = Data().U64(kPgNoon).U32(2).U32(0xFFFFFFFF).Zeroes(64);
  EXPECT_EQ(Decode(Rmgr::kTransaction, 0x80, data).code(), Code::kCorruption);
}

TEST(WalEvent, OtherTransactionRecordsAreNone) {
  for (uint8_t info : {0x50, 0x60}) EXPECT_FALSE(Decode(Rmgr::kTransaction, info, Data().U64(1)).value()) << int{info};
}

TEST(WalEvent, RestorePoint) {
  Data data = Data().U64(kPgNoon).Text("before the accident");
  const auto point = Expect<RestorePoint>(Rmgr::kXlog, 0x70, data);
  EXPECT_EQ(point.name, "before the accident");
  EXPECT_EQ(point.micros, kEventNoon);
  EXPECT_EQ(Decode(Rmgr::kXlog, 0x70, Data().U64(0).Text(std::string(64, 'x'))).code(), Code::kCorruption);
}

TEST(WalEvent, Checkpoint) {
  constexpr uint64_t kNextXid = (uint64_t{7} << 32) + 750;
  const Data data15 =
      Data().U64(0xABC).U32(3).U32(2).Zeroes(8).U64(kNextXid).Zeroes(32).U64(kEventNoon / 1000000).Zeroes(16);
  const auto checkpoint = Expect<Checkpoint>(Rmgr::kXlog, 0x00, data15);
  EXPECT_TRUE(checkpoint.shutdown);
  EXPECT_EQ(checkpoint.redo, (Lsn{0xABC}));
  EXPECT_EQ(checkpoint.timeline, (Timeline{3}));
  EXPECT_EQ(checkpoint.previous_timeline, (Timeline{2}));
  EXPECT_EQ(checkpoint.next_xid, kNextXid);
  EXPECT_EQ(checkpoint.micros, kEventNoon);
  EXPECT_FALSE(checkpoint.data_checksums);
  EXPECT_FALSE(Expect<Checkpoint>(Rmgr::kXlog, 0x10, data15).shutdown);
  const Data data19 =
      Data().U64(0xABC).U32(3).U32(3).Zeroes(16).U64(kNextXid).Zeroes(32).U64(kEventNoon / 1000000).Zeroes(12).U32(1);
  const auto newer = Expect<Checkpoint>(Rmgr::kXlog, 0x10, data19, 19);
  EXPECT_EQ(newer.next_xid, kNextXid);
  EXPECT_EQ(newer.micros, kEventNoon);
  EXPECT_EQ(newer.data_checksums, DataChecksums::kOn);
}

TEST(WalEvent, RestOfXlog) {
  const auto recovered = Expect<EndOfRecovery>(Rmgr::kXlog, 0x90, Data().U64(kPgNoon).U32(4).U32(3));
  EXPECT_EQ(recovered.timeline, (Timeline{4}));
  EXPECT_EQ(recovered.previous_timeline, (Timeline{3}));
  EXPECT_EQ(recovered.micros, kEventNoon);
  EXPECT_EQ(Expect<BackupEnd>(Rmgr::kXlog, 0x50, Data().U64(0x2000028)).start, (Lsn{0x2000028}));
  Expect<SegmentSwitch>(Rmgr::kXlog, 0x40, {});
  const auto change =
      Expect<ParameterChange>(Rmgr::kXlog, 0x60, Data().U32(100).U32(8).U32(10).U32(2).U32(64).U32(1).Zeroes(4));
  EXPECT_EQ(change.limits, (RecoveryLimits{100, 8, 10, 2, 64}));
  EXPECT_EQ(change.wal_level, WalLevel::kReplica);
  EXPECT_EQ(Expect<DataChecksumsChanged>(Rmgr::kXlog2, 0x00, Data().U32(3), 19).state, DataChecksums::kTurningOn);
  EXPECT_FALSE(Decode(Rmgr::kXlog, 0xA0, {}).value());
}

TEST(WalEvent, RelationsAndDatabases) {
  const auto created = Expect<RelationCreated>(Rmgr::kStorage, 0x10, Data().U32(1663).U32(5).U32(16400).U32(3));
  EXPECT_EQ(created.relation, (RelationLocator{1663, 5, 16400}));
  EXPECT_EQ(created.fork, Fork::kInit);
  const auto truncated =
      Expect<RelationTruncated>(Rmgr::kStorage, 0x20, Data().U32(9).U32(1663).U32(5).U32(16400).U32(5));
  EXPECT_EQ(truncated.blocks, 9u);
  EXPECT_TRUE(truncated.heap);
  EXPECT_FALSE(truncated.visibility_map);
  EXPECT_TRUE(truncated.free_space_map);
  const auto copied = Expect<DatabaseCreated>(Rmgr::kDatabase, 0x00, Data().U32(20).U32(1663).U32(4).U32(1664));
  EXPECT_TRUE(copied.copied);
  EXPECT_EQ(copied.source_database, 4u);
  const auto logged = Expect<DatabaseCreated>(Rmgr::kDatabase, 0x10, Data().U32(20).U32(1663));
  EXPECT_FALSE(logged.copied);
  EXPECT_EQ(logged.database, 20u);
  const Data drop = Data().U32(20).U32(2).U32(1663).U32(16400);
  EXPECT_EQ(Expect<DatabaseDropped>(Rmgr::kDatabase, 0x20, drop).tablespaces, (std::vector<uint32_t>{1663, 16400}));
  ExpectEveryCutIsRefused(Rmgr::kDatabase, 0x20, drop);
  EXPECT_EQ(Expect<TablespaceCreated>(Rmgr::kTablespace, 0x00, Data().U32(16400).Text("/srv/x")).path, "/srv/x");
  EXPECT_EQ(Expect<TablespaceDropped>(Rmgr::kTablespace, 0x10, Data().U32(16400)).tablespace, 16400u);
}

WalEvent Commit(uint32_t xid, int64_t micros, bool committed = true) {
  TransactionEnd end;
  end.committed = committed;
  end.xid = xid;
  end.micros = micros;
  return {{0x1000}, {0x1100}, end};
}

TEST(RecoveryTargets, Time) {
  StopTarget target;
  target.kind = StopTarget::Kind::kTime;
  target.micros = 100;
  const WalEvent before = Commit(1, 99), at = Commit(2, 100), after = Commit(3, 101),
                 rolled_back = Commit(4, 101, false);
  EXPECT_EQ(DecideStop(target, {1}, &before), StopDecision::kGoOn);
  EXPECT_EQ(DecideStop(target, {1}, &at), StopDecision::kGoOn);
  EXPECT_EQ(DecideStop(target, {1}, &after), StopDecision::kStopBefore);
  EXPECT_EQ(DecideStop(target, {1}, &rolled_back), StopDecision::kStopBefore);
  target.inclusive = false;
  EXPECT_EQ(DecideStop(target, {1}, &before), StopDecision::kGoOn);
  EXPECT_EQ(DecideStop(target, {1}, &at), StopDecision::kStopBefore);
  const WalEvent point{{1}, {2}, RestorePoint{"x", 500}};
  EXPECT_EQ(DecideStop(target, {1}, &point), StopDecision::kGoOn);  // only transactions count
  EXPECT_EQ(DecideStop(target, {1}, nullptr), StopDecision::kGoOn);
}

TEST(RecoveryTargets, XidNameAndLsn) {
  StopTarget target;
  target.kind = StopTarget::Kind::kXid;
  target.xid = 7;
  const WalEvent seven = Commit(7, 1), eight = Commit(8, 1), seven_aborts = Commit(7, 1, false);
  EXPECT_EQ(DecideStop(target, {1}, &seven), StopDecision::kStopAfter);
  EXPECT_EQ(DecideStop(target, {1}, &seven_aborts), StopDecision::kStopAfter);
  EXPECT_EQ(DecideStop(target, {1}, &eight), StopDecision::kGoOn);
  target.inclusive = false;
  EXPECT_EQ(DecideStop(target, {1}, &seven), StopDecision::kStopBefore);

  target.kind = StopTarget::Kind::kName;
  target.name = "here";
  const WalEvent here{{1}, {2}, RestorePoint{"here", 1}}, there{{1}, {2}, RestorePoint{"there", 1}};
  EXPECT_EQ(DecideStop(target, {1}, &here), StopDecision::kStopAfter);  // also when exclusive
  EXPECT_EQ(DecideStop(target, {1}, &there), StopDecision::kGoOn);

  target.kind = StopTarget::Kind::kLsn;
  target.lsn = {100};
  EXPECT_EQ(DecideStop(target, {99}, nullptr), StopDecision::kGoOn);
  EXPECT_EQ(DecideStop(target, {100}, nullptr), StopDecision::kStopBefore);
  target.inclusive = true;
  EXPECT_EQ(DecideStop(target, {101}, nullptr), StopDecision::kStopAfter);

  target.kind = StopTarget::Kind::kLatest;
  EXPECT_EQ(DecideStop(target, {101}, &seven), StopDecision::kGoOn);
}

}  // namespace
}  // namespace pitr
