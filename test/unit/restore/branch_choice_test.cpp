#include "core/restore/branch_choice.h"

#include <cstdio>
#include <map>
#include <set>

#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/restore/branch_notes.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

constexpr uint32_t kSize = 1U << 20;
constexpr int64_t kMinute = 60 * int64_t{1000000};
constexpr int64_t kNoon = int64_t{1779440000} * 1000000;

int64_t At(int64_t minutes) { return kNoon + minutes * kMinute; }
Lsn In(uint64_t segment) { return Lsn{segment * kSize + 0x500}; }

// Trees whose branches' lives are given in minutes after noon; of the WAL only names are there.
class BranchChoiceTest : public test::RepositoryTest {
 protected:
  BranchChoiceTest() : repository_(MustOpenOrCreate(config_)) {}

  void Put(const std::string& name, std::string_view content = "x") {
    const Status put = repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes(content), ctx_);
    EXPECT_TRUE(put.ok()) << put.ToString();
  }
  void Segments(uint32_t timeline, uint64_t first, uint64_t last) {
    for (uint64_t no = first; no <= last; ++no) Put(SegmentFileName(Timeline{timeline}, SegmentNo{no}, kSize));
  }
  struct Life {
    int64_t begin = 0, last = 0;  // minutes
    Lsn last_end;
    int64_t last_micros = 0;  // more of `last`
    bool in_seconds = false;  // `begin` is a checkpoint's time
    bool promoted = false;
    Lsn last_timed{};  // else in its last segment
  };
  void Timeline1(uint64_t last_segment, Life life) {
    Segments(1, 3, last_segment);
    lives_[1] = life;
  }
  void Fork(uint32_t timeline, const std::string& history, uint64_t first, uint64_t last_segment, Life life) {
    char name[32];
    std::snprintf(name, sizeof name, "%08X.history", timeline);
    Put(name, history);
    Segments(timeline, first, last_segment);
    lives_[timeline] = life;
  }
  void Backup(const std::string& label, uint32_t timeline, uint64_t segment, int64_t minutes) {
    BackupManifest backup;
    backup.label = label;
    backup.cluster = test::kCluster;
    backup.timeline = backup.stop_timeline = Timeline{timeline};
    backup.start_lsn = backup.checkpoint_lsn = Lsn{segment * kSize + 0x28};
    backup.stop_lsn = Lsn{segment * kSize + 0x100};
    backup.start_micros = At(minutes);
    backup.stop_micros = At(minutes) + kMinute / 2;
    backups_.backups.push_back(backup);
  }
  void SetAside(uint32_t timeline) { aside_.insert(timeline); }

  BranchTree& Tree() {
    wal_ = std::make_unique<WalCatalog>(WalCatalog::Load(*repository_, ctx_).value());
    auto loaded = BranchTree::Load(*repository_, backups_, *wal_, ctx_);
    EXPECT_TRUE(loaded.ok()) << test::TextOf(loaded);
    std::vector<Branch> branches = loaded.value().branches();
    for (Branch& branch : branches) {
      const Life& life = lives_.at(branch.timeline.value);
      branch.life.begin_micros = branch.fork.valid() ? At(life.begin) : 0;
      branch.life.begun_by_micros = branch.life.begin_micros + (life.in_seconds ? kMinute / 60 - 1 : 0);
      branch.life.last_micros = At(life.last) + life.last_micros;
      branch.life.last_end = life.last_end;
      const auto& ranges = wal_->timelines().at(branch.timeline).ranges;
      branch.life.last_timed = life.last_timed;
      if (!life.last_timed.valid() && !ranges.empty()) branch.life.last_timed = In(ranges.back().last.value);
      branch.life.last_commit_xid = 700 + branch.timeline.value;
      branch.life.last_commit_micros = At(life.last);
      branch.life.read = branch.life.ends_complete = true;
      branch.life.promoted = life.promoted;
      branch.set_aside = aside_.contains(branch.timeline.value);
    }
    tree_ = std::make_unique<BranchTree>(std::move(branches));
    return *tree_;
  }
  Result<BranchChoice> Choose(const RecoveryTarget& target, std::optional<uint32_t> own = {},
                              const std::string& backup = "") {
    target_ = target;
    BranchRequest request{&target_, backups_.Find(backup), std::nullopt};
    if (own) request.own = Timeline{*own};
    return BranchChooser(Tree(), backups_, request).Choose();
  }
  static RecoveryTarget Time(int64_t minutes, int64_t micros = 0) {
    RecoveryTarget target;
    target.kind = TargetKind::kTime;
    target.time_micros = At(minutes) + micros;
    return target;
  }
  // The timeline; 0 for a refusal that names every branch in `named`.
  uint32_t Number(const Result<BranchChoice>& choice) {
    if (choice.ok()) return choice.value().timeline.value;
    EXPECT_EQ(choice.code(), Code::kInvalidArgument) << choice.status().ToString();
    return 0;
  }

  std::unique_ptr<Repository> repository_;
  BackupCatalog backups_;
  std::map<uint32_t, Life> lives_;
  std::set<uint32_t> aside_;
  std::unique_ptr<WalCatalog> wal_;
  std::unique_ptr<BranchTree> tree_;
  RecoveryTarget target_;
};

