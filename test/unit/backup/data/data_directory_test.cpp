// Starts no thread.
#include "core/backup/data/data_directory.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <set>

#include "core/backup/data/linked_path.h"
#include "core/pg/page.h"
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
  auto scanned = ScanDataDirectory(tree.root() + "//", tree.tablespace_directory(), OpContext());
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
  ASSERT_EQ(directory.skipped.size(), 2U);
  EXPECT_EQ(directory.skipped[0].path, "link");
  EXPECT_EQ(directory.skipped[0].kind, "symbolic link");
  EXPECT_EQ(directory.skipped[0].target, tree.outside() + "/logs");
  EXPECT_EQ(directory.skipped[1].path, "pipe");
  EXPECT_EQ(directory.skipped[1].kind, "pipe");
  EXPECT_TRUE(directory.followed.empty());
}

TEST(DataDirectory, MissingOrForbiddenIsAnError) {
  test::DataTree tree;
  EXPECT_EQ(ScanDataDirectory(tree.root() + "/nothing", "PG_15_1", OpContext()).code(), Code::kNotFound);
  if (geteuid() == 0) return;  // nothing is forbidden to root
  chmod((tree.root() + "/base").c_str(), 0);
  EXPECT_EQ(ScanDataDirectory(tree.root(), "PG_15_1", OpContext()).code(), Code::kPermission);
  chmod((tree.root() + "/base").c_str(), 0700);
}

// Its file system may not be mounted; of a dropped one there would be no link.
TEST(DataDirectory, ATablespaceThatIsNotThereIsAnError) {
  test::DataTree tree;
  std::filesystem::create_symlink(tree.outside() + "/unmounted", tree.root() + "/pg_tblspc/16499");
  auto scanned = ScanDataDirectory(tree.root(), tree.tablespace_directory(), OpContext());
  ASSERT_FALSE(scanned.ok());
  EXPECT_NE(scanned.status().message().find("pg_tblspc/16499"), std::string::npos) << scanned.status().ToString();
  std::filesystem::create_directories(tree.outside() + "/unmounted/PG_14_202107181");
  EXPECT_FALSE(ScanDataDirectory(tree.root(), tree.tablespace_directory(), OpContext()).ok());
  std::filesystem::create_directories(tree.outside() + "/unmounted/" + tree.tablespace_directory());
  EXPECT_TRUE(ScanDataDirectory(tree.root(), tree.tablespace_directory(), OpContext()).ok());
}

TEST(DataDirectory, ARelativeTablespaceIsRefused) {
  test::DataTree tree;
  std::filesystem::create_symlink("../somewhere", tree.root() + "/pg_tblspc/16499");
  EXPECT_EQ(ScanDataDirectory(tree.root(), tree.tablespace_directory(), OpContext()).code(), Code::kInvalidArgument);
}

// No reader of the file map would take it for one.
TEST(DataDirectory, ALinkWhoseNameIsNoOidIsNoTablespace) {
  test::DataTree tree;
  std::filesystem::create_directories(tree.outside() + "/elsewhere");
  std::filesystem::create_symlink(tree.outside() + "/elsewhere", tree.root() + "/pg_tblspc/16499000000");
  auto scanned = ScanDataDirectory(tree.root(), tree.tablespace_directory(), OpContext());
  ASSERT_TRUE(scanned.ok()) << scanned.status().ToString();
  EXPECT_TRUE(scanned.value().links.empty());
  ASSERT_EQ(scanned.value().skipped.size(), 1U);
  EXPECT_EQ(scanned.value().skipped[0].path, "pg_tblspc/16499000000");
}

// PostgreSQL follows links wherever they are.
TEST(DataDirectory, WhatTheServerNeedsIsStoredThroughLinks) {
  namespace fs = std::filesystem;
  test::DataTree tree;
  tree.Add("base/16384/PG_VERSION", AsBytes("15\n"));
  tree.Add("base/16384/16385", test::MakePages(0, 3, 1));
  tree.Add("base/5/16390", test::MakePages(0, 2, 1));
  tree.Add("pg_xact/0000", test::MakeBytes(8192, 1));
  fs::create_directories(tree.outside() + "/elsewhere");
  for (const char* path : {"base/16384", "base/5/16390", "pg_xact"}) {
    const std::string there = tree.outside() + "/elsewhere/" + fs::path(path).filename().string();
    fs::rename(tree.root() + "/" + path, there);
    fs::create_symlink(there, tree.root() + "/" + path);
  }
  auto scanned = ScanDataDirectory(tree.root(), tree.tablespace_directory(), OpContext());
  ASSERT_TRUE(scanned.ok()) << scanned.status().ToString();
  const DataDirectory& directory = scanned.value();
  for (const char* path : {"base/16384/PG_VERSION", "base/16384/16385", "base/5/16390", "pg_xact/0000"})
    EXPECT_TRUE(Paths(directory.files).contains(path)) << path;
  EXPECT_TRUE(Paths(directory.directories).contains("base/16384"));
  EXPECT_EQ(Paths(directory.followed), (std::set<std::string>{"base/16384", "base/5/16390", "pg_xact"}));
  EXPECT_TRUE(directory.linked_files.contains("base/5/16390"));
  for (const MappedFile& file : directory.files)
    EXPECT_TRUE(file.path != "base/5/16390" || file.size_bytes == 2 * kPageSize);
  EXPECT_TRUE(directory.skipped.empty());
}

