// Conformance: cancellation and deadlines; and that TLS is verified.
#include <chrono>
#include <thread>

#include "core/store/s3.h"
#include "store_suite/suite.h"

namespace pitr::test {
namespace {

class ContextSuite : public StoreSuite {
 protected:
  // The status of every operation of the interface under `ctx`.
  std::vector<std::pair<std::string, Status>> EveryOperation(const OpContext& ctx) {
    const Bytes body = Pattern(100, 1);
    return {{"Create", store_->Create("new", body, ctx)},
            {"Get", store_->Get(
                        "there", {}, [](ByteView) { return Status::Ok(); }, ctx)},
            {"Stat", store_->Stat("there", ctx).status()},
            {"List", store_->List("", "", ctx).status()},
            {"Delete", store_->Delete({"there"}, ctx)},
            {"BeginUpload", store_->BeginUpload("new", ctx).status()},
            {"PutPart", store_->PutPart("up", upload_id_, 1, 0, body, ctx).status()},
            {"CompleteUpload", store_->CompleteUpload("up", upload_id_, parts_, ctx)},
            {"AbortUpload", store_->AbortUpload("up", upload_id_, ctx)},
            {"ListUploads", store_->ListUploads("", ctx).status()}};
  }
  void SetUp() override {
    StoreSuite::SetUp();
    if (store_ == nullptr) return;
    EXPECT_OK(CreateText("there"));
    auto id = store_->BeginUpload("up", Ctx());
    ASSERT_TRUE(id.ok()) << id.status().ToString();
    upload_id_ = id.value();
    auto parts = SendParts("up", upload_id_, Pattern(100, 2), kMinPartBytes);
    ASSERT_TRUE(parts.ok()) << parts.status().ToString();
    parts_ = parts.value();
  }
  void ExpectNothingHappened() {
    EXPECT_EQ(Keys(""), std::vector<std::string>{"there"});
    EXPECT_TRUE(IsPending("up", upload_id_));
    EXPECT_OK(store_->AbortUpload("up", upload_id_, Ctx()));
  }

  std::string upload_id_;
  std::vector<UploadPart> parts_;
};

TEST_P(ContextSuite, CancelledBeforehand) {
  CancelToken cancel;
  cancel.Cancel();
  for (const auto& [name, status] : EveryOperation(OpContext::WithTimeout(60000, &cancel)))
    EXPECT_EQ(CodeName(status.code()), "cancelled") << name << ": " << status.ToString();
  ExpectNothingHappened();
}

TEST_P(ContextSuite, DeadlinePassedBeforehand) {
  for (const auto& [name, status] : EveryOperation(OpContext::WithTimeout(-1)))
    EXPECT_EQ(CodeName(status.code()), "unavailable") << name << ": " << status.ToString();
  ExpectNothingHappened();
}

TEST_P(ContextSuite, CancelledDuringATransfer) {
  const Bytes body = Pattern(size_t{40} << 20, 1);
  EXPECT_OK(Create("big", body));
  CancelToken cancel;
  size_t received = 0;
  const Status status = store_->Get(
      "big", {},
      [&](ByteView piece) {
        received += piece.size();
        cancel.Cancel();
        std::this_thread::sleep_for(std::chrono::milliseconds(1));
        return Status::Ok();
      },
      OpContext::WithTimeout(60000, &cancel));
  EXPECT_CODE(status, Code::kCancelled);
  EXPECT_LT(received, body.size());
  EXPECT_OK(store_->Delete({"big"}, Ctx()));
  ExpectNothingHappened();
}

TEST_P(ContextSuite, DeadlineDuringATransfer) {
  const Bytes body = Pattern(size_t{40} << 20, 1);
  EXPECT_OK(Create("big", body));
  const auto start = std::chrono::steady_clock::now();
  const Status status = store_->Get(
      "big", {},
      [&](ByteView) {
        std::this_thread::sleep_for(std::chrono::milliseconds(120));
        return Status::Ok();
      },
      OpContext::WithTimeout(300));
  EXPECT_CODE(status, Code::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(5));
  EXPECT_OK(store_->Delete({"big"}, Ctx()));
  ExpectNothingHappened();
}

INSTANTIATE_TEST_SUITE_P(Stores, ContextSuite,
                         ::testing::Values(StoreKind::kMemory, StoreKind::kFlakyMemory, StoreKind::kDirectory,
                                           StoreKind::kS3Loopback, StoreKind::kFlakyS3Loopback, StoreKind::kS3Http,
                                           StoreKind::kS3Https, StoreKind::kS3VirtualHost),
                         StoreKindName);

class TlsSuite : public ::testing::Test {
 protected:
  void SetUp() override {
    const std::string missing = MissingFor(StoreKind::kS3Https);
    if (!missing.empty() && S3IsRequired()) FAIL() << "not set: " << missing;
    if (!missing.empty()) GTEST_SKIP() << "not set: " << missing;
  }
  Status TryWith(const S3Config& config) {
    auto store = OpenS3(config, SystemClock());
    if (!store.ok()) return store.status();
    return store.value()->List("", "", OpContext::WithTimeout(20000)).status();
  }
};

TEST_F(TlsSuite, RightAuthorityIsAccepted) { EXPECT_OK(TryWith(TestS3Config(true))); }

TEST_F(TlsSuite, WrongAuthorityIsRefused) {
  S3Config config = TestS3Config(true);
  config.ca_file = std::getenv("PITR_TEST_S3_WRONG_CA");
  const Status status = TryWith(config);
  EXPECT_FALSE(status.ok());
  EXPECT_NE(status.code(), Code::kNotFound);
  EXPECT_NE(status.ToString().find("certificate"), std::string::npos) << status.ToString();
}

TEST_F(TlsSuite, SystemAuthoritiesDoNotKnowTheServer) {
  S3Config config = TestS3Config(true);
  config.ca_file.clear();
  EXPECT_FALSE(TryWith(config).ok());
}

TEST_F(TlsSuite, MissingAuthorityFileIsAnError) {
  S3Config config = TestS3Config(true);
  config.ca_file = "/nonexistent/ca.pem";
  EXPECT_FALSE(TryWith(config).ok());
}

TEST_F(TlsSuite, VerificationCanBeTurnedOff) {
  S3Config config = TestS3Config(true);
  config.ca_file.clear();
  config.verify_tls = false;
  EXPECT_OK(TryWith(config));
}

}  // namespace
}  // namespace pitr::test
