#include "core/repo/backups/backup_pin.h"

#include "core/backup/reserved_label.h"
#include "core/repo/backups/backup_catalog.h"
#include "core/repo/backups/expire_mark.h"
#include "unit/expire/expire_fixture.h"

namespace pitr {
namespace {

using namespace test;

class BackupPinTest : public ExpireTest {
 protected:
  BackupPinTest() { AddDays({"a"}); }
  BackupCatalog Catalog() { return BackupCatalog::Load(*repository_, ctx_).value(); }
};

TEST_F(BackupPinTest, PinsAndUnpins) {
  const int64_t until = clock_.WallMicros() + 1000000;
  const auto pin =
      PinBackup(*repository_, {.label = "a", .reason = "a\xff", .until_micros = until, .pinned_by = "me"}, ctx_);
  ASSERT_TRUE(pin.ok()) << TextOf(pin);
  const BackupCatalog catalog = Catalog();
  ASSERT_EQ(catalog.pins.count("a"), 1u);
  const BackupPin& read = catalog.pins.at("a");
  EXPECT_EQ(read.reason, "a\xff");
  EXPECT_EQ(read.pinned_by, "me");
  EXPECT_EQ(read.until_micros, until);
  EXPECT_EQ(read.pinned_micros, clock_.WallMicros());
  EXPECT_TRUE(read.HoldsAt(until - 1));
  EXPECT_FALSE(read.HoldsAt(until));
  EXPECT_EQ(catalog.backups.size(), 1u);
  EXPECT_TRUE(catalog.unfinished.empty());
  EXPECT_EQ(UnpinBackup(*repository_, "a", ctx_).value(), 1);
  EXPECT_TRUE(Catalog().pins.empty());
  EXPECT_EQ(UnpinBackup(*repository_, "a", ctx_).value(), 0);
}

TEST_F(BackupPinTest, ANewPinReplacesTheOldOne) {
  ASSERT_TRUE(PinBackup(*repository_, {.label = "a", .reason = "one"}, ctx_).ok());
  clock_.Advance(1);
  ASSERT_TRUE(PinBackup(*repository_, {.label = "a", .reason = "two"}, ctx_).ok());
  EXPECT_EQ(KeysUnder("backup/a/pin.").size(), 1u);
  EXPECT_EQ(Catalog().pins.at("a").reason, "two");
}

TEST_F(BackupPinTest, Refuses) {
  EXPECT_EQ(PinBackup(*repository_, {.label = "b"}, ctx_).code(), Code::kNotFound);
  EXPECT_EQ(PinBackup(*repository_, {.label = "../b"}, ctx_).code(), Code::kNotFound);
  EXPECT_EQ(UnpinBackup(*repository_, "b", ctx_).code(), Code::kNotFound);
  EXPECT_EQ(PinBackup(*repository_, {.label = "a", .reason = std::string(1001, 'x')}, ctx_).code(),
            Code::kInvalidArgument);
  EXPECT_EQ(PinBackup(*repository_, {.label = "a", .until_micros = clock_.WallMicros()}, ctx_).code(),
            Code::kInvalidArgument);
  ASSERT_TRUE(CreateMark(*repository_, "a", layout::BackupObject::kExpireMark, "x", ctx_).ok());
  ASSERT_TRUE(CreateMark(*repository_, "a", layout::BackupObject::kExpireMark, "y", ctx_).ok()) << "twice is once";
  EXPECT_EQ(PinBackup(*repository_, {.label = "a"}, ctx_).code(), Code::kConflict);
  EXPECT_TRUE(KeysUnder("backup/a/pin.").empty());
  EXPECT_EQ(Catalog().expiring, std::set<std::string>{"a"});
  EXPECT_EQ(Catalog().backups.size(), 1u) << "a mark alone takes nothing away";
}

TEST_F(BackupPinTest, NothingIsBuiltOnWhatIsBeingExpired) {
  BackupOptions options;
  options.label = "child";
  ASSERT_TRUE(ReserveLabel(*repository_, options, {"a", {}}, ctx_).ok());
  ASSERT_TRUE(CreateMark(*repository_, "a", layout::BackupObject::kExpireMark, "x", ctx_).ok());
  options.label = "late";
  EXPECT_EQ(ReserveLabel(*repository_, options, {"a", {}}, ctx_).code(), Code::kConflict);
  EXPECT_TRUE(KeysUnder("backup/late/").empty());
  EXPECT_EQ(Catalog().unfinished.at(0).parent_label, "a");
}

TEST_F(BackupPinTest, ADamagedPinHoldsForEver) {
  const int64_t until = clock_.WallMicros() + 1000000;
  const auto pin = PinBackup(*repository_, {.label = "a", .until_micros = until}, ctx_);
  ASSERT_TRUE(memory_.FlipBit(layout::PinKey("a", pin.value().slot), 8 * 100));
  EXPECT_FALSE(Catalog().pins.at("a").readable);
  EXPECT_TRUE(Catalog().pins.at("a").HoldsAt(until + 1));
  faults().Inject({.op = StoreOp::kGet, .key_contains = "pin."});
  EXPECT_EQ(BackupCatalog::Load(*repository_, ctx_).code(), Code::kUnavailable);
}

TEST_F(BackupPinTest, TheWitnessTellsAfterTheMarkIsGone) {
  using layout::BackupObject;
  EXPECT_TRUE(CheckNotExpiring(*repository_, "a", BackupObject::kStart, ctx_).ok());
  ASSERT_TRUE(memory_.Delete({"backup/a/start"}, ctx_).ok());
  EXPECT_EQ(CheckNotExpiring(*repository_, "a", BackupObject::kStart, ctx_).code(), Code::kConflict);
  EXPECT_TRUE(CheckNotExpiring(*repository_, "a", BackupObject::kManifest, ctx_).ok());
  faults().SetDead(true);
  EXPECT_EQ(CheckNotExpiring(*repository_, "a", BackupObject::kManifest, ctx_).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace pitr
