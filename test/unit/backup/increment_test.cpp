// Increments of a synthetic data directory: each is read back through its own map alone and compared byte by byte.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <filesystem>
#include <fstream>
#include <map>
#include <random>
#include <set>

#include "core/backup/backup_session.h"
#include "core/backup/extents/block_split.h"
#include "core/backup/merge.h"
#include "core/pg/crc32c.h"
#include "core/pg/page.h"
#include "core/pg/wal_summary.h"
#include "core/repo/backups/backup_objects.h"
#include "core/repo/backups/expire_mark.h"
#include "core/store/memory.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

using test::MakePages;
namespace fs = std::filesystem;

constexpr Lsn kNew{0x20000000};  // later than everything a backup before has

class IncrementTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    Config config;
    config.part_size_kb = 5120;
    config.pack_size_kb = 8192;
    config.compression_level = 1;
    ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::make_unique<MemoryStore>(), tree_, GetParam(), config, repo_));
    tree_.Add("base/5/16384", MakePages(0, 700, 1));
    tree_.Add("base/5/16385", MakePages(0, 3, 2));
    tree_.Add("base/5/16384_fsm", MakePages(0, 3, 3));
    tree_.Add("base/5/16390", MakePages(0, 2000, 4));
    tree_.Add("pg_xact/0000", test::MakeBytes(8192, 3));
    options_.timeline = Timeline{1};
    options_.data_directory = tree_.root();
  }

  OpContext Context() const {
    OpContext ctx;
    ctx.clock = &clock_;
    return ctx;
  }

  Result<BackupManifest> Try(BackupType type) {
    options_.type = type;
    options_.label = "b" + std::to_string(++taken_);
    PITR_ASSIGN(const auto session, BackupSession::Begin(*repo_.repository, options_, Context()));
    choice_ = session->choice().note;
    Progress progress;
    PITR_ASSIGN(const BackupStop stop, test::CopyPlaced(*session, tree_, taken_, progress, Context(), checksums_));
    EXPECT_EQ(progress.bytes_done.load(), progress.bytes_total.load());
    EXPECT_EQ(progress.files_done.load(), progress.files_total.load());
    read_ = progress.bytes_done.load();
    return session->Finish(stop, Context());
  }
  void Take(BackupType type) {
    auto taken = Try(type);
    ASSERT_TRUE(taken.ok()) << taken.status().ToString();
    manifest_ = taken.value();
    ExpectBackupEquals(*repo_.repository, manifest_, tree_);
    auto missing = FindMissingObjects(*repo_.repository, manifest_, OpContext());
    ASSERT_TRUE(missing.ok());
    EXPECT_TRUE(missing.value().empty()) << ListProblems(missing.value());
  }
  // Writes pages in place, as a server does.
  void Overwrite(const std::string& path, uint64_t block, ByteView pages) {
    test::DataTree::Expected& expected = tree_.expected()[path];
    std::copy(pages.begin(), pages.end(), expected.data.begin() + static_cast<ptrdiff_t>(block * kPageSize));
    const int fd = open((tree_.root() + "/" + path).c_str(), O_WRONLY);
    ASSERT_EQ(pwrite(fd, pages.data(), pages.size(), static_cast<off_t>(block * kPageSize)),
              static_cast<ssize_t>(pages.size()));
    close(fd);
  }
  void Resize(const std::string& path, size_t blocks) {
    fs::resize_file(tree_.root() + "/" + path, blocks * kPageSize);
    tree_.expected()[path].size = blocks * kPageSize;
    tree_.expected()[path].data.resize(blocks * kPageSize);
  }
  struct Summarized {
    uint32_t relation = 0;
    std::vector<uint32_t> blocks;  // of the first 65536
    uint32_t limit = UINT32_MAX;
  };
  // Of the WAL from the start of backup number `from` to that of the next.
  std::string SummaryPath(uint64_t from) const {
    const WalSummaryName name{{1}, {from * 0x4000000 + 0x28}, {(from + 1) * 0x4000000 + 0x28}};
    return tree_.root() + "/pg_wal/summaries/" + WalSummaryFileName(name);
  }
  void WriteSummary(uint64_t from, const std::vector<Summarized>& relations) {
    Bytes bytes;
    AppendLe(bytes, uint32_t{0x652b137b});
    for (const Summarized& of : relations) {
      for (uint32_t word : {1663u, 5u, of.relation, 0u, of.limit, of.blocks.empty() ? 0u : 1u}) AppendLe(bytes, word);
      if (!of.blocks.empty()) AppendLe(bytes, static_cast<uint16_t>(of.blocks.size()));
      for (uint32_t block : of.blocks) AppendLe(bytes, static_cast<uint16_t>(block));
    }
    bytes.insert(bytes.end(), 24, 0);
    AppendLe(bytes, ComputeCrc32c(bytes));
    fs::create_directories(tree_.root() + "/pg_wal/summaries");
    std::ofstream(SummaryPath(from), std::ios::binary) << AsText(bytes);
  }
  // Blocks that the increment stored itself.
  uint64_t StoredBlocks() {
    auto map = ReadFileMap(*repo_.repository, manifest_, OpContext());
    EXPECT_TRUE(map.ok());
    uint64_t bytes = 0;
    const std::string own = "data/" + manifest_.label + "/";
    for (const MappedFile& file : map.value().files) {
      if (!file.path.starts_with("base/")) continue;
      for (const Extent& extent : file.extents)
        if (manifest_.packs[map.value().frames[extent.frame].pack].key.starts_with(own)) bytes += extent.length;
    }
    return bytes / kPageSize;
  }

  // Of a stretch of a relation.
  size_t MostPieces() {
    auto map = ReadFileMap(*repo_.repository, manifest_, OpContext());
    EXPECT_TRUE(map.ok());
    size_t most = 0;
    for (const MappedFile& file : map.value().files) {
      std::map<uint64_t, size_t> pieces;
      for (const Extent& extent : file.extents) {
        EXPECT_EQ(extent.file_offset / kMiB, (extent.end() - 1) / kMiB) << file.path;
        most = std::max(most, ++pieces[extent.file_offset / kMiB]);
      }
    }
    return most;
  }

  test::LateClock clock_;
  test::DataTree tree_;
  test::TestRepository repo_;
  BackupOptions options_;
  BackupManifest manifest_;
  std::string choice_;
  uint64_t taken_ = 0;
  uint64_t read_ = 0;
  bool checksums_ = true;
};

