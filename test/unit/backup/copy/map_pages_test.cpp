// Increments whose parent's file map is of many pages: what they read, write and refer to, and what an expiry, a merge
// and a verification make of pages that several backups share.
#include <fcntl.h>
#include <gtest/gtest.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>
#include <map>
#include <set>

#include "core/backup/backup_session.h"
#include "core/backup/merge.h"
#include "core/expire/expire.h"
#include "core/pg/page.h"
#include "core/repo/layout.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/store/memory.h"
#include "core/verify/verify.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr int kFiles = 3400;  // below base/4, one page each; four pages with what else is below base

class MapPagesTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    auto memory = std::make_unique<MemoryStore>();
    store_ = memory.get();
    ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::move(memory), tree_, GetParam(), {}, repo_));
    for (int i = 0; i < kFiles; i++) tree_.Add(Path(i), test::MakePages(0, 1, static_cast<uint32_t>(i)));
  }
  static std::string Path(int i) { return "base/4/" + std::to_string(100000 + i); }
  OpContext Context() const {
    OpContext ctx;
    ctx.clock = &clock_;
    return ctx;
  }
  Result<BackupManifest> Try(BackupType type) {
    BackupOptions options;
    options.type = type;
    options.label = "b" + std::to_string(++taken_);
    options.timeline = Timeline{1};
    options.data_directory = tree_.root();
    options.verify_changes = verify_changes_;
    if (held_map_bytes_ != 0) options.held_map_bytes = held_map_bytes_;
    PITR_ASSIGN(const auto session, BackupSession::Begin(*repo_.repository, options, Context()));
    Progress progress;
    PITR_ASSIGN(const BackupStop stop, test::CopyPlaced(*session, tree_, taken_, progress, Context()));
    EXPECT_EQ(progress.files_done.load(), progress.files_total.load());
    parent_damage_ = session->parent_damage();
    return session->Finish(stop, Context());
  }
  BackupManifest Take(BackupType type) { return test::ExpectTaken(*repo_.repository, Try(type), type, tree_); }
  // Pages of the backup's map by the label whose they are.
  std::map<std::string, size_t> PagesOf(const BackupManifest& manifest) {
    std::map<std::string, size_t> pages;
    for (const MapPageRun& run : manifest.map_pages) pages[run.label] += run.size();
    return pages;
  }
  MapPageList ListOf(const BackupManifest& manifest) { return test::ExpectPageList(*repo_.repository, manifest); }
  void Overwrite(const std::string& path, uint32_t seed) {
    const Bytes page = test::MakePages(0, 1, seed, Lsn{taken_ * 0x4000000 + 0x200000});
    tree_.expected()[path].data = page;
    const int fd = open((tree_.root() + "/" + path).c_str(), O_WRONLY);
    ASSERT_EQ(pwrite(fd, page.data(), page.size(), 0), static_cast<ssize_t>(page.size()));
    close(fd);
  }
  void Remove(const std::string& path) {
    fs::remove(tree_.root() + "/" + path);
    tree_.expected().erase(path);
  }
  uint32_t Objects(const std::string& prefix) {
    uint32_t count = 0;
    EXPECT_TRUE(ListAll(*store_, prefix, OpContext(), [&](const ObjectInfo&) {
                  count++;
                  return Status::Ok();
                }).ok());
    return count;
  }
  ExpireReport MustExpire(const std::set<std::string>& labels) {
    ExpireRequest request;
    request.by = "test";
    request.labels = labels;
    request.force = true;
    auto report = Expire(*repo_.repository, request, Context());
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    return report.ok() ? std::move(report).value() : ExpireReport();
  }

  test::LateClock clock_;
  test::DataTree tree_;
  test::TestRepository repo_;
  MemoryStore* store_ = nullptr;
  uint64_t taken_ = 0;
  bool verify_changes_ = false;
  uint64_t held_map_bytes_ = 0;  // 0: the default
  Status parent_damage_;         // as the last backup found it
};
INSTANTIATE_TEST_SUITE_P(PlainAndEncrypted, MapPagesTest, testing::Bool());

