// Starts no thread.
#include "core/restore/plan_target.h"

#include <cstdio>
#include <random>

#include "core/pg/recovery_target.h"
#include "core/pg/timestamp.h"
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "lib/repository_fixture.h"
#include "lib/rounds.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr int64_t kDay = int64_t{1779440000} * 1000000;
constexpr int64_t kSecond = 1000000;
constexpr uint32_t kSegment = WalBuilder::kSegmentSize;

class PlanTargetTest : public test::RepositoryTest {
 protected:
  PlanTargetTest() : repository_(MustOpenOrCreate(config_, {WalBuilder::kSystem, kSegment, 15})) {}

  Lsn End(uint32_t xid, int64_t micros, bool commit = true) {
    Bytes data;
    AppendLe(data, micros - kPgEpochMicros);
    const Lsn at = wal_.AddData(Rmgr::kTransaction, commit ? 0x00 : 0x20, data, xid);
    marks_.push_back({commit ? WalMark::Kind::kCommit : WalMark::Kind::kAbort, at, {}, xid, micros, ""});
    return at;
  }
  Lsn Point(const std::string& name, int64_t micros) {
    Bytes data;
    AppendLe(data, micros - kPgEpochMicros);
    data.insert(data.end(), name.begin(), name.end());
    data.resize(8 + 64);
    const Lsn at = wal_.AddData(Rmgr::kXlog, 0x70, data);
    marks_.push_back({WalMark::Kind::kRestorePoint, at, {}, 0, micros, name});
    return at;
  }
  Lsn Checkpoint(int64_t micros, uint64_t next_xid = 0) {
    Bytes data;
    AppendLe(data, wal_.at().value);
    AppendLe<uint32_t>(data, 1);
    AppendLe<uint32_t>(data, 1);
    data.resize(data.size() + 8);
    AppendLe(data, next_xid);
    data.resize(data.size() + 32);
    AppendLe<int64_t>(data, micros / kSecond);
    data.resize(88);
    return wal_.AddData(Rmgr::kXlog, 0x10, data);
  }
  // A backup that starts here and ends after `during` has been written.
  void Backup(
      const std::string& label, int64_t start_micros, const std::function<void()>& during = [] {}) {
    BackupManifest backup;
    backup.label = label;
    backup.cluster = {WalBuilder::kSystem, kSegment, 15};
    backup.timeline = backup.stop_timeline = Timeline{1};
    wal_.AddFiller(100);
    backup.start_lsn = backup.checkpoint_lsn = wal_.AddFiller(10);
    backup.start_micros = start_micros;
    during();
    wal_.AddFiller(20);
    backup.stop_lsn = wal_.at();
    backup.stop_micros = start_micros + kSecond;
    catalog_.backups.push_back(backup);
  }
  // Archives every whole segment written so far.
  void Archive() {
    wal_.Switch();
    for (uint64_t no = 3; no * kSegment < wal_.at().value; ++no) Push(SegmentNo{no});
  }
  void Push(SegmentNo no) {
    const std::string key = layout::WalKey(SegmentFileName(Timeline{1}, no, kSegment));
    const Status stored = repository_->CreateObject(ObjectKind::kWal, key, wal_.Segment(no), ctx_);
    ASSERT_TRUE(stored.ok() || stored.code() == Code::kAlreadyExists) << stored.ToString();
  }
  Result<Resolution> Find(const RecoveryTarget& target, const std::string& label = "", uint32_t timeline = 1) {
    auto archive = WalCatalog::Load(*repository_, ctx_);
    if (!archive.ok()) return archive.status();
    archive_ = archive.value();
    auto path = WalPath::Make(archive_, Timeline{timeline}, kSegment);
    if (!path.ok()) return path.status();
    auto candidates = FindCandidates(catalog_, path.value(), label);
    if (!candidates.ok()) return candidates.status();
    candidates_ = candidates.value();
    for (Candidate& each : candidates_)
      if (each.backup->label == damaged_) each.damage = "a pack is missing";
    return FindSoundFirst(*repository_, path.value(), candidates_, target, ctx_);
  }
  static RecoveryTarget Time(int64_t micros, bool inclusive = true) {
    RecoveryTarget target;
    target.kind = TargetKind::kTime;
    target.time_micros = micros;
    target.inclusive = inclusive;
    return target;
  }
  static RecoveryTarget Xid(uint32_t xid, bool inclusive = true) {
    RecoveryTarget target;
    target.kind = TargetKind::kXid;
    target.xid = xid;
    target.inclusive = inclusive;
    return target;
  }
  static RecoveryTarget Name(const std::string& name) {
    RecoveryTarget target;
    target.kind = TargetKind::kName;
    target.name = name;
    return target;
  }
  static RecoveryTarget Position(Lsn lsn, bool inclusive = true) {
    RecoveryTarget target;
    target.kind = TargetKind::kLsn;
    target.lsn = lsn;
    target.inclusive = inclusive;
    return target;
  }
  // What the server would do from `backup`, by the comparison it makes with each record in order.
  const WalMark* Oracle(const BackupManifest& backup, const RecoveryTarget& target) {
    StopTarget stop;
    stop.kind = StopTarget::Kind::kTime;
    stop.micros = target.time_micros;
    stop.inclusive = target.inclusive;
    for (const WalMark& mark : marks_) {
      if (mark.start < backup.start_lsn || mark.kind == WalMark::Kind::kRestorePoint) continue;
      WalEvent event;
      event.what = TransactionEnd{.committed = true, .xid = mark.xid, .micros = mark.micros};
      if (DecideStop(stop, mark.start, &event) != StopDecision::kGoOn) return &mark;
    }
    return nullptr;
  }

