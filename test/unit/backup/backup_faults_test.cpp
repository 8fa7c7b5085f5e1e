// What a backup leaves behind when the store fails, or somebody cancels, at any moment: nothing.
#include <gtest/gtest.h>

#include <atomic>
#include <climits>
#include <thread>

#include "core/backup/backup_session.h"
#include "core/repo/layout.h"
#include "core/store/memory.h"
#include "lib/faulty_store.h"
#include "unit/backup/data_tree.h"

namespace pitr {
namespace {

using test::DataTree;
using test::Fault;
using test::FaultyStore;
using test::StoreOp;

class BackupFaults : public ::testing::Test {
 protected:
  void SetUp() override {
    tree_.Add("base/5/16384", test::MakePages(0, 6 * 128, 1));
    tree_.Add("base/5/16385", test::MakeBytes(7 << 20, 2, true), false);
    tree_.Add("big", test::MakeBytes(9 << 20, 3, true));
    for (int i = 0; i < 50; i++)
      tree_.Add("base/4/" + std::to_string(2000 + i), test::MakePages(0, 1, static_cast<uint32_t>(i)));
    Open();
  }
  void Open() {
    memory_ = std::make_unique<MemoryStore>();
    auto faulty = std::make_unique<FaultyStore>(*memory_);
    faulty_ = faulty.get();
    Config config;
    config.part_size_kb = 5120;
    config.pack_size_kb = 8192;
    config.compression_level = 0;
    repo_ = std::make_unique<test::TestRepository>();
    ASSERT_NO_FATAL_FAILURE(OpenTestRepository(std::move(faulty), tree_, false, config, *repo_));
    before_ = memory_->Keys();
  }
  Status Run(std::unique_ptr<BackupSession>& session, const OpContext& ctx = OpContext()) {
    BackupOptions options;
    options.label = "L1";
    options.jobs = 2;
    PITR_ASSIGN(session, BackupSession::Begin(*repo_->repository, options, ctx));
    PITR_TRY(session->CopyFiles(tree_.Start(/*checksums=*/false), progress_, ctx));
    return session->Finish(tree_.Stop(), ctx).status();
  }
  void ExpectNothingLeft() {
    EXPECT_EQ(memory_->Keys(), before_);
    auto uploads = memory_->ListUploads("", OpContext());
    ASSERT_TRUE(uploads.ok());
    EXPECT_TRUE(uploads.value().empty());
  }