TEST_P(MapPagesTest, WithNothingChangedAlmostNothingIsWritten) {
  const BackupManifest full = Take(BackupType::kFull);
  const size_t pages = PagesOf(full)["b1"];
  ASSERT_GE(pages, 5U);
  EXPECT_EQ(full.map_pages.size(), 1U);
  const BackupManifest increment = Take(BackupType::kIncr);
  EXPECT_EQ(PagesOf(increment), (std::map<std::string, size_t>{{"b1", pages - 1}, {"b2", 1}}))
      << "only the page of the control file is the increment's own";
  EXPECT_LT(increment.stored_bytes, full.stored_bytes / 20);
  EXPECT_EQ(increment.file_count, full.file_count);
  EXPECT_EQ(increment.database_bytes, full.database_bytes);
  // Along a chain there is always one that refers to pages of all.
  for (int i = 0; i < 3; i++) Take(BackupType::kIncr);
  verify_changes_ = true;
  const BackupManifest proven = Take(BackupType::kIncr);
  EXPECT_EQ(PagesOf(proven)["b1"], 0U) << "a proof reads everything";
}

TEST_P(MapPagesTest, AFileThatChangesCostsItsPage) {
  const BackupManifest full = Take(BackupType::kFull);
  const MapPageList before = ListOf(full);
  Overwrite(Path(1500), 7);
  Remove(Path(100));
  tree_.Add("base/4/100100x", test::MakePages(0, 1, 9));
  const BackupManifest increment = Take(BackupType::kIncr);
  const MapPageList after = ListOf(increment);
  ASSERT_EQ(after.pages.size(), before.pages.size()) << "the boundaries stay";
  std::set<std::string> own;
  for (size_t i = 0; i < after.pages.size(); i++) {
    EXPECT_EQ(after.pages[i].first_path, before.pages[i].first_path);
    if (after.pages[i].label == increment.label) own.insert(after.pages[i].first_path);
  }
  EXPECT_EQ(own.size(), 3U) << "two of files that changed and the control file's";
  // A file before a page's first one, and the first one itself.
  const std::string first = after.pages[2].first_path;
  Remove(first);
  tree_.Add(first.substr(0, first.size() - 1) + "!", test::MakePages(0, 1, 10));
  Take(BackupType::kIncr);
  Take(BackupType::kIncr);
}

// One new file among others does not move boundaries, many do not make pages without end, and pages of few go together.
TEST_P(MapPagesTest, PagesKeepTheirSize) {
  Take(BackupType::kFull);
  for (int i = 0; i < 5000; i++) tree_.Add(Path(200) + "x" + std::to_string(i), {});
  BackupManifest manifest = Take(BackupType::kIncr);
  for (const MapPage& page : ListOf(manifest).pages) EXPECT_LE(page.files, 3000U) << page.first_path;
  for (int i = 0; i < 5000; i++) Remove(Path(200) + "x" + std::to_string(i));
  for (int i = 0; i < kFiles; i++)
    if (i % 40 != 0) Remove(Path(i));
  manifest = Take(BackupType::kIncr);
  EXPECT_LE(ListOf(manifest).pages.size(), 5U);
}

TEST_P(MapPagesTest, ADamagedPageOfTheParentIsStoredAnew) {
  const BackupManifest full = Take(BackupType::kFull);
  const MapPageList list = ListOf(full);
  Overwrite(Path(1500), 7);
  size_t changed = 0;
  while (changed + 1 < list.pages.size() && list.pages[changed + 1].first_path <= Path(1500)) changed++;
  ASSERT_TRUE(store_->FlipBit(list.pages[changed].key(), 8 * 200));
  const BackupManifest increment = Take(BackupType::kIncr);
  EXPECT_TRUE(repo_.log.Has(list.pages[changed].key()));
  EXPECT_EQ(parent_damage_.code(), Code::kCorruption);
  EXPECT_NE(parent_damage_.message().find("1 page of its file map"), std::string::npos) << parent_damage_.ToString();
  EXPECT_GT(PagesOf(increment)["b1"], 0U) << "the others are whole, and taken over";
  EXPECT_EQ(ListOf(increment).pages[changed].label, increment.label);
  // One that is not there is noticed when the parent is chosen, also when nobody would read it.
  ASSERT_TRUE(store_->Delete({ListOf(increment).pages[0].key()}, OpContext()).ok());
  auto next = Try(BackupType::kIncr);
  ASSERT_TRUE(next.ok()) << next.status().ToString();
  EXPECT_EQ(next.value().parent_label, "") << "the full backup has lost it, too";
}

