// What the tests of the S3 driver share: a driver on a scripted server, with the wall clock standing still.
#pragma once
#include <gtest/gtest.h>

#include <algorithm>
#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "core/store/s3.h"
#include "core/store/sigv4.h"
#include "lib/scripted_http_server.h"

namespace pitr {

inline constexpr int64_t kNow = int64_t{1795392686} * 1000000;  // 2026-11-23T00:11:26Z
inline constexpr char kSecret[] = "very-secret-key";
inline constexpr char kToken[] = "very-secret-token";

// Wall time stands still, steady time runs.
class FixedWallClock final : public Clock {
 public:
  int64_t WallMicros() const override { return kNow; }
  int64_t SteadyMillis() const override { return SystemClock().SteadyMillis(); }
  void SleepMillis(int64_t millis) const override { SystemClock().SleepMillis(millis); }
};

class S3 : public testing::Test {
 protected:
  S3Config Config() const {
    S3Config config = ParseS3Url("s3://bucket/pre/fix").value();
    config.endpoint = server_.url();
    config.credentials.environment = [](const char* name) -> std::optional<std::string> {
      if (std::string(name) == "AWS_ACCESS_KEY_ID") return "AKID";
      if (std::string(name) == "AWS_SECRET_ACCESS_KEY") return kSecret;
      return std::nullopt;
    };
    return config;
  }
  std::unique_ptr<ObjectStore> Open(const S3Config& config) const {
    auto store = OpenS3(config, clock_);
    EXPECT_TRUE(store.ok()) << store.status().ToString();
    return std::move(store).value();
  }
  std::unique_ptr<ObjectStore> Open() const { return Open(Config()); }

  // Answers `operation` with `status` and that error, and returns what the driver makes of it.
  Status AfterError(int status, const std::string& code) {
    server_.Expect({.method = "GET", .status = status, .reply = code.empty() ? "<html>" : S3ErrorXml(code)});
    return GetAll(*Open(), "key", 100, ctx_).status();
  }

  FixedWallClock clock_;
  ScriptedHttpServer server_;
  OpContext ctx_ = OpContext::WithTimeout(20000);
};

inline const std::vector<std::pair<std::string, std::string>> kEtag = {{"ETag", "\"e\""}};

// Recomputes the signature from what arrived, so that a header changed after signing is seen.
inline std::string CheckSignature(const SeenRequest& seen) {
  std::string authorization = seen.Header("authorization");
  size_t at = authorization.find("SignedHeaders=");
  std::string names = authorization.substr(at + 14, authorization.find(',', at) - at - 14);
  SigV4Request request{.method = seen.method};
  size_t question = seen.target.find('?');
  request.path = UrlDecode(seen.target.substr(0, question)).value();
  for (size_t start = question; start < seen.target.size();) {
    size_t end = std::min(seen.target.find('&', start + 1), seen.target.size());
    std::string pair = seen.target.substr(start + 1, end - start - 1);
    size_t equals = pair.find('=');
    request.query.emplace_back(UrlDecode(pair.substr(0, equals)).value(), UrlDecode(pair.substr(equals + 1)).value());
    start = end;
  }
  for (size_t start = 0; start < names.size();) {
    size_t end = std::min(names.find(';', start), names.size());
    std::string name = names.substr(start, end - start);
    request.headers.emplace_back(name, seen.Header(name));
    start = end + 1;
  }
  request.payload_sha256 = Sha256Hex(AsBytes(seen.body));
  if (seen.Header("x-amz-content-sha256") != request.payload_sha256) return "payload hash is not that of the body";
  SigningKeyCache cache;
  std::string expected = SignV4(request, {"AKID", kSecret}, {"us-east-1", "s3", kNow}, &cache);
  if (names.find("host") == names.npos || names.find("x-amz-date") == names.npos) return "host or date is not signed";
  return expected == authorization ? "" : "wrong signature: " + authorization + ", expected " + expected;
}

}  // namespace pitr