// PostgreSQL says in whole seconds when a recovery opened its branch; what was committed just before is not of it.
TEST_F(BranchChoiceTest, AMomentInTheSecondInWhichABranchWasOpened) {
  Timeline1(8, {0, 10, In(8), 400000});
  Backup("full", 1, 3, 1);
  Fork(2, "1\t0/500100\tx\n", 5, 9, {10, 30, In(9), 0, true});
  EXPECT_EQ(Number(Choose(Time(10, 300000))), 1U) << "timeline 1 was still written then";
  EXPECT_EQ(Number(Choose(Time(10, 400000))), 1U);
  const auto between = Choose(Time(10, 700000));
  EXPECT_EQ(Number(between), 0U) << "the end of the one or the beginning of the other";
  EXPECT_NE(between.status().detail().find("same second"), std::string::npos) << between.status().detail();
  EXPECT_NE(between.status().detail().find("--target-timeline 1"), std::string::npos) << between.status().detail();
  EXPECT_EQ(Number(Choose(Time(10, 700000), 2)), 0U) << "the running server does not know either";
  EXPECT_EQ(Number(Choose(Time(10, 999999))), 2U);
  EXPECT_EQ(Number(Choose(Time(11))), 2U);
}

TEST_F(BranchChoiceTest, AMomentInThatSecondWhenNothingIsLost) {
  Timeline1(5, {0, 10, In(4), 400000});
  Backup("full", 1, 3, 1);
  Fork(2, "1\t0/500100\tx\n", 5, 9, {10, 30, In(9), 0, true});
  EXPECT_EQ(Number(Choose(Time(10, 700000))), 2U) << "the rows are the same";
}

TEST_F(BranchChoiceTest, OneTimelineNeedsNoReason) {
  Timeline1(9, {0, 60, In(9)});
  Backup("base", 1, 3, 0);
  auto latest = Choose({});
  ASSERT_TRUE(latest.ok()) << test::TextOf(latest);
  EXPECT_EQ(latest.value().timeline, Timeline{1});
  EXPECT_EQ(latest.value().why, "");
  EXPECT_EQ(Number(Choose(Time(30))), 1U);
}

// The accident, a first recovery to before it, and the second thoughts.
TEST_F(BranchChoiceTest, AMomentBeforeTheFirstRecoveryWasMadeIsOfTheOldTimeline) {
  Timeline1(9, {0, 60, In(9)});
  Fork(2, "1\t0/600100\tbefore the accident\n", 6, 7, {90, 120, In(7)});
  Backup("base", 1, 3, 0);
  EXPECT_EQ(Number(Choose(Time(20))), 1U) << "before the fork";
  EXPECT_EQ(Number(Choose(Time(50))), 1U) << "after the first recovery's target, before it was made";
  EXPECT_EQ(Number(Choose(Time(100))), 2U);
  EXPECT_EQ(Number(Choose(Time(75))), 1U) << "in between only the old one was there, and not its continuation";
  EXPECT_EQ(Number(Choose({})), 2U) << "the old one was left";
  EXPECT_EQ(Number(Choose(Time(50), 2)), 1U) << "also when the server runs on the new one";
  EXPECT_NE(Choose(Time(50)).value().why, "");
}

TEST_F(BranchChoiceTest, AContinuationIsNoSecondHistory) {
  Timeline1(6, {0, 60, In(5)});
  Fork(2, "1\t0/600100\tno recovery target specified\n", 6, 9, {61, 120, In(9)});
  Backup("base", 1, 3, 0);
  EXPECT_EQ(Number(Choose({})), 2U);
  EXPECT_EQ(Number(Choose(Time(30))), 1U);
  // Between the last record of the one and the first of the other: along the child the server finds where to stop.
  lives_[2].begin = 70;
  EXPECT_EQ(Number(Choose(Time(65))), 2U);
  // The old primary's clock ran ahead.
  lives_[1].last = 71;
  EXPECT_EQ(Number(Choose({})), 2U);
}