  DataTree tree_;
  std::unique_ptr<MemoryStore> memory_;
  std::unique_ptr<test::TestRepository> repo_;
  FaultyStore* faulty_ = nullptr;
  std::vector<std::string> before_;
  Progress progress_;
};

TEST_F(BackupFaults, AnyFailedCallFailsTheBackupAndLeavesNothing) {
  std::unique_ptr<BackupSession> session;
  ASSERT_TRUE(Run(session).ok());
  for (const StoreOp op : {StoreOp::kCreate, StoreOp::kBeginUpload, StoreOp::kPutPart, StoreOp::kCompleteUpload}) {
    const int calls = faulty_->calls(op);
    ASSERT_GT(calls, 1);
    for (const bool after : {false, true}) {
      for (int skip = 0;; skip++) {
        session.reset();
        Open();
        const int base = faulty_->calls(op);
        faulty_->Inject({.op = op, .skip = skip, .times = 1, .after = after});
        const Status status = Run(session);
        if (status.ok()) {
          EXPECT_LE(faulty_->calls(op) - base, skip) << "a failed call was not noticed";
          break;
        }
        EXPECT_EQ(status.code(), Code::kUnavailable) << status.ToString();
        if (session != nullptr) {
          EXPECT_TRUE(session->Abandon(OpContext()).ok());
          ExpectNothingLeft();
        }
      }
    }
  }
}

TEST_F(BackupFaults, WhatCannotBeRemovedIsReportedAndKeepsItsStart) {
  faulty_->Inject({.op = StoreOp::kCompleteUpload, .skip = 1, .times = INT_MAX});
  std::unique_ptr<BackupSession> session;
  ASSERT_FALSE(Run(session).ok());
  faulty_->SetDead(true);
  EXPECT_EQ(session->Abandon(OpContext()).code(), Code::kUnavailable);
  faulty_->SetDead(false);
  faulty_->Inject({.op = StoreOp::kDelete, .key_contains = "data/", .times = 1});
  EXPECT_EQ(session->Abandon(OpContext()).code(), Code::kUnavailable);
  EXPECT_TRUE(memory_->Stat(layout::BackupKey("L1", layout::BackupObject::kStart), OpContext()).ok());
  EXPECT_TRUE(session->Abandon(OpContext()).ok());
  ExpectNothingLeft();
}

TEST_F(BackupFaults, WhatIsNotOursIsNotRemoved) {
  faulty_->Inject({.op = StoreOp::kCompleteUpload, .skip = 1, .times = INT_MAX});
  std::unique_ptr<BackupSession> session;
  ASSERT_FALSE(Run(session).ok());
  const std::vector<std::string> strangers = {"data/L1/000001.away", "data/L1/page.1", "backup/L1/partial.x"};
  for (const std::string& key : strangers) memory_->Replace(key, Bytes(10));
  EXPECT_TRUE(session->Abandon(OpContext()).ok());
  for (const std::string& key : strangers) EXPECT_TRUE(memory_->Stat(key, OpContext()).ok()) << key;
  EXPECT_TRUE(memory_->Delete(strangers, OpContext()).ok());
  ExpectNothingLeft();
}

// The manifest may be there although its creation was reported as failed: it must go before the data does.
TEST_F(BackupFaults, AManifestThatMayBeThereIsRemovedFirst) {
  const std::string manifest = layout::BackupKey("L1", layout::BackupObject::kManifest);
  faulty_->Inject({.op = StoreOp::kCreate, .key_contains = manifest, .after = true});
  std::unique_ptr<BackupSession> session;
  ASSERT_FALSE(Run(session).ok());
  ASSERT_TRUE(memory_->Stat(manifest, OpContext()).ok());
  faulty_->Inject({.op = StoreOp::kDelete, .key_contains = manifest});
  const std::vector<std::string> all = memory_->Keys();
  EXPECT_FALSE(session->Abandon(OpContext()).ok());
  EXPECT_EQ(memory_->Keys(), all) << "a visible backup lost something";
  EXPECT_TRUE(session->Abandon(OpContext()).ok());
  ExpectNothingLeft();
}

TEST_F(BackupFaults, CancelStopsWithinASecond) {
  CancelToken cancel;
  OpContext ctx;
  ctx.cancel = &cancel;
  // Every part takes until it is cancelled: the worst a store can do while it still honours its contract.
  std::atomic<bool> reached{false};
  faulty_->OnCall([&](StoreOp op, const std::string&) {
    if (op != StoreOp::kPutPart) return;
    reached = true;
    while (!cancel.cancelled()) std::this_thread::yield();
  });
  std::unique_ptr<BackupSession> session;
  Status status;
  std::thread runner([&] { status = Run(session, ctx); });
  while (!reached) std::this_thread::yield();
  const int64_t asked = SystemClock().SteadyMillis();
  cancel.Cancel();
  runner.join();
  EXPECT_LT(SystemClock().SteadyMillis() - asked, 1000);
  EXPECT_EQ(status.code(), Code::kCancelled) << status.ToString();
  EXPECT_TRUE(session->Abandon(OpContext()).ok());
  ExpectNothingLeft();
}

TEST_F(BackupFaults, ADeadlineIsNotACancel) {
  std::unique_ptr<BackupSession> session;
  OpContext ctx;
  ctx.deadline_millis = SystemClock().SteadyMillis() - 1;
  BackupOptions options;
  auto begun = BackupSession::Begin(*repo_->repository, options, OpContext());
  ASSERT_TRUE(begun.ok());
  EXPECT_EQ(begun.value()->CopyFiles(tree_.Start(false), progress_, ctx).code(), Code::kUnavailable);
}

TEST_F(BackupFaults, ADamagedControlFileIsNamed) {
  Bytes control = tree_.expected()["global/pg_control"].data;
  control[40] ^= 1;
  tree_.Add("global/pg_control", control);
  std::unique_ptr<BackupSession> session;
  const Status status = Run(session);
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_NE(status.message().find("pg_control"), std::string::npos) << status.message();
}

}  // namespace
}  // namespace pitr
