// The S3 driver against a scripted server: what it sends, what each answer means, what goes wrong on the way.
#include "core/store/s3.h"

#include <gtest/gtest.h>

#include <chrono>
#include <thread>

#include "core/store/sigv4.h"
#include "lib/scripted_http_server.h"

namespace pitr {
namespace {

constexpr int64_t kNow = int64_t{1795392686} * 1000000;  // 2026-11-23T00:11:26Z
const char kSecret[] = "very-secret-key";
const char kToken[] = "very-secret-token";

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

const std::vector<std::pair<std::string, std::string>> kEtag = {{"ETag", "\"e\""}};

// Recomputes the signature from what arrived, so that a header changed after signing is seen.
std::string CheckSignature(const SeenRequest& seen) {
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

TEST_F(S3, CreateIsConditionalSignedAndHashed) {
  server_.Expect({.method = "PUT",
                  .target = "/bucket/pre/fix/a/b%2Bc%3Dd.x",
                  .headers = {{"if-none-match", "*"},
                              {"content-length", "5"},
                              {"content-md5", ""},
                              {"expect", ""},
                              {"x-amz-date", "20261123T001126Z"},
                              {"x-amz-security-token", ""},
                              {"x-amz-content-sha256", Sha256Hex(AsBytes("hello"))}},
                  .check = CheckSignature,
                  .reply_headers = kEtag});
  EXPECT_TRUE(Open()->Create("a/b+c=d.x", AsBytes("hello"), ctx_).ok());
}

TEST_F(S3, CreateRefusalsAndConflicts) {
  auto store = Open();
  server_.Expect({.method = "PUT", .status = 412, .reply = S3ErrorXml("PreconditionFailed")});
  Status status = store->Create("wal/1", AsBytes("x"), ctx_);
  EXPECT_EQ(status.code(), Code::kAlreadyExists);
  EXPECT_EQ(status.message(), "could not store \"wal/1\": HTTP 412 PreconditionFailed, request id REQ1");
  server_.Expect({.method = "PUT", .status = 409, .reply = S3ErrorXml("ConditionalRequestConflict")});
  EXPECT_EQ(store->Create("wal/1", AsBytes("x"), ctx_).code(), Code::kUnavailable);
  server_.Expect({.method = "PUT", .status = 200});
  EXPECT_EQ(store->Create("wal/1", AsBytes("x"), ctx_).code(), Code::kUnavailable) << "no ETag";
  EXPECT_EQ(store->Create("../x", AsBytes("x"), ctx_).code(), Code::kInvalidArgument);
  EXPECT_EQ(server_.Requests().size(), 3u);
}

TEST_F(S3, CreateLooksFirstWhereTheStoreHasNoConditions) {
  S3Config config = Config();
  config.conditional_create = false;
  auto store = Open(config);
  EXPECT_FALSE(store->capabilities().conditional_create);
  server_.Expect({.method = "HEAD", .target = "/bucket/pre/fix/k", .status = 404});
  server_.Expect({.method = "PUT", .headers = {{"if-none-match", ""}}, .reply_headers = kEtag});
  EXPECT_TRUE(store->Create("k", AsBytes("x"), ctx_).ok());
  server_.Expect({.method = "HEAD", .content_length = 7});
  EXPECT_EQ(store->Create("k", AsBytes("x"), ctx_).code(), Code::kAlreadyExists);
  server_.Expect({.method = "HEAD", .status = 503});
  EXPECT_EQ(store->Create("k", AsBytes("x"), ctx_).code(), Code::kUnavailable) << "not knowing is not absence";
}

TEST_F(S3, CreateIsSentOnceEvenOnADeadWarmConnection) {
  auto store = Open();
  server_.Expect({.method = "PUT", .reply_headers = kEtag});
  EXPECT_TRUE(store->Create("a", AsBytes("x"), ctx_).ok());
  server_.Expect({.method = "PUT", .close_unanswered = true});
  EXPECT_EQ(store->Create("b", AsBytes("x"), ctx_).code(), Code::kUnavailable);
  EXPECT_EQ(server_.Requests().size(), 2u);
}

TEST_F(S3, UploadHeaders) {
  S3Config config = Config();
  config.storage_class = "STANDARD_IA";
  config.sse = "aws:kms";
  config.sse_kms_key_id = "key-1";
  config.tags = {{"team", "a b"}, {"k", "v&w"}};
  config.requester_pays = true;
  config.object_lock_mode = "GOVERNANCE";
  config.object_lock_days = 2;
  const std::map<std::string, std::string> expected = {{"x-amz-storage-class", "STANDARD_IA"},
                                                       {"x-amz-server-side-encryption", "aws:kms"},
                                                       {"x-amz-server-side-encryption-aws-kms-key-id", "key-1"},
                                                       {"x-amz-tagging", "k=v%26w&team=a%20b"},
                                                       {"x-amz-request-payer", "requester"},
                                                       {"x-amz-object-lock-mode", "GOVERNANCE"},
                                                       {"x-amz-object-lock-retain-until-date", "2026-11-25T00:11:26Z"}};
  auto put = expected;
  put["content-md5"] = "XUFAKrxLKna5cZ2REBfFkg==";  // of "hello"
  auto store = Open(config);
  server_.Expect({.method = "PUT", .headers = put, .check = CheckSignature, .reply_headers = kEtag});
  EXPECT_TRUE(store->Create("k", AsBytes("hello"), ctx_).ok());
  server_.Expect({.method = "POST",
                  .target = "/bucket/pre/fix/k?uploads=",
                  .headers = expected,
                  .check = CheckSignature,
                  .reply = "<InitiateMultipartUploadResult><UploadId>u</UploadId></InitiateMultipartUploadResult>"});
  EXPECT_EQ(store->BeginUpload("k", ctx_).value(), "u");
  server_.Expect({.method = "PUT",
                  .headers = {{"x-amz-tagging", ""}, {"x-amz-storage-class", ""}, {"x-amz-request-payer", "requester"}},
                  .reply_headers = kEtag});
  EXPECT_TRUE(store->PutPart("k", "u", 1, 0, AsBytes("hello"), ctx_).ok());
}

TEST_F(S3, BucketThatDemandsContentMd5GetsItFromThenOn) {
  auto store = Open();
  server_.Expect({.method = "PUT",
                  .headers = {{"content-md5", ""}},
                  .status = 400,
                  .reply = S3ErrorXml("InvalidRequest",
                                      "Content-MD5 OR x-amz-checksum- HTTP header is required for Put Object "
                                      "requests with Object Lock parameters")});
  EXPECT_EQ(store->Create("k", AsBytes("hello"), ctx_).code(), Code::kUnavailable);
  server_.Expect({.method = "PUT", .headers = {{"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="}}, .reply_headers = kEtag});
  EXPECT_TRUE(store->Create("k", AsBytes("hello"), ctx_).ok());
}

TEST_F(S3, SessionTokenIsSentAndSigned) {
  S3Config config = Config();
  auto plain = config.credentials.environment;
  config.credentials.environment = [plain](const char* name) -> std::optional<std::string> {
    if (std::string(name) == "AWS_SESSION_TOKEN") return kToken;
    return plain(name);
  };
  server_.Expect({.method = "PUT",
                  .headers = {{"x-amz-security-token", kToken}},
                  .check =
                      [](const SeenRequest& r) {
                        if (r.Header("authorization").find(";x-amz-security-token,") == std::string::npos)
                          return std::string("not signed");
                        return CheckSignature(r);
                      },
                  .reply_headers = kEtag});
  EXPECT_TRUE(Open(config)->Create("k", AsBytes("x"), ctx_).ok());
}

TEST_F(S3, VirtualHostAddressing) {
  S3Config config = Config();
  config.addressing = S3Addressing::kVirtualHost;
  config.endpoint = "http://localhost:" + std::to_string(server_.port());
  server_.Expect({.method = "PUT",
                  .target = "/pre/fix/k",
                  .headers = {{"host", "bucket.localhost:" + std::to_string(server_.port())}},
                  .check = CheckSignature,
                  .reply_headers = kEtag});
  EXPECT_TRUE(Open(config)->Create("k", AsBytes("x"), ctx_).ok());
}

TEST_F(S3, GetWholeAndRanges) {
  auto store = Open();
  server_.Expect({.method = "GET",
                  .target = "/bucket/pre/fix/k",
                  .headers = {{"range", ""}},
                  .check = CheckSignature,
                  .reply = "hello"});
  EXPECT_EQ(AsText(GetAll(*store, "k", 100, ctx_).value()), "hello");
  server_.Expect({.method = "GET",
                  .headers = {{"range", "bytes=2-4"}},
                  .check = CheckSignature,
                  .status = 206,
                  .reply_headers = {{"Content-Range", "bytes 2-4/9"}},
                  .reply = "llo"});
  EXPECT_EQ(AsText(GetRange(*store, "k", 2, 3, ctx_).value()), "llo");
  std::string got;
  auto sink = [&](ByteView bytes) {
    got += AsText(bytes);
    return Status::Ok();
  };
  server_.Expect({.method = "GET",
                  .headers = {{"range", "bytes=2-"}},
                  .status = 206,
                  .reply_headers = {{"Content-Range", "bytes 2-4/5"}},
                  .reply = "llo"});
  EXPECT_TRUE(store->Get("k", {2}, sink, ctx_).ok());
  EXPECT_EQ(got, "llo");
  server_.Expect({.method = "GET", .reply = "chunky", .chunked = true});
  EXPECT_EQ(AsText(GetAll(*store, "k", 100, ctx_).value()), "chunky");
  server_.Expect({.method = "HEAD", .content_length = 5});
  EXPECT_TRUE(store->Get("k", {5, 0}, sink, ctx_).ok());
}

TEST_F(S3, GetTrustsNoAnswerAboutOtherBytes) {
  auto store = Open();
  auto never = [](ByteView) {
    ADD_FAILURE() << "bytes of a wrong answer";
    return Status::Ok();
  };
  auto ranged = [&](const char* content_range, Code expected, int status = 206) {
    server_.Expect(
        {.method = "GET", .status = status, .reply_headers = {{"Content-Range", content_range}}, .reply = "llo"});
    Status got = store->Get("k", {2, 3}, never, ctx_);
    EXPECT_EQ(got.code(), expected) << content_range << ": " << got.ToString();
  };
  ranged("bytes 3-5/9", Code::kUnavailable);
  ranged("bytes 2-9/20", Code::kUnavailable);
  ranged("bytes 2-5/20", Code::kUnavailable);
  ranged("nonsense", Code::kUnavailable);
  ranged("", Code::kUnavailable);
  ranged("bytes 2-4/9", Code::kInvalidArgument, 200);
  server_.Expect({.method = "GET", .status = 206, .reply_headers = {{"Content-Range", "bytes 2-3/4"}}, .reply = "ll"});
  EXPECT_EQ(store->Get("k", {2, 3}, never, ctx_).code(), Code::kInvalidArgument) << "past the end";
  server_.Expect({.method = "GET", .status = 416, .reply = S3ErrorXml("InvalidRange")});
  EXPECT_EQ(store->Get("k", {9, 3}, never, ctx_).code(), Code::kInvalidArgument);
  server_.Expect({.method = "GET", .reply = "x", .no_length = true});
  EXPECT_EQ(store->Get("k", {}, never, ctx_).code(), Code::kUnavailable) << "an end that cannot be told from a cut";
  EXPECT_EQ(store->Get("k", {2, UINT64_MAX - 1}, never, ctx_).code(), Code::kInvalidArgument);
  EXPECT_EQ(store->Get("k", {UINT64_MAX - 1, 1}, never, OpContext::WithTimeout(-1)).code(), Code::kUnavailable);
}

TEST_F(S3, GetThatEndsEarlyLeavesACorrectPrefix) {
  auto store = Open();
  std::string got;
  auto sink = [&](ByteView bytes) {
    got += AsText(bytes);
    return Status::Ok();
  };
  server_.Expect({.method = "GET", .reply = "hello world", .send_only = 5});
  EXPECT_EQ(store->Get("k", {}, sink, ctx_).code(), Code::kUnavailable);
  EXPECT_EQ(got, "hello");
  got.clear();
  server_.Expect({.method = "GET",
                  .status = 206,
                  .reply_headers = {{"Content-Range", "bytes 5-10/11"}},
                  .reply = " wo",
                  .chunked = true});
  EXPECT_EQ(store->Get("k", {5}, sink, ctx_).code(), Code::kUnavailable) << "Content-Range promised more";
  EXPECT_EQ(got, " wo");
  server_.Expect({.method = "GET",
                  .status = 206,
                  .reply_headers = {{"Content-Range", "bytes 5-10/11"}},
                  .reply = " world!!",
                  .chunked = true});
  EXPECT_EQ(store->Get("k", {5}, sink, ctx_).code(), Code::kUnavailable) << "Content-Range promised less";
}

TEST_F(S3, SinkErrorIsReturnedAsItIs) {
  server_.Expect({.method = "GET", .reply = "hello"});
  Status status = Open()->Get(
      "k", {}, [](ByteView) { return Status(Code::kCorruption, "mine"); }, ctx_);
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_EQ(status.message(), "mine");
}

TEST_F(S3, StallDeadlineAndCancellation) {
  S3Config impatient = Config();
  impatient.stall_timeout_ms = 300;
  auto store = Open(impatient);
  auto sink = [](ByteView) { return Status::Ok(); };
  server_.Expect({.method = "GET", .reply = "hello", .send_only = 2, .stall = true});
  EXPECT_EQ(store->Get("k", {}, sink, ctx_).code(), Code::kUnavailable);

  store = Open();
  server_.Expect({.method = "PUT", .stall = true});
  EXPECT_EQ(store->Create("k", AsBytes("x"), OpContext::WithTimeout(150)).code(), Code::kUnavailable);
  server_.Expect({.method = "PUT", .stall = true});
  CancelToken cancel;
  auto start = std::chrono::steady_clock::now();
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(100));
    cancel.Cancel();
  });
  EXPECT_EQ(store->Create("k", AsBytes("x"), OpContext::WithTimeout(20000, &cancel)).code(), Code::kCancelled);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
  canceller.join();
}