// The old primary's last record lies before the place where it was left: it was not written later, whatever it says.
TEST_F(BranchChoiceTest, AFailoverToAClockThatIsBehindIsNoSecondHistory) {
  Timeline1(6, {.begin = 0, .last = 60, .last_end = In(5), .last_timed = In(5)});
  Fork(2, "1\t0/600100\tno recovery target specified\n", 6, 9, {50, 55, In(9)});
  Backup("base", 1, 3, 0);
  EXPECT_EQ(Number(Choose({})), 2U);
  EXPECT_EQ(Number(Choose(Time(58))), 2U);
  EXPECT_EQ(Number(Choose(Time(52))), 2U);
  EXPECT_EQ(Number(Choose(Time(40))), 1U);
  const BranchTree& tree = Tree();
  EXPECT_TRUE(GrowingAncestors(tree, *tree.Find(Timeline{2})).empty());
  // Nor is it growing for having been left to one that was set aside.
  SetAside(2);
  Fork(3, "1\t0/600100\tno recovery target specified\n2\t0/900600\tx\n", 9, 10, {52, 56, In(10)});
  EXPECT_EQ(Number(Choose({})), 3U);
  aside_.clear();
  lives_.at(1).last_timed = In(6);
  EXPECT_EQ(Number(Choose({})), 0U) << "behind that place there are clocks only";
}

TEST_F(BranchChoiceTest, TwoThatGoOnAreRefusedAndListed) {
  Timeline1(12, {0, 200, In(12)});
  Fork(2, "1\t0/600100\tno recovery target specified\n", 6, 9, {90, 190, In(9)});
  Backup("base", 1, 3, 0);
  for (const RecoveryTarget& target : {RecoveryTarget{}, Time(150)}) {
    auto choice = Choose(target);
    ASSERT_EQ(choice.code(), Code::kInvalidArgument);
    const std::string detail = choice.status().detail();
    for (const char* part : {"--target-timeline 1", "--target-timeline 2", "transaction 701", "transaction 702"})
      EXPECT_NE(detail.find(part), std::string::npos) << detail;
    EXPECT_NE(choice.status().hint().find("set-aside"), std::string::npos);
  }
  RecoveryTarget immediate;
  immediate.kind = TargetKind::kImmediate;
  EXPECT_NE(Number(Choose(immediate)), 0U) << "the same backup either way";
  Backup("later", 2, 7, 100);
  EXPECT_EQ(Number(Choose(immediate)), 0U) << "two backups";
  EXPECT_EQ(Number(Choose(immediate, {}, "base")), 1U) << "the end of one that is named is the same on both";
  EXPECT_EQ(Number(Choose(immediate, {}, "later")), 2U);
  backups_.backups.pop_back();
  EXPECT_EQ(Number(Choose(Time(80))), 1U);
  EXPECT_EQ(Number(Choose(Time(195))), 0U) << "the other may have been idle";
  // On a running server its own is the default.
  EXPECT_EQ(Number(Choose({}, 1)), 1U);
  EXPECT_EQ(Number(Choose({}, 2)), 2U);
  EXPECT_EQ(Number(Choose(Time(150), 1)), 1U);
  EXPECT_EQ(Number(Choose(Time(150), 2)), 2U);
  EXPECT_EQ(Number(Choose({}, 7)), 0U) << "one that the archive does not know decides nothing";
  // One that was set aside is no choice.
  SetAside(2);
  EXPECT_EQ(Number(Choose({})), 1U);
  EXPECT_EQ(Number(Choose(Time(150))), 1U);
  EXPECT_EQ(Number(Choose(Time(195))), 1U);
  aside_ = {1};
  EXPECT_EQ(Number(Choose({})), 2U);
  EXPECT_EQ(Number(Choose(Time(150))), 2U);
  EXPECT_EQ(Number(Choose(Time(80))), 1U) << "before the other began there was no other history";
  EXPECT_EQ(Number(Choose(Time(80), 2)), 1U);
}

