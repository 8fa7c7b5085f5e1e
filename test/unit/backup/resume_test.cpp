// Full backups that are interrupted and taken again: what is sent once more and what is not. Each backup is read back
// through its own map alone and compared byte by byte.
#include <gtest/gtest.h>

#include <algorithm>
#include <atomic>
#include <climits>
#include <filesystem>

#include "core/backup/backup_session.h"
#include "core/backup/merge.h"
#include "core/pg/page.h"
#include "core/repo/backups/backup_objects.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/layout.h"
#include "core/repo/opening/open_repository.h"
#include "core/store/memory.h"
#include "lib/faulty_store.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

using test::Fault;
using test::MakePages;
using test::StoreOp;
namespace fs = std::filesystem;

constexpr uint64_t kTotal = 24 * kMiB;  // about what the tree has

class ResumeTest : public testing::TestWithParam<bool> {
 protected:
  void SetUp() override {
    config_.part_size_kb = 5120;
    config_.pack_size_kb = 2048;
    config_.compression_level = 0;
    auto faulty = std::make_unique<test::FaultyStore>(memory_);
    faulty_ = faulty.get();
    ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::move(faulty), tree_, GetParam(), config_, repo_));
    tree_.Add("base/5/16384", MakePages(0, 6 * 128, 1));
    tree_.Add("base/5/16385", MakePages(0, 700, 2));
    tree_.Add("base/5/16385_fsm", MakePages(0, 3, 3));
    tree_.Add("big", test::MakeBytes(9 * kMiB + 77, 4, true));
    for (uint32_t i = 0; i < 400; i++) tree_.Add("base/4/" + std::to_string(2000 + i), MakePages(0, 1, i));
    options_.jobs = 1;
    options_.record_after_millis = 0;
    options_.timeline = Timeline{1};
    options_.data_directory = tree_.root();
  }

  const Repository& repository() { return *repo_.repository; }

  // Copies until so many packs are stored; then the store takes no more of them. The session, as a crash leaves it.
  std::unique_ptr<BackupSession> Interrupt(const std::string& label, int packs) {
    BackupOptions options = options_;
    options.label = label;
    auto session = BackupSession::Begin(repository(), options, OpContext());
    EXPECT_TRUE(session.ok()) << session.status().ToString();
    faulty_->Inject(
        {.op = StoreOp::kCreate, .key_contains = layout::DataPrefix(label), .skip = packs, .times = INT_MAX});
    Progress progress;
    const Status copied = session.value()->CopyFiles(tree_.Start(), progress, OpContext());
    EXPECT_EQ(copied.code(), Code::kUnavailable) << copied.ToString();
    return std::move(session).value();
  }
  Result<BackupManifest> Try(const std::string& label) {
    BackupOptions options = options_;
    options.label = label;
    PITR_ASSIGN(const auto session, BackupSession::Begin(repository(), options, OpContext()));
    note_ = session->resumed().note;
    Progress progress;
    PITR_TRY(session->CopyFiles(tree_.Start(), progress, OpContext()));
    EXPECT_EQ(progress.bytes_done.load(), progress.bytes_total.load()) << "everything is read";
    sent_ = progress.bytes_stored.load();
    resumed_ = progress.bytes_resumed.load();
    return session->Finish(tree_.Stop(), OpContext());
  }
  BackupManifest Take(const std::string& label) {
    auto taken = Try(label);
    EXPECT_TRUE(taken.ok()) << taken.status().ToString();
    if (!taken.ok()) return {};
    ExpectBackupEquals(repository(), taken.value(), tree_);
    auto missing = FindMissingObjects(repository(), taken.value(), OpContext());
    EXPECT_TRUE(missing.ok() && missing.value().empty());
    EXPECT_TRUE(Keys(layout::PartialPrefix(label)).empty()) << "partial maps of a complete backup";
    return std::move(taken).value();
  }
  std::vector<std::string> Keys(const std::string& prefix) {
    std::vector<std::string> keys = memory_.Keys();
    std::erase_if(keys, [&](const std::string& key) { return !key.starts_with(prefix); });
    return keys;
  }
  // How many packs under `label` the backup lists.
  static size_t PacksOf(const BackupManifest& backup, const std::string& label) {
    size_t count = 0;
    for (const PackEntry& pack : backup.packs) count += pack.key.starts_with(layout::DataPrefix(label)) ? 1 : 0;
    return count;
  }
  Bytes Stored(const std::string& key) {
    auto bytes = GetAll(memory_, key, SIZE_MAX, OpContext());
    EXPECT_TRUE(bytes.ok()) << key;
    return bytes.ok() ? std::move(bytes).value() : Bytes();
  }

  Config config_;
  test::DataTree tree_;
  MemoryStore memory_;
  test::FaultyStore* faulty_ = nullptr;
  test::TestRepository repo_;
  BackupOptions options_;
  std::string note_;
  uint64_t sent_ = 0;
  uint64_t resumed_ = 0;
};

