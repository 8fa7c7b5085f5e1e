// Somebody between us and the store answers instead of it: a proxy, a login page. Nothing it says may be taken for the
// store's word, least of all where "not there" means that it may be written, and "stored" that it may be forgotten.
#include "core/repo/opening/open_repository.h"
#include "core/repo/repository.h"
#include "unit/store/s3_fixture.h"

namespace pitr {
namespace {

const std::string kPage = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body>Welcome</body></html>";

struct Page {
  const char* name;
  int status;
  std::vector<std::pair<std::string, std::string>> headers;
};

class S3BehindAProxy : public S3, public testing::WithParamInterface<Page> {
 protected:
  std::unique_ptr<ObjectStore> OpenBehind(bool conditional) {
    server_.Otherwise([](const SeenRequest& request) -> ScriptStep {
      ScriptStep step{.status = GetParam().status, .reply_headers = GetParam().headers, .reply = kPage};
      if (request.method != "HEAD") return step;
      step.reply.clear();
      step.content_length = static_cast<long>(kPage.size());
      return step;
    });
    S3Config config = Config();
    config.conditional_create = conditional;
    return Open(config);
  }
  void ExpectOnlyLooks() const {
    for (const SeenRequest& request : server_.Requests())
      EXPECT_TRUE(request.method == "HEAD" || request.method == "GET") << request.method << " " << request.target;
  }
};

INSTANTIATE_TEST_SUITE_P(
    Pages, S3BehindAProxy,
    testing::Values(Page{"NotFound", 404, {{"Content-Type", "text/html"}}},
                    Page{"Good", 200, {{"Content-Type", "text/html; charset=utf-8"}}},
                    Page{"GoodWithETag", 200, {{"Content-Type", "Text/HTML"}, {"ETag", "\"page\""}}},
                    Page{"Redirect", 302, {{"Location", "http://127.0.0.1/login"}, {"Content-Type", "text/html"}}},
                    Page{"Refused", 407, {{"Content-Type", "text/html"}}}),
    [](const auto& param) { return param.param.name; });

TEST_P(S3BehindAProxy, NothingIsStoredOnItsWord) {
  for (const bool conditional : {true, false}) {
    auto store = OpenBehind(conditional);
    for (const Status& answer : {store->Create("wal/1", AsBytes("x"), ctx_), store->BeginUpload("wal/1", ctx_).status(),
                                 store->PutPart("wal/1", "id", 1, 0, AsBytes("x"), ctx_).status(),
                                 store->CompleteUpload("wal/1", "id", {{.number = 1, .etag = "\"a\""}}, ctx_)}) {
      EXPECT_FALSE(answer.ok());
      EXPECT_NE(answer.code(), Code::kAlreadyExists) << answer.ToString();
      EXPECT_NE(answer.code(), Code::kNotFound) << answer.ToString();
    }
  }
}

TEST_P(S3BehindAProxy, WithoutConditionsNothingIsEvenSent) {
  auto store = OpenBehind(/*conditional=*/false);
  EXPECT_FALSE(store->Create("wal/1", AsBytes("x"), ctx_).ok());
  EXPECT_FALSE(store->CompleteUpload("wal/1", "id", {{.number = 1, .etag = "\"a\""}}, ctx_).ok());
  ExpectOnlyLooks();
}

TEST_P(S3BehindAProxy, NothingIsThereGoneOrDeletedOnItsWord) {
  auto store = OpenBehind(true);
  for (const Status& answer :
       {store->Stat("k", ctx_).status(), store->List("", "", ctx_).status(), store->Delete({"k"}, ctx_),
        store->Delete({"k", "l"}, ctx_), store->AbortUpload("k", "id", ctx_), store->ListUploads("", ctx_).status()}) {
    EXPECT_FALSE(answer.ok());
    EXPECT_NE(answer.code(), Code::kNotFound) << answer.ToString();
  }
}

TEST_P(S3BehindAProxy, NothingIsDamagedOnItsWord) {
  auto store = OpenBehind(true);
  size_t taken = 0;
  const ByteSink sink = [&](ByteView bytes) {
    taken += bytes.size();
    return Status(Code::kCorruption, "no object of ours");
  };
  const Status answer = store->Get("k", {}, sink, ctx_);
  EXPECT_FALSE(answer.ok());
  EXPECT_NE(answer.code(), Code::kNotFound) << answer.ToString();
  EXPECT_NE(answer.code(), Code::kCorruption) << answer.ToString();
  EXPECT_EQ(taken, 0U);
}

// The whole of it: neither a new repository nor a lost one is believed in.
TEST_P(S3BehindAProxy, NoRepositoryIsCreated) {
  ::pitr::Config config;
  config.repository = "s3://bucket/pre/fix";
  const ClusterIdentity cluster{{7123456789012345678u}, 1u << 20, 15};
  for (const bool conditional : {true, false}) {
    const auto opened = OpenOrCreateRepositoryOn(OpenBehind(conditional), config, cluster, NullLog(), ctx_);
    EXPECT_FALSE(opened.ok());
    EXPECT_NE(opened.code(), Code::kNotFound);
    const auto existing = OpenRepositoryOn(OpenBehind(conditional), config, NullLog(), ctx_);
    EXPECT_FALSE(existing.ok());
    EXPECT_NE(existing.code(), Code::kNotFound) << "that would be a repository that was never created";
  }
  ExpectOnlyLooks();
}

}  // namespace
}  // namespace pitr
