// Which pages of its parent's map an increment takes over unread. Each rule that makes a page one that must be read is
// tried alone: a page that is taken over wrongly is data that is lost.
// Starts no thread.
#include "core/backup/changes/page_plan.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <functional>
#include <set>

#include "core/repo/maps/map_page_sum.h"

namespace pitr {
namespace {

// WAL that tells of changes in some files.
class SomeChanges final : public ChangeSource {
 public:
  explicit SomeChanges(std::set<std::string> changed) : changed_(std::move(changed)) {}
  const ChangeOrigin& origin() const override { return origin_; }
  Result<FileChange> Ask(const FileQuestion& question) const override {
    EXPECT_TRUE(question.same_file) << "WAL tells only of files that the parent read";
    asked++;
    FileChange change;
    change.answer =
        changed_.contains(std::string(question.path)) ? FileChange::Answer::kBlocks : FileChange::Answer::kUnchanged;
    return change;
  }
  mutable int asked = 0;

 private:
  const ChangeOrigin origin_;
  const std::set<std::string> changed_;
};

class PagePlanTest : public testing::Test {
 protected:
  PagePlanTest() {
    int64_t inode = 100;
    for (const char* path : {"PG_VERSION", "base/1/1259", "base/1/1259_fsm", "base/1/2619", "base/1/PG_VERSION",
                             "base/5/1259", "base/5/2619", "global/pg_control"}) {
      MappedFile& file = listing_.emplace_back();
      file.path = path;
      file.size_bytes = 8192;
      file.stamp = {static_cast<uint64_t>(inode), 1000 + inode, 2000 + inode};
      inode++;
    }
  }
  // The parent as it would have stored `files`, in pages that begin at these paths.
  ParentBackup Parent(const std::vector<MappedFile>& files,
                      const std::vector<std::string>& first = {"PG_VERSION", "base/1/1259", "base/5/1259",
                                                               "global/pg_control"}) const {
    ParentBackup parent;
    MapPageSum sum;
    for (const MappedFile& file : files) {
      if (std::find(first.begin(), first.end(), file.path) != first.end()) {
        if (!parent.list.pages.empty()) parent.list.pages.back().state = sum.Finish();
        sum = {};
        parent.list.pages.emplace_back().first_path = file.path;
      }
      sum.Add(file);
      parent.list.pages.back().files++;
    }
    parent.list.pages.back().state = sum.Finish();
    return parent;
  }
  MappedFile& At(std::vector<MappedFile>& files, const std::string& path) {
    return *std::find_if(files.begin(), files.end(), [&](const MappedFile& file) { return file.path == path; });
  }
  std::string Kept(const std::vector<MappedFile>& listing, const ParentBackup& parent, const ChangeSource& source,
                   bool stamps_hold = true) {
    const auto plan = PlanPages(listing, parent, source, stamps_hold);
    EXPECT_TRUE(plan.ok()) << plan.status().ToString();
    std::string text;
    for (const bool kept : plan.value().kept) text += kept ? '1' : '0';
    return text;
  }
  std::string KeptAfter(const std::function<void(std::vector<MappedFile>&)>& change, const ChangeSource& source) {
    std::vector<MappedFile> now = listing_;
    change(now);
    return Kept(now, Parent(listing_), source);
  }