  std::unique_ptr<Repository> repository_;
  WalBuilder wal_;
  std::vector<WalMark> marks_;
  BackupCatalog catalog_;
  WalCatalog archive_;
  std::vector<Candidate> candidates_;
  std::string damaged_;  // the label of a backup
};

// A recovery to the end of a backup has just opened.
TEST_F(PlanTargetTest, ATimelineOfWhichNothingIsArchivedSaysWhatToDo) {
  Backup("b", kDay);
  const Lsn fork = catalog_.backups[0].stop_lsn;
  Archive();
  const std::string history = "1\t" + fork.ToString() + "\treached consistency\n";
  ASSERT_TRUE(
      repository_->CreateObject(ObjectKind::kWal, layout::WalKey("00000002.history"), AsBytes(history), ctx_).ok());
  const auto found = Find({}, "", 2);
  ASSERT_EQ(found.code(), Code::kNotFound);
  EXPECT_NE(found.status().hint().find("pg_switch_wal()"), std::string::npos) << found.status().ToString();
  EXPECT_NE(found.status().hint().find("--target-timeline 1 --target-immediate"), std::string::npos);
}

TEST_F(PlanTargetTest, TimeStopsBeforeTheFirstLaterTransaction) {
  Backup("first", kDay);
  End(10, kDay + 10 * kSecond);
  const Lsn abort = End(11, kDay + 20 * kSecond, /*commit=*/false);
  Point("ignored", kDay + 25 * kSecond);
  const Lsn commit = End(12, kDay + 30 * kSecond);
  Archive();
  auto found = Find(Time(kDay + 15 * kSecond));
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(found.value().stop.lsn, abort) << "rollbacks count";
  EXPECT_EQ(found.value().stop.what, "abort");
  EXPECT_FALSE(found.value().stop.applied);
  EXPECT_EQ(found.value().stop.last_commit_xid, 10U);
  // Inclusive keeps what happened in that very microsecond, exclusive does not.
  EXPECT_EQ(Find(Time(kDay + 20 * kSecond)).value().stop.lsn, commit);
  EXPECT_EQ(Find(Time(kDay + 20 * kSecond, false)).value().stop.lsn, abort);
}

