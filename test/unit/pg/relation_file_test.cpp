#include "core/pg/relation_file.h"

#include <gtest/gtest.h>

#include <algorithm>

namespace pitr {
namespace {

TEST(RelationFile, Names) {
  struct Case {
    const char* name;
    std::optional<RelationFileName> expected;
  };
  const Case cases[] = {
      {"16384", RelationFileName{16384, Fork::kMain, 0}},
      {"16384.1", RelationFileName{16384, Fork::kMain, 1}},
      {"16384_fsm", RelationFileName{16384, Fork::kFreeSpaceMap, 0}},
      {"16384_vm.12", RelationFileName{16384, Fork::kVisibilityMap, 12}},
      {"16384_init", RelationFileName{16384, Fork::kInit, 0}},
      {"4294967295", RelationFileName{4294967295, Fork::kMain, 0}},
      {"4294967296", std::nullopt},
      {"016384", std::nullopt},
      {"0", std::nullopt},
      {"16384.0", std::nullopt},
      {"16384.", std::nullopt},
      {"16384_", std::nullopt},
      {"16384_foo", std::nullopt},
      {"16384_fsmx", std::nullopt},
      {"t3_16384", std::nullopt},
      {"pg_filenode.map", std::nullopt},
      {"PG_VERSION", std::nullopt},
      {"", std::nullopt},
      {"-1", std::nullopt},
  };
  for (const Case& c : cases) EXPECT_EQ(ParseRelationFileName(c.name), c.expected) << c.name;
}

TEST(RelationFile, TemporaryNames) {
  for (const char* name : {"t3_16384", "t3_16384_fsm", "t12_5.1", "t3_16384_vm.2"})
    EXPECT_TRUE(IsTemporaryRelationName(name)) << name;
  for (const char* name : {"16384", "t_16384", "t3", "t3_", "t3_x", "t3_1_foo", "t3_1.", "x3_1", "", "t3_1 "})
    EXPECT_FALSE(IsTemporaryRelationName(name)) << name;
}

TEST(RelationFile, Directories) {
  for (const char* path : {"global", "base/5", "pg_tblspc/16400/PG_15_202209061/5"})
    EXPECT_TRUE(IsRelationDirectory(path)) << path;
  for (const char* path : {"", "base", "base/x", "pg_tblspc/16400", "pg_tblspc/16400/PG_15_202209061", "pg_xact",
                           "base/5/6", "other/5", "pg_tblspc/x/PG_15_1/5"})
    EXPECT_FALSE(IsRelationDirectory(path)) << path;
}

TEST(RelationFile, WhichFilesHavePages) {
  for (const char* path :
       {"base/5/1259", "base/5/1259_fsm", "global/1262", "pg_tblspc/16400/PG_15_202209061/5/16401.3"})
    EXPECT_TRUE(HasPages(path)) << path;
  for (const char* path : {"global/pg_control", "global/pg_filenode.map", "base/5/PG_VERSION", "pg_xact/0000",
                           "base/5/pg_internal.init", "1259", "pg_multixact/offsets/0000"})
    EXPECT_FALSE(HasPages(path)) << path;
}

TEST(RelationFile, Treatment) {
  using enum BackupTreatment;
  struct Case {
    const char* path;
    bool directory;
    BackupTreatment expected;
  };
  const Case cases[] = {
      {"PG_VERSION", false, kCopy},
      {"base", true, kCopy},
      {"base/5/1259", false, kCopy},
      {"base/5/PG_VERSION", false, kCopy},
      {"global/pg_control", false, kCopyLast},
      {"postgresql.conf", false, kCopy},
      {"postgresql.auto.conf", false, kCopy},
      {"postgresql.auto.conf.tmp", false, kSkip},
      {"current_logfiles", false, kCopy},
      {"current_logfiles.tmp", false, kSkip},
      {"global/pg_internal.init", false, kSkip},
      {"base/5/pg_internal.init.1234", false, kSkip},
      {"postmaster.pid", false, kSkip},
      {"postmaster.opts", false, kSkip},
      {"backup_label", false, kSkip},
      {"backup_label.old", false, kSkip},
      {"tablespace_map", false, kSkip},
      {"tablespace_map.old", false, kSkip},
      {"backup_manifest", false, kSkip},
      {"recovery.signal", false, kSkip},
      {"standby.signal", false, kSkip},
      {"log/standby.signal", false, kCopy},
      {"pg_wal", true, kEmptyDirectory},
      {"pg_wal/000000010000000000000001", false, kSkip},
      {"pg_wal/archive_status", true, kEmptyDirectory},
      {"pg_wal/archive_status/000000010000000000000001.done", false, kSkip},
      {"pg_wal/summaries", true, kEmptyDirectory},
      {"pg_wal/summaries/x.summary", false, kSkip},
      {"pg_wal/pg_walfiles", true, kSkip},
      {"pg_wally", true, kCopy},
      {"pg_replslot", true, kEmptyDirectory},
      {"pg_replslot/a/state", false, kSkip},
      {"pg_replslot/a", true, kSkip},
      {"pg_dynshmem", true, kEmptyDirectory},
      {"pg_notify/0000", false, kSkip},
      {"pg_serial", true, kEmptyDirectory},
      {"pg_snapshots/1", false, kSkip},
      {"pg_stat_tmp/db_0.stat", false, kSkip},
      {"pg_stat_tmp", false, kEmptyDirectory},  // a symbolic link to a memory file system
      {"pg_stat", true, kCopy},
      {"pg_stat/pgstat.stat", false, kCopy},
      {"pg_subtrans/0000", false, kSkip},
      {"pg_xact/0000", false, kCopy},
      {"pg_logical/replorigin_checkpoint", false, kCopy},
      {"base/pgsql_tmp", true, kSkip},
      {"base/pgsql_tmp/pgsql_tmp123.0", false, kSkip},
      {"pg_tblspc/16400/PG_15_202209061/pgsql_tmp/x", false, kSkip},
      {"base/5/t3_16384", false, kSkip},
      {"base/5/t3_16384_fsm", false, kSkip},
      {"t3_16384", false, kCopy},
      {"pg_tblspc/16400/PG_15_202209061/5/t3_16384", false, kSkip},
      {"pg_tblspc/16400", true, kCopy},
      {"pg_wal.before-restore-20260522T090014Z", true, kSkip},
      {"pg_wal.before-restore-20260522T090014Z/000000010000000000000001", false, kSkip},
      {"conf.before-restore-20260522T090014Z", true, kSkip},
      {"pg_pitr.restore", false, kSkip},
      {"pg_pitr.repository", false, kCopy},
      {"postgresql.auto.conf.pg_pitr.tmp", false, kSkip},
      {".s.PGSQL.5432", false, kSkip},
      {".s.PGSQL.5432.lock", false, kSkip},
      {"base/5/x.before-restore-1", false, kCopy},
  };
  for (const Case& c : cases) EXPECT_EQ(TreatmentOf(c.path, c.directory), c.expected) << c.path;
}

TEST(RelationFile, WhatOnlyTheServerOwns) {
  for (const char* path : {"PG_VERSION", "base", "base/5/1259", "global/pg_filenode.map", "pg_xact", "pg_tblspc",
                           "pg_tblspc/16400", "pg_tblspc/16400/PG_15_202209061/5/16401", "pg_stat/pgstat.stat"})
    EXPECT_TRUE(BelongsToServer(path)) << path;
  for (const char* path :
       {"postgresql.conf", "log", "conf.d/10.conf", "based", "pg_tblspc/x", "pg_tblspc/16499000000", "server.key", ""})
    EXPECT_FALSE(BelongsToServer(path)) << path;
}

TEST(RelationFile, Unlogged) {
  const std::vector<std::string> names = {"16384", "16384_init", "16384_fsm", "16384.1", "16390", "PG_VERSION"};
  const auto unlogged = UnloggedRelations(names);
  EXPECT_EQ(unlogged, std::set<uint32_t>{16384});
  EXPECT_TRUE(IsUnloggedData("16384", unlogged));
  EXPECT_TRUE(IsUnloggedData("16384_fsm", unlogged));
  EXPECT_TRUE(IsUnloggedData("16384.1", unlogged));
  EXPECT_FALSE(IsUnloggedData("16384_init", unlogged));
  EXPECT_FALSE(IsUnloggedData("16390", unlogged));
  EXPECT_FALSE(IsUnloggedData("PG_VERSION", unlogged));
}

TEST(RelationFile, RequiredDirectoriesNameParentsFirst) {
  for (int major = 15; major <= 19; ++major) {
    const auto directories = RequiredDirectories(major);
    for (auto it = directories.begin(); it != directories.end(); ++it) {
      const size_t slash = it->rfind('/');
      if (slash != std::string::npos) {
        EXPECT_NE(std::find(directories.begin(), it, it->substr(0, slash)), it) << *it;
      }
    }
    const bool summaries = std::count(directories.begin(), directories.end(), "pg_wal/summaries") == 1;
    EXPECT_EQ(summaries, major >= 17);
    EXPECT_EQ(std::count(directories.begin(), directories.end(), "pg_wal/archive_status"), 1);
  }
}

TEST(RelationFile, TablespaceDirectory) { EXPECT_EQ(TablespaceVersionDirectory(15, 202209061), "PG_15_202209061"); }

}  // namespace
}  // namespace pitr