  std::vector<MappedFile> listing_;
  const SomeChanges nothing_{{}};
  const SomeChanges all_{{"base/1/1259", "base/1/2619", "base/5/1259", "base/5/2619"}};
};

TEST_F(PagePlanTest, FilesThatNobodyTouchedAreTakenOverWithoutAsking) {
  EXPECT_EQ(Kept(listing_, Parent(listing_), all_), "1110") << "the page of the control file is always read";
  EXPECT_EQ(all_.asked, 0);
}

TEST_F(PagePlanTest, NothingIsTakenOverWhereTimesProveNothing) {
  EXPECT_EQ(Kept(listing_, Parent(listing_), nothing_, /*stamps_hold=*/false), "0000");
}

TEST_F(PagePlanTest, AnyDifferenceOfAnyFileIsAChange) {
  const auto in = [&](const std::string& path, const std::function<void(MappedFile&)>& change) {
    return KeptAfter([&](std::vector<MappedFile>& files) { change(At(files, path)); }, nothing_);
  };
  for (const char* path : {"base/1/1259", "base/1/1259_fsm", "base/1/PG_VERSION"}) {
    EXPECT_EQ(in(path, [](MappedFile& file) { file.size_bytes += 8192; }), "1010") << path;
    EXPECT_EQ(in(path, [](MappedFile& file) { file.mode = 0640; }), "1010") << path;
    EXPECT_EQ(in(path, [](MappedFile& file) { file.stamp.inode = 7; }), "1010") << path << ", made anew";
    EXPECT_EQ(in(path, [](MappedFile& file) { file.stamp.born_nanos++; }), "1010") << path << ", under an old inode";
    EXPECT_EQ(in(path, [](MappedFile& file) { file.stamp.inode = 0; }), "1010") << path << ", not known";
    EXPECT_EQ(in(path, [](MappedFile& file) { file.path += "9"; }), "1010") << path;
  }
  // What WAL does not tell of is judged by its time, and so is everything where WAL is not known.
  for (const char* path : {"base/1/1259_fsm", "base/1/PG_VERSION"}) {
    EXPECT_EQ(in(path, [](MappedFile& file) { file.stamp.changed_nanos++; }), "1010") << path;
    EXPECT_EQ(in(path, [](MappedFile& file) { file.stamp.changed_nanos = 0; }), "1010") << path << ", unsettled";
  }
  EXPECT_EQ(in("base/1/1259", [](MappedFile& file) { file.stamp.changed_nanos++; }), "1110") << "WAL tells";
  EXPECT_EQ(in("base/1/1259", [](MappedFile& file) { file.stamp.changed_nanos = 0; }), "1110");
  EXPECT_EQ(in("base/1/1259", [](MappedFile& file) { file.mtime_micros++; }), "1110") << "anybody can set it";
}

TEST_F(PagePlanTest, WalIsAskedOfEveryMainForkOfAPageThatWasWritten) {
  const auto written = [&](const ChangeSource& source) {
    return KeptAfter([&](std::vector<MappedFile>& files) { At(files, "base/1/1259").stamp.changed_nanos++; }, source);
  };
  EXPECT_EQ(written(nothing_), "1110");
  EXPECT_EQ(nothing_.asked, 2);
  EXPECT_EQ(written(SomeChanges({"base/1/1259"})), "1010");
  EXPECT_EQ(written(SomeChanges({"base/1/2619"})), "1010") << "its time is the parent's, but WAL tells of a change";
  EXPECT_EQ(written(SomeChanges({"base/5/2619"})), "1110") << "of a page that was not written";
  const auto pages = MakePageLsnSource({ChangeKind::kPageLsn, ""});
  EXPECT_EQ(written(*pages), "1010");
}

TEST_F(PagePlanTest, FilesThatComeAndGoChangeTheirPageAlone) {
  const auto gone = [&](const std::string& path) {
    return KeptAfter(
        [&](std::vector<MappedFile>& files) {
          std::erase_if(files, [&](const MappedFile& file) { return file.path == path; });
        },
        nothing_);
  };
  EXPECT_EQ(gone("base/1/2619"), "1010");
  EXPECT_EQ(gone("base/1/1259"), "1010") << "the first of its page";
  EXPECT_EQ(gone("PG_VERSION"), "0110") << "the only one";
  const auto with = [&](const std::string& path) {
    return KeptAfter(
        [&](std::vector<MappedFile>& files) {
          MappedFile file = files[1];
          file.path = path;
          files.push_back(file);
          std::sort(files.begin(), files.end(),
                    [](const MappedFile& a, const MappedFile& b) { return a.path < b.path; });
        },
        nothing_);
  };
  EXPECT_EQ(with("base/1/3000"), "1010");
  EXPECT_EQ(with("base/4/1"), "1010") << "behind the last file of a page, before the next one";
  EXPECT_EQ(with("A"), "0110") << "before everything";
  EXPECT_EQ(with("z"), "1110");
}

TEST_F(PagePlanTest, WhatTheParentDoesNotKnowIsAChange) {
  std::vector<MappedFile> then = listing_;
  At(then, "base/1/1259_fsm").stamp.changed_nanos = 0;  // written just before it was read
  EXPECT_EQ(Kept(listing_, Parent(then), nothing_), "1010");
  EXPECT_EQ(Kept(then, Parent(then), nothing_), "1010");
  then = listing_;
  At(then, "base/1/1259").stamp.changed_nanos = 0;  // judged by WAL
  EXPECT_EQ(Kept(listing_, Parent(then), nothing_), "1110");
  EXPECT_EQ(Kept(then, Parent(then), all_), "1010");
  then = listing_;
  At(then, "base/1/1259").stamp = {};  // no times on this file system
  EXPECT_EQ(Kept(then, Parent(then), nothing_), "1010");
}

TEST_F(PagePlanTest, FilesWithBadPagesAreNotTakenOver) {
  ParentBackup parent = Parent(listing_);
  parent.manifest.page_errors = {{"base/5/2619", 3}};
  EXPECT_EQ(Kept(listing_, parent, nothing_), "1100");
}

}  // namespace
}  // namespace pitr