TEST_F(PlanTargetTest, ATimeAfterTheLastTransactionCannotBeReached) {
  Backup("first", kDay);
  End(10, kDay + 10 * kSecond);
  Archive();
  auto found = Find(Time(kDay + 10 * kSecond));
  ASSERT_EQ(found.code(), Code::kNotFound);
  EXPECT_NE(found.status().hint().find("--target-latest"), std::string::npos);
  EXPECT_NE(found.status().detail().find("transaction 10"), std::string::npos) << found.status().detail();
  EXPECT_TRUE(Find(Time(kDay + 10 * kSecond, false)).ok());
}

TEST_F(PlanTargetTest, ATimeOfAQuietDatabaseIsTheEndOfTheArchive) {
  Backup("first", kDay);
  End(10, kDay + 10 * kSecond);
  const Lsn checkpoint = Checkpoint(kDay + 60 * kSecond);
  Archive();
  auto found = Find(Time(kDay + 30 * kSecond));
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(found.value().stop.lsn, checkpoint);
  EXPECT_TRUE(found.value().stop.applied);
  EXPECT_EQ(found.value().stop.last_commit_xid, 10U);
  ASSERT_TRUE(found.value().server_target.has_value()) << "the server accepts no time after the last transaction";
  EXPECT_EQ(found.value().server_target->kind, TargetKind::kLsn);
  EXPECT_EQ(found.value().server_target->lsn, checkpoint);
  EXPECT_TRUE(found.value().server_target->inclusive);
  ASSERT_EQ(found.value().notes.size(), 1U);
  EXPECT_NE(found.value().notes[0].find("are the same"), std::string::npos) << found.value().notes[0];
  // Nothing is known of what was after the checkpoint began.
  EXPECT_EQ(Find(Time(kDay + 61 * kSecond)).code(), Code::kNotFound);
  // A transaction that ended later is where the server stops by itself.
  End(11, kDay + 100 * kSecond);
  Archive();
  found = Find(Time(kDay + 30 * kSecond));
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_FALSE(found.value().server_target.has_value());
  EXPECT_EQ(found.value().stop.xid, 11U);
}

// It is replayed, because it comes before the record at which the server stops.
TEST_F(PlanTargetTest, WhatWasPreparedAfterTheTimeIsThere) {
  const auto prepare = [&](uint32_t xid, int64_t micros) {
    Bytes data(8);
    AppendLe(data, xid);
    AppendLe<uint32_t>(data, 5);
    AppendLe(data, micros - kPgEpochMicros);
    data.resize(72);
    wal_.AddData(Rmgr::kTransaction, 0x10, data, xid);
  };
  Backup("first", kDay);
  End(10, kDay + 10 * kSecond);
  prepare(11, kDay + 12 * kSecond);
  prepare(12, kDay + 20 * kSecond);
  wal_.AddFiller(kSegment);
  prepare(13, kDay + 25 * kSecond);
  Checkpoint(kDay + 30 * kSecond);
  wal_.AddFiller(100);
  Archive();
  const auto named = [&](const RecoveryTarget& target, const std::string& xid) {
    auto found = Find(target);
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    for (const PreparedLate& late : found.value().stop.prepared_late)
      if (std::to_string(late.xid) == xid) return true;
    return false;
  };
  const RecoveryTarget quiet = Time(kDay + 15 * kSecond);
  EXPECT_FALSE(named(quiet, "11")) << "before that time";
  EXPECT_TRUE(named(quiet, "12"));
  EXPECT_TRUE(named(quiet, "13"));
  End(14, kDay + 40 * kSecond);
  prepare(15, kDay + 41 * kSecond);
  Archive();
  EXPECT_TRUE(named(quiet, "13")) << "a transaction that ended later is the stop";
  EXPECT_FALSE(named(quiet, "15")) << "behind the stop";
  EXPECT_FALSE(named(Xid(14), "13")) << "nobody asked for a time";
}

