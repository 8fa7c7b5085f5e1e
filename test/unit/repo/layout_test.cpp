// Starts no thread.
#include "core/repo/layout.h"

#include <gtest/gtest.h>

namespace pitr::layout {
namespace {

TEST(Layout, WalKeysGoBothWays) {
  for (const char* name : {"000000010000000000000001", "0000000A000000FF000000FE", "000000010000000000000FFF",
                           "00000002.history", "000000010000000000000001.00000028.backup"}) {
    const std::string key = WalKey(name);
    EXPECT_EQ(WalNameOfKey(key), name);
  }
  EXPECT_EQ(WalKey("0000000A000000FF000000FE"), "wal/0000000a/000000/FF000000/0000000A000000FF000000FE");
  EXPECT_EQ(WalKey("00000002.history"), "wal/00000002/00000002.history");
  EXPECT_EQ(WalTimelinePrefix({10}), "wal/0000000a/");
}

// Readers of listings rely on it.
TEST(Layout, KeysOfSegmentsAscendAsTheirNumbers) {
  for (const uint32_t size : {1u << 20, 16u << 20, 1u << 30}) {
    std::string before;
    const uint64_t per_log = 0x100000000 / size;
    for (const uint64_t number : {uint64_t{1}, uint64_t{2}, per_log - 1, per_log, per_log + 1, 256 * per_log - 1,
                                  256 * per_log, 257 * per_log, 65536 * per_log - 1, 65536 * per_log}) {
      for (const std::string& key : {WalKey(SegmentFileName({10}, {number}, size)),
                                     PartialSegmentKey(SegmentFileName({10}, {number}, size), 0x28)}) {
        EXPECT_LT(before, key);
        EXPECT_TRUE(key.starts_with(WalTimelinePrefix({10})));
        before = key;
      }
    }
  }
}

TEST(Layout, OtherKeysAreNotWal) {
  for (const char* key :
       {"", "wal/", "wal/00000001", "wal/00000001/", "wal/00000001/README", "wal/00000002/000000010000000000000001",
        "wal/00000001/000000010000000000000001", "wal/00000001/000000/000000010000000000000001",
        "wal/00000001/000000/00000001/000000010000000000000001",
        "wal/00000001/000001/00000000/000000010000000000000001",
        "wal/0000000A/000000/00000000/0000000A0000000000000001",
        "xal/00000001/000000/00000000/000000010000000000000001",
        "wal/00000001/000000/00000000/000000010000000000000001.partial",
        "wal/00000001/000000/00000000/000000010000000000000001.00000028.partial",
        "wal/00000001/000000/00000000/000000010000000000000001.gz", "wal/00000001/000000/00000000/00000001.history",
        "wal/00000001/x/000000010000000000000001", "000000010000000000000001"})
    EXPECT_EQ(WalNameOfKey(key), std::nullopt) << key;
}

TEST(Layout, PartialSegmentKeysGoBothWays) {
  const std::string key = PartialSegmentKey("0000000A000000FF000000FE", 0xA1B2C8);
  EXPECT_EQ(key, "wal/0000000a/000000/FF000000/0000000A000000FF000000FE.00A1B2C8.partial");
  EXPECT_TRUE(key.starts_with(PartialSegmentPrefix("0000000A000000FF000000FE")));
  const auto parts = ParsePartialSegmentKey(key);
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->segment, "0000000A000000FF000000FE");
  EXPECT_EQ(parts->end_offset, 0xA1B2C8u);
  for (const char* other :
       {"wal/0000000a/000000/FF000000/0000000A000000FF000000FE.partial",
        "wal/0000000a/000000/FF000000/0000000A000000FF000000FE.00a1b2c8.partial",
        "wal/0000000b/000000/FF000000/0000000A000000FF000000FE.00A1B2C8.partial",
        "wal/0000000a/0000000A000000FF000000FE.00A1B2C8.partial", "wal/0000000a/0000000A.history.00A1B2C8.partial",
        "wal/0000000a/000000/FF000000/0000000A000000FF000000FE.0A1B2C8.partial",
        "wal/0000000a/000000/FF000000/0000000A000000FF000000FE.00A1B2C8", ".00A1B2C8.partial", ""})
    EXPECT_EQ(ParsePartialSegmentKey(other), std::nullopt) << other;
}

TEST(Layout, ChangeMapKeysGoBothWays) {
  const std::string key = ChangeMapKey("0000000A000000FF000000FE");
  EXPECT_EQ(key, "change/0000000a/000000/FF000000/0000000A000000FF000000FE");
  EXPECT_EQ(SegmentOfChangeMapKey(key), "0000000A000000FF000000FE");
  for (const char* other :
       {"", "change/", "wal/0000000a/000000/FF000000/0000000A000000FF000000FE", "change/0000000a/0000000A.history",
        "change/0000000a/000000/FF000000/0000000A000000FF000000FE.partial", "change/0000000a/0000000A000000FF000000FE",
        "change/0000000b/000000/FF000000/0000000A000000FF000000FE"})
    EXPECT_EQ(SegmentOfChangeMapKey(other), std::nullopt) << other;
}

TEST(Layout, SealKeysGoBothWays) {
  for (const uint32_t size : {1u << 20, 16u << 20, 1u << 30}) {
    const WalGroup group = GroupOf({10}, {uint64_t{0x12FF5678} * (0x100000000 / size)}, size);
    EXPECT_EQ(SealKey(group), "sealed/0000000a/12FF56") << size;
    EXPECT_EQ(ParseSealKey(SealKey(group)), group);
    const SegmentRange segments = SegmentsOf(group, size);
    for (const SegmentNo segment : {segments.first, segments.last}) {
      EXPECT_EQ(GroupOf({10}, segment, size), group);
      const std::string name = SegmentFileName({10}, segment, size);
      EXPECT_TRUE(WalKey(name).starts_with(GroupPrefix(kWalPrefix, group)));
      EXPECT_TRUE(ChangeMapKey(name).starts_with(GroupPrefix(kChangeMapPrefix, group)));
    }
    EXPECT_NE(GroupOf({10}, {segments.last.value + 1}, size), group);
  }
  for (const char* key : {"", "sealed/", "sealed/0000000a", "sealed/0000000a/", "sealed/0000000a/12ff56",
                          "sealed/0000000A/12FF56", "sealed/00000000/12FF56", "sealed/0000000a/12FF5",
                          "sealed/0000000a/12FF567", "sealed/0000000a/12FF5x", "wal/0000000a/12FF56"})
    EXPECT_FALSE(ParseSealKey(key).has_value()) << key;
}

TEST(Layout, BackupKeys) {
  EXPECT_EQ(BackupKey("20260522-090014F", BackupObject::kManifest), "backup/20260522-090014F/manifest");
  for (BackupObject object : {BackupObject::kStart, BackupObject::kFiles, BackupObject::kManifest,
                              BackupObject::kExpireMark, BackupObject::kAloneMark}) {
    auto parts = ParseBackupKey(BackupKey("a.b-c_1", object));
    ASSERT_TRUE(parts.has_value());
    EXPECT_EQ(parts->label, "a.b-c_1");
    EXPECT_EQ(parts->object, object);
  }
  for (const char* key : {"backup/", "backup/x", "backup/x/", "backup/x/other", "backup//manifest",
                          "backup/.x/manifest", "backup/x/manifest/", "data/x/manifest"})
    EXPECT_FALSE(ParseBackupKey(key).has_value()) << key;
}

TEST(Layout, KeysTellTheirLabel) {
  EXPECT_EQ(LabelOf("backup/a.b-c/manifest"), "a.b-c");
  EXPECT_EQ(LabelOf("backup/x/anything"), "x");
  EXPECT_EQ(LabelOf("data/x/000001"), "x");
  EXPECT_EQ(LabelOf(BackupPrefix("x")), "x");
  EXPECT_EQ(LabelOf(DataPrefix("x")), "x");
  for (const char* key : {"", "backup/", "backup/x", "backup//manifest", "data/.x/000001", "wal/x/y", "xbackup/x/y"})
    EXPECT_EQ(LabelOf(key), std::nullopt) << key;
  EXPECT_EQ(PrefixOf(PackKey("x", 1)), DataPrefix("x"));
  EXPECT_EQ(PrefixOf("marker"), "");
}

TEST(Layout, Labels) {
  EXPECT_TRUE(IsValidLabel("a"));
  EXPECT_TRUE(IsValidLabel(std::string(64, 'x')));
  for (const std::string& label : {std::string(), std::string(65, 'x'), std::string("-a"), std::string(".."),
                                   std::string("a/b"), std::string("a b"), std::string("\xc3\xa4")})
    EXPECT_FALSE(IsValidLabel(label)) << label;
}

TEST(Layout, PacksSortByNumber) {
  EXPECT_EQ(PackKey("x", 1), "data/x/000001");
  EXPECT_LT(PackKey("x", 9), PackKey("x", 10));
}

TEST(Layout, PagesOfFileMapsLieBesidePacks) {
  EXPECT_EQ(MapPageKey("x", 7), "data/x/page.000007");
  const auto parts = ParseMapPageKey("data/x/page.1000007");
  ASSERT_TRUE(parts);
  EXPECT_EQ(parts->label, "x");
  EXPECT_EQ(parts->number, 1000007U);
  EXPECT_EQ(LabelOf("data/x/page.000007"), "x");
  EXPECT_EQ(LabelOfPackKey("data/x/page.000007"), std::nullopt) << "it is no pack";
  for (const char* key :
       {"data/x/page.7", "data/x/page.000000", "data/x/page.", "data/x/000007", "backup/x/page.000007",
        "data/x/page.0000007", "data/x/page.000007/1", "data/x/page.99999999999"})
    EXPECT_FALSE(ParseMapPageKey(key)) << key;
}

TEST(Layout, PacksTellTheirLabel) {
  EXPECT_EQ(LabelOfPackKey("data/a.b-c/000001"), "a.b-c");
  EXPECT_EQ(LabelOfPackKey("data/x/1000000"), "x");
  for (const char* key : {"data/", "data/x", "data/x/", "data/x/1", "data/x/00000a", "data/.x/000001",
                          "data/x/000001/1", "backup/x/000001"})
    EXPECT_EQ(LabelOfPackKey(key), std::nullopt) << key;
}

TEST(Layout, Pins) {
  EXPECT_EQ(PinKey("x", 0x89abcdef), "backup/x/pin.89abcdef");
  const auto parts = ParsePinKey("backup/x/pin.000000ff");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->label, "x");
  EXPECT_EQ(parts->slot, 255u);
  for (const char* key : {"backup/x/pin", "backup/x/pin.", "backup/x/pin.1", "backup/x/pin.0000000G",
                          "backup/.x/pin.00000001", "backup/x/pin.000000001"})
    EXPECT_FALSE(ParsePinKey(key).has_value()) << key;
}

