#include "core/repo/archive/wal_seal.h"

#include "core/repo/archive/wal_catalog.h"
#include "core/repo/archive/wal_sealer.h"
#include "core/repo/layout.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

using test::StoreOp;

// Segments of a gigabyte: a group has 1,024.
constexpr ClusterIdentity kBig{{7123456789012345678u}, 1u << 30, 15};
constexpr uint64_t kGroup = SegmentsInGroup(kBig.segment_size_bytes);
static_assert(kGroup == 1024);

class WalSealTest : public test::RepositoryTest {
 protected:
  WalSealTest() : repository_(MustOpenOrCreate(config_, kBig)) {}
  static std::string Key(uint64_t segment, uint32_t timeline = 1) {
    return layout::WalKey(SegmentFileName({timeline}, {segment}, kBig.segment_size_bytes));
  }
  void Put(const std::string& key, size_t size = 200) {
    ASSERT_TRUE(memory_.Create(key, Bytes(size, 'x'), ctx_).ok()) << key;
  }
  void Remove(const std::string& key) { ASSERT_TRUE(memory_.Delete({key}, ctx_).ok()); }
  void PutSegments(uint64_t first, uint64_t last, uint32_t timeline = 1) {
    for (uint64_t at = first; at <= last; at++) Put(Key(at, timeline));
  }
  WalCatalog Load(Seals seals = Seals::kBelieve) {
    auto catalog = WalCatalog::Load(*repository_, ctx_, seals);
    EXPECT_TRUE(catalog.ok()) << catalog.status().ToString();
    return catalog.ok() ? std::move(catalog).value() : WalCatalog();
  }
  Status Seal(const std::set<WalGroup>& but = {}) { return SealWholeGroups(*repository_, Load(), but, ctx_); }
  std::vector<std::string> SealKeys() {
    std::vector<std::string> keys = memory_.Keys();
    std::erase_if(keys, [](const std::string& key) { return !layout::ParseSealKey(key); });
    return keys;
  }
  static std::string Describe(const WalCatalog& catalog) {
    std::string text;
    for (const auto& [timeline, held] : catalog.timelines()) {
      text += std::to_string(timeline.value) + (held.history ? "h" : "") + ":";
      for (const WalRange& range : held.ranges)
        text += " " + std::to_string(range.first.value) + "-" + std::to_string(range.last.value) + "=" +
                std::to_string(range.stored_bytes);
      text +=
          " partials " + std::to_string(held.partials.size()) + " newest " + std::to_string(held.newest_micros) + "\n";
    }
    return text;
  }
  int Calls() {
    int calls = 0;
    for (const StoreOp op : {StoreOp::kList, StoreOp::kGet, StoreOp::kStat}) calls += faults().calls(op);
    return calls;
  }
  std::unique_ptr<Repository> repository_;
};

TEST_F(WalSealTest, WhatIsSealedIsNotListedAgain) {
  PutSegments(kGroup - 20, 4 * kGroup + 9);
  Put(Key(2 * kGroup + 5) + ".00000028.backup");
  Put(layout::PartialSegmentKey(SegmentFileName({1}, {4 * kGroup + 10}, kBig.segment_size_bytes), 0x28));
  ASSERT_TRUE(Seal().ok());
  EXPECT_EQ(SealKeys(),
            (std::vector<std::string>{"sealed/00000001/000001", "sealed/00000001/000002", "sealed/00000001/000003"}));
  const std::string all = Describe(Load(Seals::kIgnore));
  const int before = Calls();
  const WalCatalog catalog = Load();
  EXPECT_LE(Calls() - before, 1 + 3 + 2) << "the seals, and both ends of wal/";
  EXPECT_EQ(Describe(catalog), all);
  EXPECT_EQ(catalog.sealed().size(), 3U);
  EXPECT_TRUE(Load(Seals::kIgnore).sealed().empty());
  const int created = faults().calls(StoreOp::kCreate);
  ASSERT_TRUE(Seal().ok());
  EXPECT_EQ(faults().calls(StoreOp::kCreate), created) << "nothing is left to be sealed";
}

