// Starts no thread.
#include "core/repo/manifest.h"

#include <gtest/gtest.h>

#include <nlohmann/json.hpp>

namespace pitr {
namespace {

using nlohmann::json;

BackupManifest SampleManifest() {
  BackupManifest m;
  m.label = "20260522-090014F";
  m.cluster = {SystemId{7641234567890123456}, 16 << 20, 15};
  m.server_version = "15.18";
  m.tool_version = "1.0.0";
  m.start_micros = 1779440414000001;
  m.stop_micros = 1779440514000002;
  m.timeline = Timeline{3};
  m.stop_timeline = Timeline{4};
  m.start_lsn = Lsn{0x5000028};
  m.checkpoint_lsn = Lsn{0x5000060};
  m.stop_lsn = Lsn{0x7000000};
  m.backup_label = "START WAL LOCATION: 0/5000028\nLABEL: caf\xE9\n";  // Latin-1
  m.tablespace_map = "16400 /srv/ts\n";
  m.tablespaces = {{16400, "/srv/ts", false}, {16401, "/srv/\xFF odd", false}, {16402, "", true}};
  m.database_bytes = UINT64_MAX;
  m.stored_bytes = 123;
  m.file_count = 4;
  m.encrypted = true;
  m.data_checksums = true;
  m.page_errors = {{"base/5/16384.1", 131072}};
  m.followed = {{"base/16400", "/elsewhere/\xFF"}, {"postgresql.conf", "/etc/p.conf"}};
  m.skipped = {{"log", "symbolic link", "/var/log/pg", "it is no directory of the server"},
               {"pipe\xFF", "pipe", "", ""}};
  m.skipped_count = 2000;
  m.outside = {{"config_file", "/etc/postgresql/15/main/postgresql.conf"}};
  m.settings = {{"archive_mode", "on"}, {"log_line_prefix", "\xFF %m "}, {"primary_conninfo", std::nullopt}};
  m.history = "1\t0/5000000\tno recovery target \xFF\n";
  m.annotations = {{"why", "before the upgrade \"now\""}, {"ä", "\n"}};
  m.packs = {{"data/20260522-090014F/000001", 99}, {"data/20260522-090014F/000002", UINT64_MAX}};
  m.file_map_key = "backup/20260522-090014F/files";
  m.file_map_bytes = 77;
  m.file_map_sha256 = std::string(32, '0') + std::string(32, 'f');
  m.map_pages = {{"20260521-090014F", 3, 3}, {"20260522-090014F", 1, 40}};
  m.map_page_bytes = 88;
  return m;
}

TEST(Manifest, SurvivesItsText) {
  const BackupManifest m = SampleManifest();
  auto read = DecodeManifest(EncodeManifest(m));
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  const BackupManifest& r = read.value();
  EXPECT_EQ(r.label, m.label);
  EXPECT_EQ(r.type, BackupType::kFull);
  EXPECT_EQ(r.parent_label, "");
  EXPECT_EQ(r.cluster.system_id, m.cluster.system_id);
  EXPECT_EQ(r.cluster.segment_size_bytes, m.cluster.segment_size_bytes);
  EXPECT_EQ(r.cluster.pg_major, 15);
  EXPECT_EQ(r.server_version, m.server_version);
  EXPECT_EQ(r.tool_version, m.tool_version);
  EXPECT_EQ(r.start_micros, m.start_micros);
  EXPECT_EQ(r.stop_micros, m.stop_micros);
  EXPECT_EQ(r.timeline, m.timeline);
  EXPECT_EQ(r.stop_timeline, m.stop_timeline);
  EXPECT_EQ(r.start_lsn, m.start_lsn);
  EXPECT_EQ(r.checkpoint_lsn, m.checkpoint_lsn);
  EXPECT_EQ(r.stop_lsn, m.stop_lsn);
  EXPECT_EQ(r.backup_label, m.backup_label);
  EXPECT_EQ(r.tablespace_map, m.tablespace_map);
  ASSERT_EQ(r.tablespaces.size(), 3U);
  EXPECT_EQ(r.tablespaces[1].oid, 16401U);
  EXPECT_EQ(r.tablespaces[1].path, "/srv/\xFF odd");
  EXPECT_TRUE(r.tablespaces[2].in_place);
  EXPECT_EQ(r.database_bytes, m.database_bytes);
  EXPECT_EQ(r.stored_bytes, m.stored_bytes);
  EXPECT_EQ(r.file_count, m.file_count);
  EXPECT_TRUE(r.encrypted);
  EXPECT_TRUE(r.data_checksums);
  ASSERT_EQ(r.page_errors.size(), 1U);
  EXPECT_EQ(r.page_errors[0].path, "base/5/16384.1");
  EXPECT_EQ(r.page_errors[0].block, 131072U);
  ASSERT_EQ(r.followed.size(), 2U);
  EXPECT_EQ(r.followed[0].path, "base/16400");
  EXPECT_EQ(r.followed[0].target, "/elsewhere/\xFF");
  ASSERT_EQ(r.skipped.size(), 2U);
  EXPECT_EQ(r.skipped[0].target, "/var/log/pg");
  EXPECT_EQ(r.skipped[0].why, m.skipped[0].why);
  EXPECT_EQ(r.skipped[1].path, "pipe\xFF");
  EXPECT_EQ(r.skipped[1].kind, "pipe");
  EXPECT_EQ(r.skipped_count, 2000U);
  ASSERT_EQ(r.outside.size(), 1U);
  EXPECT_EQ(r.outside[0].setting, "config_file");
  EXPECT_EQ(r.outside[0].path, "/etc/postgresql/15/main/postgresql.conf");
  ASSERT_EQ(r.settings.size(), 3U);
  EXPECT_EQ(r.settings[0].name, "archive_mode");
  EXPECT_EQ(r.settings[0].value, "on");
  EXPECT_EQ(r.settings[1].value, "\xFF %m ");
  EXPECT_EQ(r.settings[2].name, "primary_conninfo");
  EXPECT_FALSE(r.settings[2].value.has_value());
  EXPECT_EQ(r.history, m.history);
  EXPECT_EQ(r.annotations, m.annotations);
  ASSERT_EQ(r.packs.size(), 2U);
  EXPECT_EQ(r.packs[1].key, m.packs[1].key);
  EXPECT_EQ(r.packs[1].size_bytes, UINT64_MAX);
  EXPECT_EQ(r.file_map_key, m.file_map_key);
  EXPECT_EQ(r.file_map_bytes, 77U);
  EXPECT_EQ(r.file_map_sha256, m.file_map_sha256);
  EXPECT_EQ(r.map_page_bytes, 88U);
  ASSERT_EQ(r.map_pages.size(), 2U);
  EXPECT_EQ(r.map_pages[0].label, "20260521-090014F");
  EXPECT_EQ(r.map_pages[1].first, 1U);
  EXPECT_EQ(r.map_pages[1].last, 40U);
  std::vector<std::string> keys;
  ForEachMapPage(r, [&](std::string key) { keys.push_back(std::move(key)); });
  ASSERT_EQ(keys.size(), 41U);
  EXPECT_EQ(keys[0], "data/20260521-090014F/page.000003");
  EXPECT_EQ(keys[40], "data/20260522-090014F/page.000040");
}

TEST(Manifest, IncrementalsNameTheirParent) {
  BackupManifest m = SampleManifest();
  m.type = BackupType::kIncr;
  m.parent_label = "20260521-090014F";
  auto read = DecodeManifest(EncodeManifest(m));
  ASSERT_TRUE(read.ok());
  EXPECT_EQ(read.value().type, BackupType::kIncr);
  EXPECT_EQ(read.value().parent_label, m.parent_label);
}

TEST(Manifest, SegmentsOfTheRangeItNeeds) {
  BackupManifest m = SampleManifest();
  EXPECT_EQ(FirstSegment(m).value, 5U);
  EXPECT_EQ(LastSegment(m).value, 6U) << "a stop position on a boundary belongs to the segment before";
  m.stop_lsn.value++;
  EXPECT_EQ(LastSegment(m).value, 7U);
}

TEST(Manifest, UnknownFieldsAreIgnored) {
  json document = json::parse(EncodeManifest(SampleManifest()));
  document["later"] = {{"nested", {1, 2, 3}}};
  document["packs"][0]["later"] = true;
  EXPECT_TRUE(DecodeManifest(document.dump()).ok());
}

TEST(Manifest, NewerVersionIsRefusedWithAHint) {
  json document = json::parse(EncodeManifest(SampleManifest()));
  document["pg_pitr_manifest"] = 2;
  auto read = DecodeManifest(document.dump());
  EXPECT_EQ(read.code(), Code::kInvalidArgument);
  EXPECT_NE(read.status().hint(), "");
}

TEST(Manifest, EveryRequiredFieldIsMissed) {
  for (const char* name : {"pg_pitr_manifest", "label", "type", "cluster", "server_version", "start_micros",
                           "stop_micros", "timeline", "stop_timeline", "start_lsn", "checkpoint_lsn", "stop_lsn",
                           "database_bytes", "stored_bytes", "file_count", "encrypted", "file_map"}) {
    json document = json::parse(EncodeManifest(SampleManifest()));
    ASSERT_EQ(document.erase(name), 1U) << name;
    auto read = DecodeManifest(document.dump());
    EXPECT_EQ(read.code(), Code::kCorruption) << name;
    EXPECT_NE(read.status().message().find(name), std::string::npos) << read.status().message();
  }
}

TEST(Manifest, WrongValuesAreNamed) {
  const struct {
    const char* pointer;
    json value;
    const char* named;
  } kCases[] = {
      {"/pg_pitr_manifest", 0, "pg_pitr_manifest"},
      {"/pg_pitr_manifest", "1", "pg_pitr_manifest"},
      {"/label", "../escape", "label"},
      {"/label", 7, "label"},
      {"/type", "partial", "type"},
      {"/parent", "a/b", "parent"},
      {"/cluster", 1, "cluster"},
      {"/cluster/system_id", 12, "system_id"},
      {"/cluster/system_id", "0", "system_id"},
      {"/cluster/system_id", "", "system_id"},
      {"/cluster/system_id", "18446744073709551616", "system_id"},
      {"/cluster/system_id", "12a", "system_id"},
      {"/cluster/segment_size", 3 << 20, "segment_size"},
      {"/cluster/pg_major", -1, "pg_major"},
      {"/timeline", 0, "timeline"},
      {"/timeline", 4294967296, "timeline"},
      {"/timeline", 1.0, "timeline"},
      {"/start_lsn", "0/0", "start_lsn"},
      {"/start_lsn", "zero", "start_lsn"},
      {"/stop_lsn", "0/1", "stop_lsn"},
      {"/start_micros", 1.5, "start_micros"},
      {"/start_micros", 18446744073709551615U, "start_micros"},
      {"/database_bytes", -5, "database_bytes"},
      {"/encrypted", "yes", "encrypted"},
      {"/tablespaces", "none", "tablespaces"},
      {"/tablespaces/0", 5, "tablespaces"},
      {"/tablespaces/0/oid", "x", "oid"},
      {"/tablespaces/1/path_hex", "2g", "path_hex"},
      {"/packs/0/key", "/etc/passwd", "key"},
      {"/packs/0/key", "../x", "key"},
      {"/packs/0/size", nullptr, "size"},
      {"/page_errors/0/block", -1, "block"},
      {"/annotations", json::array(), "annotations"},
      {"/annotations/why", 3, "annotations"},
      {"/file_map/key", "", "key"},
      {"/file_map/key", "backup/20260522-100000F/files", "key"},
      {"/file_map/sha256", nullptr, "sha256"},
      {"/file_map/sha256", "", "sha256"},
      {"/file_map/sha256", std::string(62, '0'), "sha256"},
      {"/file_map/sha256", std::string(64, 'F'), "sha256"},
  };
  for (const auto& c : kCases) {
    json document = json::parse(EncodeManifest(SampleManifest()));
    document[json::json_pointer(c.pointer)] = c.value;
    auto read = DecodeManifest(document.dump());
    EXPECT_EQ(read.code(), Code::kCorruption) << c.pointer << " = " << c.value;
    EXPECT_NE(read.status().message().find(c.named), std::string::npos) << read.status().message();
  }
}

TEST(Manifest, WhatIsNotAnObjectIsCorrupt) {
  const std::string good = EncodeManifest(SampleManifest());
  for (const std::string& text : {std::string(), std::string("null"), std::string("[]"), std::string("{"), good + "x",
                                  good.substr(0, good.size() - 1), std::string("{\"a\":\xFF}"),
                                  std::string(100000, '['), std::string("\xEF\xBB\xBF") + good})
    EXPECT_EQ(DecodeManifest(text).code(), Code::kCorruption) << text.substr(0, 40);
}

TEST(Manifest, EveryTruncationIsAnError) {
  const std::string good = EncodeManifest(SampleManifest());
  for (size_t size = 0; size < good.size(); size++) EXPECT_FALSE(DecodeManifest(good.substr(0, size)).ok()) << size;
}

}  // namespace
}  // namespace pitr
