#include "core/store/object_writer.h"

#include <gtest/gtest.h>

#include <atomic>
#include <climits>
#include <semaphore>

#include "core/store/memory.h"
#include "lib/faulty_store.h"

namespace pitr {
namespace {

using test::FaultyStore;
using test::StoreOp;

class Writer : public ::testing::Test {
 protected:
  Writer() : memory_({.min_part_bytes = 10}), faulty_(memory_), pool_(std::move(ThreadPool::Start(3)).value()) {}
  ObjectWriter Make(const WriterOptions& options = {.part_bytes = 10, .parts_in_flight = 2}) {
    return ObjectWriter(faulty_, *pool_, "k", options, OpContext::WithTimeout(30000, &cancel_));
  }
  static std::string Text(size_t size) {
    std::string text;
    for (size_t i = 0; i < size; i++) text.push_back(static_cast<char>('a' + i * 7 % 26));
    return text;
  }
  void ExpectStored(const std::string& text) {
    auto body = GetAll(memory_, "k", 1 << 20, OpContext());
    ASSERT_TRUE(body.ok()) << body.status().ToString();
    EXPECT_EQ(AsText(body.value()), text);
    ExpectNoUploads();
  }
  void ExpectNothing() {
    EXPECT_EQ(memory_.Keys(), std::vector<std::string>{});
    ExpectNoUploads();
  }
  void ExpectNoUploads() { EXPECT_EQ(memory_.ListUploads("", OpContext()).value().size(), 0u); }

