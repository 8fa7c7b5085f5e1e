// Stores that lack something an expiry would like to have: a list of unfinished uploads, dates.
#include "core/repo/backups/restore_hold.h"
#include "lib/memory_log.h"
#include "unit/expire/expire_fixture.h"

namespace pitr::test {
namespace {

class LimitedStore : public ExpireTest {
 protected:
  void Reopen(std::unique_ptr<ObjectStore> store) {
    auto opened = OpenRepositoryOn(std::move(store), config_, log_, ctx_);
    ASSERT_TRUE(opened.ok()) << TextOf(opened);
    repository_ = std::move(opened).value();
  }
  MemoryLog log_;
};

// As one that writes moments in a way that nobody can read.
class Undated final : public FaultyStore {
 public:
  using FaultyStore::FaultyStore;
  Result<ObjectInfo> Stat(const std::string& key, const OpContext& ctx) override {
    auto info = FaultyStore::Stat(key, ctx);
    if (info.ok()) info.value().modified_micros = 0;
    return info;
  }
  Result<ListPage> List(const std::string& prefix, const std::string& after, const OpContext& ctx) override {
    auto page = FaultyStore::List(prefix, after, ctx);
    if (page.ok())
      for (ObjectInfo& object : page.value().objects) object.modified_micros = 0;
    return page;
  }
  Result<std::vector<PendingUpload>> ListUploads(const std::string& prefix, const OpContext& ctx) override {
    auto uploads = FaultyStore::ListUploads(prefix, ctx);
    if (uploads.ok())
      for (PendingUpload& upload : uploads.value()) upload.initiated_micros = 0;
    return uploads;
  }
};

TEST_F(LimitedStore, WithoutAListOfUploadsTheRestExpires) {
  for (const Code code : {Code::kInvalidArgument, Code::kPermission, Code::kNotFound}) {
    auto store = Store();
    faults().Inject({.op = StoreOp::kListUploads, .status = {code, "needs s3:ListSomething"}, .times = 1000});
    Reopen(std::move(store));
    const std::string a = "a" + std::to_string(static_cast<int>(code)),
                      b = "b" + std::to_string(static_cast<int>(code));
    AddDays({a, b}, 10 + 20 * static_cast<uint64_t>(code));
    ASSERT_TRUE(CreateStart("dead").ok());
    clock_.Advance(2 * kDayMillis);
    ASSERT_TRUE(memory_.BeginUpload("data/dead/000002", ctx_).ok());
    request_.policy.full = 1;
    EXPECT_TRUE(MustRun().Complete());
    EXPECT_EQ(Labels(), b);
    EXPECT_TRUE(KeysUnder("backup/dead/").empty());
    EXPECT_EQ(log_.Last(LogLevel::kWarning).find("unfinished uploads cannot be cleaned up"), 0U)
        << log_.Last(LogLevel::kWarning);
    EXPECT_NE(log_.Last(LogLevel::kWarning).find("s3:ListSomething"), std::string::npos);
  }
  EXPECT_FALSE(memory_.ListUploads("", ctx_).value().empty());
}

TEST_F(LimitedStore, WhatItDoesNotAbortIsTold) {
  auto store = Store();
  faults().Inject({.op = StoreOp::kAbortUpload, .status = {Code::kPermission, "no s3:AbortSomething"}, .times = 1000});
  Reopen(std::move(store));
  AddDays({"a", "b"});
  ASSERT_TRUE(CreateStart("dead").ok());
  ASSERT_TRUE(memory_.BeginUpload("data/dead/000002", ctx_).ok());
  ASSERT_TRUE(memory_.BeginUpload("probe/x", ctx_).ok());
  clock_.Advance(2 * kDayMillis);
  request_.policy.full = 1;
  const ExpireReport report = MustRun();
  EXPECT_FALSE(report.Complete());
  ASSERT_NE(Find(report, ExpireAction::kRefused, "probe/x"), nullptr);
  EXPECT_NE(Find(report, ExpireAction::kRefused, "probe/x")->why.find("s3:AbortSomething"), std::string::npos);
  EXPECT_EQ(Labels(), "b");
  EXPECT_TRUE(KeysUnder("backup/dead/").empty());
}

TEST_F(LimitedStore, WhatHasNoDateIsNotOld) {
  AddDays({"a", "b"});
  ASSERT_TRUE(CreateStart("running").ok());
  PutRaw("data/running/000001", 10);
  PutRaw("data/nobody/000001", 10);
  PutRaw("probe/x", 10);
  ASSERT_TRUE(memory_.BeginUpload("wal/00000001/000000/00000000/000000010000000000000099", ctx_).ok());
  AddWal(2, 12, 13);
  AddHistory(2, "1\t0/C00000\tpromoted\n");
  ASSERT_TRUE(CreateHold(*repository_, "a", kDayMillis * 1000 * 10, "a restore", ctx_).ok());
  Reopen(std::make_unique<Undated>(memory_));
  request_.policy.full = 1;
  clock_.Advance(5 * kDayMillis);
  EXPECT_TRUE(MustRun().Complete());
  EXPECT_EQ(Labels(), "a b") << "held by the clock of who holds it";
  clock_.Advance(10 * kDayMillis);
  MustRun();
  EXPECT_EQ(KeysUnder("backup/running/").size(), 1U);
  for (const char* key : {"data/running/000001", "data/nobody/000001", "probe/x"}) EXPECT_TRUE(Has(key)) << key;
  EXPECT_TRUE(HasSegment(2, 12)) << "a server may be writing that timeline";
  EXPECT_EQ(memory_.ListUploads("", ctx_).value().size(), 1U);
  // The policy goes by the manifests' own times, and names are names.
  request_.labels = {"a"};
  EXPECT_TRUE(Run().ok());
  EXPECT_EQ(Labels(), "b");
}

}  // namespace
}  // namespace pitr::test
