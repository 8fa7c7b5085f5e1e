// A timeline whose archive ends where its parent's goes on.
// Starts no thread.
#include "core/pg/wal_name.h"
#include "core/repo/layout.h"
#include "core/restore/plan_target.h"
#include "lib/repository_fixture.h"
#include "unit/pg/wal_builder.h"

namespace pitr {
namespace {

constexpr uint32_t kEndSegment = WalBuilder::kSegmentSize;

class EndNotSafeTest : public test::RepositoryTest {
 protected:
  EndNotSafeTest() : repository_(MustOpenOrCreate(config_, {WalBuilder::kSystem, kEndSegment, 15})) {
    BackupManifest backup;
    backup.label = "b";
    backup.cluster = {WalBuilder::kSystem, kEndSegment, 15};
    backup.timeline = backup.stop_timeline = Timeline{1};
    wal_.AddFiller(100);
    backup.start_lsn = backup.checkpoint_lsn = wal_.AddFiller(10);
    wal_.AddFiller(20);
    backup.stop_lsn = wal_.at();
    backups_.backups.push_back(backup);
    wal_.Switch();
    wal_.AddFiller(10);
    Store("00000002.history", AsBytes("1\t" + wal_.at().ToString() + "\tno recovery target specified\n"));
    wal_.AddFiller(10);
    wal_.Switch();
    for (uint64_t no = 3; no * kEndSegment < wal_.at().value; ++no)
      Store(SegmentFileName(Timeline{1}, SegmentNo{no}, kEndSegment), wal_.Segment(SegmentNo{no}));
  }
  void Store(const std::string& name, ByteView bytes) {
    EXPECT_TRUE(repository_->CreateObject(ObjectKind::kWal, layout::WalKey(name), bytes, ctx_).ok()) << name;
  }
  Status Find(const RecoveryTarget& target) {
    auto archive = WalCatalog::Load(*repository_, ctx_);
    if (!archive.ok()) return archive.status();
    auto path = WalPath::Make(archive.value(), Timeline{2}, kEndSegment);
    if (!path.ok()) return path.status();
    auto candidates = FindCandidates(backups_, path.value(), "");
    if (!candidates.ok()) return candidates.status();
    return FindSoundFirst(*repository_, path.value(), candidates.value(), target, ctx_).status();
  }

  std::unique_ptr<Repository> repository_;
  WalBuilder wal_;
  BackupCatalog backups_;
};

TEST_F(EndNotSafeTest, EveryWayOutIsNamed) {
  const std::string aside = "pg_pitr timeline set-aside 2.";
  const Status found = Find({});
  ASSERT_EQ(found.code(), Code::kNotFound);
  EXPECT_EQ(found.message(), "the end of timeline 2 is not safe to recover to");
  EXPECT_NE(found.hint().find("pg_pitr wal-push"), std::string::npos) << found.ToString();
  EXPECT_NE(found.hint().find(aside), std::string::npos) << found.ToString();
  RecoveryTarget named;
  named.timeline = Timeline{2};
  EXPECT_EQ(Find(named).hint().find(aside), std::string::npos) << "it would be taken all the same";
}

}  // namespace
}  // namespace pitr