// A second recovery, whose server gives the same transaction numbers once more.
TEST_F(BranchChoiceTest, WhatTheServerHasNotArchivedYetIsNotTakenFromAnotherBranch) {
  Timeline1(9, {0, 60, In(9)});
  Fork(2, "1\t0/600100\tbefore the accident\n", 6, 7, {90, 120, In(7)});
  Backup("base", 1, 3, 0);
  const BranchTree& tree = Tree();
  const auto check = [&](const OwnPosition& position, uint32_t found) {
    const BranchChooser chooser(tree, backups_, {&target_, nullptr, Timeline{2}, position});
    return chooser.CheckNotOwn({tree.Find(Timeline{found})});
  };
  target_.kind = TargetKind::kXid;
  target_.xid = 750;
  const Status refused = check({.next_xid = 751}, 1);
  ASSERT_EQ(refused.code(), Code::kInvalidArgument);
  EXPECT_NE(refused.detail().find("Timeline 1"), std::string::npos) << refused.ToString();
  EXPECT_NE(refused.hint().find("pg_switch_wal()"), std::string::npos) << refused.ToString();
  EXPECT_TRUE(check({.next_xid = 751}, 2).ok()) << "it is in the archive of its own branch";
  EXPECT_TRUE(check({.next_xid = 750}, 1).ok()) << "a number that it has not given yet";
  EXPECT_TRUE(check({}, 1).ok()) << "not known";
  EXPECT_FALSE(check({.next_xid = (uint64_t{3} << 32) + 751}, 1).ok()) << "given without its epoch";
  target_.epoch = 3;
  EXPECT_FALSE(check({.next_xid = (uint64_t{3} << 32) + 751}, 1).ok());
  target_.kind = TargetKind::kLsn;
  target_.lsn = In(8);
  EXPECT_FALSE(check({.end = In(9)}, 1).ok());
  EXPECT_TRUE(check({.end = In(7)}, 1).ok()) << "behind what it has written";
  target_.lsn = In(4);
  EXPECT_TRUE(check({.end = In(9)}, 1).ok()) << "before its own timeline began";
  // Which names it has given only its WAL says.
  target_.kind = TargetKind::kName;
  target_.name = "before_release";
  const Status named = check({.end = In(9)}, 1);
  EXPECT_NE(named.message().find("restore point \"before_release\" is not in the archive of timeline 2"),
            std::string::npos)
      << named.ToString();
  EXPECT_NE(named.detail().find("has what is before 0/800000"), std::string::npos) << named.ToString();
  EXPECT_TRUE(check({.end = In(9)}, 2).ok());
  EXPECT_TRUE(check({.end = Lsn{8 * uint64_t{kSize}}}, 1).ok()) << "all that it has written is archived";
  const BranchChooser chooser(tree, backups_, {&target_, nullptr, Timeline{2}});
  EXPECT_EQ(chooser.ChooseAmong({tree.Find(Timeline{1})}, false).value().why, "the only one that has it");
}

// A standby was promoted by mistake and lives beside production; then it alone is recovered, while production is quiet.
TEST_F(BranchChoiceTest, AServerLeavesNoBranchButTheOneItWasOn) {
  Timeline1(12, {0, 200, In(12)});
  Fork(2, "1\t0/600100\tno recovery target specified\n", 6, 7, {90, 150, In(7)});
  Backup("base", 1, 3, 0);
  EXPECT_EQ(Number(Choose({})), 0U) << "both go on";
  // To its end: it is timeline 2 that was left.
  Fork(3, "1\t0/600100\tno recovery target specified\n2\t0/700600\tno recovery target specified\n", 7, 8,
       {210, 220, In(8)});
  const auto choice = Choose({});
  ASSERT_EQ(Number(choice), 0U);
  EXPECT_NE(choice.status().detail().find("Timeline 1"), std::string::npos) << choice.status().ToString();
  EXPECT_EQ(choice.status().detail().find("Timeline 2,"), std::string::npos) << choice.status().ToString();
  EXPECT_EQ(Number(Choose(Time(180))), 0U);
  EXPECT_EQ(Number(Choose({}, 3)), 3U);
  SetAside(1);
  EXPECT_EQ(Number(Choose({})), 3U);
  aside_.clear();
  // To an earlier point, by whichever of the two servers.
  Fork(4, "1\t0/600100\tno recovery target specified\n2\t0/680000\tbefore\n", 6, 9, {230, 240, In(9)});
  EXPECT_EQ(Number(Choose({})), 0U);
  aside_ = {1, 3};
  EXPECT_EQ(Number(Choose({})), 4U);
}