TEST_P(ResumeTest, WhatAKilledBackupStoredIsNotSentAgain) {
  Interrupt("a", 8);
  EXPECT_EQ(Keys("data/a/").size(), 8U);
  EXPECT_EQ(Keys(layout::PartialPrefix("a")).size(), 8U);
  const BackupManifest b = Take("b");
  EXPECT_EQ(b.type, BackupType::kFull);
  EXPECT_TRUE(b.parent_label.empty());
  EXPECT_EQ(b.chain_length, 1U);
  EXPECT_FALSE(b.change_origin);
  EXPECT_EQ(PacksOf(b, "a"), 8U);
  EXPECT_EQ(b.annotations.at("resumed from"), "a");
  EXPECT_GT(resumed_, 15 * kMiB);
  EXPECT_LT(sent_ + resumed_, kTotal + 2 * kMiB);
  EXPECT_GT(b.stored_bytes, sent_ + 15 * kMiB) << "what is taken over belongs to this backup";
  EXPECT_TRUE(note_.starts_with("resuming backup \"a\": ")) << note_;
  EXPECT_NE(note_.find(" MB of "), std::string::npos) << note_;
  auto catalog = BackupCatalog::Load(repository(), OpContext());
  ASSERT_TRUE(catalog.ok());
  ASSERT_EQ(catalog.value().unfinished.size(), 1U);
  EXPECT_EQ(catalog.value().unfinished[0].partial_packs.size(), 8U);
}

TEST_P(ResumeTest, SeveralJobsTakeOverFromSeveralJobs) {
  options_.jobs = 3;
  Interrupt("a", 9);
  // A job that has completed a pack may be stopped before it has recorded it.
  const size_t recorded = Keys(layout::PartialPrefix("a")).size();
  EXPECT_GE(recorded, 3U);
  const BackupManifest b = Take("b");
  EXPECT_EQ(PacksOf(b, "a"), recorded);
  EXPECT_GT(resumed_, 2 * kMiB * (recorded - 1));
}

TEST_P(ResumeTest, AFailureKeepsWhatIsRecordedAndNothingElse) {
  faulty_->Inject({.op = StoreOp::kCreate, .key_contains = layout::PartialKey("a", 3)});
  auto session = Interrupt("a", 8);
  EXPECT_GT(session->recorded_bytes(), 13 * kMiB);
  EXPECT_TRUE(session->Abandon(OpContext()).ok());
  EXPECT_EQ(Keys(layout::PartialPrefix("a")).size(), 7U);
  EXPECT_EQ(Keys("data/a/").size(), 7U);
  EXPECT_TRUE(Keys(layout::PackKey("a", 3)).empty()) << "nobody could make use of it";
  EXPECT_EQ(Keys("backup/a/").size(), 8U) << "partial maps and the start object";
  EXPECT_EQ(repo_.log.warnings(), 1U);
  EXPECT_EQ(PacksOf(Take("b"), "a"), 7U);
}

// The copy is done, and then the WAL does not come, or the manifest cannot be stored.
TEST_P(ResumeTest, AFailureAfterTheCopyKeepsEverything) {
  const std::string manifest = layout::BackupKey("a", layout::BackupObject::kManifest);
  faulty_->Inject({.op = StoreOp::kCreate, .key_contains = manifest, .after = true});
  BackupOptions options = options_;
  options.label = "a";
  auto session = BackupSession::Begin(repository(), options, OpContext());
  ASSERT_TRUE(session.ok());
  Progress progress;
  ASSERT_TRUE(session.value()->CopyFiles(tree_.Start(), progress, OpContext()).ok());
  ASSERT_FALSE(session.value()->Finish(tree_.Stop(), OpContext()).ok());
  ASSERT_EQ(Keys(manifest).size(), 1U);
  ASSERT_TRUE(session.value()->Abandon(OpContext()).ok());
  EXPECT_TRUE(Keys(manifest).empty());
  const BackupManifest b = Take("b");
  EXPECT_LT(sent_, kMiB / 4) << "the control file, and no more";
  EXPECT_GT(PacksOf(b, "a"), 10U);
}