TEST_P(IncrementTest, WithNothingChangedNothingOfRelationsIsReadOrStored) {
  Take(BackupType::kFull);
  EXPECT_EQ(choice_, "");
  const std::vector<PackEntry> packs = manifest_.packs;
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.type, BackupType::kIncr);
  EXPECT_EQ(manifest_.parent_label, "b1");
  EXPECT_EQ(manifest_.chain_length, 2U);
  ASSERT_TRUE(manifest_.change_origin.has_value());
  EXPECT_EQ(manifest_.change_origin->kind, ChangeKind::kPageLsn);
  EXPECT_EQ(StoredBlocks(), 0U);
  EXPECT_LT(read_, 20000U + 2 * 8192) << "control file and small files only";
  EXPECT_LT(manifest_.stored_bytes, 12000U);
  EXPECT_GT(manifest_.fetch_bytes, 1000000U);
}

TEST_P(IncrementTest, OnlyChangedBlocksAreStoredAlongAChain) {
  Take(BackupType::kFull);
  Overwrite("base/5/16384", 3, MakePages(3, 1, 50, kNew));
  Overwrite("base/5/16384", 127, MakePages(127, 2, 51, kNew));  // across the border of two extents
  Take(BackupType::kIncr);
  EXPECT_EQ(StoredBlocks(), 3U);
  Overwrite("base/5/16384", 4, MakePages(4, 1, 52, Lsn{0x40000000}));
  Overwrite("base/5/16390", 1999, MakePages(1999, 1, 53, Lsn{0x40000000}));
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.chain_length, 3U);
  // What has an LSN after the parent's start is stored: here all that was changed in the touched parts.
  EXPECT_GE(StoredBlocks(), 2U);
  EXPECT_LE(StoredBlocks(), 5U);
  Take(BackupType::kDiff);
  EXPECT_EQ(manifest_.parent_label, "b1");
  EXPECT_EQ(manifest_.chain_length, 2U);
  EXPECT_EQ(StoredBlocks(), 5U);
  std::set<std::string> labels;
  for (const PackEntry& pack : manifest_.packs) labels.insert(pack.key.substr(0, pack.key.rfind('/')));
  EXPECT_EQ(labels, (std::set<std::string>{"data/b1", "data/b4"}));
}