TEST_F(S3, AbsenceMustBeConfirmed) {
  EXPECT_EQ(AfterError(404, "NoSuchKey").code(), Code::kNotFound);
  Status status = AfterError(404, "NoSuchBucket");
  EXPECT_EQ(status.code(), Code::kInvalidArgument);
  EXPECT_NE(status.hint().find("\"bucket\""), std::string::npos);
  EXPECT_EQ(AfterError(404, "").code(), Code::kUnavailable) << "a proxy's page";

  auto store = Open();
  server_.Expect({.method = "HEAD", .status = 404});
  server_.Expect(
      {.method = "GET", .headers = {{"range", "bytes=0-0"}}, .status = 404, .reply = S3ErrorXml("NoSuchKey")});
  EXPECT_EQ(store->Stat("k", ctx_).code(), Code::kNotFound);
  server_.Expect({.method = "HEAD", .status = 404});
  server_.Expect({.method = "GET", .status = 404, .reply = S3ErrorXml("NoSuchBucket")});
  EXPECT_EQ(store->Stat("k", ctx_).code(), Code::kInvalidArgument);
  server_.Expect({.method = "HEAD", .status = 404});
  server_.Expect({.method = "GET", .status = 206, .reply = "x"});
  EXPECT_EQ(store->Stat("k", ctx_).code(), Code::kUnavailable);
  server_.Expect({.method = "HEAD", .status = 403});
  server_.Expect({.method = "GET", .status = 403, .reply = S3ErrorXml("RequestTimeTooSkewed")});
  EXPECT_NE(store->Stat("k", ctx_).status().hint().find("clock"), std::string::npos);
}