TEST_F(PlanTargetTest, ABackupThatEndsAfterTheStopIsNotUsed) {
  Backup("old", kDay);
  End(10, kDay + 10 * kSecond);
  Lsn inside;
  Backup("new", kDay + 20 * kSecond, [&] { inside = End(11, kDay + 30 * kSecond); });
  End(12, kDay + 40 * kSecond);
  Archive();
  // The server would stop inside the newer backup and refuse: not consistent.
  auto found = Find(Time(kDay + 25 * kSecond));
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(found.value().from->backup->label, "old");
  EXPECT_EQ(found.value().stop.lsn, inside);
  EXPECT_EQ(Find(Time(kDay + 35 * kSecond)).value().from->backup->label, "new");
  // Asked for by name it is refused rather than planned into an error.
  EXPECT_EQ(Find(Time(kDay + 25 * kSecond), "new").code(), Code::kNotFound);
  // Earlier than everything.
  auto early = Find(Time(kDay - kSecond));
  ASSERT_EQ(early.code(), Code::kNotFound);
  EXPECT_NE(early.status().detail().find("end of backup old"), std::string::npos) << early.status().detail();
}

TEST_F(PlanTargetTest, WhatWasCommittedBeforeABackupBeganIsInIt) {
  Backup("old", kDay);
  End(10, kDay + 10 * kSecond);
  Backup("new", kDay + 60 * kSecond);
  End(12, kDay + 90 * kSecond);
  Archive();
  // No transaction ended during the newer backup, so the server would accept it; but it holds what came after the time.
  EXPECT_EQ(Find(Time(kDay + 5 * kSecond)).value().from->backup->label, "old");
}

TEST_F(PlanTargetTest, WhatWasCommittedWhileABackupWaitedToBeginIsInIt) {
  Backup("old", kDay);
  End(10, kDay + 10 * kSecond);
  const Lsn dropped = End(11, kDay + 70 * kSecond);
  Backup("new", kDay + 60 * kSecond);  // it looked at the clock and then waited for a checkpoint
  catalog_.backups.back().stop_micros = kDay + 80 * kSecond;
  End(12, kDay + 90 * kSecond);
  Backup("newest", kDay + 100 * kSecond, [&] { End(13, kDay + 110 * kSecond); });
  catalog_.backups.back().stop_micros = kDay + 130 * kSecond;
  End(14, kDay + 140 * kSecond);
  Archive();
  auto found = Find(Time(kDay + 65 * kSecond));
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(found.value().from->backup->label, "old");
  EXPECT_EQ(found.value().stop.lsn, dropped);
  EXPECT_EQ(Find(Time(kDay + 65 * kSecond), "new").code(), Code::kNotFound);
  EXPECT_EQ(Find(Time(kDay + 85 * kSecond)).value().from->backup->label, "new");
  // A transaction that ended while it was taken shows that what came before its start is older than the time.
  EXPECT_EQ(Find(Time(kDay + 120 * kSecond)).value().from->backup->label, "newest");
}

TEST_F(PlanTargetTest, AnUndamagedBackupIsTakenWhereItLeadsAsFar) {
  Backup("good", kDay);
  End(10, kDay + 10 * kSecond);
  Backup("flawed", kDay + 20 * kSecond);
  catalog_.backups.back().page_errors = {{"base/5/16384", 3}};
  End(12, kDay + 40 * kSecond);
  End(13, kDay + 50 * kSecond);
  Archive();
  RecoveryTarget latest;
  latest.kind = TargetKind::kLatest;
  for (const RecoveryTarget& target : {Time(kDay + 45 * kSecond), Xid(12), latest})
    EXPECT_EQ(Find(target).value().from->backup->label, "good");
  EXPECT_EQ(Find(latest, "flawed").value().from->backup->label, "flawed") << "it can be asked for";
  catalog_.backups.front().page_errors = {{"base/5/16384", 3}};
  EXPECT_EQ(Find(latest).value().from->backup->label, "flawed") << "the newest, when none is better";
  for (BackupManifest& backup : catalog_.backups) backup.page_errors.clear();
  damaged_ = "flawed";  // as a verification has found
  EXPECT_EQ(Find(latest).value().from->backup->label, "good");
}