  CancelToken cancel_;
  MemoryStore memory_;
  FaultyStore faulty_;
  std::unique_ptr<ThreadPool> pool_;
};

TEST_F(Writer, SmallObjectsNeedOneRequest) {
  for (size_t size : {0, 1, 9, 10}) {
    ObjectWriter writer = Make();
    const std::string text = Text(size);
    ASSERT_TRUE(writer.Append(AsBytes(text)).ok());
    EXPECT_EQ(writer.size(), size);
    auto total = writer.Finish();
    ASSERT_TRUE(total.ok()) << total.status().ToString();
    EXPECT_EQ(total.value(), size);
    ExpectStored(text);
    ASSERT_TRUE(memory_.Delete({"k"}, OpContext()).ok());
  }
  EXPECT_EQ(faulty_.calls(StoreOp::kBeginUpload), 0);
}

TEST_F(Writer, LargeObjectsGoInParts) {
  for (size_t size : {11, 19, 20, 21, 100, 1234})
    for (size_t piece : {1, 3, 10, 25, 5000}) {
      ObjectWriter writer = Make();
      const std::string text = Text(size);
      for (size_t at = 0; at < size; at += piece)
        ASSERT_TRUE(writer.Append(AsBytes(std::string_view(text).substr(at, piece))).ok());
      auto total = writer.Finish();
      ASSERT_TRUE(total.ok()) << total.status().ToString();
      EXPECT_EQ(total.value(), size);
      ExpectStored(text);
      ASSERT_TRUE(memory_.Delete({"k"}, OpContext()).ok());
    }
  EXPECT_EQ(faulty_.calls(StoreOp::kCreate), 0);
}

TEST_F(Writer, KeepsNoMorePartsInFlightThanAllowed) {
  std::atomic<int> now{0}, most{0};
  std::counting_semaphore<> go(0);
  faulty_.OnCall([&](StoreOp op, const std::string&) {
    if (op != StoreOp::kPutPart) return;
    int seen = ++now;
    for (int old = most; old < seen && !most.compare_exchange_weak(old, seen);) {}
    go.acquire();
    now--;
  });
  std::thread opener([&] {
    for (int i = 0; i < 30; i++) {
      std::this_thread::sleep_for(std::chrono::milliseconds(1));
      go.release();
    }
  });
  ObjectWriter writer = Make();
  ASSERT_TRUE(writer.Append(AsBytes(Text(300))).ok());
  ASSERT_TRUE(writer.Finish().ok());
  opener.join();
  EXPECT_EQ(most, 2);
  ExpectStored(Text(300));
}

TEST_F(Writer, FailedPartStopsAndAborts) {
  faulty_.Inject({.op = StoreOp::kPutPart, .status = {Code::kPermission, "denied"}, .skip = 2, .times = INT_MAX});
  ObjectWriter writer = Make();
  Status status;
  for (int i = 0; i < 1000 && status.ok(); i++) status = writer.Append(AsBytes(Text(10)));
  EXPECT_EQ(status.message(), "denied");
  EXPECT_LT(faulty_.calls(StoreOp::kPutPart), 10);
  EXPECT_EQ(writer.Append(AsBytes("more")).message(), "denied");
  EXPECT_EQ(writer.Finish().status().message(), "denied");
  EXPECT_EQ(faulty_.calls(StoreOp::kAbortUpload), 1);
  ExpectNothing();
}

TEST_F(Writer, FailureOfTheLastPartIsSeenByFinish) {
  faulty_.Inject({.op = StoreOp::kPutPart, .skip = 2});
  ObjectWriter writer = Make();
  ASSERT_TRUE(writer.Append(AsBytes(Text(25))).ok());
  EXPECT_EQ(writer.Finish().code(), Code::kUnavailable);
  ExpectNothing();
}

TEST_F(Writer, FailedBeginAndCompleteAbort) {
  faulty_.Inject({.op = StoreOp::kBeginUpload, .status = {Code::kPermission, "denied"}});
  {
    ObjectWriter writer = Make();
    EXPECT_EQ(writer.Append(AsBytes(Text(25))).code(), Code::kPermission);
  }
  ExpectNothing();
  faulty_.Inject({.op = StoreOp::kCompleteUpload});
  ObjectWriter writer = Make();
  ASSERT_TRUE(writer.Append(AsBytes(Text(25))).ok());
  EXPECT_EQ(writer.Finish().code(), Code::kUnavailable);
  ExpectNothing();
}

TEST_F(Writer, AbortThatFailsIsMentioned) {
  faulty_.Inject({.op = StoreOp::kCompleteUpload, .status = {Code::kPermission, "denied"}});
  faulty_.Inject({.op = StoreOp::kAbortUpload, .status = {Code::kPermission, "no abort either"}});
  ObjectWriter writer = Make();
  ASSERT_TRUE(writer.Append(AsBytes(Text(25))).ok());
  const Status status = writer.Finish().status();
  EXPECT_EQ(status.message(), "denied");
  EXPECT_NE(status.detail().find("no abort either"), std::string::npos) << status.detail();
}

TEST_F(Writer, NothingIsLeftWhenDropped) {
  {
    ObjectWriter writer = Make();
    ASSERT_TRUE(writer.Append(AsBytes(Text(55))).ok());
  }
  ExpectNothing();
  EXPECT_EQ(faulty_.calls(StoreOp::kAbortUpload), 1);
  ObjectWriter writer = Make();
  ASSERT_TRUE(writer.Append(AsBytes(Text(55))).ok());
  writer.Abort();
  writer.Abort();
  EXPECT_FALSE(writer.Finish().ok());
  ExpectNothing();
}

TEST_F(Writer, CancelledUploadIsAbortedAllTheSame) {
  ObjectWriter writer = Make();
  ASSERT_TRUE(writer.Append(AsBytes(Text(55))).ok());
  cancel_.Cancel();
  Status status;
  for (int i = 0; i < 10 && status.ok(); i++) status = writer.Append(AsBytes(Text(10)));
  EXPECT_EQ(status.code(), Code::kCancelled);
  ExpectNothing();
}

TEST_F(Writer, TakenKeyIsReportedAndLeftAlone) {
  memory_.Replace("k", {1, 2, 3});
  for (size_t size : {5, 55}) {
    ObjectWriter writer = Make();
    ASSERT_TRUE(writer.Append(AsBytes(Text(size))).ok());
    EXPECT_EQ(writer.Finish().code(), Code::kAlreadyExists);
  }
  EXPECT_EQ(GetAll(memory_, "k", 10, OpContext()).value(), (Bytes{1, 2, 3}));
  ExpectNoUploads();
}

TEST_F(Writer, TooManyPartsAreRefusedClearly) {
  MemoryStore tiny({.min_part_bytes = 1});
  ObjectWriter writer(tiny, *pool_, "k", {.part_bytes = 1, .parts_in_flight = 3, .expected_bytes = 9000}, OpContext());
  ASSERT_TRUE(writer.Append(AsBytes(Text(kMaxUploadParts))).ok());
  const Status status = writer.Append(AsBytes("xy"));
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.message().find("10000 parts of 1 bytes"), std::string::npos) << status.message();
  EXPECT_NE(status.detail().find("9000"), std::string::npos);
  EXPECT_EQ(tiny.ListUploads("", OpContext()).value().size(), 0u);
}

TEST(PartBytesFor, GrowsWithTheExpectedSize) {
  constexpr uint64_t kMiB = 1 << 20;
  EXPECT_EQ(PartBytesFor(16 * kMiB, 0), 16 * kMiB);
  EXPECT_EQ(PartBytesFor(16 * kMiB, 160000 * kMiB), 16 * kMiB);
  EXPECT_EQ(PartBytesFor(16 * kMiB, 160000 * kMiB + 1), 17 * kMiB);
  for (uint64_t size : {uint64_t{1}, 999999 * kMiB, 5000000 * kMiB})
    EXPECT_GE(PartBytesFor(5 * kMiB, size) * uint64_t{kMaxUploadParts}, size);
}

}  // namespace
}  // namespace pitr
