// Starts no thread.
#include "core/repo/timelines/wal_predecessor.h"

#include <fstream>

#include "lib/repository_fixture.h"
#include "lib/stored_segment.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

class WalPredecessorTest : public test::RepositoryTest {
 protected:
  WalPredecessorTest() : repository_(MustOpenOrCreate(config_)) {}
  // A segment of this server, which wrote `byte`; under another's name it is one that is kept for reuse.
  void Write(uint64_t number, uint8_t byte, uint64_t name) {
    Bytes segment(repository_->segment_size());
    test::WriteSegmentHeader(segment, number, 2, test::kCluster.system_id);
    segment.back() = byte;
    std::ofstream file(wal_.path() + "/" + SegmentFileName(Timeline{2}, SegmentNo{name}, repository_->segment_size()),
                       std::ios::binary);
    file.write(reinterpret_cast<const char*>(segment.data()), static_cast<std::streamsize>(segment.size()));
  }
  Status Check(uint64_t number) {
    return CheckPredecessor(*repository_, {.timeline = Timeline{2}, .segment = SegmentNo{number}}, wal_.path(), ctx_);
  }
  std::unique_ptr<Repository> repository_;
  test::ScratchDirectory wal_;
};

TEST_F(WalPredecessorTest, AnotherServersTimelineOfTheSameNumberIsNotGoneOnWith) {
  Write(7, 0, 7);
  EXPECT_TRUE(Check(8).ok()) << "nothing is stored";
  ASSERT_TRUE(test::StoreSegment(*repository_, 7, 2).ok());
  EXPECT_TRUE(Check(8).ok()) << "its own";
  Write(7, 1, 7);
  const Status foreign = Check(8);
  ASSERT_EQ(foreign.code(), Code::kConflict);
  EXPECT_NE(foreign.message().find("timeline 2 of the repository was written by another server"), std::string::npos);
  EXPECT_NE(foreign.hint().find("empty place"), std::string::npos);
  EXPECT_TRUE(Check(9).ok()) << "there is none before it";
  EXPECT_TRUE(Check(0).ok());
}

// One "not found" does not wave another server's WAL through.
TEST_F(WalPredecessorTest, WhatIsListedIsNotAbsent) {
  ASSERT_TRUE(test::StoreSegment(*repository_, 7, 2).ok());
  Write(7, 1, 7);
  faults().Inject({.op = test::StoreOp::kGet, .status = {Code::kNotFound, "no"}, .key_contains = "wal/00000002"});
  EXPECT_EQ(Check(8).code(), Code::kUnavailable);
  EXPECT_EQ(Check(8).code(), Code::kConflict);
}

// What is called stored is durable, not only visible.
TEST_F(WalPredecessorTest, WhatIsStoredIsSettled) {
  ASSERT_TRUE(test::StoreSegment(*repository_, 7, 2).ok());
  Write(7, 0, 7);
  faults().Inject({.op = test::StoreOp::kSettle, .status = {Code::kUnavailable, "EIO"}});
  EXPECT_EQ(Check(8).code(), Code::kUnavailable);
  EXPECT_TRUE(Check(8).ok());
}

TEST_F(WalPredecessorTest, WhatIsKeptForReuseSaysNothing) {
  ASSERT_TRUE(test::StoreSegment(*repository_, 7, 2).ok());
  Write(3, 1, 7);
  EXPECT_TRUE(Check(8).ok());
}

}  // namespace
}  // namespace pitr
