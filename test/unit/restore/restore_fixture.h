// A backup of a synthetic data directory in a memory store, a plan made of it by hand, and comparisons of what was
// restored. For tests.
#pragma once
#include <gtest/gtest.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <sstream>

#include "core/restore/restorer.h"
#include "core/store/memory.h"
#include "lib/faulty_store.h"
#include "unit/backup/data_tree.h"

namespace pitr::test {

inline std::string ReadFileText(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  std::stringstream text;
  text << file.rdbuf();
  return text.str();
}

inline void WriteFileText(const std::string& path, std::string_view text) {
  std::filesystem::create_directories(std::filesystem::path(path).parent_path());
  std::ofstream(path, std::ios::binary | std::ios::trunc) << text;
}

// Restores sync every file; in memory that takes no time.
struct ScratchInMemory {
  ScratchInMemory() {
    if (access("/dev/shm", W_OK) == 0) setenv("TMPDIR", "/dev/shm", /*overwrite=*/0);
  }
};

class RestoreFixture : private ScratchInMemory, public testing::Test {
 protected:
  // `everything`: every kind of file, 3000 small ones among them.
  void Prepare(bool everything, bool encrypted = false) {
    if (everything) {
      tree_.AddEverything(/*with_large=*/false);
    } else {
      tree_.Add("base/5/16384", MakePages(0, 300, 1));
      tree_.Add("base/5/16385", MakePages(0, 3, 2));
      tree_.Add("base/5/16386", {});
      tree_.Add("pg_xact/0000", MakeBytes(8192, 3));
      tree_.Add("postgresql.auto.conf", AsBytes("# ours\nwork_mem = '8MB'\nrecovery_target_xid = '7'\n"));
    }
    Config config;
    config.part_size_kb = 5120;
    config.pack_size_kb = 8192;
    config.compression_level = compression_level_;
    auto store = std::make_unique<FaultyStore>(memory_);
    faults_ = store.get();
    OpenTestRepository(std::move(store), tree_, encrypted, config, repo_);
    Progress progress;
    auto session = BackupSession::Begin(*repo_.repository, {}, OpContext());
    ASSERT_TRUE(session.ok()) << session.status().ToString();
    const Status copied = session.value()->CopyFiles(tree_.Start(), progress, OpContext());
    ASSERT_TRUE(copied.ok()) << copied.ToString();
    BackupStop stop = tree_.Stop();
    stop.backup_label =
        "START WAL LOCATION: 0/5000028 (file 000000010000000000000005)\nCHECKPOINT LOCATION: 0/5000060\nBACKUP METHOD: "
        "streamed\n"
        "BACKUP FROM: primary\nSTART TIME: 2026-05-22 09:00:14 UTC\nLABEL: pg_pitr\nSTART TIMELINE: 1\n";
    if (everything)
      stop.tablespace_map = "16400 " + tree_.outside() + "/ts one\n16409 /dropped/while/the/backup/began\n";
    auto manifest = session.value()->Finish(stop, OpContext());
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
    plan_.backup = manifest.value();
    plan_.target_timeline = Timeline{1};
    options_.data_directory = scratch_.path() + "/data";
    options_.map_window_bytes = 1;  // so that even these files come in several windows
    options_.restore_command = "pg_pitr wal-get \"%f\" \"%p\"";
    if (everything) options_.tablespace_map["16400"] = scratch_.path() + "/new ts";
  }

  std::string At(const std::string& path) const { return options_.data_directory + "/" + path; }
  Result<RestoreResult> Run() {
    Progress progress;
    return RunRestore(*repo_.repository, plan_, options_, progress, OpContext());
  }
  void MustRun() {
    auto result = Run();
    ASSERT_TRUE(result.ok()) << result.status().ToString();
    result_ = result.value();
  }
  void ExpectRefused(const std::string& part) {
    auto result = Run();
    ASSERT_FALSE(result.ok());
    EXPECT_EQ(result.code(), Code::kInvalidArgument) << result.status().ToString();
    EXPECT_NE(result.status().ToString().find(part), std::string::npos) << result.status().ToString();
  }
  bool HasControl() const { return std::filesystem::exists(At("global/pg_control")); }

  // Every file of the backup is there, with exactly its bytes; what a restore writes itself excepted.
  void ExpectRestored() { ExpectRestoredBut(""); }
  void ExpectRestoredBut(const std::string& other) {
    EXPECT_TRUE(HasControl());
    EXPECT_FALSE(std::filesystem::exists(At("pg_pitr.restore")));
    for (const auto& [path, expected] : tree_.expected()) {
      if (path == "postgresql.auto.conf" || path == other) continue;
      const std::string text = ReadFileText(At(path));
      Bytes whole(expected.size);
      std::copy(expected.data.begin(), expected.data.end(), whole.begin() + static_cast<ptrdiff_t>(expected.data_at));
      ASSERT_EQ(text.size(), whole.size()) << path;
      ASSERT_TRUE(std::equal(whole.begin(), whole.end(), AsBytes(text).begin())) << path;
    }
    EXPECT_NE(ReadFileText(At("backup_label")).find("START WAL LOCATION: 0/5000028"), std::string::npos);
  }

  int compression_level_ = 1;
  DataTree tree_;
  MemoryStore memory_;
  FaultyStore* faults_ = nullptr;
  TestRepository repo_;
  ScratchDirectory scratch_;
  RestorePlan plan_;
  RestoreOptions options_;
  RestoreResult result_;
};

}  // namespace pitr::test
