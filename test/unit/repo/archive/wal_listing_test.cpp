// Starts no thread.
#include "core/repo/archive/wal_listing.h"

#include "core/repo/layout.h"
#include "lib/repository_fixture.h"

namespace pitr {
namespace {

class WalListingTest : public test::RepositoryTest {
 protected:
  WalListingTest() : repository_(MustOpenOrCreate(config_)) {}
  static std::string Name(uint32_t timeline, uint64_t segment) {
    return SegmentFileName({timeline}, {segment}, test::kCluster.segment_size_bytes);
  }
  void Put(const std::string& key) { ASSERT_TRUE(memory_.Create(key, AsBytes("x"), ctx_).ok()) << key; }
  void PutSegments(uint32_t timeline, uint64_t first, uint64_t last) {
    for (uint64_t at = first; at <= last; at++) Put(layout::WalKey(Name(timeline, at)));
  }
  std::vector<uint64_t> Listed(uint64_t first, uint64_t last) {
    std::vector<uint64_t> listed;
    EXPECT_TRUE(ListSegments(*repository_, {{1}, {first}, {last}}, ctx_, [&](SegmentNo segment, const ObjectInfo& at) {
                  EXPECT_EQ(at.key, layout::WalKey(Name(1, segment.value)));
                  listed.push_back(segment.value);
                  return Status::Ok();
                }).ok());
    return listed;
  }
  std::unique_ptr<Repository> repository_;
};

TEST_F(WalListingTest, ARangeIsListedAndNoMore) {
  const uint64_t group = SegmentsInGroup(test::kCluster.segment_size_bytes);
  PutSegments(1, 0, 2500);
  PutSegments(1, group - 2, group + 2);
  PutSegments(2, 5, 6);
  Put(layout::WalKey("00000001.history"));
  Put(layout::PartialSegmentKey(Name(1, group), 0x28));
  Put(layout::WalKey(Name(1, group - 1) + ".00000028.backup"));
  EXPECT_EQ(Listed(group - 1, group + 1), (std::vector<uint64_t>{group - 1, group, group + 1}));
  EXPECT_EQ(Listed(0, 2), (std::vector<uint64_t>{0, 1, 2}));
  EXPECT_EQ(Listed(2499, group - 2), (std::vector<uint64_t>{2499, 2500, group - 2}));
  EXPECT_EQ(Listed(3000, 4000), std::vector<uint64_t>());
  const int before = faults().calls(test::StoreOp::kList);
  EXPECT_EQ(Listed(10, 2200).size(), 2191U);
  EXPECT_EQ(faults().calls(test::StoreOp::kList) - before, 3);
  const Status stopped = ListSegments(*repository_, {{1}, {0}, {9}}, ctx_,
                                      [](SegmentNo, const ObjectInfo&) { return Status(Code::kCancelled, "enough"); });
  EXPECT_EQ(stopped.code(), Code::kCancelled);
}

TEST_F(WalListingTest, WhatIsLeftOutIsPassedInItsPlace) {
  for (const char* key : {"a/1", "b/1", "b/2", "c/1", "c/2/x", "c/3", "d/1", "e"}) Put(key);
  const auto list = [&](const std::string& prefix, const std::vector<KeyRange>& left_out) {
    std::string seen;
    EXPECT_TRUE(ListAllBut(
                    *Store(), prefix, left_out, ctx_,
                    [&](const ObjectInfo& object) {
                      if (object.key != layout::kMarkerKey) seen += object.key + " ";
                      return Status::Ok();
                    },
                    [&](size_t range) { seen += "[" + std::to_string(range) + "] "; })
                    .ok());
    return seen;
  };
  EXPECT_EQ(list("", {}), "a/1 b/1 b/2 c/1 c/2/x c/3 d/1 e ");
  EXPECT_EQ(list("", {{"b/", "b/"}, {"c/2/", "c/2/"}}), "a/1 [0] c/1 [1] c/3 d/1 e ");
  EXPECT_EQ(list("", {{"b/", "d/"}}), "a/1 [0] e ");
  EXPECT_EQ(list("", {{"a/", "a/"}, {"b/", "b/"}}), "[0] [1] c/1 c/2/x c/3 d/1 e ");
  EXPECT_EQ(list("c/", {{"c/3", "c/3"}}), "c/1 c/2/x [0] ");
  EXPECT_EQ(list("", {{"aa/", "aa/"}, {"z/", "z/"}}), "a/1 [0] b/1 b/2 c/1 c/2/x c/3 d/1 e [1] ") << "there is nothing";
}

}  // namespace
}  // namespace pitr
