// What replay does besides changing pages, and where a plan stops because of it.
#include "core/restore/replay_effects.h"

#include <random>

#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/repo/archive/change_map_maker.h"
#include "core/repo/archive/wal_catalog.h"
#include "core/repo/layout.h"
#include "core/restore/prepared_fork.h"
#include "lib/repository_fixture.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr uint32_t kSegment = WalBuilder::kSegmentSize;
constexpr int64_t kDay = int64_t{1779440000} * 1000000;

class ReplayEffectsTest : public test::RepositoryTest {
 protected:
  ReplayEffectsTest() : repository_(MustOpenOrCreate(config_, {WalBuilder::kSystem, kSegment, 15})) {
    wal_.AddFiller(100);
    plan_.backup.cluster = {WalBuilder::kSystem, kSegment, 15};
    plan_.backup.timeline = plan_.backup.stop_timeline = Timeline{1};
    plan_.backup.start_lsn = plan_.backup.checkpoint_lsn = wal_.AddFiller(10);
    EndBackup();
  }
  void EndBackup() {
    wal_.AddFiller(20);
    plan_.backup.stop_lsn = wal_.at();
  }

  Lsn End(uint32_t xid, bool commit = true) {
    Bytes data;
    AppendLe(data, kDay + xid - kPgEpochMicros);
    return wal_.AddData(Rmgr::kTransaction, commit ? 0x00 : 0x20, data, xid);
  }
  static Bytes Words(std::initializer_list<uint32_t> words) {
    Bytes bytes;
    for (uint32_t word : words) AppendLe(bytes, word);
    return bytes;
  }
  static constexpr int64_t kPreparedMicros = 946684800000000;  // 2000-01-01, with which the server counts
  Lsn Prepare(uint32_t xid) {
    return wal_.AddData(Rmgr::kTransaction, 0x10, Words({0x57F94534, 80, xid, 5, 0, 0}), xid);
  }
  Lsn DropDatabase(uint32_t oid, uint32_t xid) {
    return wal_.AddData(Rmgr::kDatabase, 0x20, Words({oid, 1, 1663}), xid);
  }
  Lsn DropTablespace(uint32_t oid, uint32_t xid) { return wal_.AddData(Rmgr::kTablespace, 0x10, Words({oid}), xid); }
  Lsn MakeTablespace(uint32_t oid, std::string_view path, uint32_t xid) {
    Bytes data = Words({oid});
    data.insert(data.end(), path.begin(), path.end());
    data.push_back(0);
    return wal_.AddData(Rmgr::kTablespace, 0x00, data, xid);
  }
  Lsn Set(uint32_t connections, uint32_t locks, uint32_t wal_level = 1) {
    return wal_.AddData(Rmgr::kXlog, 0x60, Words({connections, 8, 10, 0, locks, wal_level, 0}));
  }
  // A change in place of a row of pg_database, with the row, or with an image of the page that holds it.
  Lsn MarkInvalid(uint32_t oid, bool image) {
    Bytes row(120);
    StoreLe(row.data(), oid);
    StoreLe(row.data() + 80, int32_t{-2});
    constexpr uint16_t kLower = 32, kUpper = 8000;
    Bytes page(8192);
    StoreLe(page.data() + 12, kLower);
    StoreLe(page.data() + 14, kUpper);
    StoreLe(page.data() + 28, (uint32_t{144} << 17) | (uint32_t{1} << 15) | kUpper);  // the second item
    page[kUpper + 22] = 24;
    std::copy(row.begin(), row.end(), page.begin() + kUpper + 24);
    page.erase(page.begin() + kLower, page.begin() + kUpper);
    Bytes body = {0, static_cast<uint8_t>(image ? 0x10 : 0x20)};
    AppendLe(body, image ? uint16_t{0} : static_cast<uint16_t>(row.size()));
    if (image) {
      AppendLe(body, static_cast<uint16_t>(page.size()));
      AppendLe(body, kLower);
      body.push_back(0x03);  // has a hole, is applied
    }
    for (uint32_t word : {1664u, 0u, 1262u, 0u}) AppendLe(body, word);
    body.insert(body.end(), {255, 4});
    const Bytes& data = image ? page : row;
    body.insert(body.end(), data.begin(), data.end());
    body.insert(body.end(), {2, 0, 0, 0});
    return wal_.Add(Rmgr::kHeap, 0x70, body);
  }
  Lsn ShutDownCheckpoint() { return wal_.AddData(Rmgr::kXlog, 0x00, Bytes(96)); }

