// Unfinished segments: stored as what they are, by whoever has them, and superseded by the whole one.
// Starts no thread.
#include "core/repo/wal/partial_segment.h"

#include "core/repo/archive/wal_catalog.h"
#include "core/repo/layout.h"
#include "core/repo/wal/wal_fetch.h"
#include "core/repo/wal/wal_push.h"
#include "lib/repository_fixture.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

using test::TextOf;

constexpr uint32_t kWholeSegment = WalBuilder::kSegmentSize;
const ClusterIdentity kBuilder{WalBuilder::kSystem, kWholeSegment, 15};
const std::string kName = "000000010000000000000003";
constexpr uint64_t kSegmentBegin = uint64_t{3} * kWholeSegment;

class Partial : public test::RepositoryTest {
 protected:
  Partial() { repository_ = MustOpenOrCreate(config_, kBuilder); }

  Result<WalPushResult> Push(const Bytes& bytes, bool left_behind = false, const std::string& name = kName) {
    return PushWalFile(*repository_, name, Write("segment", AsText(bytes)), ctx_, {.left_behind = left_behind});
  }
  // The first `records` of a segment, the rest zero.
  static Bytes Beginning(int records) { return Wal(records).Segment({3}); }
  static Lsn EndOf(int records) { return Wal(records).at(); }
  static WalBuilder Wal(int records) {
    WalBuilder wal;
    for (int i = 0; i < records; ++i) wal.AddFiller(100);
    return wal;
  }
  static Bytes Whole() {
    WalBuilder wal;
    while (wal.at().value < kSegmentBegin + kWholeSegment) wal.AddFiller(100);
    return wal.Segment({3});
  }
  static std::string KeyOf(int records) {
    return layout::PartialSegmentKey(kName, static_cast<uint32_t>(EndOf(records).value - kSegmentBegin));
  }
  bool Has(const std::string& key) { return memory_.Stat(key, ctx_).ok(); }

  std::unique_ptr<Repository> repository_;
};

TEST_F(Partial, IsLeftToTheServerThatIsWritingIt) {
  const auto push = [&](const Bytes& bytes, const std::string& name = kName) {
    return PushWalFile(*repository_, name, Write("segment", AsText(bytes)), ctx_,
                       {.left_behind = true, .server_runs = true});
  };
  const auto before = memory_.Keys();
  auto pushed = push(Beginning(50));
  ASSERT_TRUE(pushed.ok()) << TextOf(pushed);
  EXPECT_TRUE(pushed.value().being_written);
  EXPECT_EQ(memory_.Keys(), before);
  // With the segment it archives later nothing is at odds.
  EXPECT_FALSE(push(Whole()).value().being_written);
  EXPECT_TRUE(Has(layout::WalKey(kName)));
  // What a promotion left of the old timeline is not written any more.
  EXPECT_TRUE(push(Beginning(50), kName + ".partial").value().partial_until);
}

TEST_F(Partial, IsStoredUpToItsEndAndHandedOutPadded) {
  auto pushed = Push(Beginning(50));
  ASSERT_TRUE(pushed.ok()) << TextOf(pushed);
  EXPECT_EQ(pushed.value().partial_until, EndOf(50));
  EXPECT_FALSE(pushed.value().already_there);
  EXPECT_TRUE(Has(KeyOf(50)));
  EXPECT_FALSE(Has(layout::WalKey(kName)));
  EXPECT_EQ(FetchWalBytes(*repository_, kName, ctx_).code(), Code::kNotFound);
  auto fetched = FetchWalBytes(*repository_, kName + ".partial", ctx_);
  ASSERT_TRUE(fetched.ok()) << TextOf(fetched);
  EXPECT_TRUE(fetched.value() == Beginning(50));
  EXPECT_TRUE(Push(Beginning(50)).value().already_there);
}

TEST_F(Partial, WhatTheFileHeldBeforeIsNotHandedOut) {
  WalBuilder old(15, {uint64_t{1} * kWholeSegment});
  while (old.at().value < uint64_t{2} * kWholeSegment) old.AddFiller(100);
  Bytes recycled = old.Segment({1});
  const Bytes now = Beginning(300);
  std::copy_n(now.begin(), EndOf(300).value - kSegmentBegin, recycled.begin());
  ASSERT_EQ(Push(recycled).value().partial_until, EndOf(300));
  EXPECT_TRUE(FetchWalBytes(*repository_, kName + ".partial", ctx_).value() == now);
}

TEST_F(Partial, LongerAndShorterOnesOfOneSegmentAreBeginningsOfEachOther) {
  ASSERT_TRUE(Push(Beginning(50)).ok());
  EXPECT_FALSE(Push(Beginning(200)).value().already_there);
  EXPECT_TRUE(Push(Beginning(100)).value().already_there) << "there is more of it";
  EXPECT_FALSE(Has(KeyOf(100)));
  EXPECT_TRUE(FetchWalBytes(*repository_, kName + ".partial", ctx_).value() == Beginning(200));
  EXPECT_EQ(WalCatalog::Load(*repository_, ctx_).value().timelines().at({1}).partials,
            (std::map<SegmentNo, Lsn>{{{3}, EndOf(200)}}));
}

