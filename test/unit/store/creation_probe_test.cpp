// How a store creates: one after the other, several at once, and what servers make of the condition.
#include "core/store/creation_probe.h"

#include <gtest/gtest.h>

#include <atomic>
#include <filesystem>

#include "lib/loopback_s3.h"
#include "lib/memory_log.h"

namespace pitr::test {
namespace {

using Interference = LoopbackS3::Interference;

class CreationProbe : public testing::Test {
 protected:
  CreationProbe() {
    config_.url = "s3://bucket/pre";
    config_.s3.endpoint = server_.url();
    config_.s3.credentials.environment = [](const char* name) -> std::optional<std::string> {
      return std::string(name).starts_with("AWS_") && std::string(name).ends_with("KEY_ID") ? "AKID"
             : std::string(name) == "AWS_SECRET_ACCESS_KEY"                                 ? "secret"
                                                            : std::optional<std::string>();
    };
    config_.retry.max_attempts = 3;
    config_.retry.base_delay_millis = 1;
  }
  Result<bool> Probe() { return ProbeConditionalCreate(config_, log_, SystemClock(), ctx_); }
  // Answers those PUTs, which are not carried out, like this.
  void AnswerPuts(int status, const std::string& code, const std::string& message,
                  const std::function<bool(const SeenRequest&)>& which) {
    server_.Interfere([=](const SeenRequest& seen) -> std::optional<Interference> {
      if (seen.method != "PUT" || !which(seen)) return std::nullopt;
      return Interference{.answer = {.status = status, .reply = S3ErrorXml(code, message)}};
    });
  }
  // What is left in the bucket.
  size_t Left() {
    server_.Interfere(nullptr);
    const auto store = OpenStore(config_, log_);
    return store.value()->List("", "", ctx_).value().objects.size();
  }

  LoopbackS3 server_{"bucket"};
  StoreConfig config_;
  MemoryLog log_;
  OpContext ctx_ = OpContext::WithTimeout(60000);
};

TEST_F(CreationProbe, AtomicAndLeftClean) {
  const auto atomic = Probe();
  ASSERT_TRUE(atomic.ok()) << atomic.status().ToString();
  EXPECT_TRUE(atomic.value());
  EXPECT_EQ(Left(), 0U);
}

// OpenStack Swift: refuses what is there, and lets several in that come at once.
TEST_F(CreationProbe, WhereSeveralOfThoseWhoRaceWinItIsNot) {
  server_.Interfere([](const SeenRequest& seen) -> std::optional<Interference> {
    if (seen.method != "PUT" || seen.target.find(".race") == std::string::npos) return std::nullopt;
    return Interference{.answer = {.reply_headers = {{"ETag", "\"e\""}}}, .carry_out = true};
  });
  const auto atomic = Probe();
  ASSERT_TRUE(atomic.ok()) << atomic.status().ToString();
  EXPECT_FALSE(atomic.value());
  EXPECT_EQ(Left(), 0U);
}

TEST_F(CreationProbe, WhereTheConditionIsRefusedItIsNot) {
  for (const auto& [status, code] : {std::pair(501, "NotImplemented"),
                                     {400, "NotImplemented"},
                                     {400, "InvalidArgument"},
                                     {412, "PreconditionFailed"}}) {
    AnswerPuts(status, code, "because", [](const SeenRequest& seen) { return !seen.Header("if-none-match").empty(); });
    const auto atomic = Probe();
    ASSERT_TRUE(atomic.ok()) << status << ": " << atomic.status().ToString();
    EXPECT_FALSE(atomic.value()) << status;
    EXPECT_EQ(Left(), 0U);
  }
}

// Not the condition is what it does not take.
TEST_F(CreationProbe, WhatIsRefusedWithoutItAsWellIsAnError) {
  config_.s3.storage_class = "NONE_SUCH";
  AnswerPuts(400, "InvalidArgument", "no such class", [](const SeenRequest&) { return true; });
  const auto atomic = Probe();
  EXPECT_EQ(atomic.code(), Code::kInvalidArgument);
  EXPECT_NE(atomic.status().detail().find("no such class"), std::string::npos);
  EXPECT_NE(atomic.status().hint().find("s3_storage_class"), std::string::npos) << atomic.status().hint();
  AnswerPuts(403, "AccessDenied", "because", [](const SeenRequest&) { return true; });
  EXPECT_EQ(Probe().code(), Code::kPermission);
}

// A bucket that locks objects by itself wants a checksum of each, and says so in many ways.
TEST_F(CreationProbe, ABucketThatLocksByItself) {
  for (const auto& [code, message] :
       {std::pair("InvalidRequest", "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object requests"),
        {"InvalidRequest", "Missing required header for this request: Content-MD5 or x-amz-checksum"},
        {"InvalidArgument", "missing required header for this request: content-md5"},
        {"MissingContentMD5", "because"}}) {
    AnswerPuts(400, code, message, [](const SeenRequest& seen) { return seen.Header("content-md5").empty(); });
    const auto atomic = Probe();
    ASSERT_TRUE(atomic.ok()) << code << ": " << atomic.status().ToString();
    EXPECT_TRUE(atomic.value()) << code;
  }
}

// Throttling and lost answers are no answers about creation.
TEST_F(CreationProbe, IsTriedAgain) {
  config_.retry.max_attempts = 8;
  server_.FailEvery(5);
  const auto atomic = Probe();
  ASSERT_TRUE(atomic.ok()) << atomic.status().ToString();
  EXPECT_TRUE(atomic.value());
  EXPECT_GT(server_.failed(), 1);
}

TEST_F(CreationProbe, CredentialsThatMayNotDeleteWillDo) {
  server_.Interfere([](const SeenRequest& seen) -> std::optional<Interference> {
    if (seen.method != "DELETE" && seen.target.find("?delete") == std::string::npos) return std::nullopt;
    return Interference{.answer = {.status = 403, .reply = S3ErrorXml("AccessDenied")}};
  });
  const auto atomic = Probe();
  ASSERT_TRUE(atomic.ok()) << atomic.status().ToString();
  EXPECT_TRUE(atomic.value());
}

}  // namespace
}  // namespace pitr::test
