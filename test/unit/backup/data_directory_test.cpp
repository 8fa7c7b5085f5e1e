#include "core/backup/data_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <set>

#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

template <class T>
std::set<std::string> Paths(const std::vector<T>& entries) {
  std::set<std::string> paths;
  for (const T& entry : entries) paths.insert(entry.path);
  return paths;
}

TEST(DataDirectory, ListsWhatBelongsInABackup) {
  test::DataTree tree;
  tree.AddEverything(/*with_large=*/false);
  test::LogKeeper log;
  auto scanned = ScanDataDirectory(tree.root() + "//", tree.tablespace_directory(), log, OpContext());
  ASSERT_TRUE(scanned.ok()) << scanned.status().ToString();
  const DataDirectory& directory = scanned.value();
  EXPECT_EQ(directory.root, tree.root());

  std::set<std::string> wanted;
  uint64_t bytes = 0;
  for (const auto& [path, file] : tree.expected())
    if (path != "global/pg_control") {
      wanted.insert(path);
      bytes += file.size;
    }
  EXPECT_EQ(Paths(directory.files), wanted);
  EXPECT_EQ(directory.total_bytes, bytes);
  EXPECT_TRUE(std::is_sorted(directory.files.begin(), directory.files.end(),
                             [](const MappedFile& a, const MappedFile& b) { return a.path < b.path; }));

  const std::set<std::string> directories = Paths(directory.directories);
  for (const char* path : {"base", "base/5", "pg_wal", "pg_wal/archive_status", "pg_replslot", "pg_stat_tmp",
                           "pg_custom/empty", "pg_tblspc", "pg_tblspc/16401", "caf\xE9"})
    EXPECT_TRUE(directories.contains(path)) << path;
  for (const char* path : {"base/pgsql_tmp", "pg_replslot/a", "pg_tblspc/16400", "pg_tblspc/16401/PG_14_202107181"})
    EXPECT_FALSE(directories.contains(path)) << path;

  ASSERT_EQ(directory.links.size(), 1U);
  EXPECT_EQ(directory.links[0].path, "pg_tblspc/16400");
  EXPECT_EQ(directory.links[0].target, tree.outside() + "/ts one");
  ASSERT_EQ(directory.tablespaces.size(), 2U);
  EXPECT_EQ(directory.tablespaces[0].oid, 16400U);
  EXPECT_FALSE(directory.tablespaces[0].in_place);
  EXPECT_EQ(directory.tablespaces[1].oid, 16401U);
  EXPECT_TRUE(directory.tablespaces[1].in_place);
  EXPECT_EQ(log.warnings(), 2U);
  EXPECT_TRUE(log.Has("base/5/link"));
  EXPECT_TRUE(log.Has("base/5/pipe"));
}

TEST(DataDirectory, MissingOrForbiddenIsAnError) {
  test::DataTree tree;
  test::LogKeeper log;
  EXPECT_EQ(ScanDataDirectory(tree.root() + "/nothing", "PG_15_1", log, OpContext()).code(), Code::kNotFound);
  if (geteuid() == 0) return;  // nothing is forbidden to root
  chmod((tree.root() + "/base").c_str(), 0);
  EXPECT_EQ(ScanDataDirectory(tree.root(), "PG_15_1", log, OpContext()).code(), Code::kPermission);
  chmod((tree.root() + "/base").c_str(), 0700);
}

TEST(DataDirectory, ADroppedTablespaceIsNoError) {
  test::DataTree tree;
  std::filesystem::create_symlink(tree.outside() + "/dropped", tree.root() + "/pg_tblspc/16499");
  test::LogKeeper log;
  auto scanned = ScanDataDirectory(tree.root(), tree.tablespace_directory(), log, OpContext());
  ASSERT_TRUE(scanned.ok()) << scanned.status().ToString();
  EXPECT_EQ(scanned.value().links.size(), 1U);
}

TEST(DataDirectory, ARelativeTablespaceIsRefused) {
  test::DataTree tree;
  std::filesystem::create_symlink("../somewhere", tree.root() + "/pg_tblspc/16499");
  test::LogKeeper log;
  EXPECT_EQ(ScanDataDirectory(tree.root(), tree.tablespace_directory(), log, OpContext()).code(),
            Code::kInvalidArgument);
}

// No reader of the file map would take it for one.
TEST(DataDirectory, ALinkWhoseNameIsNoOidIsNoTablespace) {
  test::DataTree tree;
  std::filesystem::create_directories(tree.outside() + "/elsewhere");
  std::filesystem::create_symlink(tree.outside() + "/elsewhere", tree.root() + "/pg_tblspc/16499000000");
  test::LogKeeper log;
  auto scanned = ScanDataDirectory(tree.root(), tree.tablespace_directory(), log, OpContext());
  ASSERT_TRUE(scanned.ok()) << scanned.status().ToString();
  EXPECT_TRUE(scanned.value().links.empty());
  EXPECT_TRUE(log.Has("pg_tblspc/16499000000"));
}

TEST(DataDirectory, CanBeCancelled) {
  test::DataTree tree;
  tree.AddEverything(/*with_large=*/false);
  CancelToken cancel;
  cancel.Cancel();
  OpContext ctx;
  ctx.cancel = &cancel;
  test::LogKeeper log;
  EXPECT_EQ(ScanDataDirectory(tree.root(), tree.tablespace_directory(), log, ctx).code(), Code::kCancelled);
}

}  // namespace
}  // namespace pitr