TEST_P(IncrementTest, FilesComeGoGrowAndShrink) {
  Take(BackupType::kFull);
  Resize("base/5/16384", 400);  // truncated
  Resize("base/5/16390", 100);  // truncated and grown again: zeroes,
  Resize("base/5/16390", 300);  // and a new page
  Overwrite("base/5/16390", 250, MakePages(250, 1, 60, kNew));
  fs::remove(tree_.root() + "/base/5/16385");  // dropped
  tree_.expected().erase("base/5/16385");
  tree_.Add("base/5/16500", MakePages(0, 5, 61));      // created, with old LSNs: a copied database
  tree_.Add("base/5/16384_fsm", MakePages(0, 3, 62));  // a fork without meaningful LSNs
  tree_.Add("pg_xact/0000", test::MakeBytes(8192, 9));
  tree_.Add("base/5/16600", {});
  Take(BackupType::kIncr);
  Resize("base/5/16384", 700);
  Take(BackupType::kIncr);
  Take(BackupType::kIncr);
}

// A file made anew under the old name carries pages whose LSNs say nothing.
TEST_P(IncrementTest, AFileMadeAnewWithOldPagesIsStored) {
  Take(BackupType::kFull);
  const std::string path = tree_.root() + "/base/5/16384";
  fs::rename(path, path + ".keep");  // so that its inode cannot be used again
  tree_.Add("base/5/16384", MakePages(0, 700, 77));
  fs::remove(path + ".keep");
  Take(BackupType::kIncr);
  EXPECT_EQ(StoredBlocks(), 700U);
}

TEST_P(IncrementTest, ChecksumsEnabledMeanwhileMeanAFullRead) {
  checksums_ = false;
  Take(BackupType::kFull);
  checksums_ = true;
  Bytes page = MakePages(3, 1, 50);  // an old LSN, other bytes: as pg_checksums leaves a page
  Overwrite("base/5/16384", 3, page);
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.change_origin->kind, ChangeKind::kFullRead);
  EXPECT_NE(manifest_.change_origin->why.find("enabled"), std::string::npos);
  EXPECT_GT(StoredBlocks(), 0U);
}

// VACUUM marks a page all-visible, and without checksums leaves its LSN as it was. The map that says so is taken as it
// is.
TEST_P(IncrementTest, WithoutChecksumsPageLsnsAreNotBelieved) {
  checksums_ = false;
  Take(BackupType::kFull);
  Bytes page = MakePages(77, 1, 9);  // as it is, but for the flag
  const auto& before = tree_.expected()["base/5/16390"].data;
  page.assign(before.begin() + 77 * kPageSize, before.begin() + 78 * kPageSize);
  page[10] |= 4;
  Overwrite("base/5/16390", 77, page);
  for (const char* source : {"page_lsn", "auto"}) {
    options_.change_source = source;
    Take(BackupType::kIncr);  // compares what it restores to
    EXPECT_EQ(manifest_.change_origin->kind, ChangeKind::kFullRead);
    EXPECT_NE(manifest_.change_origin->why.find("Without data checksums"), std::string::npos);
  }
  EXPECT_EQ(StoredBlocks(), 0U) << "nothing was written since";
  EXPECT_LT(read_, 20000U + 2 * 8192) << "and so no relation is read";
}