// Of two second recoveries by one server each left the one before.
TEST_F(BranchChoiceTest, ASecondRecoveryLeavesTheFirst) {
  Timeline1(9, {0, 60, In(9)});
  Fork(2, "1\t0/600100\tbefore the accident\n", 6, 7, {90, 120, In(7)});
  Fork(3, "1\t0/700100\tbefore the accident\n", 7, 8, {130, 140, In(8)});
  Backup("base", 1, 3, 0);
  EXPECT_EQ(Number(Choose({})), 3U);
  EXPECT_EQ(Number(Choose(Time(100))), 2U);
  Fork(4, "1\t0/900500\tno recovery target specified\n", 9, 10, {150, 160, In(10)});
  EXPECT_EQ(Number(Choose({})), 4U) << "back to the end of the first, by the server of the third";
}

// A staging server's own repository: production gave number 2 as well, elsewhere.
TEST_F(BranchChoiceTest, AnotherTimelineOfTheSameNumberIsNotOnTheWay) {
  Timeline1(5, {0, 60, In(5)});
  Fork(2, "1\t0/600100\tno recovery target specified\n", 6, 9, {90, 120, In(9)});
  Fork(4, "1\t0/780000\tno recovery target specified\n2\t0/900500\tno recovery target specified\n", 9, 11,
       {130, 140, In(11)});
  Backup("night1", 2, 7, 95);
  EXPECT_EQ(Number(Choose({})), 4U) << "it goes on, although no backup leads there";
  const Branch* newest = Tree().Find(Timeline{4});
  EXPECT_FALSE(newest->reachable);
  EXPECT_FALSE(newest->parent.valid());
  EXPECT_NE(DescribeBranch(*newest).find("comes from another timeline 2"), std::string::npos);
  Backup("night2", 4, 10, 135);
  EXPECT_EQ(Number(Choose({})), 4U);
}

// Production runs; timeline 2 left it and was written beside it: a copy, or the new primary of a failover?
TEST_F(BranchChoiceTest, AnOldPrimaryThatCameBackIsNotToldToSetTheRealTimelineAside) {
  Timeline1(12, {0, 200, In(12)});
  Fork(2, "1\t0/600100\tno recovery target specified\n", 6, 9, {90, 190, In(9)});
  Backup("base", 1, 3, 0);
  const BranchTree& tree = Tree();
  const Branch &one = *tree.Find(Timeline{1}), &two = *tree.Find(Timeline{2});
  const auto hint = [&](BesideEvidence evidence) { return HintBeside(two, one, evidence); };
  // It ran when the other was opened.
  const std::string copy = hint({true, At(10)});
  EXPECT_TRUE(copy.starts_with("If a test copy")) << copy;
  EXPECT_NE(copy.find("pg_rewind"), std::string::npos) << copy;
  EXPECT_FALSE(IsLikelySuccessor(two, one, {true, At(10)}));
  // It was started afterwards.
  const std::string old = hint({true, At(150)});
  EXPECT_TRUE(old.starts_with("Is this server the old primary of a failover?")) << old;
  EXPECT_LT(old.find("pg_rewind"), old.find("set-aside")) << old;
  EXPECT_NE(old.find("until"), std::string::npos) << old;
  // Without a server that asks nothing is known. A backup of it tells nothing: a copy takes them by schedule, too.
  Backup("after", 2, 8, 120);
  EXPECT_TRUE(hint({}).starts_with("If a test copy"));
  EXPECT_TRUE(hint({true, At(10)}).starts_with("If a test copy"));
}

// A restored copy begins with a checkpoint; only somebody who promotes a standby makes the other beginning.
TEST_F(BranchChoiceTest, APromotedStandbyIsTheLikelySuccessorWhoeverAsks) {
  Timeline1(12, {0, 200, In(12)});
  Fork(2, "1\t0/600100\tno recovery target specified\n", 6, 9,
       {.begin = 90, .last = 190, .last_end = In(9), .promoted = true});
  Fork(3, "1\t0/600100\tcopy\n", 6, 9, {95, 190, In(9)});
  Backup("base", 1, 3, 0);
  const BranchTree& tree = Tree();
  const Branch &one = *tree.Find(Timeline{1}), &two = *tree.Find(Timeline{2}), &three = *tree.Find(Timeline{3});
  EXPECT_TRUE(IsLikelySuccessor(two, one, {true, At(10)})) << "the server was cut off from its standby, and ran on";
  EXPECT_TRUE(IsLikelySuccessor(two, one, {}));
  EXPECT_TRUE(HintBeside(two, one, {}).starts_with("Did the old primary of a failover come back"));
  EXPECT_FALSE(IsLikelySuccessor(three, one, {true, At(10)}));
  EXPECT_FALSE(IsLikelySuccessor(two, three, {true, At(100)})) << "it did not leave that one";
}