TEST(Layout, Holds) {
  EXPECT_EQ(HoldKey("x", 0x89abcdef), "backup/x/hold.89abcdef");
  const auto parts = ParseHoldKey("backup/x/hold.000000ff");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->label, "x");
  EXPECT_EQ(parts->slot, 255u);
  for (const char* key : {"backup/x/hold", "backup/x/hold.", "backup/x/pin.00000001", "backup/x/hold.0000000G",
                          "backup/.x/hold.00000001", "data/x/hold.00000001"})
    EXPECT_FALSE(ParseHoldKey(key).has_value()) << key;
}

TEST(Layout, PartialMaps) {
  EXPECT_EQ(PartialKey("x", 7), "backup/x/partial.000007");
  EXPECT_EQ(PartialKey("x", 1234567), "backup/x/partial.1234567");
  for (uint32_t pack : {1u, 999999u, 1000000u, UINT32_MAX}) {
    const auto parts = ParsePartialKey(PartialKey("a.b", pack));
    ASSERT_TRUE(parts.has_value()) << pack;
    EXPECT_EQ(parts->label, "a.b");
    EXPECT_EQ(parts->pack, pack);
    EXPECT_FALSE(ParseBackupKey(PartialKey("a.b", pack)).has_value());
  }
  for (const char* key : {"backup/x/partial.", "backup/x/partial.1", "backup/x/partial.000000",
                          "backup/x/partial.0000001", "backup/x/partial.00001a", "backup/x/partial.000001/1",
                          "backup/.x/partial.000001", "data/x/partial.000001", "backup/x/partial.4294967296"})
    EXPECT_FALSE(ParsePartialKey(key).has_value()) << key;
}

TEST(Layout, KeySlots) {
  EXPECT_EQ(KeySlotKey(1, 0x89abcdef), "keys/00000001.89abcdef");
  auto parts = ParseKeySlotKey("keys/00000012.000000ff");
  ASSERT_TRUE(parts.has_value());
  EXPECT_EQ(parts->key_number, 12u);
  EXPECT_EQ(parts->slot, 255u);
  for (const char* key :
       {"keys/", "keys/1.1", "keys/00000000.00000001", "keys/0000000x.00000001", "keys/00000001.0000000G",
        "keys/00000001-00000001", "keys/00000001.000000011", "keys/00000001.ABCDEF00"})
    EXPECT_FALSE(ParseKeySlotKey(key).has_value()) << key;
}

}  // namespace
}  // namespace pitr::layout
