// Directories brought to an increment, whose file map has extents without checksums.
#include <fcntl.h>
#include <unistd.h>

#include "core/pg/page.h"
#include "unit/restore/restore_fixture.h"

namespace pitr {
namespace {

constexpr Lsn kIncrementStart{0x8000028};
constexpr Lsn kLater{0x20000000};  // than everything in the full backup
const char* const kRelation = "base/5/16384";

class DeltaChainTest : public test::RestoreFixture {
 protected:
  // A full backup, an increment with a few changed blocks, and the directory restored from it.
  void PrepareChain(bool encrypted = false) {
    ASSERT_NO_FATAL_FAILURE(Prepare(/*everything=*/false, encrypted));
    for (const uint32_t block : {5U, 100U, 101U, 250U}) OverwriteSource(block);
    BackupOptions options;
    options.type = BackupType::kIncr;
    options.timeline = Timeline{1};
    options.data_directory = tree_.root();
    auto session = BackupSession::Begin(*repo_.repository, options, OpContext());
    ASSERT_TRUE(session.ok()) << session.status().ToString();
    BackupStart start = tree_.Start();
    start.start_lsn = kIncrementStart;
    Progress progress;
    const Status copied = session.value()->CopyFiles(start, progress, OpContext());
    ASSERT_TRUE(copied.ok()) << copied.ToString();
    BackupStop stop = tree_.Stop();
    stop.stop_lsn = Lsn{0x9000000};
    stop.backup_label = plan_.backup.backup_label;
    auto manifest = session.value()->Finish(stop, OpContext());
    ASSERT_TRUE(manifest.ok()) << manifest.status().ToString();
    plan_.backup = manifest.value();
    ASSERT_EQ(plan_.backup.type, BackupType::kIncr);
    ASSERT_GT(UncheckedExtents(), 0U) << "or there is nothing to be proven";
    ASSERT_NO_FATAL_FAILURE(MustRun());
    ExpectRestored();
    all_ = result_.bytes_fetched;
    options_.delta = true;
  }
  void OverwriteSource(uint32_t block) {
    const Bytes page = test::MakePages(block, 1, 1000 + block, kLater);
    Bytes& data = tree_.expected()[kRelation].data;
    std::copy(page.begin(), page.end(), data.begin() + static_cast<ptrdiff_t>(block * kPageSize));
    const int fd = open((tree_.root() + "/" + kRelation).c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_EQ(pwrite(fd, page.data(), page.size(), static_cast<off_t>(block * kPageSize)), ssize_t{kPageSize});
    close(fd);
  }
  size_t UncheckedExtents() {
    auto map = ReadFileMap(*repo_.repository, plan_.backup, OpContext());
    EXPECT_TRUE(map.ok());
    size_t count = 0;
    for (const MappedFile& file : map.value().files)
      for (const Extent& extent : file.extents) count += extent.checked ? 0 : 1;
    return count;
  }
  void Damage(uint64_t block) {
    const int fd = open(At(kRelation).c_str(), O_WRONLY | O_CLOEXEC);
    ASSERT_EQ(pwrite(fd, "damaged", 7, static_cast<off_t>(block * kPageSize + 500)), 7);
    close(fd);
  }
  uint64_t AlwaysWritten() { return test::ReadFileText(At("global/pg_control")).size(); }

  uint64_t all_ = 0;  // bytes fetched into an empty directory
};

TEST_F(DeltaChainTest, NothingChangedNothingOfRelationsIsFetched) {
  ASSERT_NO_FATAL_FAILURE(PrepareChain());
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(result_.bytes_written, AlwaysWritten());
  EXPECT_LT(result_.bytes_fetched, all_ / 4) << "block checks, and the frames of small files";
  EXPECT_GE(result_.bytes_compared, 300 * kPageSize);
}

TEST_F(DeltaChainTest, WhatIsDamagedIsFetchedAndOnlyThatWritten) {
  ASSERT_NO_FATAL_FAILURE(PrepareChain(/*encrypted=*/true));
  for (const uint64_t block : {50U, 100U, 299U}) Damage(block);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(result_.bytes_written, 3 * kPageSize + AlwaysWritten());
}

TEST_F(DeltaChainTest, AShortFileIsNotProvenBeyondItsEnd) {
  ASSERT_NO_FATAL_FAILURE(PrepareChain());
  std::filesystem::resize_file(At(kRelation), 90 * kPageSize + 10);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(result_.bytes_written, 210 * kPageSize + AlwaysWritten());
}

TEST_F(DeltaChainTest, DamagedChecksProveNothingAndStopNothing) {
  ASSERT_NO_FATAL_FAILURE(PrepareChain());
  const PackEntry* old = nullptr;
  for (const PackEntry& pack : plan_.backup.packs)
    if (old == nullptr || pack.size_bytes > old->size_bytes) old = &pack;
  ASSERT_TRUE(memory_.FlipBit(old->key, (old->size_bytes - 5) * 8)) << "the end frame, which says where they are";
  Damage(50);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(result_.bytes_written, kPageSize + AlwaysWritten());
  EXPECT_GT(result_.bytes_fetched, all_ / 2);
}

}  // namespace
}  // namespace pitr
