// Starts no thread.
#include "core/repo/timelines/wal_owner.h"

#include <filesystem>
#include <fstream>

#include "lib/repository_fixture.h"
#include "lib/stored_segment.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

constexpr const char* kSecond = "1\t0/500100\tno recovery target specified\n";  // in segment 5

class WalOwnerTest : public test::RepositoryTest {
 protected:
  WalOwnerTest() : repository_(MustOpenOrCreate(config_)) {}
  std::string At(const std::string& name) const { return wal_.path() + "/" + name; }
  void Segment(uint32_t timeline, uint64_t number) {
    Bytes segment(repository_->segment_size());
    test::WriteSegmentHeader(segment, number, timeline, test::kCluster.system_id);
    std::ofstream file(At(SegmentFileName(Timeline{timeline}, SegmentNo{number}, repository_->segment_size())),
                       std::ios::binary);
    file.write(reinterpret_cast<const char*>(segment.data()), static_cast<std::streamsize>(segment.size()));
  }
  void History(const std::string& name, const std::string& text) { std::ofstream(At(name)) << text; }
  void Store(const std::string& name, const std::string& text) {
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes(text), ctx_).ok());
  }
  Status Check(const std::string& name, bool unconfirmed = false) {
    return WalOwnerFinder(*repository_).Check(wal_.path(), name, unconfirmed, ctx_);
  }
  void ExpectRefused(const std::string& name, const std::string& why) {
    const Status refused = Check(name);
    ASSERT_EQ(refused.code(), Code::kConflict) << refused.ToString();
    EXPECT_NE(refused.message().find(name + " was not stored: "), std::string::npos) << refused.ToString();
    EXPECT_NE(refused.message().find(why), std::string::npos) << refused.ToString();
    EXPECT_NE(refused.hint().find("--force"), std::string::npos) << refused.ToString();
    EXPECT_TRUE(Check(name, /*unconfirmed=*/true).ok());
  }
  std::unique_ptr<Repository> repository_;
  test::ScratchDirectory wal_;
};

TEST_F(WalOwnerTest, ASegmentOfTheTimelineOrOfAChildTellsWhoseAHistoryIs) {
  History("00000002.history", kSecond);
  ExpectRefused("00000002.history", "nothing beside it tells whose it is");
  Segment(1, 6);
  ExpectRefused("00000002.history", "nothing tells that timeline 2 is this cluster's");
  Segment(3, 9);
  EXPECT_TRUE(Check("00000002.history").ok()) << "of which nothing is known";
  History("00000003.history", "1\t0/600000\tanother\n");
  ExpectRefused("00000002.history", "nothing tells that timeline 2 is this cluster's");
  History("00000003.history", std::string(kSecond) + "2\t0/700000\tx\n");
  EXPECT_TRUE(Check("00000002.history").ok());
  Segment(2, 5);
  EXPECT_TRUE(Check("00000002.history").ok());
}

TEST_F(WalOwnerTest, AHistoryThatContradictsTheSegmentsIsRefused) {
  History("00000002.history", kSecond);
  Segment(2, 5);
  EXPECT_TRUE(Check("00000002.history").ok());
  Segment(2, 4);
  ExpectRefused("00000002.history", "it does not go with what there is of timeline 2");
}

TEST_F(WalOwnerTest, SoIsOneThatContradictsTheArchive) {
  History("00000002.history", kSecond);
  Segment(1, 6);
  ASSERT_TRUE(test::StoreSegment(*repository_, 5, 2).ok());
  EXPECT_TRUE(Check("00000002.history").ok()) << "the archive lost it";
  ASSERT_TRUE(test::StoreSegment(*repository_, 4, 2).ok());
  ExpectRefused("00000002.history", "it does not go with what there is of timeline 2");
}

TEST_F(WalOwnerTest, SoIsOneWithOtherParentsOrChildren) {
  Segment(3, 7);
  History("00000003.history", std::string(kSecond) + "2\t0/700000\tx\n");
  EXPECT_TRUE(Check("00000003.history").ok());
  Store("00000002.history", "1\t0/400000\tanother\n");
  ExpectRefused("00000003.history", "the repository has another timeline 2 than the one that it comes from");
  EXPECT_TRUE(Check("00000002.history").ok()) << "what is stored is only compared";
}

TEST_F(WalOwnerTest, SoIsOneFromWhichAChildDoesNotCome) {
  Segment(3, 7);
  Store("00000003.history", std::string(kSecond) + "2\t0/700000\tx\n");
  History("00000002.history", "1\t0/400000\tanother cluster's\n");
  ExpectRefused("00000002.history", "timeline 3 comes from another timeline 2");
}

}  // namespace
}  // namespace pitr
