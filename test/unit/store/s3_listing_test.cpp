// The S3 driver against a scripted server: listing, deletion, uploads in parts.
#include "unit/store/s3_fixture.h"

namespace pitr {
namespace {

std::string Listing(bool truncated, const std::vector<std::string>& keys, const std::string& token = "") {
  std::string xml = "<ListBucketResult><EncodingType>url</EncodingType><IsTruncated>" +
                    std::string(truncated ? "true" : "false") + "</IsTruncated>";
  if (!token.empty()) xml += "<NextContinuationToken>" + token + "</NextContinuationToken>";
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
  server_.Expect({.method = "GET", .reply = Listing(true, {})});
  EXPECT_EQ(store->List("", "", ctx_).code(), Code::kUnavailable);
  server_.Expect({.method = "GET", .reply = "<html>please log in</html>"});
  EXPECT_EQ(store->List("", "", ctx_).code(), Code::kUnavailable);
  server_.Expect({.method = "GET", .reply = Listing(false, {"pre/fix/a"}), .send_only = 60});
  EXPECT_EQ(store->List("", "", ctx_).code(), Code::kUnavailable);
}

std::vector<std::string> Keys(const Result<ListPage>& page) {
  EXPECT_TRUE(page.ok()) << page.status().ToString();
  std::vector<std::string> keys;
  if (page.ok())
    for (const ObjectInfo& object : page.value().objects) keys.push_back(object.key);
  return keys;
}

TEST_F(S3, ListTakesAStoreThatBeginsWithTheKeyItself) {
  auto store = Open();
  server_.Expect({.method = "GET", .reply = Listing(false, {"pre/fix/b", "pre/fix/c"})});
  EXPECT_EQ(Keys(store->List("", "b", ctx_)), std::vector<std::string>{"c"});
  server_.Expect({.method = "GET", .reply = Listing(false, {"pre/fix/b"})});
  EXPECT_TRUE(Keys(store->List("", "b", ctx_)).empty());
}

TEST_F(S3, ListTakesAStoreThatIgnoresStartAfter) {
  auto store = Open();
  // It begins before the key, which tells; all is read from the beginning, in order.
  server_.Expect({.method = "GET", .reply = Listing(true, {"pre/fix/a", "pre/fix/b"}, "t/1+")});
  server_.Expect({.method = "GET",
                  .target = "/bucket/?encoding-type=url&list-type=2&max-keys=1000&prefix=pre%2Ffix%2F",
                  .reply = Listing(true, {"pre/fix/a", "pre/fix/b"}, "t/1+")});
  server_.Expect({.method = "GET",
                  .target = "/bucket/?continuation-token=t%2F1%2B&encoding-type=url&list-type=2&max-keys=1000"
                            "&prefix=pre%2Ffix%2F",
                  .reply = Listing(false, {"pre/fix/c", "pre/fix/d"})});
  EXPECT_EQ(Keys(store->List("", "b", ctx_)), (std::vector<std::string>{"c", "d"}));
  // And is remembered.
  server_.Expect({.method = "GET", .reply = Listing(false, {"pre/fix/a", "pre/fix/d"})});
  EXPECT_EQ(Keys(store->List("", "c", ctx_)), std::vector<std::string>{"d"});
  server_.Expect({.method = "GET", .reply = Listing(true, {"pre/fix/a"})});
  const auto endless = store->List("", "c", ctx_);
  EXPECT_EQ(endless.code(), Code::kInvalidArgument);
  EXPECT_NE(endless.status().detail().find("no continuation token"), std::string::npos);
  server_.Expect({.method = "GET", .reply = Listing(true, {"pre/fix/a"}, "t")});
  server_.Expect({.method = "GET", .reply = Listing(true, {"pre/fix/a"}, "t")});
  EXPECT_EQ(store->List("", "c", ctx_).code(), Code::kInvalidArgument) << "a token that is ignored, too";
}

// "a/b" before "a-b": what a page after "a/b" has before it would be left out, not skipped.
TEST_F(S3, ListTakesNoStoreThatSortsOtherwise) {
  auto store = Open();
  server_.Expect({.method = "GET", .reply = Listing(false, {"pre/fix/a-b", "pre/fix/c"})});
  server_.Expect({.method = "GET", .reply = Listing(true, {"pre/fix/a/b"}, "t")});
  server_.Expect({.method = "GET", .reply = Listing(false, {"pre/fix/a-b", "pre/fix/c"})});
  const auto page = store->List("", "a/b", ctx_);
  EXPECT_EQ(page.code(), Code::kInvalidArgument);
  EXPECT_EQ(page.status().detail(), "\"pre/fix/a-b\" follows \"pre/fix/a/b\".");
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

TEST_F(S3, DeleteFallsBackWhateverTheStoreSaysOfIt) {
  for (const ScriptStep& answer : {ScriptStep{.status = 400, .reply = S3ErrorXml("NotImplemented")},
                                   ScriptStep{.status = 400, .reply = S3ErrorXml("InvalidArgument")},
                                   ScriptStep{.status = 405, .reply = S3ErrorXml("MethodNotAllowed")},
                                   ScriptStep{.reply = "<ListBucketResult/>"}}) {
    ScriptStep step = answer;
    step.method = "POST";
    server_.Expect(step);
    for (int i = 0; i < 2; i++) server_.Expect({.method = "DELETE", .status = 204});
    const Status deleted = Open()->Delete({"a", "b"}, ctx_);
    EXPECT_TRUE(deleted.ok()) << deleted.ToString();
  }
  server_.Expect({.method = "POST", .status = 400, .reply = S3ErrorXml("RequestTimeout")});
  EXPECT_EQ(Open()->Delete({"a", "b"}, ctx_).code(), Code::kUnavailable);
  server_.Expect({.method = "POST", .status = 403, .reply = S3ErrorXml("AccessDenied")});
  EXPECT_EQ(Open()->Delete({"a", "b"}, ctx_).code(), Code::kPermission);
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
  server_.Expect({.method = "HEAD", .status = 404});
  server_.Expect({.method = "GET", .status = 404, .reply = S3ErrorXml("NoSuchKey")});
  server_.Expect({.method = "GET", .reply = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"});
  server_.Expect({.method = "POST",
                  .headers = {{"if-none-match", ""}},
                  .reply = "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>"});
  EXPECT_TRUE(Open()->CompleteUpload("k", "u", {{1, "e"}}, ctx_).ok());
}

TEST_F(S3, CompletionThatIsRefusedForTheConditionLooksFirst) {
  const ScriptStep absent{.method = "GET", .status = 404, .reply = S3ErrorXml("NoSuchKey")};
  const ScriptStep empty{.method = "GET",
                         .reply = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"};
  for (const auto& [code, message] :
       {std::pair("NotImplemented", "because"), {"InvalidArgument", "If-None-Match is not supported here"}}) {
    server_.Expect({.method = "HEAD", .status = 404});
    server_.Expect({.method = "POST", .status = 400, .reply = S3ErrorXml(code, message)});
    server_.Expect({.method = "HEAD", .status = 404});
    server_.Expect(absent);
    server_.Expect(empty);
    server_.Expect({.method = "POST",
                    .headers = {{"if-none-match", ""}},
                    .reply = "<CompleteMultipartUploadResult><Key>k</Key></CompleteMultipartUploadResult>"});
    EXPECT_TRUE(Open()->CompleteUpload("k", "u", {{1, "e"}}, ctx_).ok()) << code;
    server_.Expect({.method = "HEAD", .status = 404});
    server_.Expect({.method = "POST", .status = 400, .reply = S3ErrorXml(code, message)});
    server_.Expect({.method = "HEAD", .content_length = 7});
    EXPECT_EQ(Open()->CompleteUpload("k", "u", {{1, "e"}}, ctx_).code(), Code::kAlreadyExists) << code;
  }
  // What may be about something else is a refusal.
  for (const auto& [status, code] : {std::pair(400, "InvalidArgument"), {403, "AccessDenied"}, {409, "Conflict"}}) {
    server_.Expect({.method = "HEAD", .status = 404});
    server_.Expect({.method = "POST", .status = status, .reply = S3ErrorXml(code)});
    EXPECT_FALSE(Open()->CompleteUpload("k", "u", {{1, "e"}}, ctx_).ok()) << code;
  }
}

// None of these passes by asking again.
TEST_F(S3, WithoutAListOfUploadsNothingIsTriedForLong) {
  auto code = [&](ScriptStep answer) {
    answer.method = "GET";
    server_.Expect(answer);
    return Open()->ListUploads("p/", ctx_).code();
  };
  EXPECT_EQ(code({.reply = "<ListBucketResult><IsTruncated>false</IsTruncated></ListBucketResult>"}),
            Code::kInvalidArgument);
  EXPECT_EQ(code({.status = 501, .reply = S3ErrorXml("NotImplemented")}), Code::kInvalidArgument);
  EXPECT_EQ(code({.status = 500, .reply = S3ErrorXml("NotImplemented")}), Code::kInvalidArgument);
  EXPECT_EQ(code({.status = 400, .reply = S3ErrorXml("InvalidArgument")}), Code::kInvalidArgument);
  EXPECT_EQ(code({.status = 403, .reply = S3ErrorXml("AccessDenied")}), Code::kPermission);
  EXPECT_EQ(code({.reply = "{\"uploads\": []}"}), Code::kInvalidArgument);
  EXPECT_EQ(code({.reply = ""}), Code::kInvalidArgument);
  EXPECT_EQ(code({.reply = "<ListMultipartUploadsResult>"}), Code::kUnavailable) << "cut";
  EXPECT_EQ(code({.reply = "<html>please log in</html>"}), Code::kUnavailable);
  EXPECT_EQ(code({.status = 503, .reply = S3ErrorXml("SlowDown")}), Code::kUnavailable);
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

}  // namespace
}  // namespace pitr