TEST_F(S3, StatTellsSizeAndTime) {
  server_.Expect({.method = "HEAD",
                  .target = "/bucket/pre/fix/k",
                  .check = CheckSignature,
                  .reply_headers = {{"Last-Modified", "Mon, 23 Nov 2026 00:11:26 GMT"}},
                  .content_length = 123456789012});
  auto info = Open()->Stat("k", ctx_);
  ASSERT_TRUE(info.ok()) << info.status().ToString();
  EXPECT_EQ(info.value().size, 123456789012u);
  EXPECT_EQ(info.value().modified_micros, kNow);
}

TEST_F(S3, ErrorClassification) {
  for (int status : {408, 429, 500, 502, 503, 504, 507})
    EXPECT_EQ(AfterError(status, "").code(), Code::kUnavailable) << status;
  for (const char* code :
       {"SlowDown", "RequestTimeout", "InternalError", "OperationAborted", "ServiceUnavailable", "BadDigest"})
    EXPECT_EQ(AfterError(400, code).code(), Code::kUnavailable) << code;
  for (int status : {401, 403}) EXPECT_EQ(AfterError(status, "").code(), Code::kPermission) << status;
  for (int status : {400, 405, 501}) EXPECT_EQ(AfterError(status, "").code(), Code::kInvalidArgument) << status;
  EXPECT_EQ(AfterError(400, "EntityTooLarge").code(), Code::kInvalidArgument);
  EXPECT_EQ(AfterError(307, "TemporaryRedirect").code(), Code::kUnavailable);
}