// Where the batch in which damage is found is the last one, and where others follow.
TEST_P(MapPagesTest, WhereAPageIsDamagedThoseThatAreTakenOverAreReadAfterAll) {
  for (const uint64_t held : {0, 100000}) {
    held_map_bytes_ = held;
    const BackupManifest full = Take(BackupType::kFull);
    EXPECT_TRUE(parent_damage_.ok());
    const MapPageList list = ListOf(full);
    Overwrite(Path(1500), 7);
    for (const MapPage& page : list.pages) ASSERT_TRUE(store_->FlipBit(page.key(), 8 * 200));
    const BackupManifest increment = Take(BackupType::kIncr);  // and it is equal to the directory
    EXPECT_EQ(increment.parent_label, full.label);
    EXPECT_EQ(PagesOf(increment)[full.label], 0U);
    const std::string all = std::to_string(list.pages.size()) + " pages of its file map";
    EXPECT_NE(parent_damage_.message().find(all), std::string::npos) << parent_damage_.ToString();
    // One that is read is damaged, and one that is not.
    const MapPageList next = ListOf(increment);
    ASSERT_GE(next.pages.size(), 4U);
    const std::string read = next.pages.back().key(), unread = next.pages[1].key();
    for (const std::string& key : {read, unread}) ASSERT_TRUE(store_->FlipBit(key, 8 * 200));
    const BackupManifest third = Take(BackupType::kIncr);
    for (const MapPage& page : ListOf(third).pages)
      EXPECT_TRUE(page.key() != read && page.key() != unread) << page.key();
    EXPECT_GT(PagesOf(third)[increment.label], 0U);
  }
}

TEST_P(MapPagesTest, AnExpiryLeavesPagesThatOthersNeed) {
  const BackupManifest full = Take(BackupType::kFull);
  Overwrite(Path(0), 7);
  const BackupManifest second = Take(BackupType::kIncr);
  const BackupManifest third = Take(BackupType::kIncr);
  ASSERT_GT(PagesOf(third)["b1"], 0U);
  ASSERT_GT(PagesOf(third)["b2"], 0U);
  auto merged = MergeBackup(*repo_.repository, {third.label, "merged", "test"}, OpContext());
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  EXPECT_EQ(PagesOf(merged.value()), PagesOf(third)) << "no page is written";
  MustExpire({"b1"});  // and what builds on it
  EXPECT_EQ(Objects("backup/b3/manifest"), 0U);
  ExpectBackupEquals(*repo_.repository, merged.value(), tree_);
  EXPECT_EQ(Objects("data/b1/page."), PagesOf(third)["b1"]) << "those that nobody needs are gone";
  EXPECT_EQ(Objects("backup/b1/start"), 1U) << "as long as something of the label is needed";
  Take(BackupType::kIncr);
  MustExpire({"merged"});
  MustExpire({});  // what was left of the others
  for (const char* prefix : {"data/", "backup/"}) EXPECT_EQ(Objects(prefix), 0U) << prefix;
}

TEST_P(MapPagesTest, AVerificationNamesEveryBackupOfAPage) {
  const BackupManifest full = Take(BackupType::kFull);
  const BackupManifest increment = Take(BackupType::kIncr);
  const MapPageList list = ListOf(increment);
  const auto shared =
      std::find_if(list.pages.begin(), list.pages.end(), [](const MapPage& page) { return page.label == "b1"; });
  ASSERT_NE(shared, list.pages.end());
  const auto verify = [&]() {
    VerifyOptions options;
    options.request.scope = VerifyScope::kAll;
    FindingList findings;
    Progress progress;
    auto report = VerifyRepository(*repo_.repository, options, findings, progress, OpContext());
    EXPECT_TRUE(report.ok()) << report.status().ToString();
    std::vector<Finding> damage;
    for (const Finding& finding : findings.Copy())
      if (finding.severity == Severity::kDamage && !finding.object.starts_with("wal/")) damage.push_back(finding);
    return damage;
  };
  EXPECT_TRUE(verify().empty());
  ASSERT_TRUE(store_->FlipBit(shared->key(), 8 * 200));
  auto damage = verify();
  ASSERT_EQ(damage.size(), 1U);
  EXPECT_EQ(damage[0].object, shared->key());
  EXPECT_EQ(damage[0].labels, (std::vector<std::string>{"b1", "b2"}));
  ASSERT_TRUE(store_->Delete({shared->key()}, OpContext()).ok());
  damage = verify();
  ASSERT_EQ(damage.size(), 1U);
  EXPECT_EQ(damage[0].problem, "missing");
  EXPECT_EQ(damage[0].labels, (std::vector<std::string>{"b1", "b2"}));
}

}  // namespace
}  // namespace pitr
