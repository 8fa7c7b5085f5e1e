// Starts no thread.
#include "core/restore/place_note.h"

#include <gtest/gtest.h>
#include <sys/stat.h>

#include <filesystem>
#include <fstream>

#include "core/restore/restore_mark.h"
#include "core/restore/tablespace_places.h"
#include "core/restore/tablespace_user.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

class PlaceNoteTest : public testing::Test {
 protected:
  void SetUp() override {
    for (const char* name : {"/a", "/b", "/place"}) fs::create_directories(dir_.path() + name);
    for (const std::string& data : {a_, b_}) fs::create_directories(data + "/pg_tblspc");
  }
  static ClusterTree Tree(const std::string& directory) { return ClusterTree::Open(directory).value(); }
  void Mark(const std::string& directory, bool ended = false) {
    RestoreMark mark;
    mark.places = {place_};
    if (ended) mark.outcome.emplace();
    ASSERT_TRUE(WriteRestoreMark(Tree(directory), mark).ok());
  }
  Status Replay(const std::string& data) { return CheckPlaceAtReplay(data, 15, {16400, place_, Lsn{0x1000}}, {}); }

  test::ScratchDirectory dir_;
  const std::string a_ = dir_.path() + "/a", b_ = dir_.path() + "/b", place_ = dir_.path() + "/place";
};

TEST_F(PlaceNoteTest, IsForTheDirectoryThatIsGoingToReplay) {
  EXPECT_FALSE(NotedUser(place_, b_).has_value());
  ASSERT_TRUE(NotePlace(Tree(a_), place_).ok());
  ASSERT_NO_FATAL_FAILURE(Mark(a_));
  EXPECT_TRUE(IsNotedFor(place_, a_));
  EXPECT_FALSE(NotedUser(place_, a_).has_value()) << "its own";
  EXPECT_EQ(NotedUser(place_, b_).value_or(""), a_);
  EXPECT_EQ(NotePlace(Tree(b_), place_).code(), Code::kConflict);
  EXPECT_TRUE(NotePlace(Tree(a_), place_).ok()) << "again";
  const auto user = FindTablespaceUser(place_, b_);
  ASSERT_TRUE(user.has_value());
  EXPECT_EQ(user->pid, 0);
}

TEST_F(PlaceNoteTest, BindsOnlyAsLongAsThePlaceIsNeeded) {
  ASSERT_TRUE(NotePlace(Tree(a_), place_).ok());
  EXPECT_FALSE(NotedUser(place_, b_).has_value()) << "restored once more, to before the tablespace";
  ASSERT_NO_FATAL_FAILURE(Mark(a_, /*ended=*/true));
  EXPECT_FALSE(NotedUser(place_, b_).has_value()) << "dropped in the recovery, or later";
  fs::create_directory_symlink(place_, a_ + "/pg_tblspc/16400");
  EXPECT_TRUE(NotedUser(place_, b_).has_value()) << "it has its tablespace there";
  fs::remove(a_ + "/pg_tblspc/16400");
  std::ofstream(a_ + "/pg_pitr.restored") << "{";
  EXPECT_TRUE(NotedUser(place_, b_).has_value()) << "what cannot be understood may need it";
  fs::remove_all(a_);
  EXPECT_FALSE(NotedUser(place_, b_).has_value());
  ASSERT_TRUE(NotePlace(Tree(b_), place_).ok()) << "taken over";
  EXPECT_TRUE(IsNotedFor(place_, b_));
}

TEST_F(PlaceNoteTest, WhateverElseIsThereSaysNothing) {
  const std::string note = place_ + "/pg_pitr.place";
  std::ofstream(note) << "# half a no";
  EXPECT_FALSE(NotedUser(place_, b_).has_value());
  fs::remove(note);
  ASSERT_EQ(mkfifo(note.c_str(), 0600), 0);
  EXPECT_FALSE(NotedUser(place_, b_).has_value()) << "and nobody waits for it";
  EXPECT_TRUE(NotePlace(Tree(b_), place_).ok());
  EXPECT_TRUE(IsNotedFor(place_, b_));
}

TEST_F(PlaceNoteTest, AtReplayThePlaceIsOursOrFree) {
  EXPECT_TRUE(Replay(a_).ok());
  EXPECT_TRUE(IsNotedFor(place_, a_));
  // Killed between making the directory and the link.
  fs::create_directory(place_ + "/PG_15_202209061");
  EXPECT_TRUE(Replay(a_).ok());
  EXPECT_EQ(Replay(b_).code(), Code::kConflict);
  fs::create_directory(place_ + "/PG_15_202209061/5");
  EXPECT_EQ(Replay(a_).code(), Code::kConflict) << "another's since";
  fs::create_directory_symlink(place_, a_ + "/pg_tblspc/16400");
  EXPECT_TRUE(Replay(a_).ok());
  const Status refused = Replay(b_);
  EXPECT_EQ(refused.code(), Code::kConflict);
  EXPECT_NE(refused.detail().find("\"" + a_ + "\""), std::string::npos) << refused.detail();
}

}  // namespace
}  // namespace pitr