TEST_F(PlanTargetTest, AClockThatWasSetBackIsSaid) {
  Backup("ahead", kDay + 7200 * kSecond);
  End(10, kDay + 7300 * kSecond);
  const Lsn second = End(11, kDay + 7400 * kSecond);
  wal_.Switch();  // as each backup begins
  Backup("back", kDay);
  End(12, kDay + 10 * kSecond);
  Archive();
  const std::string refused = Find(Time(kDay + 7350 * kSecond)).status().ToString();
  EXPECT_NE(refused.find("the clock was set back"), std::string::npos) << refused;
  EXPECT_NE(refused.find("--backup ahead"), std::string::npos) << refused;
  EXPECT_EQ(Find(Time(kDay + 7350 * kSecond), "ahead").value().stop.lsn, second);
  EXPECT_EQ(Find(Time(kDay + 9000 * kSecond)).status().message().find("clock"), std::string::npos);
}

TEST_F(PlanTargetTest, ADamagedBackupIsTakenWhereNoOtherLeads) {
  Backup("good", kDay);
  wal_.Switch();
  const Lsn missing = End(10, kDay + 10 * kSecond);
  wal_.Switch();
  Backup("flawed", kDay + 20 * kSecond);
  catalog_.backups.back().page_errors = {{"base/5/16384", 3}};
  const Lsn last = End(12, kDay + 40 * kSecond);
  wal_.Switch();
  for (uint64_t no = 3; no * kSegment < wal_.at().value; ++no)
    if (SegmentNo{no} != SegmentOf(missing, kSegment)) Push(SegmentNo{no});
  RecoveryTarget latest;
  latest.kind = TargetKind::kLatest;
  auto found = Find(latest);
  ASSERT_TRUE(found.ok()) << found.status().ToString();
  EXPECT_EQ(found.value().from->backup->label, "flawed");
  EXPECT_GT(found.value().stop.lsn, last);
}

TEST_F(PlanTargetTest, EveryTimeIsFoundAsTheServerWouldFindIt) {
  std::mt19937 random(4711);
  int64_t clock = kDay;
  uint32_t xid = 100;
  Backup("first", kDay);
  // More segments than are all read; commit times a little out of order, stretches without any.
  for (int i = 0; i < 900; ++i) {
    clock += static_cast<int64_t>(random() % (20 * kSecond));
    const int64_t jitter = static_cast<int64_t>(random() % (40 * kSecond)) - 20 * kSecond;
    if (random() % 30 == 0) {
      wal_.AddFiller(3 * kSegment / 2);
    } else {
      wal_.AddFiller(random() % 60000);
    }
    End(++xid, clock + jitter, random() % 5 != 0);
    if (i == 400) Backup("second", clock + 30 * kSecond);
  }
  Archive();
  ASSERT_GT(wal_.at().value / kSegment, 45U);
  int bisected = 0;
  for (unsigned i = 0; i < test::Rounds(60); ++i) {
    const int64_t micros = kDay + static_cast<int64_t>(random() % static_cast<uint64_t>(clock - kDay + 60 * kSecond));
    const RecoveryTarget target = Time(micros, random() % 2 == 0);
    for (const char* label : {"first", ""}) {
      auto found = Find(target, label);
      if (found.code() == Code::kNotFound) {
        const WalMark* oracle = Oracle(catalog_.backups[0], target);
        EXPECT_TRUE(oracle == nullptr || oracle->start < catalog_.backups[0].stop_lsn) << micros - kDay;
        continue;
      }
      ASSERT_TRUE(found.ok()) << found.status().ToString();
      for (const std::string& note : found.value().notes) {
        unsigned read = 0, of = 0;
        ASSERT_EQ(std::sscanf(note.c_str(), "Found by reading %u of %u segments", &read, &of), 2) << note;
        EXPECT_LE(read, of);
        ++bisected;
      }
      const BackupManifest& backup = *found.value().from->backup;
      const WalMark* oracle = Oracle(backup, target);
      ASSERT_NE(oracle, nullptr);
      EXPECT_EQ(found.value().stop.lsn, oracle->start) << micros - kDay << " from " << backup.label;
      EXPECT_GE(oracle->start, backup.stop_lsn);
      EXPECT_LE(backup.start_micros, micros);
    }
  }
  EXPECT_GT(bisected, 0);
}

