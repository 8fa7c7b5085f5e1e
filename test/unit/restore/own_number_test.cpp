#include "core/restore/own_number.h"

#include <gtest/gtest.h>

#include "core/repo/layout.h"
#include "unit/restore/restore_fixture.h"

namespace pitr::test {
namespace {

class OwnNumberTest : public RestoreFixture {
 protected:
  void SetUp() override {
    before_ = std::filesystem::current_path();
    ASSERT_NO_FATAL_FAILURE(Prepare(false));
    options_.hold.lasts_micros = int64_t{3600} * 1000000;
    options_.program = "/usr/bin/pg_pitr";
    ASSERT_NO_FATAL_FAILURE(MustRun());
  }
  void TearDown() override { std::filesystem::current_path(before_); }
  // The server of the directory is this process.
  void Start() {
    std::filesystem::current_path(options_.data_directory);
    WriteFileText(At("postmaster.pid"), std::to_string(getpid()) + "\n" + options_.data_directory + "\n");
  }
  void Stop() {
    std::filesystem::current_path(before_);
    std::filesystem::remove(At("postmaster.pid"));
  }
  void Again() {
    options_.delta = true;
    ASSERT_NO_FATAL_FAILURE(MustRun());
  }
  void Elsewhere() {
    options_.data_directory += "2";
    ASSERT_NO_FATAL_FAILURE(MustRun());
  }
  uint32_t Reserved() {
    auto tree = ClusterTree::Open(options_.data_directory);
    return ReadRestoreMark(tree.value()).value()->reserved.value;
  }
  bool Said() const {
    for (const std::string& note : result_.notes)
      if (note.find("No number of its own") != std::string::npos) return true;
    return false;
  }
  bool IsTaken(uint32_t number, const std::string& archives_to = "file:///of/staging") {
    return IsNumberOfAnother(options_.data_directory, Timeline{number}, archives_to);
  }

  std::filesystem::path before_;
};

TEST_F(OwnNumberTest, EachRestoreHasOne) {
  EXPECT_EQ(Reserved(), 2u);
  ASSERT_NO_FATAL_FAILURE(Elsewhere());
  EXPECT_EQ(Reserved(), 3u);
  EXPECT_FALSE(IsTaken(2)) << "no server runs there";
  Start();
  EXPECT_TRUE(IsTaken(2));
  EXPECT_FALSE(IsTaken(1)) << "is the one that is followed";
  EXPECT_FALSE(IsTaken(3)) << "is its own";
  EXPECT_FALSE(IsTaken(2, "")) << "where it archives is not known";
  EXPECT_FALSE(IsTaken(2, repo_.repository->config().repository)) << "the archive itself knows what is taken";
  WriteFileText(At("standby.signal"), "");
  EXPECT_FALSE(IsTaken(2)) << "a standby";
  std::filesystem::remove(At("standby.signal"));
  std::filesystem::remove(At("recovery.signal"));
  EXPECT_FALSE(IsTaken(2)) << "a server that does not recover";
}

TEST_F(OwnNumberTest, WhoeverFollowsAnotherTimelineIsToldWhatThereIs) {
  ASSERT_NO_FATAL_FAILURE(Elsewhere());
  Start();
  ASSERT_TRUE(IsTaken(2));
  WriteFileText(At("postgresql.auto.conf"),
                ReadFileText(At("postgresql.auto.conf")) + "recovery_target_timeline = 'latest'\n");
  EXPECT_FALSE(IsTaken(2));
}

TEST_F(OwnNumberTest, ACopyKeepsItWhereverItArchives) {
  options_.as_copy = true;
  ASSERT_NO_FATAL_FAILURE(Elsewhere());
  Start();
  EXPECT_TRUE(IsTaken(2, repo_.repository->config().repository));
}

TEST_F(OwnNumberTest, ASecondTryKeepsTheNumberOfTheFirst) {
  ASSERT_NO_FATAL_FAILURE(Again());
  EXPECT_EQ(Reserved(), 2u);
  // It opens, and is restored once more.
  std::filesystem::remove(At("recovery.signal"));
  ASSERT_NO_FATAL_FAILURE(Again());
  EXPECT_EQ(Reserved(), 3u);
  // The archive has gone on beyond it.
  plan_.highest = Timeline{3};
  ASSERT_NO_FATAL_FAILURE(Again());
  EXPECT_EQ(Reserved(), 4u);
}

TEST_F(OwnNumberTest, AnInterruptedRestoreDoesNotBringAUsedNumberBack) {
  std::filesystem::remove(At("recovery.signal"));
  options_.delta = true;
  faults_->Inject({.op = StoreOp::kGet, .status = {Code::kPermission, "away"}, .key_contains = "F/00000"});
  std::filesystem::resize_file(At("base/5/16384"), 8192);
  EXPECT_FALSE(Run().ok());
  EXPECT_EQ(Reserved(), 0u);
  ASSERT_NO_FATAL_FAILURE(MustRun());
  EXPECT_EQ(Reserved(), 3u);
}

TEST_F(OwnNumberTest, NothingIsWrittenWithoutAHold) {
  options_.hold.lasts_micros = 0;
  ASSERT_NO_FATAL_FAILURE(Elsewhere());
  EXPECT_EQ(Reserved(), 0u);
  EXPECT_TRUE(Said()) << "in the next one a server may stick";
  // Nobody opened it; then somebody did, as timeline 2, and it is made anew night by night.
  ASSERT_NO_FATAL_FAILURE(Again());
  EXPECT_EQ(Reserved(), 0u);
  std::filesystem::remove(At("recovery.signal"));
  auto tree = ClusterTree::Open(options_.data_directory);
  RestoreMark mark = *ReadRestoreMark(tree.value()).value();
  mark.outcome = RecoveryOutcome{.as_planned = true, .timeline = Timeline{2}};
  ASSERT_TRUE(WriteRestoreMark(tree.value(), mark).ok());
  for (uint32_t night = 3; night <= 4; ++night) {
    ASSERT_NO_FATAL_FAILURE(Again());
    EXPECT_EQ(Reserved(), night) << "one that this directory has not had";
    EXPECT_FALSE(Said());
    Start();
    EXPECT_TRUE(IsTaken(2));
    Stop();
    std::filesystem::remove(At("recovery.signal"));
  }
  EXPECT_TRUE(repo_.repository->store().List("number/", "", OpContext()).value().objects.size() <= 1);
}

TEST_F(OwnNumberTest, CredentialsThatOnlyReadAreNoErrorButANote) {
  faults_->Inject({.op = StoreOp::kCreate, .status = {Code::kPermission, "read-only"}, .key_contains = "number/"});
  ASSERT_NO_FATAL_FAILURE(Elsewhere());
  EXPECT_EQ(Reserved(), 0u);
  EXPECT_TRUE(Said());
}

}  // namespace
}  // namespace pitr::test