// A source that misses such a page is found out: no flag of the header is a hint but that a page is full.
TEST_P(IncrementTest, TheCheckExcusesNoFlagThatMatters) {
  checksums_ = false;
  Take(BackupType::kFull);
  const auto& before = tree_.expected()["base/5/16390"].data;
  Bytes page(before.begin() + 77 * kPageSize, before.begin() + 78 * kPageSize);
  page[10] |= 4;
  Overwrite("base/5/16390", 77, page);
  options_.summarizes_wal = true;
  options_.verify_changes = true;
  WriteSummary(1, {{16390, {1}}});
  const auto failed = Try(BackupType::kIncr);
  EXPECT_EQ(failed.code(), Code::kCorruption) << failed.status().ToString();
  EXPECT_NE(failed.status().detail().find("\"base/5/16390\" block 77"), std::string::npos);
}

TEST_P(IncrementTest, TheCheckFindsWhatASourceMissed) {
  Take(BackupType::kFull);
  Overwrite("base/5/16390", 77, MakePages(77, 1, 50));  // changed behind PostgreSQL's back: the LSN does not say so
  options_.verify_changes = true;
  auto failed = Try(BackupType::kIncr);
  ASSERT_FALSE(failed.ok());
  EXPECT_EQ(failed.code(), Code::kCorruption);
  EXPECT_NE(failed.status().detail().find("\"base/5/16390\" block 77"), std::string::npos)
      << failed.status().ToString();
  EXPECT_EQ(failed.status().detail().find("more"), std::string::npos);
  options_.change_source = "full_read";
  Take(BackupType::kIncr);
  Overwrite("base/5/16390", 78, MakePages(78, 1, 51, kNew));
  options_.change_source = "auto";
  Take(BackupType::kIncr);
  // Pages changed after the backup began may differ.
  Overwrite("base/5/16385", 1, MakePages(1, 1, 52, Lsn{uint64_t{1} << 40}));
  Take(BackupType::kIncr);
  EXPECT_GT(read_, 2000 * kPageSize) << "everything is read";
}

// WAL names the blocks: pages are not judged, and what is not named is not read.
TEST_P(IncrementTest, WalSummariesSayWhatToRead) {
  options_.summarizes_wal = true;
  Take(BackupType::kFull);
  Overwrite("base/5/16384", 3, MakePages(3, 1, 50));  // with an old LSN
  Overwrite("base/5/16390", 130, MakePages(130, 126, 51, kNew));
  Resize("base/5/16385", 2);
  std::vector<uint32_t> most;
  for (uint32_t block = 130; block < 250; block++) most.push_back(block);
  WriteSummary(1, {{16384, {3}}, {16390, most}});
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.change_origin->kind, ChangeKind::kWalSummaries);
  EXPECT_EQ(manifest_.change_origin->why, "WAL summaries cover all WAL since the start of backup b1.");
  EXPECT_EQ(StoredBlocks(), 1U + 128) << "a piece that is almost wholly changed is stored whole";
  EXPECT_LT(read_, 140 * kPageSize);
  // Truncated and grown again: from the limit on.
  Resize("base/5/16384", 100);
  Resize("base/5/16384", 400);
  Overwrite("base/5/16384", 250, MakePages(250, 150, 52));
  WriteSummary(2, {{16384, {}, 100}});
  options_.verify_changes = true;
  Take(BackupType::kIncr);
  EXPECT_EQ(StoredBlocks(), 400U - 128) << "up to the piece that has the first block that is not zero";
}

// What bounds the memory of backups and restores: however many increments change however many blocks here and there, a
// stretch is not put together from more than so many pieces.
TEST_P(IncrementTest, AChainDoesNotShatterFiles) {
  std::mt19937 random(5);
  size_t stored_whole = 0;
  Take(BackupType::kFull);
  for (uint64_t taken = 1; taken <= 9; taken++) {
    // By WAL summaries, by page LSNs, and by checksums.
    options_.summarizes_wal = taken <= 5;
    options_.change_source = taken <= 7 ? "auto" : "full_read";
    options_.verify_changes = taken % 2 == 0;
    std::vector<uint32_t> blocks;
    for (uint32_t block = 0; block < 2000; block++)
      if (random() % 8 == 0) blocks.push_back(block);
    for (const uint32_t block : blocks)
      Overwrite("base/5/16390", block, MakePages(block, 1, random(), Lsn{(taken + 1) * 0x4000000 - 0x1000}));
    if (options_.summarizes_wal) WriteSummary(taken, {{16390, blocks}});
    Take(BackupType::kIncr);
    EXPECT_LE(MostPieces(), kMaxPiecesPerStretch);
    EXPECT_GE(StoredBlocks(), blocks.size());
    if (StoredBlocks() > blocks.size() + 128) stored_whole++;
  }
  EXPECT_GT(stored_whole, 0U) << "the bound was never reached";
}