TEST_F(PlanTargetTest, TransactionsAndRestorePoints) {
  Backup("old", kDay);
  const Lsn ten = End(10, kDay + 10 * kSecond);
  const Lsn early = Point("mark", kDay + 11 * kSecond);
  wal_.AddFiller(3 * kSegment);
  Backup("new", kDay + 20 * kSecond);
  End(12, kDay + 40 * kSecond);
  const Lsn late = Point("mark", kDay + 41 * kSecond);
  Point("mark", kDay + 42 * kSecond);
  Archive();
  auto xid = Find(Xid(12));
  ASSERT_TRUE(xid.ok()) << xid.status().ToString();
  EXPECT_EQ(xid.value().from->backup->label, "new");
  EXPECT_TRUE(xid.value().stop.applied);
  EXPECT_EQ(xid.value().stop.last_commit_xid, 12U);
  auto older = Find(Xid(10, false));
  ASSERT_TRUE(older.ok()) << older.status().ToString();
  EXPECT_EQ(older.value().from->backup->label, "old");
  EXPECT_EQ(older.value().stop.lsn, ten);
  EXPECT_FALSE(older.value().stop.applied);
  auto name = Find(Name("mark"));
  ASSERT_TRUE(name.ok()) << name.status().ToString();
  EXPECT_EQ(name.value().stop.lsn, late);
  ASSERT_EQ(name.value().notes.size(), 1U);
  EXPECT_NE(name.value().notes[0].find("1 more times later"), std::string::npos) << name.value().notes[0];
  EXPECT_EQ(Find(Name("mark"), "old").value().stop.lsn, early);
  auto none = Find(Name("nothing"));
  ASSERT_EQ(none.code(), Code::kNotFound);
  EXPECT_NE(none.status().hint().find("\"mark\""), std::string::npos) << none.status().hint();
  EXPECT_EQ(Find(Xid(999)).code(), Code::kNotFound);
}

// WAL has the lower 32 bits of a transaction's number; checkpoints on the way have the rest.
TEST_F(PlanTargetTest, TheEpochOfATransactionHasToBeItsOwn) {
  constexpr uint64_t kEpoch = uint64_t{1} << 32;
  constexpr uint32_t kBeforeTheWrap = UINT32_MAX - 5;
  Backup("b", kDay, [&] { Checkpoint(kDay, 3 * kEpoch + 8); });
  const Lsn ten = End(10, kDay + 10 * kSecond);
  const Lsn old = End(kBeforeTheWrap, kDay + 20 * kSecond);
  Archive();
  const auto find = [&](uint32_t xid, std::optional<uint32_t> epoch) {
    RecoveryTarget target = Xid(xid);
    target.epoch = epoch;
    return Find(target);
  };
  EXPECT_EQ(find(10, std::nullopt).value().stop.lsn, ten) << "as the server log has it";
  EXPECT_EQ(find(10, 3).value().stop.lsn, ten);
  EXPECT_EQ(find(kBeforeTheWrap, 2).value().stop.lsn, old);
  const auto other = find(10, 2);
  ASSERT_EQ(other.code(), Code::kNotFound);
  EXPECT_NE(other.status().message().find(std::to_string(2 * kEpoch + 10)), std::string::npos)
      << other.status().ToString();
  EXPECT_NE(other.status().hint().find(std::to_string(3 * kEpoch + 10)), std::string::npos) << other.status().hint();
}

