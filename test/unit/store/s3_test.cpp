// The S3 driver against a scripted server: what it sends, what each answer means, what goes wrong on the way.
#include <atomic>
#include <chrono>
#include <thread>

#include "core/store/full_store.h"
#include "unit/store/s3_fixture.h"

namespace pitr {
namespace {

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
  const ScriptStep absent{.method = "GET", .status = 404, .reply = S3ErrorXml("NoSuchKey")};
  server_.Expect({.method = "HEAD", .target = "/bucket/pre/fix/k", .status = 404});
  server_.Expect(absent);
  server_.Expect({.method = "GET", .reply = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"});
  server_.Expect({.method = "PUT", .headers = {{"if-none-match", ""}}, .reply_headers = kEtag});
  EXPECT_TRUE(store->Create("k", AsBytes("x"), ctx_).ok());
  server_.Expect({.method = "HEAD", .status = 404});
  server_.Expect(absent);
  server_.Expect({.method = "GET",
                  .reply = "<ListBucketResult><IsTruncated>false</IsTruncated><Contents><Key>pre/fix/k</Key>"
                           "<Size>1</Size></Contents></ListBucketResult>"});
  EXPECT_EQ(store->Create("k", AsBytes("x"), ctx_).code(), Code::kAlreadyExists) << "what is listed is not absent";
  server_.Expect({.method = "HEAD", .status = 404});
  server_.Expect({.method = "GET", .status = 404, .reply = "<html>Please log in</html>"});
  EXPECT_EQ(store->Create("k", AsBytes("x"), ctx_).code(), Code::kUnavailable) << "a proxy's answer is no absence";
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
  const Status again = store->Create("k", AsBytes("hello"), ctx_);
  EXPECT_EQ(again.code(), Code::kUnavailable);
  EXPECT_NE(again.detail().find("with Object Lock parameters"), std::string::npos) << "in case it is the last attempt";
  server_.Expect({.method = "PUT", .headers = {{"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="}}, .reply_headers = kEtag});
  EXPECT_TRUE(store->Create("k", AsBytes("hello"), ctx_).ok());
  server_.Expect({.method = "PUT", .headers = {{"content-md5", "XUFAKrxLKna5cZ2REBfFkg=="}}, .reply_headers = kEtag});
  EXPECT_TRUE(store->PutPart("k", "u", 1, 0, AsBytes("hello"), ctx_).ok());
  server_.Expect({.method = "PUT", .headers = {{"content-md5", "1B2M2Y8AsgTpgAmY7PhCfg=="}}, .reply_headers = kEtag});
  EXPECT_TRUE(store->Create("empty", {}, ctx_).ok());
  // Who sent it and is asked for it all the same is refused.
  server_.Expect({.method = "PUT", .status = 400, .reply = S3ErrorXml("InvalidRequest", "Content-MD5 is wanted")});
  EXPECT_EQ(store->Create("k", AsBytes("hello"), ctx_).code(), Code::kInvalidArgument);
}

// Both were under way before either was told.
TEST_F(S3, EachRequestThatLackedContentMd5IsTriedAgain) {
  auto store = Open();
  std::atomic<int> waiting{0};
  server_.Otherwise([&](const SeenRequest& seen) -> ScriptStep {
    EXPECT_EQ(seen.Header("content-md5"), "");
    for (++waiting; waiting < 2;) std::this_thread::yield();
    return {.status = 400, .reply = S3ErrorXml("MissingContentMD5")};
  });
  Status other;
  std::thread second([&] { other = store->Create("b", AsBytes("x"), ctx_); });
  EXPECT_EQ(store->Create("a", AsBytes("x"), ctx_).code(), Code::kUnavailable);
  second.join();
  EXPECT_EQ(other.code(), Code::kUnavailable);
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

TEST_F(S3, AFullStoreIsNoRefusal) {
  for (const auto& [status, code] : std::vector<std::pair<int, std::string>>{
           {403, "QuotaExceeded"}, {507, "XMinioStorageFull"}, {507, ""}, {400, "XMinioAdminBucketQuotaExceeded"}}) {
    const Status full = AfterError(status, code);
    EXPECT_EQ(full.code(), Code::kUnavailable) << code;
    EXPECT_TRUE(IsFull(full)) << full.ToString();
    EXPECT_EQ(full.message().find("refused"), std::string::npos) << full.message();
    EXPECT_NE(full.hint().find("raise the quota of bucket"), std::string::npos) << full.hint();
  }
  EXPECT_FALSE(IsFull(AfterError(503, "SlowDown")));
}

TEST_F(S3, RefusalsSayWhatToDo) {
  auto hint = [&](const char* code) {
    Status status = AfterError(403, code);
    EXPECT_EQ(status.code(), Code::kPermission) << code;
    const bool clock = std::string(code) == "RequestTimeTooSkewed";  // says nothing against the key
    const std::string whom = clock ? "" : "the store refused access key \"AKID\" of the environment: ";
    EXPECT_EQ(status.message().find("could not read \"key\": " + whom + "HTTP 403 " + code + ", request id REQ1"), 0u)
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

TEST_F(S3, HintsAreAboutWhatWasAsked) {
  EXPECT_EQ(AfterError(400, "InvalidArgument").hint(), "") << "nothing was asked for but to read";
  S3Config config = Config();
  config.storage_class = "COLD";
  config.tags = {{"team", "a"}};
  server_.Expect({.method = "PUT", .status = 400, .reply = S3ErrorXml("InvalidArgument")});
  EXPECT_EQ(Open(config)->Create("k", AsBytes("x"), ctx_).hint(),
            "The store does not know something that was asked for: check s3_storage_class, s3_object_tags.");
  for (const char* code : {"SecondLevelDomainForbidden", "PathStyleDomainForbidden"}) {
    const Status refused = AfterError(403, code);
    EXPECT_EQ(refused.code(), Code::kInvalidArgument) << code;
    EXPECT_NE(refused.hint().find("s3_addressing = 'virtual'"), std::string::npos) << refused.hint();
  }
  const Status moved = AfterError(307, "TemporaryRedirect");
  EXPECT_EQ(moved.code(), Code::kUnavailable);
  EXPECT_NE(moved.hint().find("just made"), std::string::npos) << moved.hint();
  server_.Expect({.method = "PUT",
                  .status = 400,
                  .reply = S3ErrorXml("InvalidArgument", "Part number must be an integer between 1 and 1000")});
  const Status parts = Open()->PutPart("k", "u", 1001, 0, AsBytes("x"), ctx_).status();
  EXPECT_EQ(parts.code(), Code::kInvalidArgument);
  EXPECT_NE(parts.hint().find("raise part_size or lower pack_size"), std::string::npos) << parts.hint();
  server_.Expect({.method = "GET", .status = 206, .reply_headers = {{"Content-Range", "bytes 0-2/9"}}, .reply = "abc"});
  const Status range = GetRange(*Open(), "k", 2, 3, ctx_).status();
  EXPECT_NE(range.hint().find("cache or gateway"), std::string::npos) << range.hint();
}

TEST_F(S3, AStoreThatDoesNotLookAtTheQuestionKnowsNoLocks) {
  server_.Expect({.method = "GET", .target = "/bucket/pre/fix/k?retention=", .reply = "\x89PITR and so on"});
  const auto lock = Open()->GetLock("k", ctx_);
  ASSERT_TRUE(lock.ok()) << lock.status().ToString();
  EXPECT_FALSE(lock.value());
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

TEST_F(S3, ARefusalNamesTheKeyItsFileAndUntilWhenItWorked) {
  S3Config config = Config();
  char name[] = "/tmp/pg_pitr_key_XXXXXX";
  const int fd = mkstemp(name);
  ASSERT_GE(fd, 0);
  const std::string text = "access_key_id = AKFILE\nsecret_access_key = s\n";
  ASSERT_EQ(write(fd, text.data(), text.size()), static_cast<ssize_t>(text.size()));
  close(fd);
  config.credentials.file = name;
  const auto store = Open(config);
  server_.Expect({.method = "GET", .status = 403, .reply = S3ErrorXml("AccessDenied")});
  const Status first = GetAll(*store, "key", 100, ctx_).status();
  EXPECT_EQ(first.code(), Code::kPermission);
  EXPECT_EQ(first.message().find("could not read \"key\": the store refused access key \"AKFILE\" of file \"" +
                                 std::string(name) + "\": HTTP 403 AccessDenied"),
            0U)
      << first.message();
  EXPECT_EQ(
      first.hint().find("Either the secret key in it is wrong, which some stores say like this, or that key lacks "
                        "s3:GetObject on bucket \"bucket\""),
      0U)
      << first.hint();
  EXPECT_EQ(first.hint().find("It worked until"), std::string::npos) << first.hint();
  server_.Expect({.method = "GET", .reply = "x"});
  EXPECT_TRUE(GetAll(*store, "key", 100, ctx_).ok());
  server_.Expect({.method = "GET", .status = 403, .reply = S3ErrorXml("SignatureDoesNotMatch")});
  const Status then = GetAll(*store, "key", 100, ctx_).status();
  EXPECT_NE(then.hint().find(" It worked until 20"), std::string::npos) << then.hint();
  EXPECT_NE(then.hint().find("was the file changed, or the key at the store?"), std::string::npos) << then.hint();
  // What another permission allowed says nothing about this one.
  server_.Expect({.method = "PUT", .status = 403, .reply = S3ErrorXml("AccessDenied")});
  EXPECT_EQ(store->Create("k", AsBytes("x"), ctx_).hint().find("It worked until"), std::string::npos);
  unlink(name);
}

TEST_F(S3, MissingCredentialsNameTheSources) {
  S3Config config = Config();
  config.credentials.environment = [](const char*) { return std::nullopt; };
  Status status = Open(config)->Create("k", AsBytes("x"), ctx_);
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_EQ(status.message(), "no S3 credentials found");
  EXPECT_NE(status.detail().find("AWS_ACCESS_KEY_ID"), std::string::npos);
}

}  // namespace
}  // namespace pitr