TEST_F(S3, RefusalsSayWhatToDo) {
  auto hint = [&](const char* code) {
    Status status = AfterError(403, code);
    EXPECT_EQ(status.code(), Code::kPermission) << code;
    EXPECT_EQ(status.message().find("could not read \"key\": HTTP 403 " + std::string(code) + ", request id REQ1"), 0u)
        << status.message();
    EXPECT_EQ(status.ToString().find(kSecret), std::string::npos);
    return status.hint();
  };
  EXPECT_NE(hint("AccessDenied").find("s3:GetObject"), std::string::npos);
  EXPECT_NE(hint("RequestTimeTooSkewed").find("clock"), std::string::npos);
  EXPECT_NE(hint("SignatureDoesNotMatch").find("secret key"), std::string::npos);
  EXPECT_NE(hint("InvalidAccessKeyId").find("access key"), std::string::npos);
  server_.Expect({.method = "GET",
                  .status = 301,
                  .reply_headers = {{"x-amz-bucket-region", "eu-west-1"}},
                  .reply = S3ErrorXml("PermanentRedirect")});
  Status moved = GetAll(*Open(), "key", 100, ctx_).status();
  EXPECT_EQ(moved.code(), Code::kInvalidArgument);
  EXPECT_EQ(moved.hint(), "Set s3_region to eu-west-1.");
}