// From the backup's redo position to its end the server is not consistent, and refuses to stop: whatever the target is,
// an earlier backup is taken, or the plan refuses.
TEST_F(PlanTargetTest, WhatEndedWhileABackupWasTakenIsReachedFromAnEarlierOne) {
  Backup("old", kDay);
  End(10, kDay + 10 * kSecond);
  Lsn commit, abort, point;
  Backup("new", kDay + 20 * kSecond, [&] {
    commit = End(11, kDay + 21 * kSecond);
    abort = End(12, kDay + 22 * kSecond, /*commit=*/false);
    point = Point("inside", kDay + 23 * kSecond);
  });
  End(13, kDay + 40 * kSecond);
  const Lsn again = Point("inside", kDay + 41 * kSecond);
  Archive();
  const Lsn end = catalog_.backups[1].stop_lsn;
  const std::pair<RecoveryTarget, Lsn> kInside[] = {
      {Xid(11), commit},          {Xid(11, /*inclusive=*/false), commit},
      {Xid(12), abort},           {Name("inside"), point},
      {Position(commit), commit}, {Position(point, /*inclusive=*/false), point}};
  for (const auto& [target, stop] : kInside) {
    SCOPED_TRACE(DescribeTarget(target));
    const auto found = Find(target);
    ASSERT_TRUE(found.ok()) << found.status().ToString();
    EXPECT_EQ(found.value().from->backup->label, "old");
    EXPECT_EQ(found.value().stop.lsn, stop);
    const auto refused = Find(target, "new");
    ASSERT_EQ(refused.code(), Code::kNotFound);
    EXPECT_NE(refused.status().message().find("before the end of every backup"), std::string::npos)
        << refused.status().ToString();
    EXPECT_NE(refused.status().detail().find("end of backup new"), std::string::npos) << refused.status().ToString();
  }
  // The first position at which the newer backup is consistent, and what comes after it.
  EXPECT_EQ(Find(Position(Lsn{end.value - 1})).value().from->backup->label, "old");
  for (const bool inclusive : {true, false}) {
    EXPECT_EQ(Find(Position(end, inclusive)).value().from->backup->label, "new");
    EXPECT_EQ(Find(Xid(13, inclusive)).value().from->backup->label, "new");
  }
  // A server that begins with the newer backup would meet the name while it is not consistent, and never come to the
  // second.
  EXPECT_LT(Find(Name("inside")).value().stop.lsn, again);
  // Without an earlier backup there is nothing to begin with.
  catalog_.backups.erase(catalog_.backups.begin());
  for (const auto& [target, stop] : kInside) EXPECT_EQ(Find(target).code(), Code::kNotFound) << DescribeTarget(target);
}

TEST_F(PlanTargetTest, ASubtransactionIsExplained) {
  Backup("old", kDay);
  Bytes data;
  AppendLe(data, kDay + kSecond - kPgEpochMicros);
  AppendLe<uint32_t>(data, 1U << 1);  // XACT_XINFO_HAS_SUBXACTS
  AppendLe<int32_t>(data, 1);
  AppendLe<uint32_t>(data, 78);
  wal_.AddData(Rmgr::kTransaction, 0x80, data, 77);
  Archive();
  auto found = Find(Xid(78));
  ASSERT_EQ(found.code(), Code::kNotFound);
  EXPECT_NE(found.status().hint().find("subtransaction of transaction 77"), std::string::npos)
      << found.status().ToString();
}

TEST_F(PlanTargetTest, Positions) {
  Backup("old", kDay);
  const Lsn first = End(10, kDay + 10 * kSecond);
  const Lsn second = End(11, kDay + 20 * kSecond);
  Archive();
  auto at = Find(Position(second));
  ASSERT_TRUE(at.ok()) << at.status().ToString();
  EXPECT_EQ(at.value().stop.lsn, second);
  EXPECT_EQ(at.value().stop.last_commit_xid, 11U);
  EXPECT_EQ(Find(Position(second, false)).value().stop.last_commit_xid, 10U);
  EXPECT_EQ(Find(Position(Lsn{first.value + 1})).value().stop.lsn, second)
      << "the first record that starts at or after it";
  EXPECT_EQ(Find(Position(catalog_.backups[0].start_lsn)).code(), Code::kNotFound);
  EXPECT_EQ(Find(Position(Lsn{wal_.at().value + kSegment})).code(), Code::kNotFound);
}

