// Restores that read the file map page by page: what they do, what they say of a page that is damaged, and that they
// hold no more than some pages.
#include <fcntl.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>

#include "core/repo/layout.h"
#include "core/restore/backup_map.h"
#include "core/restore/known_checks.h"
#include "lib/peak_memory.h"
#include "unit/restore/restore_fixture.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

class MapWindowTest : public test::RestoreFixture {
 protected:
  void PrepareByPage() {
    ASSERT_NO_FATAL_FAILURE(Prepare(/*everything=*/true));
    options_.jobs = 1;
    options_.map_window_bytes = 1;
  }
  BackupMap OpenMap() {
    auto map = BackupMap::Open(*repo_.repository, plan_.backup, options_.jobs, options_.map_window_bytes, OpContext());
    EXPECT_TRUE(map.ok()) << map.status().ToString();
    return std::move(map).value();
  }
  // Replaces the object by one of as many bytes.
  void Damage(const std::string& key) {
    auto bytes = GetAll(memory_, key, SIZE_MAX, OpContext());
    ASSERT_TRUE(bytes.ok()) << key;
    bytes.value()[bytes.value().size() / 2] ^= 1;
    ASSERT_TRUE(memory_.Delete({key}, OpContext()).ok());
    ASSERT_TRUE(memory_.Create(key, bytes.value(), OpContext()).ok());
  }
};

TEST_F(MapWindowTest, PathsAreFoundWhateverTheOrderOfTheQuestions) {
  ASSERT_NO_FATAL_FAILURE(PrepareByPage());
  const BackupMap map = OpenMap();
  ASSERT_GT(map.list().pages.size(), 4U);
  std::vector<std::string> paths;
  ASSERT_TRUE(map.Visit(
                     [&](const FileMap& window) {
                       for (const MappedFile& file : window.files) paths.push_back(file.path);
                       return Status::Ok();
                     },
                     OpContext())
                  .ok());
  ASSERT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  MappedPaths mapped(map);
  const auto has = [&](const std::string& path) {
    const auto found = mapped.Contains(path, OpContext());
    EXPECT_TRUE(found.ok()) << found.status().ToString();
    return found.ok() && found.value();
  };
  for (const std::string& path : paths) {
    ASSERT_TRUE(has(path)) << path;
    ASSERT_FALSE(has(path + "~")) << path;
  }
  for (size_t i = 0; i < paths.size(); i += 500) ASSERT_TRUE(has(paths[paths.size() - 1 - i]));
  EXPECT_FALSE(has("!"));
  EXPECT_FALSE(has("zzz"));
}

// Who asks in the order of the paths has each page read once.
TEST_F(MapWindowTest, PagesAreReadOnceForQuestionsInOrder) {
  ASSERT_NO_FATAL_FAILURE(PrepareByPage());
  const BackupMap map = OpenMap();
  std::atomic<size_t> reads{0};
  faults_->OnCall([&](test::StoreOp op, const std::string& key) {
    if (op == test::StoreOp::kGet && key.find("/page.") != std::string::npos) reads++;
  });
  MappedPaths mapped(map);
  for (int i = 0; i < 3000; i++)
    ASSERT_TRUE(mapped.Contains("base/4/" + std::to_string(100000 + i), OpContext()).value()) << i;
  EXPECT_LE(reads, map.list().pages.size());
}

TEST_F(MapWindowTest, PageByPageTheSameIsRestored) {
  ASSERT_NO_FATAL_FAILURE(PrepareByPage());
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_EQ(result_.files, plan_.backup.file_count);
  EXPECT_EQ(result_.files_kept, 0U);
}

TEST_F(MapWindowTest, PageByPageADirectoryIsBroughtToTheBackup) {
  ASSERT_NO_FATAL_FAILURE(PrepareByPage());
  ASSERT_NO_FATAL_FAILURE(MustRun());
  options_.delta = true;
  ASSERT_NO_FATAL_FAILURE(MustRun());
  const uint64_t kept = result_.files_kept;
  EXPECT_GT(kept, 3000U);
  // In the order of the names of a directory "100000" is before "100000-": in that of the paths "100000-" is before
  // "100000/". Files and directories that are not the backup's lie between its own, on every page.
  for (int i = 0; i < 3000; i += 100) {
    const std::string path = "base/4/" + std::to_string(100000 + i);
    test::WriteFileText(At(path + "-"), "stranger");
    test::WriteFileText(At(path + "_vm"), "stranger");
  }
  fs::remove(At("base/4/100500"));
  test::WriteFileText(At("base/4/100500/within"), "stranger");
  test::WriteFileText(At("base/4-/16384"), "stranger");
  test::WriteFileText(At("base/40000/16384"), "stranger");
  fs::remove(At("base/4/102999"));
  ASSERT_NO_FATAL_FAILURE(MustRun());
  ExpectRestored();
  EXPECT_FALSE(fs::exists(At("base/40000")));
  EXPECT_FALSE(fs::exists(At("base/4-")));
  EXPECT_FALSE(fs::exists(At("base/4/100000_vm")));
  EXPECT_FALSE(fs::exists(At("base/4/100000-")));
  EXPECT_EQ(result_.files_kept, kept - 2);
}