// The other side: a new primary is told of the old one that goes on.
TEST_F(BranchChoiceTest, ANewPrimaryIsToldOfAnAncestorThatGoesOn) {
  Timeline1(12, {0, 200, In(12)});
  Fork(2, "1\t0/600100\tno recovery target specified\n", 6, 9,
       {.begin = 90, .last = 190, .last_end = In(9), .promoted = true});
  Backup("base", 1, 3, 0);
  const auto growing = [&] {
    const BranchTree& tree = Tree();
    return GrowingAncestors(tree, *tree.Find(Timeline{2}));
  };
  ASSERT_EQ(growing().size(), 1U);
  const auto text = [&](BesideEvidence evidence) {
    const BranchTree& tree = Tree();
    return DescribeGrowing(tree, *tree.Find(Timeline{1}), *tree.Find(Timeline{2}), evidence);
  };
  EXPECT_NE(text({true, At(95)}).find("may have transactions that timeline 2 lacks"), std::string::npos);
  EXPECT_LT(text({true, At(95)}).find("set-aside 1"), text({true, At(95)}).find("set-aside 2"));
  EXPECT_LT(text({}).find("set-aside 1"), text({}).find("Only if a test copy wrote timeline 2, leave it out"));
  // Nobody promoted a standby: then it is a copy, rather than a new primary, whoever asks.
  lives_[2].promoted = false;
  for (const BesideEvidence& evidence : {BesideEvidence{}, BesideEvidence{true, At(95)}}) {
    EXPECT_LT(text(evidence).find("copy"), text(evidence).find("set-aside 2"));
    EXPECT_LT(text(evidence).find("set-aside 2"), text(evidence).find("set-aside 1")) << text(evidence);
  }
  lives_[2].promoted = true;
  const auto path = WalPath::Make(*wal_, Timeline{2}, kSize);
  ASSERT_TRUE(path.ok());
  for (const Branch* reference : {Tree().Find(Timeline{2}), static_cast<const Branch*>(nullptr)}) {
    const auto notes = DescribeOtherBranches(*tree_, path.value(), reference, {}, {});
    ASSERT_EQ(notes.size(), 1U);
    EXPECT_TRUE(notes[0].starts_with("Warning: Timeline 1 was written until")) << notes[0];
    EXPECT_TRUE(notes[0].ends_with("--target-timeline 1.")) << notes[0];
  }
  // It only ran on, and nobody did anything there.
  lives_[1].last_end = In(5);
  EXPECT_NE(text({}).find("without a transaction that timeline 2 lacks"), std::string::npos) << text({});
  SetAside(1);
  EXPECT_TRUE(growing().empty());
  aside_.clear();
  // What a failover or a recovery leaves as a rule.
  lives_[1].last = 89;
  EXPECT_TRUE(growing().empty());
  // Left later, by a recovery in place after the failover was given up.
  lives_[1].last = 100;
  ASSERT_EQ(growing().size(), 1U);
  Fork(3, "1\t0/A00100\tback\n", 10, 12, {110, 190, In(12)});
  EXPECT_TRUE(growing().empty());
}

TEST_F(BranchChoiceTest, ABackupImpliesItsTimeline) {
  Timeline1(12, {0, 200, In(12)});
  Fork(2, "1\t0/600100\tcopy\n", 6, 9, {90, 190, In(9)});
  Backup("base", 1, 3, 0);
  Backup("on two", 2, 8, 150);
  Backup("after the fork", 1, 10, 160);
  EXPECT_EQ(Number(Choose({}, {}, "after the fork")), 1U);
  EXPECT_EQ(Number(Choose({}, {}, "on two")), 2U);
  EXPECT_EQ(Number(Choose({}, {}, "base")), 0U);
  SetAside(2);
  EXPECT_EQ(Number(Choose({}, {}, "on two")), 2U) << "asked for by name";
}

// Both wrote after the child had begun. Which of the two is real, a backup does not say, neither of the one nor of the
// other, unless nothing of the other is missing in it.
struct Diverged {
  bool parent_commits, child_commits;
  int64_t parent_last, child_last;  // minutes; the child began at 90
  int parent_backup, child_backup;  // minutes; 0: none
  uint32_t chosen;                  // 0: refused
};