  // Archives what was written and looks, with change maps of the segments or without.
  Result<SegmentNo> Find(TargetKind kind, Lsn stop, bool applied = false, bool maps = true) {
    wal_.Switch();
    const SegmentNo last{wal_.at().value / kSegment - 1};
    for (uint64_t no = 3; no <= last.value; ++no) {
      const std::string name = SegmentFileName(Timeline{1}, {no}, kSegment);
      const Status stored = repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), wal_.Segment({no}), ctx_);
      EXPECT_TRUE(stored.ok() || stored.code() == Code::kAlreadyExists) << stored.ToString();
      if (maps) { EXPECT_TRUE(MakeChangeMap(*repository_, name, "/nowhere", ctx_).ok()); }
    }
    auto archive = WalCatalog::Load(*repository_, ctx_);
    if (!archive.ok()) return archive.status();
    archive_ = archive.value();
    auto path = WalPath::Make(archive_, Timeline{1}, kSegment);
    if (!path.ok()) return path.status();
    plan_.target.kind = kind;
    plan_.stop.known = true;
    plan_.stop.lsn = stop;
    plan_.stop.applied = applied;
    plan_.stop.what = "commit";
    return FindReplayEffects(*repository_, path.value(), last, plan_, ctx_);
  }
  std::string Notes() const {
    std::string all;
    for (const std::string& note : plan_.notes) all += note + "\n";
    return all;
  }
  bool Moved() const { return plan_.server_target.has_value(); }

  std::unique_ptr<Repository> repository_;
  WalBuilder wal_;
  WalCatalog archive_;
  RestorePlan plan_;
};

// A recovery left timeline 1 with a transaction prepared in that segment.
TEST_F(ReplayEffectsTest, APreparedTransactionWhereATimelineWasLeft) {
  Timeline timeline{1};
  for (const bool ended : {false, true}) {
    for (const bool promoted : {false, true}) {
      SCOPED_TRACE(testing::Message() << ended << promoted);
      ++timeline.value;
      WalBuilder wal = wal_;
      wal.AddData(Rmgr::kTransaction, 0x10, Words({0x57F94534, 80, 77, 5, 0, 0}), 77);
      Bytes end;
      AppendLe(end, kDay - kPgEpochMicros);
      AppendLe<uint32_t>(end, 0x10);
      AppendLe<uint32_t>(end, 77);
      if (ended) wal.AddData(Rmgr::kTransaction, 0x30 | 0x80, end, 0);
      const Lsn fork = wal.at();
      wal.set_timeline(timeline.value);
      if (promoted) {
        wal.AddData(Rmgr::kXlog, 0x90, Bytes(16));
      } else {
        wal.AddData(Rmgr::kXlog, 0x00, Bytes(96));
      }
      const Lsn stop = wal.AddFiller(50);
      wal.Switch();
      const std::string history = "1\t" + fork.ToString() + "\tx\n";
      const SegmentNo segment = SegmentOf(fork, kSegment);
      const auto put = [&](const std::string& name, ByteView bytes) {
        return repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), bytes, ctx_).ok();
      };
      ASSERT_TRUE(put(HistoryFileName(timeline), AsBytes(history)));
      ASSERT_TRUE(put(SegmentFileName(timeline, segment, kSegment), wal.Segment(segment)));
      const WalCatalog archive = WalCatalog::Load(*repository_, ctx_).value();
      const WalPath path = WalPath::Make(archive, timeline, kSegment).value();
      const auto found = FindPreparedFork(*repository_, path, segment, stop, ctx_);
      ASSERT_TRUE(found.ok()) << test::TextOf(found);
      EXPECT_EQ(found.value().has_value(), !ended && !promoted);
      if (!found.value()) continue;
      EXPECT_EQ(found.value()->at, fork);
      EXPECT_EQ(found.value()->xid, 77U);
      EXPECT_FALSE(FindPreparedFork(*repository_, path, segment, fork, ctx_).value()) << "the stop is before it";
    }
  }
}

TEST_F(ReplayEffectsTest, JustBeforeADropItStopsAfterTheLastCommit) {
  const Lsn last = End(10);
  End(11, false);
  const Lsn dropped = DropDatabase(16400, 12);
  const Lsn commit = End(12);
  const auto found = Find(TargetKind::kTime, commit);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  ASSERT_TRUE(Moved());
  EXPECT_EQ(plan_.server_target->kind, TargetKind::kLsn);
  EXPECT_EQ(plan_.server_target->lsn, last);
  EXPECT_TRUE(plan_.server_target->inclusive);
  EXPECT_EQ(plan_.stop.lsn, last);
  EXPECT_TRUE(plan_.stop.applied);
  EXPECT_EQ(plan_.stop.xid, 10u);
  EXPECT_NE(Notes().find("DROP DATABASE (OID 16400) of transaction 12 at " + dropped.ToString()), std::string::npos)
      << Notes();
}