TEST_P(ResumeTest, WhatIsStoredInTheFirstSecondsIsNotRecorded) {
  options_.record_after_millis = 3600000;
  const std::vector<std::string> before = memory_.Keys();
  auto session = Interrupt("a", 8);
  EXPECT_TRUE(Keys(layout::PartialPrefix("a")).empty());
  EXPECT_EQ(session->recorded_bytes(), 0U);
  EXPECT_TRUE(session->Abandon(OpContext()).ok());
  EXPECT_EQ(memory_.Keys(), before);
}

TEST_P(ResumeTest, NotWantedNothingIsTakenOverOrKept) {
  Interrupt("a", 8);
  options_.resume = false;
  const std::vector<std::string> before = memory_.Keys();
  auto session = Interrupt("b", 8);
  EXPECT_TRUE(session->resumed().note.empty());
  EXPECT_TRUE(session->Abandon(OpContext()).ok());
  EXPECT_EQ(memory_.Keys(), before);
  const BackupManifest c = Take("c");
  EXPECT_EQ(PacksOf(c, "a"), 0U);
  EXPECT_FALSE(c.annotations.contains("resumed from"));
}

TEST_P(ResumeTest, ASecondInterruptionResumesBoth) {
  Interrupt("a", 5);
  const auto session = Interrupt("b", 4);
  EXPECT_TRUE(session->Abandon(OpContext()).ok());
  const BackupManifest c = Take("c");
  EXPECT_EQ(PacksOf(c, "a"), 5U);
  EXPECT_EQ(PacksOf(c, "b"), 4U);
  EXPECT_EQ(c.annotations.at("resumed from"), "a, b");
  EXPECT_TRUE(note_.starts_with("resuming backups \"b\", \"a\": ")) << note_;
  EXPECT_GT(resumed_, 17 * kMiB);
  // What was taken over is not taken over once more.
  const BackupManifest d = Take("d");
  EXPECT_EQ(PacksOf(d, "d"), d.packs.size());
  EXPECT_TRUE(note_.empty());
  EXPECT_TRUE(repo_.log.Has("backup \"a\" is left out: it was taken over by backup \"c\" already"));
}

TEST_P(ResumeTest, EverythingChanged) {
  Interrupt("a", 8);
  tree_.Add("base/5/16384", MakePages(0, 6 * 128, 101));
  tree_.Add("base/5/16385", MakePages(0, 700, 102));
  tree_.Add("big", test::MakeBytes(9 * kMiB + 77, 104, true));
  for (uint32_t i = 0; i < 400; i++) tree_.Add("base/4/" + std::to_string(2000 + i), MakePages(0, 1, 1000 + i));
  const BackupManifest b = Take("b");
  EXPECT_EQ(PacksOf(b, "a"), 0U);
  EXPECT_EQ(resumed_, 0U);
  EXPECT_FALSE(b.annotations.contains("resumed from"));
}

TEST_P(ResumeTest, FilesThatChangedShrankGrewOrWentAreStoredAsTheyAre) {
  Interrupt("a", 11);
  // One page in the second MiB.
  Bytes pages = MakePages(0, 6 * 128, 1);
  const Bytes page = MakePages(130, 1, 77);
  std::copy(page.begin(), page.end(), pages.begin() + 130 * kPageSize);
  tree_.Add("base/5/16384", pages);
  tree_.Add("base/5/16385", MakePages(0, 300, 2));            // truncated within a piece
  tree_.Add("big", test::MakeBytes(10 * kMiB + 1, 4, true));  // the same, and more
  fs::remove(tree_.root() + "/base/4/2000");
  tree_.expected().erase("base/4/2000");
  tree_.Add("base/4/2001", {});
  tree_.Add("base/4/2002", Bytes(kPageSize, 0));  // zero now
  const BackupManifest b = Take("b");
  EXPECT_GT(PacksOf(b, "a"), 5U);
  EXPECT_GT(resumed_, 12 * kMiB);
}