class DivergedTest : public BranchChoiceTest, public testing::WithParamInterface<Diverged> {};

TEST_P(DivergedTest, IsDecidedOnlyWhereNothingCanBeMissing) {
  const Diverged& given = GetParam();
  Timeline1(12, {0, given.parent_last, given.parent_commits ? In(12) : In(5)});
  Fork(2, "1\t0/600100\tno recovery target specified\n", 6, 9,
       {90, given.child_last, given.child_commits ? In(9) : Lsn{}});
  Backup("base", 1, 3, 0);
  if (given.parent_backup != 0) Backup("of the parent", 1, 11, given.parent_backup);
  if (given.child_backup != 0) Backup("of the child", 2, 8, given.child_backup);
  for (const RecoveryTarget& target : {RecoveryTarget{}, Time(300)}) {
    const auto choice = Choose(target);
    ASSERT_EQ(Number(choice), given.chosen);
    if (given.chosen == 0) {
      EXPECT_NE(choice.status().detail().find("--target-timeline 1"), std::string::npos) << choice.status().ToString();
      EXPECT_NE(choice.status().detail().find("--target-timeline 2"), std::string::npos) << choice.status().ToString();
    } else {
      EXPECT_EQ(choice.value().why,
                "it has every transaction of timeline 1, and backup \"of the child\" was taken of it when that had "
                "fallen silent");
    }
  }
  // A moment between the ends of the two is of either.
  EXPECT_EQ(Number(Choose(Time(std::max(given.parent_last, given.child_last) - 5))), given.chosen);
}

INSTANTIATE_TEST_SUITE_P(
    Commits, DivergedTest,
    testing::Values(
        // Both committed: an old primary or a copy, the one idle when a backup was taken of the other.
        Diverged{true, true, 200, 190, 0, 0, 0}, Diverged{true, true, 200, 190, 195, 0, 0},
        Diverged{true, true, 150, 190, 0, 160, 0}, Diverged{true, true, 200, 150, 160, 0, 0},
        Diverged{true, true, 180, 180, 0, 0, 0}, Diverged{true, true, 180, 180, 0, 180, 0},
        Diverged{true, true, 180, 180, 180, 180, 0}, Diverged{true, true, 200, 210, 190, 205, 0},
        // The parent alone: of an old primary beside an idle new one nobody wants it; of production everybody does.
        Diverged{true, false, 200, 100, 0, 0, 0}, Diverged{true, false, 200, 100, 150, 0, 0},
        Diverged{true, false, 150, 190, 0, 160, 0},
        // The child alone: nothing of the parent is missing in it.
        Diverged{false, true, 150, 190, 0, 0, 0}, Diverged{false, true, 150, 190, 0, 160, 2},
        Diverged{false, true, 150, 190, 0, 140, 0}, Diverged{false, true, 200, 190, 195, 0, 0},
        Diverged{false, true, 150, 190, 160, 165, 2}, Diverged{false, true, 180, 180, 0, 180, 0},
        // Neither.
        Diverged{false, false, 150, 190, 0, 0, 0}, Diverged{false, false, 150, 190, 0, 160, 2},
        Diverged{false, false, 200, 100, 150, 0, 0}));

// A copy that archived for a while; production went on and has a backup from after that.
TEST_F(BranchChoiceTest, WhatWasWrittenBesideIsToldUntilItIsSetAside) {
  Timeline1(12, {0, 200, In(12)});
  Fork(2, "1\t0/600100\tcopy\n", 6, 6, {90, 95, In(6)});
  Backup("base", 1, 3, 0);
  Backup("after", 1, 10, 150);
  EXPECT_EQ(Number(Choose({})), 0U);
  const Branch& one = *Tree().Find(Timeline{1});
  const auto beside = BranchesBeside(*tree_, one);
  ASSERT_EQ(beside.size(), 1U);
  EXPECT_EQ(beside[0]->timeline, Timeline{2});
  SetAside(2);
  EXPECT_EQ(Number(Choose({})), 1U);
  const BranchTree& again = Tree();
  EXPECT_TRUE(BranchesBeside(again, *again.Find(Timeline{1})).empty());
  const auto path = WalPath::Make(*wal_, Timeline{1}, kSize);
  ASSERT_TRUE(path.ok());
  const auto notes = DescribeOtherBranches(again, path.value(), again.Find(Timeline{1}), {}, {});
  ASSERT_EQ(notes.size(), 1U);
  EXPECT_NE(notes[0].find("set aside"), std::string::npos) << notes[0];
  EXPECT_TRUE(notes[0].ends_with("reached with --target-timeline 2.")) << notes[0];
}

