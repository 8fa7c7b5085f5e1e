// Conformance: uploads in parts.
#include <algorithm>
#include <thread>

#include "store_suite/suite.h"

namespace pitr::test {
namespace {

TEST_P(StoreSuite, PartsInAnyOrderAtTheSameTime) {
  const Bytes body = Pattern(3 * kMinPartBytes + 1, 7);
  auto id = store_->BeginUpload("up/x", Ctx());
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  std::vector<UploadPart> parts(4);
  std::vector<std::thread> threads;
  for (int number = 4; number >= 1; number--)
    threads.emplace_back([&, number] {
      const uint64_t offset = (number - 1) * kMinPartBytes;
      const ByteView piece = ByteView(body).subspan(offset, std::min<size_t>(kMinPartBytes, body.size() - offset));
      auto part = store_->PutPart("up/x", id.value(), number, offset, piece, Ctx());
      EXPECT_TRUE(part.ok()) << part.status().ToString();
      if (part.ok()) parts[number - 1] = std::move(part).value();
    });
  for (std::thread& thread : threads) thread.join();

  EXPECT_CODE(store_->Stat("up/x", Ctx()).status(), Code::kNotFound);
  EXPECT_CODE(ReadRange("up/x", {}).status(), Code::kNotFound);
  EXPECT_EQ(Keys(""), std::vector<std::string>{});
  EXPECT_TRUE(IsPending("up/x", id.value()));

  EXPECT_OK(store_->CompleteUpload("up/x", id.value(), parts, Ctx()));
  EXPECT_TRUE(Read("up/x") == body);
  EXPECT_EQ(Keys(""), std::vector<std::string>{"up/x"});
  EXPECT_FALSE(IsPending("up/x", id.value()));
  // Aborting what is complete touches nothing.
  EXPECT_OK(store_->AbortUpload("up/x", id.value(), Ctx()));
  EXPECT_TRUE(Read("up/x") == body);
}

TEST_P(StoreSuite, OnePartMayBeShort) {
  auto id = store_->BeginUpload("up/short", Ctx());
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  auto parts = SendParts("up/short", id.value(), Pattern(1, 3), kMinPartBytes);
  ASSERT_TRUE(parts.ok()) << parts.status().ToString();
  EXPECT_OK(store_->CompleteUpload("up/short", id.value(), parts.value(), Ctx()));
  EXPECT_TRUE(Read("up/short") == Pattern(1, 3));
}

TEST_P(StoreSuite, PartSentAgainReplacesTheFirst) {
  auto id = store_->BeginUpload("up/again", Ctx());
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  ASSERT_TRUE(SendParts("up/again", id.value(), Pattern(1000, 1), kMinPartBytes).ok());
  auto parts = SendParts("up/again", id.value(), Pattern(1000, 2), kMinPartBytes);
  ASSERT_TRUE(parts.ok()) << parts.status().ToString();
  EXPECT_OK(store_->CompleteUpload("up/again", id.value(), parts.value(), Ctx()));
  EXPECT_TRUE(Read("up/again") == Pattern(1000, 2));
}

TEST_P(StoreSuite, AbortLeavesNothing) {
  auto id = store_->BeginUpload("up/gone", Ctx());
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  auto parts = SendParts("up/gone", id.value(), Pattern(kMinPartBytes, 1), kMinPartBytes);
  ASSERT_TRUE(parts.ok()) << parts.status().ToString();
  EXPECT_OK(store_->AbortUpload("up/gone", id.value(), Ctx()));
  EXPECT_FALSE(IsPending("up/gone", id.value()));
  EXPECT_OK(store_->AbortUpload("up/gone", id.value(), Ctx()));
  EXPECT_FALSE(SendParts("up/gone", id.value(), Pattern(10, 1), kMinPartBytes).ok());
  // Ceph calls this an internal error, and so it is kUnavailable there; elsewhere kNotFound. Never a success.
  const Code completed = store_->CompleteUpload("up/gone", id.value(), parts.value(), Ctx()).code();
  EXPECT_TRUE(completed == Code::kNotFound || completed == Code::kUnavailable) << CodeName(completed);
  EXPECT_CODE(store_->Stat("up/gone", Ctx()).status(), Code::kNotFound);
  EXPECT_EQ(Keys(""), std::vector<std::string>{});
}

TEST_P(StoreSuite, UnknownUploads) {
  EXPECT_OK(store_->AbortUpload("up/none", "no-such-upload", Ctx()));
  EXPECT_CODE(store_->PutPart("up/none", "no-such-upload", 1, 0, Pattern(10, 1), Ctx()).status(), Code::kNotFound);
  auto uploads = store_->ListUploads("up/", Ctx());
  ASSERT_TRUE(uploads.ok()) << uploads.status().ToString();
  EXPECT_EQ(uploads.value().size(), 0u);
}

TEST_P(StoreSuite, CompletionDoesNotReplace) {
  EXPECT_OK(CreateText("up/taken", "first"));
  auto id = store_->BeginUpload("up/taken", Ctx());
  // A store may refuse as early as this.
  if (!id.ok()) {
    EXPECT_CODE(id.status(), Code::kAlreadyExists);
    return;
  }
  auto parts = SendParts("up/taken", id.value(), Pattern(1000, 1), kMinPartBytes);
  ASSERT_TRUE(parts.ok()) << parts.status().ToString();
  EXPECT_CODE(store_->CompleteUpload("up/taken", id.value(), parts.value(), Ctx()), Code::kAlreadyExists);
  EXPECT_EQ(AsText(Read("up/taken")), "first");
  EXPECT_OK(store_->AbortUpload("up/taken", id.value(), Ctx()));
  EXPECT_EQ(AsText(Read("up/taken")), "first");
  EXPECT_FALSE(IsPending("up/taken", id.value()));
}

TEST_P(StoreSuite, UploadsOfOneKeyAreApart) {
  auto a = store_->BeginUpload("up/two", Ctx());
  auto b = store_->BeginUpload("up/two", Ctx());
  ASSERT_TRUE(a.ok() && b.ok());
  EXPECT_NE(a.value(), b.value());
  auto parts_a = SendParts("up/two", a.value(), Pattern(1000, 1), kMinPartBytes);
  auto parts_b = SendParts("up/two", b.value(), Pattern(2000, 2), kMinPartBytes);
  ASSERT_TRUE(parts_a.ok() && parts_b.ok());
  EXPECT_TRUE(IsPending("up/two", a.value()));
  EXPECT_TRUE(IsPending("up/two", b.value()));
  EXPECT_OK(store_->CompleteUpload("up/two", b.value(), parts_b.value(), Ctx()));
  EXPECT_TRUE(Read("up/two") == Pattern(2000, 2));
  EXPECT_OK(store_->AbortUpload("up/two", a.value(), Ctx()));
  EXPECT_TRUE(Read("up/two") == Pattern(2000, 2));
}

TEST_P(StoreSuite, PartNumbersAreChecked) {
  auto id = store_->BeginUpload("up/n", Ctx());
  ASSERT_TRUE(id.ok()) << id.status().ToString();
  for (int number : {0, -1, kMaxUploadParts + 1})
    EXPECT_CODE(store_->PutPart("up/n", id.value(), number, 0, Pattern(10, 1), Ctx()).status(), Code::kInvalidArgument);
  EXPECT_OK(store_->AbortUpload("up/n", id.value(), Ctx()));
}

TEST_P(StoreSuite, PendingUploadsByPrefix) {
  const int64_t now = SystemClock().WallMicros();
  auto a = store_->BeginUpload("data/one", Ctx());
  auto b = store_->BeginUpload("other", Ctx());
  ASSERT_TRUE(a.ok() && b.ok());
  auto uploads = store_->ListUploads("data/", Ctx());
  ASSERT_TRUE(uploads.ok()) << uploads.status().ToString();
  ASSERT_GE(uploads.value().size(), 1u);  // a lost answer may have left another one behind
  for (const PendingUpload& upload : uploads.value()) {
    EXPECT_EQ(upload.key, "data/one");
    if (upload.initiated_micros != 0) { EXPECT_NEAR(upload.initiated_micros, now, 3600e6); }
    EXPECT_OK(store_->AbortUpload(upload.key, upload.upload_id, Ctx()));
  }
  EXPECT_FALSE(IsPending("data/one", a.value()));
  EXPECT_TRUE(IsPending("other", b.value()));
  EXPECT_OK(store_->AbortUpload("other", b.value(), Ctx()));
}

}  // namespace
}  // namespace pitr::test