TEST_F(S3, ServerTextIsCleanedBeforeItIsShown) {
  server_.Expect(
      {.method = "GET", .status = 403, .reply = S3ErrorXml("AccessDenied", "a\x1b[31m\nb" + std::string(5000, 'x'))});
  Status status = GetAll(*Open(), "key", 100, ctx_).status();
  EXPECT_EQ(status.detail().find_first_of("\x1b\n"), std::string::npos);
  EXPECT_LT(status.detail().size(), 400u);
}

TEST_F(S3, ExpiredTokenOfTheEnvironmentIsFinal) {
  Status status = AfterError(400, "ExpiredToken");
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_NE(status.hint().find("expired"), std::string::npos);
}

std::string Listing(bool truncated, const std::vector<std::string>& keys) {
  std::string xml = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>" +
                    std::string(truncated ? "true" : "false") + "</IsTruncated>";
  for (const std::string& key : keys)
    xml += "<Contents><Key>" + UriEncode(key, true) +
           "</Key><Size>3</Size><LastModified>2026-11-23T00:11:26Z</LastModified></Contents>";
  return xml + "</ListBucketResult>";
}

TEST_F(S3, ListAsksAndAnswersRelativeToThePrefix) {
  server_.Expect(
      {.method = "GET",
       .target =
           "/bucket/"
           "?encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2Ffix%2Fwal%2F&start-after=pre%2Ffix%2Fwal%2F0",
       .check = CheckSignature,
       .reply = Listing(true, {"pre/fix/wal/1", "pre/fix/wal/2+x"})});
  auto page = Open()->List("wal/", "wal/0", ctx_);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_TRUE(page.value().more);
  ASSERT_EQ(page.value().objects.size(), 2u);
  EXPECT_EQ(page.value().objects[1].key, "wal/2+x");
  EXPECT_EQ(page.value().objects[1].modified_micros, kNow);
}

TEST_F(S3, ListPassesOverOtherProgramsObjectsWithoutStopping) {
  server_.Expect({.method = "GET", .reply = Listing(true, {"pre/fix/", "pre/fix/a b", "pre/fix/d/"})});
  server_.Expect(
      {.method = "GET",
       .target =
           "/bucket/?encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2Ffix%2F&start-after=pre%2Ffix%2Fd%2F",
       .reply = Listing(false, {"pre/fix/e", "pre/fix/\xc3\xa9"})});
  auto page = Open()->List("", "", ctx_);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_FALSE(page.value().more);
  ASSERT_EQ(page.value().objects.size(), 1u);
  EXPECT_EQ(page.value().objects[0].key, "e");
}