// A file may be written after the increment's start and before the increment looks at it. The next one must not take
// the time it saw for a proof.
TEST_P(IncrementTest, TheTimeOfAFileThatWasNotReadProvesNothing) {
  options_.summarizes_wal = true;
  Take(BackupType::kFull);
  Overwrite("base/5/16384", 5, MakePages(5, 1, 70, kNew));
  Overwrite("base/5/16390", 9, MakePages(9, 1, 71, kNew));
  WriteSummary(1, {{16390, {8}}});  // nothing of block 5 and 9: the WAL that changes them comes later
  auto second = Try(BackupType::kIncr);
  ASSERT_TRUE(second.ok()) << second.status().ToString();
  manifest_ = second.value();
  EXPECT_EQ(StoredBlocks(), 1U);
  WriteSummary(2, {{16384, {5}}, {16390, {9}}});
  Take(BackupType::kIncr);
  EXPECT_EQ(StoredBlocks(), 2U);
}

TEST_P(IncrementTest, AFileMadeAnewIsComparedWhateverWalSays) {
  options_.summarizes_wal = true;
  Take(BackupType::kFull);
  const std::string path = tree_.root() + "/base/5/16384";
  fs::rename(path, path + ".keep");  // so that its inode cannot be used again
  tree_.Add("base/5/16384", MakePages(0, 700, 77));
  fs::remove(path + ".keep");
  WriteSummary(1, {});
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.change_origin->kind, ChangeKind::kWalSummaries);
  EXPECT_EQ(StoredBlocks(), 700U);
}

TEST_P(IncrementTest, WhatIsMissingIsSaid) {
  Take(BackupType::kFull);
  Overwrite("base/5/16384", 3, MakePages(3, 1, 50, kNew));
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.change_origin->kind, ChangeKind::kPageLsn);
  EXPECT_TRUE(manifest_.change_origin->why.starts_with("Change maps: ")) << manifest_.change_origin->why;
  EXPECT_NE(manifest_.change_origin->why.find(" is neither in the repository nor in pg_wal."), std::string::npos)
      << manifest_.change_origin->why;
  // Nothing goes on from the gap, so that it is not waited for.
  options_.summarizes_wal = true;
  WriteSummary(2, {});
  fs::rename(SummaryPath(2), SummaryPath(3));
  options_.change_source = "wal_summaries";
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.change_origin->kind, ChangeKind::kPageLsn);
  EXPECT_EQ(manifest_.change_origin->why, "WAL summaries: there is no WAL summary of timeline 1 from 0/8000028 on.");
  options_.summarizes_wal = false;
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.change_origin->why, "WAL summaries: PostgreSQL 15 has none.");
}

TEST_P(IncrementTest, BadPagesOfTheParentAreNotBuiltUpon) {
  Bytes bad = MakePages(0, 4, 5);
  bad[2 * kPageSize + 5000] ^= 1;
  tree_.Add("base/5/16391", bad);
  options_.allow_page_errors = true;
  Take(BackupType::kFull);
  EXPECT_EQ(manifest_.page_errors.size(), 1U);
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.page_errors.size(), 1U) << "it is still bad";
  EXPECT_EQ(StoredBlocks(), 4U);
}

TEST_P(IncrementTest, WithoutABackupToBuildOnAFullOneIsTaken) {
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.type, BackupType::kFull);
  EXPECT_EQ(choice_, "there is no backup to build on: taking a full backup");
  options_.max_chain_length = 2;
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.type, BackupType::kIncr);
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.type, BackupType::kFull);
  EXPECT_NE(choice_.find("max_chain_length"), std::string::npos) << choice_;
  Take(BackupType::kDiff);
  EXPECT_EQ(manifest_.parent_label, "b3");
}