TEST_P(ResumeTest, ADamagedPartialMapCostsItsPackOnly) {
  Interrupt("a", 8);
  Bytes bytes = Stored(layout::PartialKey("a", 4));
  bytes[bytes.size() / 2] ^= 1;
  memory_.Replace(layout::PartialKey("a", 4), bytes);
  // One that was copied to another's place, and one that was cut.
  memory_.Replace(layout::PartialKey("a", 5), Stored(layout::PartialKey("a", 6)));
  bytes = Stored(layout::PartialKey("a", 7));
  bytes.resize(bytes.size() - 10);
  memory_.Replace(layout::PartialKey("a", 7), bytes);
  const BackupManifest b = Take("b");
  EXPECT_EQ(PacksOf(b, "a"), 5U);
  EXPECT_TRUE(repo_.log.Has("not everything can be resumed: ")) << "said why";
}

TEST_P(ResumeTest, PacksThatAreMissingOrCutAreSentAgain) {
  Interrupt("a", 8);
  ASSERT_TRUE(memory_.Delete({layout::PackKey("a", 2)}, OpContext()).ok());
  Bytes bytes = Stored(layout::PackKey("a", 3));
  bytes.resize(bytes.size() - 1);
  memory_.Replace(layout::PackKey("a", 3), bytes);
  const BackupManifest b = Take("b");
  EXPECT_EQ(PacksOf(b, "a"), 6U);
  EXPECT_TRUE(repo_.log.Has("object \"data/a/000002\" is missing"));
  EXPECT_TRUE(repo_.log.Has("object \"data/a/000003\" has "));
}

TEST_P(ResumeTest, AnotherCompressionLevelBeginsAnew) {
  Interrupt("a", 8);
  Config config = repository().config();
  config.compression_level = 1;
  auto opened = OpenRepositoryOn(std::make_unique<test::FaultyStore>(memory_), config, repo_.log, OpContext());
  ASSERT_TRUE(opened.ok()) << opened.status().ToString();
  repo_.repository = std::move(opened).value();
  const BackupManifest b = Take("b");
  EXPECT_EQ(PacksOf(b, "a"), 0U);
  EXPECT_TRUE(repo_.log.Has("was written with compression_level 0, which is 1 now"));
}

TEST_P(ResumeTest, AMapUnderAnotherKeyIsRefused) {
  Interrupt("a", 8);
  RepositoryKey key;
  key.number = 1;
  key.secret.fill(7);
  const std::string map =
      "{\"pg_pitr_files\":1,\"label\":\"a\",\"pack_bytes\":2000000,\"level\":0,\"database_bytes\":1}\n"
      "{\"end\":{\"files\":0,\"frames\":0}}\n";
  auto foreign = EncodeObject(ObjectKind::kPartialMap, layout::PartialKey("a", 1), AsBytes(map), &key, 0);
  ASSERT_TRUE(foreign.ok());
  memory_.Replace(layout::PartialKey("a", 1), foreign.value());
  EXPECT_EQ(PacksOf(Take("b"), "a"), 7U);
}

TEST_P(ResumeTest, AStoreThatDoesNotAnswerMeansBeginningAnew) {
  Interrupt("a", 8);
  faulty_->Inject({.op = StoreOp::kGet, .key_contains = layout::PartialKey("a", 1)});
  EXPECT_EQ(PacksOf(Take("b"), "a"), 0U);
  EXPECT_TRUE(repo_.log.Has("injected fault"));
  ASSERT_TRUE(memory_.Delete({layout::BackupKey("b", layout::BackupObject::kManifest)}, OpContext()).ok());
  faulty_->Inject({.op = StoreOp::kList, .key_contains = "backup/"});
  EXPECT_EQ(PacksOf(Take("c"), "a"), 0U);
  EXPECT_TRUE(repo_.log.Has("could not look for an interrupted backup to resume: injected fault"));
}

TEST_P(ResumeTest, WhatIsBeingExpiredIsLeftAlone) {
  Interrupt("a", 8);
  ASSERT_TRUE(CreateMark(repository(), "a", layout::BackupObject::kExpireMark, "test", OpContext()).ok());
  EXPECT_EQ(PacksOf(Take("b"), "a"), 0U);
}