TEST_F(S3, ListIsCompleteAndOrderedOrAnError) {
  auto store = Open();
  server_.Expect({.method = "GET", .reply = Listing(false, {"pre/fix/b", "pre/fix/a"})});
  EXPECT_EQ(store->List("", "", ctx_).code(), Code::kInvalidArgument);
  server_.Expect({.method = "GET", .reply = Listing(false, {"pre/fix/a"})});
  EXPECT_EQ(store->List("", "a", ctx_).code(), Code::kInvalidArgument) << "start-after was ignored";
  server_.Expect({.method = "GET", .reply = Listing(true, {})});
  EXPECT_EQ(store->List("", "", ctx_).code(), Code::kUnavailable);
  server_.Expect({.method = "GET", .reply = "<html>please log in</html>"});
  EXPECT_EQ(store->List("", "", ctx_).code(), Code::kUnavailable);
  server_.Expect({.method = "GET", .reply = Listing(false, {"pre/fix/a"}), .send_only = 60});
  EXPECT_EQ(store->List("", "", ctx_).code(), Code::kUnavailable);
}

TEST_F(S3, ListTakesAThousandLongKeys) {
  std::vector<std::string> keys;
  for (int i = 0; i < 1000; i++) keys.push_back("pre/fix/" + std::to_string(1000 + i) + std::string(500, '+'));
  server_.Expect({.method = "GET", .reply = Listing(false, keys)});
  auto page = Open()->List("", "", ctx_);
  ASSERT_TRUE(page.ok()) << page.status().ToString();
  EXPECT_EQ(page.value().objects.size(), 1000u);
}

TEST_F(S3, DeleteOneAndMany) {
  auto store = Open();
  EXPECT_TRUE(store->Delete({}, ctx_).ok());
  server_.Expect({.method = "DELETE", .target = "/bucket/pre/fix/a", .status = 204});
  EXPECT_TRUE(store->Delete({"a"}, ctx_).ok());
  server_.Expect({.method = "DELETE", .status = 404, .reply = S3ErrorXml("NoSuchKey")});
  EXPECT_TRUE(store->Delete({"a"}, ctx_).ok()) << "a missing object is success";
  server_.Expect({.method = "DELETE", .status = 404, .reply = S3ErrorXml("NoSuchBucket")});
  EXPECT_EQ(store->Delete({"a"}, ctx_).code(), Code::kInvalidArgument);
  server_.Expect({.method = "POST",
                  .target = "/bucket/?delete=",
                  .check =
                      [](const SeenRequest& r) {
                        if (r.Header("content-md5").empty()) return std::string("no Content-MD5");
                        if (r.body.find("<Key>pre/fix/a</Key></Object><Object><Key>pre/fix/b</Key>") ==
                            std::string::npos)
                          return std::string("keys");
                        return CheckSignature(r);
                      },
                  .reply = "<DeleteResult><Error><Key>pre/fix/a</Key><Code>NoSuchKey</Code></Error></DeleteResult>"});
  EXPECT_TRUE(store->Delete({"a", "b"}, ctx_).ok());
  server_.Expect(
      {.method = "POST",
       .reply = "<DeleteResult><Error><Key>pre/fix/b</Key><Code>AccessDenied</Code></Error></DeleteResult>"});
  Status status = store->Delete({"a", "b"}, ctx_);
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_EQ(status.message().find("could not delete \"b\""), 0u) << status.message();
  server_.Expect(
      {.method = "POST",
       .reply = "<DeleteResult><Error><Key>pre/fix/b</Key><Code>InternalError</Code></Error></DeleteResult>"});
  EXPECT_EQ(store->Delete({"a", "b"}, ctx_).code(), Code::kUnavailable);
  EXPECT_EQ(store->Delete(std::vector<std::string>(kMaxDeleteBatch + 1, "a"), ctx_).code(), Code::kInvalidArgument);
}

TEST_F(S3, DeleteFallsBackWhereThereIsNoBulkDeletion) {
  auto store = Open();
  server_.Expect({.method = "POST", .status = 501, .reply = S3ErrorXml("NotImplemented")});
  for (int i = 0; i < 4; i++) server_.Expect({.method = "DELETE", .status = 204});
  EXPECT_TRUE(store->Delete({"a", "b"}, ctx_).ok());
  EXPECT_TRUE(store->Delete({"a", "b"}, ctx_).ok()) << "and remembers";
}

