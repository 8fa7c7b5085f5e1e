// Starts no thread.
#include "core/repo/timelines/ancestor_segments.h"

#include <fstream>

#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "lib/repository_fixture.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr uint32_t kSegment = WalBuilder::kSegmentSize;
constexpr ClusterIdentity kBuilt{WalBuilder::kSystem, kSegment, 15};

class AncestorSegmentsTest : public test::RepositoryTest {
 protected:
  AncestorSegmentsTest() : repository_(MustOpenOrCreate(config_, kBuilt)) {
    std::filesystem::create_directory(pg_wal_);
    wal_.AddFiller(6 * kSegment);
    wal_.Switch();
  }
  static std::string Name(uint64_t segment) { return SegmentFileName(Timeline{1}, SegmentNo{segment}, kSegment); }
  void Write(const std::string& name, ByteView bytes) {
    std::ofstream file(pg_wal_ + "/" + name, std::ios::binary);
    file.write(reinterpret_cast<const char*>(bytes.data()), static_cast<std::streamsize>(bytes.size()));
  }
  std::vector<std::string> Found(const std::string& history) {
    auto names = AncestorSegments(TimelineHistory::Parse(Timeline{2}, history).value(), kBuilt, pg_wal_);
    EXPECT_TRUE(names.ok()) << names.status().ToString();
    return names.value();
  }
  const std::string pg_wal_ = dir_ + "/pg_wal";
  std::unique_ptr<Repository> repository_;
  WalBuilder wal_;
};

TEST_F(AncestorSegmentsTest, EndBeforeTheSwitchPoint) {
  for (uint64_t no = 3; no <= 7; ++no) Write(Name(no), wal_.Segment(SegmentNo{no}));
  Write(SegmentFileName(Timeline{2}, SegmentNo{6}, kSegment), wal_.Segment(SegmentNo{6}));
  Write(Name(6) + ".partial", wal_.Segment(SegmentNo{6}));
  EXPECT_EQ(Found("1\t0/600100\twhy\n"), (std::vector{Name(3), Name(4), Name(5)}));
  EXPECT_EQ(Found("1\t0/600000\twhy\n"), (std::vector{Name(3), Name(4), Name(5)})) << "at a segment's very start";
  EXPECT_EQ(AncestorSegments(TimelineHistory::Root(Timeline{1}), kBuilt, pg_wal_).value(), std::vector<std::string>())
      << "the server's own timeline is PostgreSQL's business";
}

TEST_F(AncestorSegmentsTest, WhatIsNotWhatItsNameSaysIsLeft) {
  Write(Name(3), wal_.Segment(SegmentNo{3}));
  Write(Name(4), wal_.Segment(SegmentNo{3}));  // recycled
  Write(Name(5), ByteView(wal_.Segment(SegmentNo{5})).first(kSegment / 2));
  Write(Name(6), Bytes(kSegment, 0));
  EXPECT_EQ(Found("1\t0/800100\twhy\n"), std::vector{Name(3)});
}

TEST_F(AncestorSegmentsTest, WhatTheRepositoryHasIsNotMissing) {
  const std::vector<std::string> names = {Name(3), Name(4), Name(5),
                                          SegmentFileName(Timeline{2}, SegmentNo{6}, kSegment),
                                          SegmentFileName(Timeline{2}, SegmentNo{7}, kSegment)};
  EXPECT_EQ(NotArchived(*repository_, names, ctx_).value(), names);
  for (const std::string& name : {Name(2), names[0], names[2], names[3], Name(9)})
    ASSERT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), AsBytes("x"), ctx_).ok());
  EXPECT_EQ(NotArchived(*repository_, names, ctx_).value(), (std::vector{names[1], names[4]}));
  faults().Inject({.op = test::StoreOp::kSettle, .status = {Code::kUnavailable, "EIO"}});
  EXPECT_EQ(NotArchived(*repository_, names, ctx_).code(), Code::kUnavailable) << "listed is not yet durable";
}

}  // namespace
}  // namespace pitr
