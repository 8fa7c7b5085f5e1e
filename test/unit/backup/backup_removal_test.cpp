// What a cancelled backup leaves, in stores that do not do all that the removal would like.
#include "core/backup/backup_removal.h"

#include "core/repo/layout.h"
#include "lib/memory_log.h"
#include "lib/repository_fixture.h"

namespace pitr::test {
namespace {

class BackupRemovalTest : public RepositoryTest {
 protected:
  void Leave() {
    for (const std::string& key : {layout::BackupKey("x", layout::BackupObject::kStart), layout::PackKey("x", 1),
                                   layout::BackupKey("x", layout::BackupObject::kFiles)})
      ASSERT_TRUE(memory_.Create(key, AsBytes("x"), ctx_).ok());
    ASSERT_TRUE(memory_.BeginUpload(layout::PackKey("x", 2), ctx_).ok());
  }
  MemoryLog log_;
};

TEST_F(BackupRemovalTest, GoesOnWithoutTheUploads) {
  auto made = OpenOrCreateRepositoryOn(Store(), config_, kCluster, log_, ctx_);
  ASSERT_TRUE(made.ok()) << TextOf(made);
  const auto before = memory_.Keys();
  for (const StoreOp op : {StoreOp::kListUploads, StoreOp::kAbortUpload}) {
    for (const Code code : {Code::kInvalidArgument, Code::kPermission}) {
      Leave();
      faults().Inject({.op = op, .status = {code, "not here"}, .times = 1});
      const Status removed = RemoveBackupObjects(*made.value(), "x", false, ctx_);
      EXPECT_TRUE(removed.ok()) << removed.ToString();
      EXPECT_EQ(memory_.Keys(), before);
      EXPECT_NE(log_.Last(LogLevel::kWarning).find("not here"), std::string::npos);
    }
  }
  EXPECT_EQ(log_.Count(LogLevel::kWarning), 4);
  Leave();
  faults().Inject({.op = StoreOp::kListUploads, .status = {Code::kUnavailable, "later"}});
  EXPECT_EQ(RemoveBackupObjects(*made.value(), "x", false, ctx_).code(), Code::kUnavailable);
}

}  // namespace
}  // namespace pitr::test