TEST_P(IncrementTest, WhatIsKnownToBeDamagedIsNotBuiltUpon) {
  Take(BackupType::kFull);
  Take(BackupType::kIncr);
  options_.damage_of = [](const BackupManifest& backup) { return backup.label == "b2" ? "bits flipped" : ""; };
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.parent_label, "b1");
  EXPECT_EQ(choice_, "building on backup \"b1\", because others cannot be built on");
  options_.damage_of = [](const BackupManifest&) { return "bits flipped"; };
  Take(BackupType::kDiff);
  EXPECT_EQ(manifest_.type, BackupType::kFull);
  EXPECT_EQ(choice_, "no earlier backup can be built on: taking a full backup");
}

TEST_P(IncrementTest, MergedIntoAFullBackupByReference) {
  Take(BackupType::kFull);
  Overwrite("base/5/16384", 3, MakePages(3, 1, 50, kNew));
  Take(BackupType::kIncr);
  const BackupManifest increment = manifest_;
  auto merged = MergeBackup(*repo_.repository, {"b2", "merged", "test"}, OpContext());
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  EXPECT_EQ(merged.value().type, BackupType::kFull);
  EXPECT_EQ(merged.value().parent_label, "");
  EXPECT_EQ(merged.value().packs.size(), increment.packs.size());
  EXPECT_EQ(merged.value().stop_lsn, increment.stop_lsn);
  ExpectBackupEquals(*repo_.repository, merged.value(), tree_);
  // What it was made of may go, its packs excepted.
  for (const char* key : {"backup/b1/manifest", "backup/b1/files", "backup/b2/manifest", "backup/b2/files"})
    ASSERT_TRUE(repo_.repository->store().Delete({key}, OpContext()).ok());
  ExpectBackupEquals(*repo_.repository, merged.value(), tree_);
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.parent_label, "merged");
  EXPECT_EQ(manifest_.chain_length, 2U);

  EXPECT_EQ(MergeBackup(*repo_.repository, {"merged", "", "test"}, OpContext()).code(), Code::kInvalidArgument);
  EXPECT_EQ(MergeBackup(*repo_.repository, {"none", "", "test"}, OpContext()).code(), Code::kNotFound);
  EXPECT_EQ(MergeBackup(*repo_.repository, {"b3", "merged", "test"}, OpContext()).code(), Code::kAlreadyExists);
  ASSERT_TRUE(repo_.repository->store().Delete({manifest_.packs.back().key}, OpContext()).ok());
  EXPECT_EQ(MergeBackup(*repo_.repository, {"b3", "again", "test"}, OpContext()).code(), Code::kCorruption);
  EXPECT_EQ(repo_.repository->store().Stat("backup/again/start", OpContext()).code(), Code::kNotFound);
}

// The increment goes on from the merged backup rather than from the one it was made of.
TEST_P(IncrementTest, TheMergedBackupIsBuiltUpon) {
  Take(BackupType::kFull);
  Take(BackupType::kIncr);
  ASSERT_TRUE(MergeBackup(*repo_.repository, {"b2", "a-merged", "test"}, OpContext()).ok());
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.parent_label, "a-merged");
}

// An expiry that was killed has marked the newest backup, and nobody has run another since.
TEST_P(IncrementTest, AStaleMarkStopsNoIncrement) {
  const auto mark = [&](const char* label) {
    const Status marked =
        CreateMark(*repo_.repository, label, layout::BackupObject::kExpireMark, "killed", OpContext());
    ASSERT_TRUE(marked.ok()) << marked.ToString();
  };
  Take(BackupType::kFull);
  Take(BackupType::kIncr);
  mark("b2");
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.type, BackupType::kIncr);
  EXPECT_EQ(manifest_.parent_label, "b1");
  mark("b1");
  mark("b3");
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.type, BackupType::kFull) << choice_;
  Take(BackupType::kIncr);
  EXPECT_EQ(manifest_.parent_label, "b4");
}

INSTANTIATE_TEST_SUITE_P(Repositories, IncrementTest, testing::Bool(),
                         [](const auto& param) { return param.param ? "Encrypted" : "Plain"; });

}  // namespace
}  // namespace pitr