TEST_F(Partial, AnotherServersIsRefused) {
  ASSERT_TRUE(Push(Beginning(50)).ok());
  Bytes other = Beginning(20);
  WalBuilder wal = Wal(20);
  wal.AddData(Rmgr::kXlog, 0x20, Bytes(100, 0x11));
  auto pushed = Push(wal.Segment({3}));
  EXPECT_EQ(pushed.code(), Code::kConflict);
  EXPECT_NE(pushed.status().message().find(KeyOf(50)), std::string::npos) << TextOf(pushed);
}

TEST_F(Partial, TheWholeSegmentIsAlwaysTakenAndPreferred) {
  ASSERT_TRUE(Push(Beginning(50)).ok());
  auto whole = Push(Whole());
  ASSERT_TRUE(whole.ok()) << TextOf(whole);
  EXPECT_FALSE(whole.value().partial_until.has_value());
  EXPECT_TRUE(FetchWalBytes(*repository_, kName, ctx_).value() == Whole());
  // A standby that has less comes later.
  auto late = Push(Beginning(80));
  ASSERT_TRUE(late.ok()) << TextOf(late);
  EXPECT_TRUE(late.value().already_there);
  EXPECT_FALSE(Has(KeyOf(80)));
  auto partial_name = Push(Beginning(90), false, kName + ".partial");
  ASSERT_TRUE(partial_name.ok()) << TextOf(partial_name);
  EXPECT_TRUE(partial_name.value().already_there);
}

TEST_F(Partial, AWholeSegmentOfWhichItIsNotTheBeginningIsAnotherServers) {
  WalBuilder wal = Wal(20);
  wal.AddData(Rmgr::kXlog, 0x20, Bytes(100, 0x11));
  ASSERT_TRUE(Push(wal.Segment({3})).value().partial_until.has_value());
  ASSERT_TRUE(Push(Beginning(10)).ok()) << "both begin alike";
  auto whole = Push(Whole());
  ASSERT_EQ(whole.code(), Code::kConflict) << TextOf(whole);
  EXPECT_NE(whole.status().message().find("two servers wrote it differently"), std::string::npos) << TextOf(whole);
  EXPECT_NE(whole.status().detail().find("they differ from byte 2620 on"), std::string::npos) << TextOf(whole);
  EXPECT_FALSE(Has(layout::WalKey(kName))) << "neither is lost: the one is stored, the other waits";
  // What a server writes while it runs is not compared with anything.
  auto unasked = PushWalFile(*repository_, kName, Write("segment", AsText(Whole())), ctx_, {.compare_partials = false});
  EXPECT_TRUE(unasked.ok()) << TextOf(unasked);
}

TEST_F(Partial, UnderPostgresOwnNameItIsTheSame) {
  auto pushed = Push(Beginning(50), false, kName + ".partial");
  ASSERT_TRUE(pushed.ok()) << TextOf(pushed);
  EXPECT_TRUE(Has(KeyOf(50)));
  EXPECT_TRUE(Push(Beginning(50)).value().already_there);
}

TEST_F(Partial, AnUnfinishedCopyUnderTheWholeName) {
  const Bytes cut = Beginning(50);
  ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(kName), cut, ctx_).ok());
  auto pushed = Push(Whole());
  ASSERT_EQ(pushed.code(), Code::kConflict);
  EXPECT_NE(pushed.status().message().find("an unfinished copy of this segment is stored"), std::string::npos)
      << TextOf(pushed);
  EXPECT_NE(pushed.status().detail().find(EndOf(50).ToString()), std::string::npos) << TextOf(pushed);
  EXPECT_TRUE(FetchWalBytes(*repository_, kName, ctx_).value() == cut) << "left alone";
}

TEST_F(Partial, ATornLastRecordIsAnEndWhereAServerDied) {
  WalBuilder wal = Wal(50);
  const Lsn end = wal.at();
  wal.AddFiller(100);
  Bytes torn = wal.Segment({3});
  torn[end.value - kSegmentBegin + 60] ^= 1;
  EXPECT_FALSE(Push(torn).value().partial_until.has_value()) << "a server that runs would not call that complete";
  ASSERT_TRUE(memory_.Delete({layout::WalKey(kName)}, ctx_).ok());
  EXPECT_EQ(Push(torn, /*left_behind=*/true).value().partial_until, end);
  EXPECT_TRUE(FetchWalBytes(*repository_, kName + ".partial", ctx_).value() == Beginning(50));
}

TEST_F(Partial, DamageIsNamed) {
  ASSERT_TRUE(Push(Beginning(50)).ok());
  memory_.FlipBit(KeyOf(50), 8 * 200);
  auto fetched = FetchWalBytes(*repository_, kName + ".partial", ctx_);
  EXPECT_EQ(fetched.code(), Code::kCorruption);
  EXPECT_NE(fetched.status().message().find(KeyOf(50)), std::string::npos) << TextOf(fetched);
}

}  // namespace
}  // namespace pitr