TEST_F(S3, UploadInParts) {
  auto store = Open();
  server_.Expect({.method = "PUT",
                  .target = "/bucket/pre/fix/k?partNumber=7&uploadId=u%2F1%2B",
                  .headers = {{"if-none-match", ""}},
                  .check = CheckSignature,
                  .reply_headers = kEtag});
  auto part = store->PutPart("k", "u/1+", 7, 0, AsBytes("x"), ctx_);
  EXPECT_EQ(part.value().etag, "\"e\"");
  EXPECT_EQ(part.value().number, 7);
  server_.Expect({.method = "PUT"});
  EXPECT_EQ(store->PutPart("k", "u", 1, 0, AsBytes("x"), ctx_).code(), Code::kUnavailable) << "no ETag";
  EXPECT_EQ(store->PutPart("k", "u", kMaxUploadParts + 1, 0, AsBytes("x"), ctx_).code(), Code::kInvalidArgument);

  server_.Expect({.method = "HEAD", .status = 404});
  server_.Expect(
      {.method = "POST",
       .target = "/bucket/pre/fix/k?uploadId=u",
       .headers = {{"if-none-match", "*"}},
       .check =
           [](const SeenRequest& r) {
             bool good =
                 r.body.find("<Part><PartNumber>7</PartNumber><ETag>&quot;e&quot;</ETag></Part>") != std::string::npos;
             return good ? CheckSignature(r) : "parts";
           },
       .reply = "<CompleteMultipartUploadResult><Key>k</Key><ETag>e</ETag></CompleteMultipartUploadResult>"});
  EXPECT_TRUE(store->CompleteUpload("k", "u", {part.value()}, ctx_).ok());
  EXPECT_EQ(store->CompleteUpload("k", "u", {}, ctx_).code(), Code::kInvalidArgument);
  EXPECT_EQ(store->CompleteUpload("k", "u", {{2, "a"}, {1, "b"}}, ctx_).code(), Code::kInvalidArgument);

  server_.Expect({.method = "DELETE", .target = "/bucket/pre/fix/k?uploadId=u", .status = 204});
  EXPECT_TRUE(store->AbortUpload("k", "u", ctx_).ok());
  server_.Expect({.method = "DELETE", .status = 404, .reply = S3ErrorXml("NoSuchUpload")});
  EXPECT_TRUE(store->AbortUpload("k", "u", ctx_).ok());
}

TEST_F(S3, CompletionThatFailsAfterItsStatusIsAFailure) {
  auto store = Open();
  auto complete = [&](ScriptStep answer) {
    server_.Expect({.method = "HEAD", .status = 404});
    answer.method = "POST";
    server_.Expect(answer);
    return store->CompleteUpload("k", "u", {{1, "e"}}, ctx_);
  };
  Status status = complete({.status = 200, .reply = "\n\n  " + S3ErrorXml("InternalError")});
  EXPECT_EQ(status.code(), Code::kUnavailable);
  EXPECT_EQ(status.message(), "could not complete the upload of \"k\": HTTP 200 InternalError, request id REQ1");
  EXPECT_EQ(complete({.status = 200, .reply = S3ErrorXml("AccessDenied")}).code(), Code::kPermission);
  EXPECT_EQ(complete({.status = 200, .reply = S3ErrorXml("PreconditionFailed")}).code(), Code::kAlreadyExists);
  EXPECT_EQ(complete({.status = 200, .reply = S3ErrorXml("SomethingNew")}).code(), Code::kUnavailable);
  EXPECT_EQ(complete({.status = 200, .reply = ""}).code(), Code::kUnavailable);
  EXPECT_EQ(complete({.status = 200, .reply = "<CompleteMultip"}).code(), Code::kUnavailable);
  EXPECT_EQ(complete({.status = 412, .reply = S3ErrorXml("PreconditionFailed")}).code(), Code::kAlreadyExists);
  EXPECT_EQ(complete({.status = 404, .reply = S3ErrorXml("NoSuchUpload")}).code(), Code::kNotFound);
  EXPECT_EQ(complete({.status = 400, .reply = S3ErrorXml("InvalidPart")}).code(), Code::kInvalidArgument);
  server_.Expect({.method = "HEAD", .content_length = 3});
  EXPECT_EQ(store->CompleteUpload("k", "u", {{1, "e"}}, ctx_).code(), Code::kAlreadyExists);
}

