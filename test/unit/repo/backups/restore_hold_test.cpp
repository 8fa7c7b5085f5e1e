#include "core/repo/backups/restore_hold.h"

#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/expire_mark.h"
#include "unit/expire/expire_fixture.h"

namespace pitr {
namespace {

using namespace test;

constexpr int64_t kMinuteMicros = int64_t{60} * 1000000;

class RestoreHoldTest : public ExpireTest {
 protected:
  RestoreHoldTest() { AddDays({"a"}); }
  BackupCatalog Catalog() { return BackupCatalog::Load(*repository_, ctx_).value(); }
};

TEST_F(RestoreHoldTest, IsReadBackAndEndsByTheStoresClock) {
  const auto slot = CreateHold(*repository_, "a", kMinuteMicros, "me\xff", ctx_);
  ASSERT_TRUE(slot.ok()) << TextOf(slot);
  const BackupCatalog catalog = Catalog();
  ASSERT_EQ(catalog.holds.size(), 1u);
  const RestoreHold& hold = catalog.holds[0];
  EXPECT_EQ(hold.label, "a");
  EXPECT_EQ(hold.slot, slot.value());
  EXPECT_EQ(hold.held_by, "me\xff");
  EXPECT_TRUE(hold.readable);
  EXPECT_EQ(hold.EndMicros(),
            memory_.Stat(layout::HoldKey("a", hold.slot), ctx_).value().modified_micros + kMinuteMicros);
  EXPECT_TRUE(hold.HoldsAt(hold.EndMicros() - 1));
  EXPECT_FALSE(hold.HoldsAt(hold.EndMicros()));
  EXPECT_EQ(catalog.backups.size(), 1u);
  EXPECT_TRUE(catalog.unfinished.empty() && catalog.damaged.empty());
  ASSERT_TRUE(RemoveHold(*repository_, "a", hold.slot, ctx_).ok());
  EXPECT_TRUE(Catalog().holds.empty());
}

TEST_F(RestoreHoldTest, TheOneThatEndsLastCounts) {
  for (const int minutes : {2, 3, 1})
    ASSERT_TRUE(CreateHold(*repository_, "a", minutes * kMinuteMicros, "x", ctx_).ok());
  const BackupCatalog catalog = Catalog();
  const int64_t now = clock_.WallMicros();
  ASSERT_NE(catalog.FindHold("a", now), nullptr);
  EXPECT_EQ(catalog.FindHold("a", now)->lasts_micros, 3 * kMinuteMicros);
  EXPECT_EQ(catalog.FindHold("a", now + 3 * kMinuteMicros), nullptr);
  EXPECT_EQ(catalog.FindHold("b", now), nullptr);
}

TEST_F(RestoreHoldTest, OneThatCannotBeReadLastsAsLongAsAnyMay) {
  const auto slot = CreateHold(*repository_, "a", kMinuteMicros, "x", ctx_);
  ASSERT_TRUE(slot.ok());
  ASSERT_TRUE(memory_.FlipBit(layout::HoldKey("a", slot.value()), 800));
  const BackupCatalog catalog = Catalog();
  ASSERT_EQ(catalog.holds.size(), 1u);
  EXPECT_FALSE(catalog.holds[0].readable);
  EXPECT_EQ(catalog.holds[0].lasts_micros, kMaxHoldMicros);
}

TEST_F(RestoreHoldTest, HasALimit) {
  for (const int64_t lasts : {int64_t{0}, int64_t{-1}, kMaxHoldMicros + 1})
    EXPECT_EQ(CreateHold(*repository_, "a", lasts, "x", ctx_).code(), Code::kInvalidArgument) << lasts;
  EXPECT_TRUE(CreateHold(*repository_, "a", kMaxHoldMicros, "x", ctx_).ok());
}

TEST_F(RestoreHoldTest, MarksSayWhoMadeThem) {
  for (const auto mark : {layout::BackupObject::kExpireMark, layout::BackupObject::kAloneMark}) {
    EXPECT_FALSE(ReadMark(*repository_, "a", mark, ctx_).value().has_value());
    ASSERT_TRUE(CreateMark(*repository_, "a", mark, "host x", ctx_).ok());
    const auto read = ReadMark(*repository_, "a", mark, ctx_);
    ASSERT_TRUE(read.ok() && read.value().has_value());
    EXPECT_EQ(read.value()->marked_by, "host x");
    EXPECT_EQ(read.value()->marked_micros, clock_.WallMicros());
    ASSERT_TRUE(memory_.FlipBit(layout::BackupKey("a", mark), 800));
    const auto damaged = ReadMark(*repository_, "a", mark, ctx_);
    ASSERT_TRUE(damaged.ok() && damaged.value().has_value()) << "one that cannot be read is one";
    EXPECT_EQ(damaged.value()->marked_micros, 0);
  }
  EXPECT_EQ(Catalog().expiring, std::set<std::string>{"a"});
  EXPECT_EQ(Catalog().alone, std::set<std::string>{"a"});
  faults().Inject({.op = StoreOp::kGet, .key_contains = "expire"});
  EXPECT_EQ(ReadMark(*repository_, "a", layout::BackupObject::kExpireMark, ctx_).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace pitr
