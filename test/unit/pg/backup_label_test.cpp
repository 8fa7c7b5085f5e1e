#include "core/pg/backup_label.h"

#include <gtest/gtest.h>

namespace pitr {
namespace {

const std::string kHead =
    "START WAL LOCATION: 1/2000028 (file 000000030000000100000002)\n"
    "CHECKPOINT LOCATION: 1/2000060\n"
    "BACKUP METHOD: streamed\n"
    "BACKUP FROM: primary\n"
    "START TIME: 2026-11-23 10:00:00 UTC\n";
const std::string kPlain = kHead + "LABEL: my: label\nSTART TIMELINE: 3\n";

TEST(BackupLabel, Parse) {
  const auto parsed = ParseBackupLabel(kPlain);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed.value().start, (Lsn{0x102000028}));
  EXPECT_EQ(parsed.value().start_segment, "000000030000000100000002");
  EXPECT_EQ(parsed.value().checkpoint, (Lsn{0x102000060}));
  EXPECT_EQ(parsed.value().method, "streamed");
  EXPECT_FALSE(parsed.value().from_standby);
  EXPECT_EQ(parsed.value().start_time, "2026-11-23 10:00:00 UTC");
  EXPECT_EQ(parsed.value().label, "my: label");
  EXPECT_EQ(parsed.value().timeline, (Timeline{3}));
  EXPECT_FALSE(parsed.value().incremental_from);
}

TEST(BackupLabel, StandbyAndIncremental) {
  std::string text = kPlain + "INCREMENTAL FROM LSN: 1/01000028\nINCREMENTAL FROM TLI: 2\n";
  text.replace(text.find("primary"), 7, "standby");
  const auto parsed = ParseBackupLabel(text);
  ASSERT_TRUE(parsed.ok());
  EXPECT_TRUE(parsed.value().from_standby);
  EXPECT_EQ(parsed.value().incremental_from, (Lsn{0x101000028}));
  EXPECT_EQ(parsed.value().incremental_timeline, (Timeline{2}));
}

TEST(BackupLabel, LabelWithNewlinesChangesNothing) {
  const auto parsed =
      ParseBackupLabel(kHead + "LABEL: a\nSTART WAL LOCATION: 0/1 (file 0)\nBACKUP FROM: me\nSTART TIMELINE: 3\n");
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed.value().start, (Lsn{0x102000028}));
}

TEST(BackupLabel, Refused) {
  const auto without = [](const std::string& key) {
    std::string text = kPlain;
    const size_t at = text.find(key);
    return text.erase(at, text.find('\n', at) + 1 - at);
  };
  const auto with = [](const std::string& old, const std::string& replacement) {
    std::string text = kPlain;
    return text.replace(text.find(old), old.size(), replacement);
  };
  for (const std::string& text :
       {std::string(), without("START WAL"), without("CHECKPOINT"), without("START TIMELINE"), with("1/2000028 ", "x "),
        with("(file", "file"), with("TIMELINE: 3", "TIMELINE: 0"), with("TIMELINE: 3", "TIMELINE: 4"),
        with("TIMELINE: 3", "TIMELINE: 3x"), with("primary", "elsewhere"), std::string(kMaxBackupLabelSize + 1, 'x')})
    EXPECT_EQ(ParseBackupLabel(text).code(), Code::kCorruption) << text.substr(0, 300);
}

TEST(TablespaceMap, RoundTrip) {
  const std::vector<TablespaceLink> links = {{16400, "/srv/fast disk"}, {16401, "/odd\\path\nwith newline"}, {5, " x"}};
  const std::string text = FormatTablespaceMap(links);
  EXPECT_EQ(text, "16400 /srv/fast disk\n16401 /odd\\\\path\\\nwith newline\n5  x\n");
  const auto parsed = ParseTablespaceMap(text);
  ASSERT_TRUE(parsed.ok()) << parsed.status().ToString();
  EXPECT_EQ(parsed.value(), links);
  EXPECT_TRUE(ParseTablespaceMap("").value().empty());
}

TEST(TablespaceMap, Refused) {
  for (const char* text : {"x\n", "16400\n", "16400 \n", "0 /a\n", "a /b\n", "16400 /a", "16400 /a\\\n", "\\"})
    EXPECT_EQ(ParseTablespaceMap(text).code(), Code::kCorruption) << text;
}

}  // namespace
}  // namespace pitr