TEST_F(ReplayEffectsTest, ACommitInBetweenIsNotGivenUp) {
  End(10);
  const Lsn dropped = DropDatabase(16400, 12);
  End(11);
  const Lsn commit = End(12);
  ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
  EXPECT_FALSE(Moved());
  EXPECT_EQ(plan_.stop.lsn, commit);
  EXPECT_NE(Notes().find("Replay stops between DROP DATABASE (OID 16400) at " + dropped.ToString()), std::string::npos)
      << Notes();
}

TEST_F(ReplayEffectsTest, ASubscriptionKeepsItsPosition) {
  const Lsn last = End(10);
  Bytes origin;
  AppendLe<uint16_t>(origin, 3);
  wal_.AddData(Rmgr::kReplicationOrigin, 0x10, origin, 12);
  const Lsn commit = End(12);
  ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
  ASSERT_TRUE(Moved());
  EXPECT_EQ(plan_.server_target->lsn, last);
  EXPECT_NE(Notes().find("DROP of replication origin 3"), std::string::npos) << Notes();
}

TEST_F(ReplayEffectsTest, NeitherIsAPreparedTransaction) {
  End(10);
  const Lsn prepared = Prepare(20);
  DropTablespace(16500, 12);
  const Lsn commit = End(12);
  ASSERT_TRUE(Find(TargetKind::kXid, commit).ok());
  ASSERT_TRUE(Moved());
  EXPECT_EQ(plan_.server_target->lsn, prepared);
  EXPECT_EQ(plan_.stop.what, "preparation");
}

TEST_F(ReplayEffectsTest, AMovedDatabaseNeedsNoCommit) {
  End(10);
  DropDatabase(16400, 0);
  const Lsn commit = End(12);
  ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
  EXPECT_FALSE(Moved());
  EXPECT_EQ(Notes(), "");
}

TEST_F(ReplayEffectsTest, ARestorePointStays) {
  const Lsn last = End(10);
  DropDatabase(16400, 12);
  const Lsn point = wal_.AddFiller(80);
  End(12);
  ASSERT_TRUE(Find(TargetKind::kName, point, true).ok());
  EXPECT_FALSE(Moved());
  EXPECT_EQ(plan_.stop.lsn, point);
  EXPECT_NE(Notes().find("--target-lsn " + last.ToString()), std::string::npos) << Notes();
}

TEST_F(ReplayEffectsTest, APositionOnTheMarkOfAnInvalidDatabaseIsMoved) {
  const Lsn last = End(10);
  const Lsn marked = MarkInvalid(16400, false);
  DropDatabase(16400, 12);
  End(12);
  ASSERT_TRUE(Find(TargetKind::kLsn, marked, true).ok());
  ASSERT_TRUE(Moved()) << Notes();
  EXPECT_EQ(plan_.server_target->lsn, last);
}

TEST_F(ReplayEffectsTest, ADropIsNamedOnce) {
  End(10);
  MarkInvalid(16400, false);
  DropDatabase(16400, 12);
  ASSERT_TRUE(Find(TargetKind::kTime, End(12)).ok());
  ASSERT_TRUE(Moved()) << Notes();
  const std::string notes = Notes();
  const size_t first = notes.find("DROP DATABASE (OID 16400)");
  ASSERT_NE(first, std::string::npos) << notes;
  EXPECT_EQ(notes.find("DROP DATABASE (OID 16400)", first + 1), std::string::npos) << notes;
  EXPECT_NE(notes.find("only the OID is known"), std::string::npos) << notes;
}

TEST_F(ReplayEffectsTest, TheMarkIsSeenInAnImageOfItsPage) {
  const Lsn last = End(10);
  const Lsn marked = MarkInvalid(16400, true);
  ASSERT_TRUE(Find(TargetKind::kLsn, marked, true).ok());
  ASSERT_TRUE(Moved()) << Notes();
  EXPECT_EQ(plan_.server_target->lsn, last);
}

