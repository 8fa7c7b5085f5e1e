// Starts no thread.
#include "core/store/retry.h"

#include <gtest/gtest.h>

#include <climits>

#include "core/store/memory.h"
#include "lib/faulty_store.h"
#include "lib/memory_log.h"
#include "lib/test_clock.h"

namespace pitr {
namespace {

using test::Fault;
using test::FaultyStore;
using test::StoreOp;

// RetryingStore owns what it decorates; the tests keep hold of the faulty store.
class Handle final : public ObjectStore {
 public:
  explicit Handle(FaultyStore& store) : s_(store) {}
  Status Create(const std::string& k, ByteView b, const OpContext& c) override { return s_.Create(k, b, c); }
  Status Get(const std::string& k, ByteRange r, const ByteSink& s, const OpContext& c) override {
    return s_.Get(k, r, s, c);
  }
  Result<ObjectInfo> Stat(const std::string& k, const OpContext& c) override { return s_.Stat(k, c); }
  Result<ListPage> List(const std::string& p, const std::string& a, const OpContext& c) override {
    return s_.List(p, a, c);
  }
  Status Delete(const std::vector<std::string>& k, const OpContext& c) override { return s_.Delete(k, c); }
  Result<std::string> BeginUpload(const std::string& k, const OpContext& c) override { return s_.BeginUpload(k, c); }
  Result<UploadPart> PutPart(const std::string& k, const std::string& i, int n, uint64_t o, ByteView b,
                             const OpContext& c) override {
    return s_.PutPart(k, i, n, o, b, c);
  }
  Status CompleteUpload(const std::string& k, const std::string& i, const std::vector<UploadPart>& p,
                        const OpContext& c) override {
    return s_.CompleteUpload(k, i, p, c);
  }
  Status AbortUpload(const std::string& k, const std::string& i, const OpContext& c) override {
    return s_.AbortUpload(k, i, c);
  }
  Result<std::vector<PendingUpload>> ListUploads(const std::string& p, const OpContext& c) override {
    return s_.ListUploads(p, c);
  }
  Status Settle(const std::vector<std::string>& k, const OpContext& c) override { return s_.Settle(k, c); }
  Result<std::optional<ObjectLock>> GetLock(const std::string& k, const OpContext& c) override {
    return s_.GetLock(k, c);
  }
  Status ExtendLock(const std::string& k, const ObjectLock& l, const OpContext& c) override {
    return s_.ExtendLock(k, l, c);
  }
  StoreCapabilities capabilities() const override { return s_.capabilities(); }
  std::string Describe() const override { return s_.Describe(); }

 private:
  FaultyStore& s_;
};

class Retry : public ::testing::Test {
 protected:
  Retry() : memory_({.min_part_bytes = 4, .piece_bytes = 3}), faulty_(memory_) { Use({}); }
  void Use(const RetryPolicy& policy) {
    store_ =
        std::make_unique<RetryingStore>(std::make_unique<Handle>(faulty_), policy, log_, [this] { return random_; });
  }
  OpContext Ctx() { return {&clock_, &cancel_, INT64_MAX}; }
  Status Create(std::string_view body) { return store_->Create("k", AsBytes(body), Ctx()); }
  Status Read(std::string* text, ByteRange range = {}) {
    text->clear();
    return store_->Get(
        "k", range,
        [&](ByteView piece) {
          text->append(AsText(piece));
          return Status::Ok();
        },
        Ctx());
  }
  // An upload of "aaaabb" with everything sent.
  std::pair<std::string, std::vector<UploadPart>> Upload() {
    std::string id = store_->BeginUpload("k", Ctx()).value();
    std::vector<UploadPart> parts;
    parts.push_back(store_->PutPart("k", id, 1, 0, AsBytes("aaaa"), Ctx()).value());
    parts.push_back(store_->PutPart("k", id, 2, 4, AsBytes("bb"), Ctx()).value());
    return {id, parts};
  }