// The mark is made after the start object was created and before it is looked for.
TEST_P(ResumeTest, AnExpiryThatCameFirstIsNoticed) {
  Interrupt("a", 8);
  std::atomic<bool> marked = false;
  faulty_->OnCall([&](StoreOp op, const std::string& key) {
    const bool asked = op == StoreOp::kStat && key == layout::BackupKey("a", layout::BackupObject::kExpireMark);
    if (asked && !marked.exchange(true)) { EXPECT_TRUE(memory_.Create(key, {}, OpContext()).ok()); }
  });
  EXPECT_EQ(PacksOf(Take("b"), "a"), 0U);
  EXPECT_TRUE(marked);
  EXPECT_TRUE(repo_.log.Has("backup \"a\" is being expired"));
}

TEST_P(ResumeTest, IncrementsAndMergesBuildOnWhatWasTakenOver) {
  Interrupt("a", 8);
  Take("b");
  tree_.Add("base/5/16385", MakePages(0, 700, 202, Lsn{0x20000000}));
  options_.type = BackupType::kIncr;
  options_.label = "c";
  auto session = BackupSession::Begin(repository(), options_, OpContext());
  ASSERT_TRUE(session.ok()) << session.status().ToString();
  BackupStart start = tree_.Start();
  start.start_lsn = Lsn{test::kTreeStopLsn.value + 0x28};
  BackupStop stop = tree_.Stop();
  stop.stop_lsn = Lsn{test::kTreeStopLsn.value + 0x1000};
  Progress progress;
  ASSERT_TRUE(session.value()->CopyFiles(start, progress, OpContext()).ok());
  EXPECT_TRUE(Keys(layout::PartialPrefix("c")).empty()) << "increments record nothing";
  auto c = session.value()->Finish(stop, OpContext());
  ASSERT_TRUE(c.ok()) << c.status().ToString();
  EXPECT_GT(PacksOf(c.value(), "a"), 3U);
  ExpectBackupEquals(repository(), c.value(), tree_);
  auto merged = MergeBackup(repository(), {"c", "m", "test"}, OpContext());
  ASSERT_TRUE(merged.ok()) << merged.status().ToString();
  ExpectBackupEquals(repository(), merged.value(), tree_);
}

// However slowly data flows, half a minute of it is what a crash costs.
TEST_P(ResumeTest, APackIsNotOpenForLong) {
  class HastyClock final : public Clock {
   public:
    int64_t WallMicros() const override { return SystemClock().WallMicros(); }
    int64_t SteadyMillis() const override { return now_ += 40000; }
    void SleepMillis(int64_t millis) const override { now_ += millis; }

   private:
    mutable std::atomic<int64_t> now_ = 1000000;
  };
  const HastyClock clock;
  OpContext ctx;
  ctx.clock = &clock;
  const size_t by_size = Take("a").packs.size();
  options_.label = "b";
  auto session = BackupSession::Begin(repository(), options_, ctx);
  ASSERT_TRUE(session.ok());
  Progress progress;
  ASSERT_TRUE(session.value()->CopyFiles(tree_.Start(), progress, ctx).ok());
  EXPECT_GT(Keys("data/b/0").size(), by_size + 3);
  EXPECT_EQ(Keys(layout::PartialPrefix("b")).size(), Keys("data/b/0").size()) << "and pages besides";
}

INSTANTIATE_TEST_SUITE_P(Repositories, ResumeTest, testing::Bool(),
                         [](const auto& param) { return param.param ? "Encrypted" : "Plain"; });

UnfinishedBackup Unfinished(const std::string& label, int64_t started) {
  UnfinishedBackup backup;
  backup.label = label;
  backup.started_micros = started;
  backup.partial_packs = {1};
  return backup;
}