TEST_F(ReplayEffectsTest, ACommitBehindTheMarkIsNotGivenUp) {
  End(10);
  MarkInvalid(16400, false);
  const Lsn last = End(11);
  DropDatabase(16400, 12);
  const Lsn commit = End(12);
  ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
  ASSERT_TRUE(Moved()) << "its files can be kept";
  EXPECT_EQ(plan_.server_target->lsn, last);
  EXPECT_NE(Notes().find("UPDATE pg_database SET datconnlimit = -1 WHERE oid = 16400"), std::string::npos) << Notes();
}

TEST_F(ReplayEffectsTest, BeforeThePositionNothingIsWrong) {
  End(10);
  const Lsn dropped = DropDatabase(16400, 12);
  End(12);
  ASSERT_TRUE(Find(TargetKind::kLsn, dropped, false).ok());
  EXPECT_EQ(Notes(), "");
}

TEST_F(ReplayEffectsTest, WithoutACommitSinceTheBackupItStopsAtTheBackupsEnd) {
  wal_.AddFiller(200);
  const Lsn dropped = DropDatabase(16400, 12);
  const Lsn commit = End(12);
  ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
  ASSERT_TRUE(Moved());
  EXPECT_EQ(plan_.server_target->lsn, plan_.backup.stop_lsn);
  EXPECT_FALSE(plan_.server_target->inclusive);
  EXPECT_GE(plan_.stop.lsn, plan_.backup.stop_lsn);
  EXPECT_LT(plan_.stop.lsn, dropped);
}

TEST_F(ReplayEffectsTest, TheBackupMustBecomeConsistent) {
  DropDatabase(16400, 12);
  EndBackup();
  const Lsn commit = End(12);
  ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
  EXPECT_FALSE(Moved());
  EXPECT_NE(Notes().find("database 16400 will be listed and its files will be gone"), std::string::npos) << Notes();
}

TEST_F(ReplayEffectsTest, ADropThatDidNotCommitIsTold) {
  DropDatabase(16400, 12);
  End(12, false);
  DropDatabase(16401, 13);
  ShutDownCheckpoint();
  End(14);
  const Lsn commit = End(15);
  ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
  EXPECT_FALSE(Moved());
  EXPECT_NE(Notes().find("(OID 16400) acted"), std::string::npos) << Notes();
  EXPECT_NE(Notes().find("(OID 16401) acted"), std::string::npos) << Notes();
}

TEST_F(ReplayEffectsTest, NewTablespacesAndTheLargestSettings) {
  const Lsn made = MakeTablespace(16500, "/srv/a", 10);
  End(10);
  Set(200, 64);
  for (int i = 0; i < 300; i++) wal_.AddFiller(8000);  // segments without a word
  Set(150, 128);
  MakeTablespace(16501, "", 11);
  const Lsn commit = End(11);
  const Lsn stop = End(12);
  MakeTablespace(16502, "/srv/later", 13);
  Set(900, 64);
  End(13);
  ASSERT_GT(stop.value, commit.value);
  ASSERT_TRUE(Find(TargetKind::kTime, stop).ok());
  ASSERT_EQ(plan_.replay.tablespaces.size(), 2u);
  EXPECT_EQ(plan_.replay.tablespaces[0].path, "/srv/a");
  EXPECT_EQ(plan_.replay.tablespaces[0].at, made);
  EXPECT_EQ(plan_.replay.tablespaces[1].path, "");
  EXPECT_EQ(plan_.replay.limits, (RecoveryLimits{200, 8, 10, 0, 128}));
}

TEST_F(ReplayEffectsTest, ATablespaceThatIsBeingMadeIsNot) {
  const Lsn last = End(10);
  MakeTablespace(16500, "/srv/a", 11);
  const Lsn commit = End(11);
  ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
  ASSERT_TRUE(Moved());
  EXPECT_EQ(plan_.server_target->lsn, last);
  EXPECT_TRUE(plan_.replay.tablespaces.empty());
}

TEST_F(ReplayEffectsTest, APauseIsBeforeTheLockOfWhatComesNext) {
  for (const auto action : {TargetAction::kPause, TargetAction::kPromote}) {
    plan_.target.action = action;
    plan_.server_target.reset();
    End(9);
    wal_.AddData(Rmgr::kStandby, 0x00, Words({1, 11, 5, 16384}));
    End(11);
    wal_.AddData(Rmgr::kStandby, 0x00, Words({1, 12, 5, 16384}));
    const Lsn last = End(10);
    wal_.AddData(Rmgr::kStandby, 0x00, Words({2, 13, 5, 16384, 14, 5, 16385}));
    End(14, false);
    const Lsn commit = End(13);
    ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
    ASSERT_EQ(Moved(), action == TargetAction::kPause);
    if (Moved()) { EXPECT_EQ(plan_.server_target->lsn, last); }
  }
}