TEST_F(PlanTargetTest, APositionInWhatASwitchLeftEmpty) {
  Backup("old", kDay);
  const Lsn first = End(10, kDay + 10 * kSecond);
  Archive();
  const Lsn next = End(11, kDay + 20 * kSecond);
  Archive();
  ASSERT_GT(next.value / kSegment, first.value / kSegment);
  const auto at = Find(Position(Lsn{first.value + kSegment / 4}));
  ASSERT_TRUE(at.ok()) << at.status().ToString();
  EXPECT_EQ(at.value().stop.lsn, next);
}

TEST_F(PlanTargetTest, AGapIsAWall) {
  Backup("old", kDay);
  End(10, kDay + 10 * kSecond);
  wal_.AddFiller(4 * kSegment);
  End(11, kDay + 20 * kSecond);
  wal_.AddFiller(2 * kSegment);
  End(12, kDay + 30 * kSecond);
  Archive();
  const std::string lost = SegmentFileName(Timeline{1}, SegmentNo{5}, kSegment);
  ASSERT_TRUE(repository_->store().Delete({layout::WalKey(lost)}, ctx_).ok());
  RecoveryTarget end;
  const Status refused = Find(end).status();
  ASSERT_EQ(refused.code(), Code::kNotFound);
  EXPECT_NE(refused.detail().find("WAL missing after that: " + lost), std::string::npos) << refused.ToString();
  EXPECT_NE(refused.detail().find("pg_pitr wal-push /path/to/pg_wal/" + lost), std::string::npos) << refused.ToString();
  EXPECT_NE(refused.hint().find("--allow-gap"), std::string::npos) << refused.ToString();
  end.allow_gap = true;
  auto latest = Find(end);
  ASSERT_TRUE(latest.ok()) << latest.status().ToString();
  EXPECT_EQ(latest.value().last_segment, SegmentNo{4});
  ASSERT_EQ(latest.value().notes.size(), 1U);
  EXPECT_NE(latest.value().notes[0].find(lost), std::string::npos);
  for (const RecoveryTarget& target :
       {Time(kDay + 25 * kSecond), Xid(12), Position(Lsn{wal_.at().value - kSegment}), Name("behind")}) {
    auto found = Find(target);
    ASSERT_EQ(found.code(), Code::kNotFound);
    EXPECT_NE(found.status().detail().find("pg_pitr wal-push /path/to/pg_wal/" + lost), std::string::npos)
        << found.status().ToString();
    EXPECT_NE(found.status().hint().find("--target-latest --allow-gap --target-timeline 1"), std::string::npos)
        << found.status().ToString();
    EXPECT_EQ(found.status().hint().find("later time"), std::string::npos) << found.status().ToString();
  }
}

TEST_F(PlanTargetTest, ABackupWithoutItsWalIsPassedOver) {
  Backup("old", kDay);
  End(10, kDay + 10 * kSecond);
  wal_.AddFiller(2 * kSegment);
  Archive();
  Backup("new", kDay + 20 * kSecond);  // its WAL is not archived
  auto latest = Find({});
  ASSERT_TRUE(latest.ok()) << latest.status().ToString();
  EXPECT_EQ(latest.value().from->backup->label, "old");
  RecoveryTarget immediate;
  immediate.kind = TargetKind::kImmediate;
  EXPECT_EQ(Find(immediate).value().from->backup->label, "old");
  EXPECT_EQ(Find(immediate, "new").code(), Code::kNotFound);
  EXPECT_EQ(Find({}, "none").code(), Code::kNotFound);
}

}  // namespace
}  // namespace pitr