TEST(ResumeCandidatesTest, OnlyWhatNothingNewerSuperseded) {
  BackupCatalog catalog;
  catalog.unfinished = {Unfinished("old", 10),    Unfinished("new", 30),     Unfinished("newest", 40),
                        Unfinished("marked", 50), Unfinished("without", 60), Unfinished("unreadable", 70)};
  catalog.unfinished[4].partial_packs.clear();
  catalog.unfinished[5].problem = Status(Code::kCorruption, "bad");
  catalog.expiring = {"marked"};
  BackupManifest full;
  full.label = "full";
  full.start_micros = 20;
  BackupManifest increment;
  increment.label = "incr";
  increment.type = BackupType::kIncr;
  increment.start_micros = 100;
  full.packs = {{layout::PackKey("full", 1), 5}, {layout::PackKey("taken", 1), 5}};
  catalog.unfinished.push_back(Unfinished("taken", 80));
  catalog.backups = {full, increment};
  const ResumeCandidates found = FindResumeCandidates(catalog);
  EXPECT_EQ(found.labels, (std::vector<std::string>{"newest", "new"}));
  EXPECT_EQ(found.passed_over.at("old"), "it is older than the full backup \"full\"");
  EXPECT_EQ(found.passed_over.at("taken"), "it was taken over by backup \"full\" already");
  EXPECT_EQ(found.passed_over.at("unreadable"), "its start object cannot be read: bad");
  EXPECT_EQ(found.passed_over.size(), 3U);
  EXPECT_EQ(found.taken_over, (std::map<std::string, std::string>{{"taken", "full"}}));
}

// What people are told of each is what the next backup does.
TEST(ResumeCandidatesTest, OnlyOfThoseTheNextBackupIsSaidToTakeOver) {
  BackupCatalog catalog;
  for (int i = 0; i < 60; i++) catalog.unfinished.push_back(Unfinished("b" + std::to_string(i), 100 + i));
  catalog.unfinished[59].partial_packs.clear();
  const ResumeCandidates found = FindResumeCandidates(catalog);
  EXPECT_EQ(found.labels.size(), 50U);
  EXPECT_EQ(found.labels.front(), "b58");
  EXPECT_EQ(found.passed_over.size(), 9U);
  EXPECT_EQ(found.passed_over.at("b8"), "there are 50 newer ones");
  for (const UnfinishedBackup& backup : catalog.unfinished) {
    const bool resumed = std::find(found.labels.begin(), found.labels.end(), backup.label) != found.labels.end();
    const UnfinishedRemark remark = DescribeUnfinished(found, backup);
    EXPECT_EQ(remark.advice.find("take over") != std::string::npos, resumed) << remark.advice;
    EXPECT_EQ(remark.advice.find("pg_pitr expire") == std::string::npos, resumed) << remark.advice;
  }
}

PartialMap Part(const std::string& key, std::vector<MappedFile> files) {
  PartialMap map;
  map.pack = {key, 1000};
  map.frames = {{0, {64, 100, 1000}}, {0, {164, 100, 1000}}};
  map.files = std::move(files);
  return map;
}

MappedFile Piece(const std::string& path, std::vector<Extent> extents) {
  MappedFile file;
  file.path = path;
  file.extents = std::move(extents);
  return file;
}

TEST(ParentMapTest, JoinsPartialMapsAndLetsTheFirstWin) {
  const std::vector<PartialMap> parts = {
      Part("data/b/000001", {Piece("f", {{100, 100, 1, 0, true, 11}}), Piece("g", {{0, 10, 0, 0, true, 12}})}),
      Part("data/a/000001",
           {Piece("e", {{0, 5, 0, 0, true, 21}}),
            Piece("f", {{0, 50, 0, 0, true, 22}, {50, 100, 1, 0, true, 23}, {200, 50, 1, 7, true, 24}}),
            Piece("g", {{0, 10, 1, 0, true, 25}})})};
  const ParentMap map = ParentMap::Join(parts);
  ASSERT_EQ(map.files().size(), 3U);
  EXPECT_EQ(map.frames().size(), 4U);
  EXPECT_EQ(map.frames()[2].pack, 1U);
  ASSERT_EQ(map.manifest().packs.size(), 2U);
  std::string text;
  for (const ParentMap::File& file : map.files()) {
    text += map.PathOf(file);
    for (const Extent& extent : map.ExtentsOf(file))
      text += " " + std::to_string(extent.file_offset) + ":" + std::to_string(extent.check) + "@" +
              std::to_string(extent.frame);
    text += "\n";
  }
  EXPECT_EQ(text, "e 0:21@2\nf 0:22@2 100:11@1 200:24@3\ng 0:12@0\n");
}

}  // namespace
}  // namespace pitr