TEST_F(WalSealTest, OnlyWhatIsWholeIsSealed) {
  PutSegments(0, 4 * kGroup - 1);
  for (const uint64_t gone : {kGroup + 7, 3 * kGroup, 4 * kGroup - 1}) Remove(Key(gone));
  Remove(Key(2 * kGroup + 3));
  Put(Key(2 * kGroup + 3), 10);
  Put(Key(kGroup + 7) + ".00000028.backup");
  ASSERT_TRUE(Seal().ok());
  EXPECT_EQ(SealKeys(), std::vector<std::string>{"sealed/00000001/000000"});
  ASSERT_TRUE(BreakSeal(*repository_, {{1}, 0}, ctx_).ok());
  ASSERT_TRUE(Seal({{{1}, 0}}).ok());
  EXPECT_TRUE(SealKeys().empty()) << "it was to be left out";
  faults().Inject({.op = StoreOp::kSettle, .status = {Code::kUnavailable, "EIO"}});
  EXPECT_EQ(Seal().code(), Code::kUnavailable) << "listed is not yet durable";
  EXPECT_TRUE(SealKeys().empty());
}

// An expiry that had found no seal goes on deleting.
TEST_F(WalSealTest, WhatGoesWhileItIsSealedBreaksTheSeal) {
  PutSegments(0, kGroup);
  faults().OnCallInTurn([&](StoreOp op, const std::string& key) {
    if (op == StoreOp::kCreate && layout::ParseSealKey(key)) Remove(Key(5));
  });
  EXPECT_TRUE(Seal().ok());
  EXPECT_TRUE(SealKeys().empty());
  PutSegments(5, 5);
  bool sealed = false;
  faults().OnCallInTurn([&](StoreOp op, const std::string& key) {
    sealed |= op == StoreOp::kCreate && layout::ParseSealKey(key).has_value();
    if (op == StoreOp::kList && sealed && key.starts_with("wal/")) faults().Inject({.op = StoreOp::kList});
  });
  EXPECT_EQ(Seal().code(), Code::kUnavailable) << "nobody can look a second time";
  EXPECT_TRUE(SealKeys().empty());
}

// As docs/format.md has it.
TEST_F(WalSealTest, ASealOfVersion1IsBelieved) {
  const std::string seal =
      R"({"pg_pitr_sealed": 1, "segments": 1024, "stored_bytes": 5000000000, "newest_micros": 1779460000000001,
                              "sealed_micros": 1779460000000002, "what a later writer adds": []})";
  ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWalSeal, "sealed/0000000a/00000F", AsBytes(seal), ctx_).ok());
  const WalCatalog catalog = Load();
  EXPECT_EQ(Describe(catalog), "10: 15360-16383=5000000000 partials 0 newest 1779460000000001\n");
}

TEST_F(WalSealTest, WhatCannotBeReadIsListed) {
  PutSegments(0, 2 * kGroup);
  ASSERT_TRUE(Seal().ok());
  const std::string all = Describe(Load());
  const std::string key = layout::SealKey({{1}, 0});
  ASSERT_TRUE(memory_.FlipBit(key, 8 * 100));
  EXPECT_EQ(Describe(Load()), all);
  EXPECT_EQ(Load().sealed().size(), 1U);
  Remove(key);
  const std::string newer = R"({"pg_pitr_sealed": 2, "segments": 1024, "stored_bytes": 1, "newest_micros": 1})";
  const std::string smaller = R"({"pg_pitr_sealed": 1, "segments": 1023, "stored_bytes": 1, "newest_micros": 1})";
  for (const std::string& content : {newer, smaller}) {
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWalSeal, key, AsBytes(content), ctx_).ok());
    EXPECT_EQ(Describe(Load()), all) << content;
    Remove(key);
  }
  faults().Inject({.op = StoreOp::kGet, .key_contains = "sealed/"});
  EXPECT_EQ(WalCatalog::Load(*repository_, ctx_).code(), Code::kUnavailable) << "the store does not answer";
  faults().Inject({.op = StoreOp::kGet, .status = {Code::kNotFound, "broken"}, .key_contains = "sealed/"});
  EXPECT_EQ(Describe(Load()), all) << "broken since it was listed";
}