TEST_F(MapWindowTest, ADamagedPageIsNamedBeforeAnythingIsTouched) {
  ASSERT_NO_FATAL_FAILURE(PrepareByPage());
  ASSERT_NO_FATAL_FAILURE(MustRun());
  options_.delta = true;
  const std::string key = OpenMap().list().pages.at(2).key();
  ASSERT_NO_FATAL_FAILURE(Damage(key));
  const auto result = Run();
  EXPECT_EQ(result.code(), Code::kCorruption);
  EXPECT_NE(result.status().message().find("backup \"" + plan_.backup.label + "\" is damaged"), std::string::npos)
      << result.status().ToString();
  EXPECT_NE(result.status().message().find(key), std::string::npos) << result.status().ToString();
  EXPECT_NE(result.status().hint().find("--backup LABEL"), std::string::npos) << result.status().ToString();
  EXPECT_TRUE(HasControl());
}

TEST_F(MapWindowTest, ADamagedListAndAPackThatIsGoneAreNamed) {
  ASSERT_NO_FATAL_FAILURE(PrepareByPage());
  const std::string pack = plan_.backup.packs.at(0).key;
  ASSERT_TRUE(memory_.Delete({pack}, OpContext()).ok());
  auto result = Run();
  EXPECT_EQ(result.code(), Code::kNotFound);
  EXPECT_NE(result.status().message().find("backup \"" + plan_.backup.label + "\""), std::string::npos);
  EXPECT_NE(result.status().message().find(pack), std::string::npos) << result.status().ToString();
  EXPECT_NE(result.status().hint().find("--backup LABEL"), std::string::npos) << result.status().ToString();
  const std::string list = layout::BackupKey(plan_.backup.label, layout::BackupObject::kFiles);
  ASSERT_NO_FATAL_FAILURE(Damage(list));
  result = Run();
  EXPECT_EQ(result.code(), Code::kCorruption);
  EXPECT_NE(result.status().message().find(list), std::string::npos) << result.status().ToString();
  EXPECT_NE(result.status().hint().find("--backup LABEL"), std::string::npos) << result.status().ToString();
}

// Each window of a map asks for much the same packs.
TEST_F(MapWindowTest, ChecksOfAPackAreReadOnceAndNotKeptWithoutBound) {
  ASSERT_NO_FATAL_FAILURE(PrepareByPage());
  ASSERT_GE(plan_.backup.packs.size(), 2U);
  std::atomic<int> reads{0};
  faults_->OnCall([&](test::StoreOp op, const std::string&) { reads += op == test::StoreOp::kGet ? 1 : 0; });
  const auto reads_of = [&](KnownChecks& known, uint32_t pack) {
    reads = 0;
    const auto checks = known.Of(pack, OpContext());
    EXPECT_TRUE(checks.ok() && !checks.value()->empty()) << checks.status().ToString();
    return reads.load();
  };
  KnownChecks known(*repo_.repository, plan_.backup);
  EXPECT_GT(reads_of(known, 0), 0);
  EXPECT_GT(reads_of(known, 1), 0);
  EXPECT_EQ(reads_of(known, 0), 0);
  EXPECT_EQ(reads_of(known, 1), 0);
  KnownChecks forgetful(*repo_.repository, plan_.backup, /*most_bytes=*/1);
  EXPECT_GT(reads_of(forgetful, 0), 0);
  EXPECT_GT(reads_of(forgetful, 1), 0);
  EXPECT_GT(reads_of(forgetful, 0), 0);
  EXPECT_EQ(known.Of(static_cast<uint32_t>(plan_.backup.packs.size()), OpContext()).code(), Code::kCorruption);
}

#ifndef PITR_SANITIZED
// Half a million extents of one byte each: 32 MB when all are held.
TEST_F(MapWindowTest, MemoryDoesNotGrowWithTheCluster) {
  constexpr uint64_t kMiB = uint64_t{1} << 20;
  ASSERT_NO_FATAL_FAILURE(Prepare(/*everything=*/false));
  auto read = ReadFileMap(*repo_.repository, plan_.backup, OpContext());
  ASSERT_TRUE(read.ok()) << read.status().ToString();
  FileMap map = std::move(read).value();
  uint32_t frame = 0;
  while (map.frames[frame].ref.plain_bytes < 16384) ASSERT_LT(++frame, map.frames.size());
  for (uint32_t i = 0; i < 32; i++) {
    MappedFile file{"base/5/" + std::to_string(50000 + i), 32768, 0600, 0, {}, {}};
    for (uint32_t k = 0; k < 16384; k++) file.extents.push_back({2 * uint64_t{k}, 1, frame, k, false, 0});
    map.files.push_back(std::move(file));
  }
  std::sort(map.files.begin(), map.files.end(),
            [](const MappedFile& a, const MappedFile& b) { return a.path < b.path; });
  const BackupMap before = OpenMap();
  for (const MapPage& page : before.list().pages) ASSERT_TRUE(memory_.Delete({page.key()}, OpContext()).ok());
  ASSERT_TRUE(memory_.Delete({plan_.backup.file_map_key}, OpContext()).ok());
  const auto stored = WriteFileMap(*repo_.repository, plan_.backup.label, plan_.backup.packs, map, OpContext());
  ASSERT_TRUE(stored.ok()) << stored.status().ToString();
  stored.value().EnterIn(plan_.backup);
  map = {};
  options_.jobs = 1;
  options_.map_window_bytes = kMiB;
  const auto restore = [&]() -> Status {
    fs::remove_all(options_.data_directory);
    return Run().status();
  };
  EXPECT_LT(test::PeakGrowth(restore), 16 * kMiB);
  options_.map_window_bytes = SIZE_MAX;
  EXPECT_GT(test::PeakGrowth(restore), 32 * kMiB) << "the test does not see what it is for";
}
#endif

}  // namespace
}  // namespace pitr