  double random_ = 1.0;
  test::TestClock clock_;
  CancelToken cancel_;
  test::MemoryLog log_;
  MemoryStore memory_;
  FaultyStore faulty_;
  std::unique_ptr<RetryingStore> store_;
};

TEST_F(Retry, GoesOnUntilItWorks) {
  faulty_.Inject({.op = StoreOp::kStat, .times = 3});
  ASSERT_TRUE(Create("x").ok());
  EXPECT_TRUE(store_->Stat("k", Ctx()).ok());
  EXPECT_EQ(faulty_.calls(StoreOp::kStat), 4);
  EXPECT_EQ(log_.Count(LogLevel::kDebug), 3);
  EXPECT_EQ(log_.Count(LogLevel::kWarning), 0);
}

TEST_F(Retry, DelaysDoubleUpToTheLimit) {
  std::vector<int64_t> starts;
  faulty_.OnCall([&](StoreOp, const std::string&) { starts.push_back(clock_.SteadyMillis()); });
  faulty_.Inject({.op = StoreOp::kStat, .times = 9});
  EXPECT_EQ(store_->Stat("k", Ctx()).code(), Code::kNotFound);
  ASSERT_EQ(starts.size(), 10u);
  std::vector<int64_t> delays;
  for (size_t i = 1; i < starts.size(); i++) delays.push_back(starts[i] - starts[i - 1]);
  EXPECT_EQ(delays, (std::vector<int64_t>{100, 200, 400, 800, 1600, 3200, 6400, 10000, 10000}));
}

TEST_F(Retry, JitterIsFull) {
  random_ = 0.0;
  faulty_.Inject({.op = StoreOp::kStat, .times = 9});
  const int64_t start = clock_.SteadyMillis();
  EXPECT_EQ(store_->Stat("k", Ctx()).code(), Code::kNotFound);
  EXPECT_EQ(clock_.SteadyMillis() - start, 9);  // a millisecond each at least
  for (int i = 0; i < 1000; i++) {
    const double value = RetryingStore::SystemRandom()();
    EXPECT_GE(value, 0.0);
    EXPECT_LT(value, 1.0);
  }
}

TEST_F(Retry, OnlyWhatRetryingCanCure) {
  for (Code code : {Code::kNotFound, Code::kPermission, Code::kCorruption, Code::kInvalidArgument, Code::kConflict,
                    Code::kAlreadyExists, Code::kInternal, Code::kCancelled}) {
    const int before = faulty_.calls(StoreOp::kStat);
    faulty_.Inject({.op = StoreOp::kStat, .status = {code, "no"}});
    EXPECT_EQ(store_->Stat("k", Ctx()).code(), code);
    EXPECT_EQ(faulty_.calls(StoreOp::kStat), before + 1);
  }
}

TEST_F(Retry, GivesUpAfterAttempts) {
  faulty_.SetDead(true);
  Use({.max_attempts = 4});
  const Status status = store_->Stat("k", Ctx()).status();
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.message(), "gave up after 4 attempts in 0.7 s: injected fault: the store is dead");
  EXPECT_EQ(faulty_.calls(StoreOp::kStat), 4);
}

TEST_F(Retry, GivesUpAfterTime) {
  faulty_.SetDead(true);
  Use({.max_attempts = INT_MAX});
  const int64_t start = clock_.SteadyMillis();
  EXPECT_EQ(store_->Stat("k", Ctx()).code(), Code::kUnavailable);
  EXPECT_LE(clock_.SteadyMillis() - start, 120000);
  EXPECT_GT(clock_.SteadyMillis() - start, 100000);
  EXPECT_EQ(log_.Count(LogLevel::kWarning), 1);
}

TEST_F(Retry, RespectsTheCallersDeadline) {
  faulty_.SetDead(true);
  OpContext ctx = OpContext::WithTimeout(1000, nullptr, clock_);
  EXPECT_EQ(store_->Stat("k", ctx).code(), Code::kUnavailable);
  EXPECT_GT(ctx.RemainingMillis(), 0);  // no point in waiting for what is too late anyway
  EXPECT_EQ(faulty_.calls(StoreOp::kStat), 4);
}

TEST_F(Retry, CancelEndsTheWait) {
  faulty_.SetDead(true);
  const int64_t start = clock_.SteadyMillis();
  clock_.on_sleep = [&](int64_t now) {
    if (now >= start + 500) cancel_.Cancel();
  };
  const Status status = store_->Stat("k", Ctx()).status();
  EXPECT_EQ(status.code(), Code::kCancelled);
  EXPECT_LE(clock_.SteadyMillis() - start, 600);
  EXPECT_NE(status.detail().find("dead"), std::string::npos);
}

TEST_F(Retry, ReadResumesWhereItStopped) {
  ASSERT_TRUE(Create("0123456789").ok());
  for (uint64_t after : {1, 5, 2}) faulty_.Inject({.op = StoreOp::kGet, .after_bytes = after});
  std::string text;
  EXPECT_TRUE(Read(&text).ok());
  EXPECT_EQ(text, "0123456789");
  EXPECT_EQ(faulty_.calls(StoreOp::kGet), 4);
  faulty_.Inject({.op = StoreOp::kGet, .after_bytes = 4});
  EXPECT_TRUE(Read(&text, {2, 7}).ok());
  EXPECT_EQ(text, "2345678");
}

TEST_F(Retry, ReadThatBreaksAfterTheLastByte) {
  ASSERT_TRUE(Create("0123456789").ok());
  for (const ByteRange range : {ByteRange{0, 10}, ByteRange{}, ByteRange{3, UINT64_MAX}}) {
    faulty_.Inject({.op = StoreOp::kGet, .after_bytes = std::min<uint64_t>(range.length, 10 - range.offset)});
    std::string text;
    const Status status = Read(&text, range);
    EXPECT_TRUE(status.ok()) << status.ToString();
    EXPECT_EQ(text, std::string("0123456789").substr(range.offset));
  }
}

TEST_F(Retry, ReadThatAdvancesIsNotGivenUp) {
  ASSERT_TRUE(Create(std::string(100, 'x')).ok());
  Use({.max_attempts = 2});
  faulty_.Inject({.op = StoreOp::kGet, .times = 30, .after_bytes = 3});
  std::string text;
  EXPECT_TRUE(Read(&text).ok());
  EXPECT_EQ(text.size(), 100u);
  faulty_.Inject({.op = StoreOp::kGet, .times = INT_MAX});
  EXPECT_EQ(Read(&text).code(), Code::kUnavailable);
}

TEST_F(Retry, FailingSinkIsNotRetried) {
  ASSERT_TRUE(Create("0123456789").ok());
  int calls = 0;
  const Status status = store_->Get(
      "k", {},
      [&](ByteView) -> Status {
        calls++;
        return {Code::kUnavailable, "disk full"};
      },
      Ctx());
  EXPECT_EQ(status.message(), "disk full");
  EXPECT_EQ(calls, 1);
}

TEST_F(Retry, CreateMeetsItsOwnObject) {
  faulty_.Inject({.op = StoreOp::kCreate, .after = true});
  EXPECT_TRUE(Create("0123456789").ok());
  EXPECT_EQ(faulty_.calls(StoreOp::kCreate), 2);
}

TEST_F(Retry, CreateMeetsItsOwnObjectWhileReadsFailToo) {
  faulty_.Inject({.op = StoreOp::kCreate, .after = true});
  faulty_.Inject({.op = StoreOp::kStat});
  faulty_.Inject({.op = StoreOp::kGet, .after_bytes = 4});
  EXPECT_TRUE(Create("0123456789").ok());
}

TEST_F(Retry, CreateMeetsSomebodyElsesObject) {
  for (const char* other : {"0123456788", "012345678", "01234567890", ""}) {
    memory_.Replace("k", Bytes(AsBytes(other).begin(), AsBytes(other).end()));
    faulty_.Inject({.op = StoreOp::kCreate});
    EXPECT_EQ(Create("0123456789").code(), Code::kAlreadyExists) << other;
  }
}

TEST_F(Retry, CreateWithoutAFailureBeforeIsNotCompared) {
  ASSERT_TRUE(Create("same").ok());
  EXPECT_EQ(Create("same").code(), Code::kAlreadyExists);
  EXPECT_EQ(faulty_.calls(StoreOp::kGet), 0);
}

TEST_F(Retry, CreateThatCannotFindOutSaysSo) {
  faulty_.Inject({.op = StoreOp::kCreate, .after = true});
  faulty_.Inject({.op = StoreOp::kStat, .status = {Code::kPermission, "denied"}});
  const Status status = Create("x");
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_NE(status.message().find("earlier attempt"), std::string::npos);
}

TEST_F(Retry, CompletionIsRecognisedByItsParts) {
  auto [id, parts] = Upload();
  faulty_.Inject({.op = StoreOp::kCompleteUpload, .after = true});
  const Status status = store_->CompleteUpload("k", id, parts, Ctx());
  EXPECT_TRUE(status.ok()) << status.ToString();
  EXPECT_EQ(faulty_.calls(StoreOp::kCompleteUpload), 2);
  EXPECT_EQ(faulty_.calls(StoreOp::kGet), 1);
}

TEST_F(Retry, CompletionMeetsSomebodyElsesObject) {
  for (const char* other : {"aaaabc", "aaaaabb", "xaaabb", ""}) {
    memory_.Replace("k", Bytes(AsBytes(other).begin(), AsBytes(other).end()));
    auto [id, parts] = Upload();
    faulty_.Inject({.op = StoreOp::kCompleteUpload});
    EXPECT_EQ(store_->CompleteUpload("k", id, parts, Ctx()).code(), Code::kAlreadyExists) << other;
  }
}

TEST_F(Retry, CompletionOfForeignPartsIsNotGuessed) {
  const std::string id = memory_.BeginUpload("k", Ctx()).value();
  const std::vector<UploadPart> parts{memory_.PutPart("k", id, 1, 0, AsBytes("aaaa"), Ctx()).value()};
  faulty_.Inject({.op = StoreOp::kCompleteUpload, .after = true});
  EXPECT_EQ(store_->CompleteUpload("k", id, parts, Ctx()).code(), Code::kUnavailable);
}

TEST_F(Retry, WarnsWhenItTakesLong) {
  Use({.max_attempts = 100});
  faulty_.Inject({.op = StoreOp::kStat, .status = {Code::kUnavailable, "HTTP 503"}, .times = 12});
  (void)store_->Stat("k", Ctx());
  EXPECT_EQ(log_.Count(LogLevel::kWarning), 1);
  EXPECT_NE(log_.Last(LogLevel::kWarning).find("HTTP 503"), std::string::npos);
  EXPECT_NE(log_.Last(LogLevel::kWarning).find("\"k\""), std::string::npos);
}

}  // namespace
}  // namespace pitr