TEST_F(ReplayEffectsTest, WhatWasPreparedSinceIsNamedIfItIsThere) {
  End(9);
  const Lsn prepared = Prepare(10);
  const Lsn commit = End(11);
  plan_.stop.prepared_late = {{prepared, 10, kPreparedMicros}, {commit, 12, kPreparedMicros}};
  ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
  EXPECT_NE(Notes().find("Transaction 10, prepared after that time (2000-01-01"), std::string::npos) << Notes();
  EXPECT_EQ(Notes().find("Transaction 12"), std::string::npos) << "behind the stop";
}

// Its rows are nowhere to be seen, and its lock is.
TEST_F(ReplayEffectsTest, APauseIsBeforeWhatWasPreparedAfterTheTarget) {
  for (const bool earlier : {false, true}) {
    plan_.target.action = TargetAction::kPause;
    plan_.server_target.reset();
    plan_.target.time_micros = kPreparedMicros - (earlier ? 0 : 1);
    const Lsn last = End(9);
    wal_.AddData(Rmgr::kStandby, 0x00, Words({1, 10, 5, 16384}));
    const Lsn prepared = Prepare(10);
    if (earlier) wal_.AddData(Rmgr::kStandby, 0x00, Words({1, 11, 5, 16385}));
    const Lsn commit = End(11);
    plan_.stop.prepared_late.clear();
    if (!earlier) plan_.stop.prepared_late = {{prepared, 10, kPreparedMicros}};
    plan_.notes.clear();
    ASSERT_TRUE(Find(TargetKind::kTime, commit).ok());
    ASSERT_TRUE(Moved());
    EXPECT_EQ(Notes().find("will be there as prepared"), std::string::npos) << Notes();
    EXPECT_EQ(plan_.server_target->lsn, earlier ? prepared : last);
    EXPECT_EQ(plan_.stop.what, earlier ? "preparation" : "commit");
    if (earlier) { EXPECT_EQ(plan_.stop.time_micros, kPreparedMicros); }
  }
}

TEST_F(ReplayEffectsTest, MinimalWalIsTheEnd) {
  End(10);
  Set(100, 64, 0);
  const Lsn stop = End(11);
  const auto found = Find(TargetKind::kTime, stop);
  EXPECT_EQ(found.code(), Code::kNotFound);
  EXPECT_NE(found.status().detail().find("minimal"), std::string::npos);
}

class ReplayEffectsStory : public ReplayEffectsTest, public testing::WithParamInterface<uint32_t> {};
INSTANTIATE_TEST_SUITE_P(Random, ReplayEffectsStory, testing::Range(1u, 61u));

// The stop that is chosen has what the target asks for, and no half of a drop where that can be had.
TEST_P(ReplayEffectsStory, TheStopHasWhatWasAskedFor) {
  std::mt19937 random(GetParam());
  std::vector<Lsn> lasting;               // commits and preparations
  std::map<uint32_t, Lsn> acting, ended;  // by transaction
  uint32_t xid = 100;
  for (int step = 0; step < 25; step++) {
    const uint32_t dice = random() % 10;
    if (dice < 4) {
      lasting.push_back(End(xid++));
    } else if (dice < 5) {
      lasting.push_back(Prepare(xid++));
    } else if (dice < 7) {
      acting[xid] = DropDatabase(20000 + xid, xid);
      xid++;
    } else if (dice < 9 && acting.size() > ended.size()) {
      for (const auto& [of, at] : acting) {
        if (ended.contains(of)) continue;
        lasting.push_back(ended[of] = End(of));
        break;
      }
    } else {
      wal_.AddFiller(random() % 60000);
    }
  }
  const Lsn stop = End(xid);
  ASSERT_TRUE(Find(TargetKind::kTime, stop, false, random() % 2 == 0).ok());
  const auto is_in = [&](Lsn at) { return at < plan_.stop.lsn || (at == plan_.stop.lsn && plan_.stop.applied); };
  for (const Lsn at : lasting) EXPECT_TRUE(is_in(at)) << at.ToString() << " was given up";
  for (const auto& [of, at] : acting) {
    if (!is_in(at) || ended.contains(of)) continue;
    EXPECT_LT(at, lasting.empty() ? Lsn{0} : lasting.back()) << at.ToString() << " could have been avoided";
    EXPECT_NE(Notes().find("at " + at.ToString() + ", which acts at once"), std::string::npos) << Notes();
  }
}

}  // namespace
}  // namespace pitr