TEST_F(WalSealTest, AHistoryFileAmongSealedGroupsIsFound) {
  PutSegments(0, 2 * kGroup, 2);
  const std::string key = layout::WalKey("00000002.history");
  ASSERT_LT(layout::GroupPrefix(layout::kWalPrefix, {{2}, 0}), key);
  ASSERT_GT(layout::GroupPrefix(layout::kWalPrefix, {{2}, 1}), key);
  ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, key, AsBytes("1\t0/1000000\twhy\n"), ctx_).ok());
  ASSERT_TRUE(Seal().ok());
  const WalCatalog catalog = Load();
  EXPECT_EQ(catalog.sealed().size(), 2U);
  EXPECT_EQ(Describe(catalog), Describe(Load(Seals::kIgnore)));
  EXPECT_TRUE(catalog.timelines().at({2}).history.has_value());
  EXPECT_NE(catalog.timelines().at({2}).history_micros, 0);
}

TEST_F(WalSealTest, TimelinesDoNotMix) {
  PutSegments(3, 2 * kGroup + 2, 1);
  PutSegments(kGroup, 2 * kGroup + 5, 3);
  PutSegments(2 * kGroup + 1, 2 * kGroup + 7, 0xA);
  ASSERT_TRUE(Seal().ok());
  EXPECT_EQ(SealKeys(), (std::vector<std::string>{"sealed/00000001/000001", "sealed/00000003/000001"}));
  EXPECT_EQ(Describe(Load()), Describe(Load(Seals::kIgnore)));
}

TEST_F(WalSealTest, WhoNeedsARangeLooksAtIt) {
  PutSegments(0, 3 * kGroup);
  ASSERT_TRUE(Seal().ok());
  Remove(Key(kGroup + 500));
  const WalCatalog catalog = Load();
  EXPECT_TRUE(catalog.Has({1}, {kGroup + 500})) << "that is what the seal says";
  const auto hold = [&](uint64_t first, uint64_t last) {
    const auto holds =
        SealsHold(*repository_, catalog.sealed(), {{{1}, {first}, {last}}, {{2}, {first}, {last}}}, ctx_);
    EXPECT_TRUE(holds.ok());
    return holds.value();
  };
  EXPECT_TRUE(hold(0, kGroup + 499));
  EXPECT_TRUE(hold(kGroup + 501, 3 * kGroup + 5));
  EXPECT_FALSE(hold(kGroup + 500, kGroup + 500));
  EXPECT_FALSE(hold(5, 3 * kGroup + 5));
  EXPECT_EQ(SealedSegments(catalog.sealed(), {{{1}, {5}, {3 * kGroup + 5}}}, kBig.segment_size_bytes), 3 * kGroup - 5);
  EXPECT_EQ(SealedSegments(catalog.sealed(), {{{1}, {3 * kGroup}, {3 * kGroup + 5}}}, kBig.segment_size_bytes), 0U);
}

TEST_F(WalSealTest, AStoreThatKeepsASealSaysSo) {
  PutSegments(0, kGroup);
  ASSERT_TRUE(Seal().ok());
  faults().Inject({.op = StoreOp::kDelete, .status = {Code::kPermission, "locked"}});
  EXPECT_EQ(BreakSeal(*repository_, {{1}, 0}, ctx_).code(), Code::kPermission);
  EXPECT_EQ(SealKeys().size(), 1U);
  EXPECT_TRUE(BreakSeal(*repository_, {{1}, 0}, ctx_).ok());
  EXPECT_TRUE(SealKeys().empty());
  EXPECT_TRUE(BreakSeal(*repository_, {{1}, 7}, ctx_).ok());
}

}  // namespace
}  // namespace pitr