// Each took a backup when the other was silent.
TEST_F(BranchChoiceTest, SiblingsAreNotDecidedByBackups) {
  Timeline1(9, {0, 60, In(9)});
  Fork(2, "1\t0/600100\tone\n", 6, 9, {90, 150, In(9)});
  Fork(3, "1\t0/600100\tother\n", 6, 9, {100, 130, In(9)});
  Backup("base", 1, 3, 0);
  Backup("of two", 2, 8, 140);
  EXPECT_EQ(Number(Choose({})), 0U);
}

// 1 -> 2 -> 3 and 1 -> 4: recoveries in place, one after the other.
TEST_F(BranchChoiceTest, EachMomentOfAChainOfRecoveriesHasItsBranch) {
  Timeline1(9, {0, 60, In(9)});
  Fork(2, "1\t0/600100\tfirst\n", 6, 8, {90, 120, In(8)});
  Fork(3, "1\t0/600100\tfirst\n2\t0/700100\tsecond\n", 7, 9, {130, 160, In(9)});
  Fork(4, "1\t0/500100\tthird\n", 5, 7, {170, 200, In(7)});
  Backup("base", 1, 3, 0);
  EXPECT_EQ(Number(Choose(Time(30))), 1U);
  EXPECT_EQ(Number(Choose(Time(59))), 1U);
  EXPECT_EQ(Number(Choose(Time(110))), 2U);
  EXPECT_EQ(Number(Choose(Time(150))), 3U);
  EXPECT_EQ(Number(Choose(Time(190))), 4U);
  EXPECT_EQ(Number(Choose({})), 4U);
  EXPECT_EQ(Number(Choose(Time(110), 4)), 2U) << "only that one was there, on the way to the server or not";
  Backup("on three", 3, 8, 140);
  EXPECT_EQ(Number(Choose({}, {}, "on three")), 3U);
}

// One recovery in place after another: of the branches that were left, the newest are described and the others counted.
TEST_F(BranchChoiceTest, ManyOldBranchesAreSummedUp) {
  Timeline1(9, {0, 60, In(9)});
  Backup("base", 1, 3, 0);
  std::string history;
  for (uint32_t timeline = 2; timeline <= 9; ++timeline)
    Fork(timeline, "1\t0/500100\tagain\n", 5, 7, {timeline * 100, timeline * 100 + 50, In(7)});
  const BranchTree& tree = Tree();
  const auto path = WalPath::Make(*wal_, Timeline{9}, kSize);
  ASSERT_TRUE(path.ok());
  const auto notes = DescribeOtherBranches(tree, path.value(), tree.Find(Timeline{9}), {}, {});
  ASSERT_EQ(notes.size(), 4U);
  EXPECT_NE(notes[0].find("--target-timeline 8"), std::string::npos) << notes[0];
  EXPECT_NE(notes[2].find("--target-timeline 6"), std::string::npos) << notes[2];
  EXPECT_EQ(notes[3].find("5 more branches"), 0U) << notes[3];
  EXPECT_NE(notes[3].find("pg_pitr info"), std::string::npos) << notes[3];
}

TEST_F(BranchChoiceTest, ABranchThatNoBackupReachesIsNoChoiceWhileAnotherIs) {
  Timeline1(12, {0, 200, In(12)});
  Put("00000002.history", "1\t0/600100\tcopy\n");  // opened, and nothing of it was archived but this
  lives_[2] = {90, 90, {}};
  Backup("base", 1, 3, 0);
  EXPECT_EQ(Number(Choose({})), 0U) << "the path to it is there";
  Put("00000003.history", "2\t0/900100\tlost\n");
  lives_[3] = {95, 95, {}};
  SetAside(2);
  EXPECT_EQ(Number(Choose({})), 1U) << "nothing leads to timeline 3";
}

TEST_F(BranchChoiceTest, AnEmptyArchiveSaysSo) {
  EXPECT_EQ(Choose({}).code(), Code::kNotFound);
  EXPECT_EQ(Choose(Time(1)).code(), Code::kNotFound);
}

}  // namespace
}  // namespace pitr