TEST(DataDirectory, LinksInTheServersDirectoriesThatLeadNowhereAreErrors) {
  namespace fs = std::filesystem;
  test::DataTree tree;
  fs::create_symlink(tree.outside() + "/gone", tree.root() + "/base/16384");
  fs::create_symlink(tree.root() + "/base", tree.root() + "/base/16385");
  EXPECT_EQ(mkfifo((tree.root() + "/global/pipe").c_str(), 0600), 0);
  auto scanned = ScanDataDirectory(tree.root(), tree.tablespace_directory(), OpContext());
  ASSERT_EQ(scanned.code(), Code::kInvalidArgument);
  const std::string all = scanned.status().ToString();
  for (const char* path : {"/base/16384\"", "/base/16385/16385\"", "/global/pipe\""})
    EXPECT_NE(all.find(path), std::string::npos) << path << " in " << all;
}

TEST(DataDirectory, ConfigurationBehindLinksIsStoredAndTheRestRecorded) {
  namespace fs = std::filesystem;
  test::DataTree tree;
  const std::string etc = tree.outside() + "/etc";
  fs::create_directories(etc + "/conf.d/sub");
  fs::create_directories(etc + "/log");
  const auto write = [&](const std::string& path, size_t size) {
    std::ofstream(etc + "/" + path) << std::string(size, '#');
    return etc + "/" + path;
  };
  fs::remove(tree.root() + "/postgresql.conf");
  fs::create_symlink(write("postgresql.conf", 100), tree.root() + "/postgresql.conf");
  fs::create_symlink(write("server.crt", 10), tree.root() + "/server.crt");
  fs::create_symlink(write("big", kMaxLinkedFileBytes + 1), tree.root() + "/big");
  fs::create_symlink(etc + "/gone.conf", tree.root() + "/pg_hba.conf");
  write("conf.d/10.conf", 5);
  write("conf.d/.hidden.conf", 5);
  write("log/postgresql.log", 5);
  fs::create_symlink(etc + "/conf.d", tree.root() + "/conf.d");
  fs::create_symlink(etc + "/log", tree.root() + "/log");
  auto scanned = ScanDataDirectory(tree.root(), tree.tablespace_directory(), OpContext());
  ASSERT_TRUE(scanned.ok()) << scanned.status().ToString();
  const DataDirectory& directory = scanned.value();
  const std::set<std::string> files = Paths(directory.files);
  for (const char* path : {"postgresql.conf", "server.crt", "conf.d/10.conf"})
    EXPECT_TRUE(files.contains(path)) << path;
  EXPECT_FALSE(files.contains("conf.d/.hidden.conf"));
  EXPECT_TRUE(Paths(directory.directories).contains("conf.d"));
  EXPECT_EQ(Paths(directory.followed), (std::set<std::string>{"postgresql.conf", "server.crt", "conf.d"}));
  EXPECT_EQ(Paths(directory.skipped), (std::set<std::string>{"big", "conf.d", "log", "pg_hba.conf"}));
  EXPECT_EQ(directory.skipped_count, 4U);

  const auto outside = OutsideFiles({{"config_file", tree.root() + "/postgresql.conf"},
                                     {"hba_file", tree.root() + "/pg_hba.conf"},
                                     {"include", tree.root() + "/conf.d/10.conf"},
                                     {"ident_file", "/etc/somewhere/pg_ident.conf"}},
                                    directory);
  EXPECT_EQ(Paths(outside), (std::set<std::string>{"/etc/somewhere/pg_ident.conf", tree.root() + "/pg_hba.conf"}));
}

TEST(DataDirectory, WithoutEssentialFilesThereIsNoBackup) {
  test::DataTree tree;
  auto scanned = ScanDataDirectory(tree.root(), tree.tablespace_directory(), OpContext());
  ASSERT_TRUE(scanned.ok());
  std::vector<MappedFile>& files = scanned.value().files;
  EXPECT_TRUE(CheckEssentialFiles(files, {}).ok());
  std::vector<bool> vanished(files.size(), false);
  EXPECT_TRUE(CheckEssentialFiles(files, vanished).ok());
  for (size_t i = 0; i < files.size(); i++) vanished[i] = files[i].path == "global/pg_filenode.map";
  EXPECT_EQ(CheckEssentialFiles(files, vanished).code(), Code::kConflict);
  std::erase_if(files, [](const MappedFile& file) { return file.path == "PG_VERSION"; });
  EXPECT_EQ(CheckEssentialFiles(files, {}).code(), Code::kConflict);
}

TEST(DataDirectory, CanBeCancelled) {
  test::DataTree tree;
  tree.AddEverything(/*with_large=*/false);
  CancelToken cancel;
  cancel.Cancel();
  OpContext ctx;
  ctx.cancel = &cancel;
  EXPECT_EQ(ScanDataDirectory(tree.root(), tree.tablespace_directory(), ctx).code(), Code::kCancelled);
}

}  // namespace
}  // namespace pitr