TEST_F(S3, CompletionWithoutConditionWhereTheStoreTakesItOnPutOnly) {
  server_.Expect({.method = "HEAD", .status = 404});
  server_.Expect(
      {.method = "POST", .headers = {{"if-none-match", "*"}}, .status = 501, .reply = S3ErrorXml("NotImplemented")});
  server_.Expect({.method = "POST",
                  .headers = {{"if-none-match", ""}},
                  .reply = "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>"});
  EXPECT_TRUE(Open()->CompleteUpload("k", "u", {{1, "e"}}, ctx_).ok());
}

TEST_F(S3, UnfinishedUploadsAreListed) {
  server_.Expect({.method = "GET",
                  .target = "/bucket/?max-uploads=1000&prefix=pre%2Ffix%2Fp%2F&uploads=",
                  .check = CheckSignature,
                  .reply = "<ListMultipartUploadsResult><IsTruncated>true</IsTruncated><NextKeyMarker>m</NextKeyMarker>"
                           "<NextUploadIdMarker>n</NextUploadIdMarker></ListMultipartUploadsResult>"});
  server_.Expect(
      {.method = "GET",
       .target = "/bucket/?key-marker=m&max-uploads=1000&prefix=pre%2Ffix%2Fp%2F&upload-id-marker=n&uploads=",
       .reply =
           "<ListMultipartUploadsResult><IsTruncated>false</IsTruncated><Upload><Key>pre/fix/p/a</Key>"
           "<UploadId>1</UploadId><Initiated>2026-11-23T00:11:26Z</Initiated></Upload></ListMultipartUploadsResult>"});
  auto uploads = Open()->ListUploads("p/", ctx_);
  ASSERT_TRUE(uploads.ok()) << uploads.status().ToString();
  ASSERT_EQ(uploads.value().size(), 1u);
  EXPECT_EQ(uploads.value()[0].key, "p/a");
  EXPECT_EQ(uploads.value()[0].initiated_micros, kNow);
}

TEST_F(S3, ProbeOfConditionalCreation) {
  auto probe = [&] { return ProbeConditionalCreate(Config(), clock_, ctx_); };
  server_.Expect({.method = "PUT", .headers = {{"if-none-match", "*"}}, .reply_headers = kEtag});
  server_.Expect(
      {.method = "PUT", .headers = {{"if-none-match", "*"}}, .status = 412, .reply = S3ErrorXml("PreconditionFailed")});
  server_.Expect({.method = "GET", .reply = "first"});
  server_.Expect({.method = "DELETE", .status = 204});
  EXPECT_TRUE(probe().value());
  auto keys = server_.Requests();
  EXPECT_EQ(keys.front().target, keys.back().target);
  // Ignored: the second creation went through.
  server_.Expect({.method = "PUT", .reply_headers = kEtag});
  server_.Expect({.method = "PUT", .reply_headers = kEtag});
  server_.Expect({.method = "GET", .reply = "second"});
  server_.Expect({.method = "DELETE", .status = 204});
  EXPECT_FALSE(probe().value());
  // Refused, but stored all the same.
  server_.Expect({.method = "PUT", .reply_headers = kEtag});
  server_.Expect({.method = "PUT", .status = 412, .reply = S3ErrorXml("PreconditionFailed")});
  server_.Expect({.method = "GET", .reply = "second"});
  server_.Expect({.method = "DELETE", .status = 204});
  EXPECT_FALSE(probe().value());
  server_.Expect({.method = "PUT", .status = 501, .reply = S3ErrorXml("NotImplemented")});
  EXPECT_FALSE(probe().value());
  server_.Expect({.method = "PUT", .status = 403, .reply = S3ErrorXml("AccessDenied")});
  EXPECT_EQ(probe().code(), Code::kPermission);
  // Interrupted: what it left behind is removed.
  server_.Expect({.method = "PUT", .reply_headers = kEtag});
  server_.Expect({.method = "PUT", .status = 503, .reply = S3ErrorXml("SlowDown")});
  server_.Expect({.method = "DELETE", .status = 204});
  EXPECT_EQ(probe().code(), Code::kUnavailable);
}

TEST_F(S3, MissingCredentialsNameTheOperationAndTheSources) {
  S3Config config = Config();
  config.credentials.environment = [](const char*) { return std::nullopt; };
  Status status = Open(config)->Create("k", AsBytes("x"), ctx_);
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_EQ(status.message(), "could not store \"k\": no S3 credentials found");
  EXPECT_NE(status.detail().find("AWS_ACCESS_KEY_ID"), std::string::npos);
}

}  // namespace
}  // namespace pitr
