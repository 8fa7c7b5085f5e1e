// The credential chain: files, environment, and the services played by a scripted server.
#include "core/store/credentials.h"

#include <gtest/gtest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <atomic>
#include <filesystem>
#include <fstream>
#include <map>

#include "core/store/credentials_file.h"
#include "core/store/credentials_remote.h"
#include "core/store/s3.h"
#include "core/store/s3_time.h"
#include "lib/scripted_http_server.h"

namespace pitr {
namespace {

constexpr int64_t kNow = int64_t{1795392686} * 1000000;
constexpr int64_t kMinute = int64_t{60} * 1000000;

class SetClock final : public Clock {
 public:
  std::atomic<int64_t> wall{kNow};
  int64_t WallMicros() const override { return wall; }
  int64_t SteadyMillis() const override { return SystemClock().SteadyMillis(); }
  void SleepMillis(int64_t millis) const override { SystemClock().SleepMillis(millis); }
};

class Credentials : public testing::Test {
 protected:
  Credentials() {
    char name[] = "/tmp/pitr-credentials-XXXXXX";
    directory_ = mkdtemp(name);
    config_.environment = [this](const char* key) -> std::optional<std::string> {
      auto at = environment_.find(key);
      return at == environment_.end() ? std::nullopt : std::optional(at->second);
    };
    config_.metadata_endpoint = server_.url();
    config_.container_endpoint = server_.url();
    config_.sts_endpoint = server_.url();
    config_.metadata_timeout_ms = 5000;
    config_.instance_metadata = true;  // the scripted server plays it
  }
  ~Credentials() override { std::filesystem::remove_all(directory_); }

  std::string Write(const std::string& name, const std::string& text, mode_t mode = 0600) {
    std::string path = directory_ + "/" + name;
    std::filesystem::create_directories(std::filesystem::path(path).parent_path());
    std::ofstream(path, std::ios::trunc) << text;
    chmod(path.c_str(), mode);
    return path;
  }
  std::string Json(const std::string& id, int64_t expires_micros) {
    return R"({"Code":"Success","AccessKeyId":")" + id +
           R"(","SecretAccessKey":"s3cr3t","Token":"t0k3n","Expiration":")" + FormatIsoTime(expires_micros) + "\"}";
  }
  // Tells if any part of `status` shows what must not be shown.
  static bool Leaks(const Status& status) {
    std::string all = status.ToString();
    return all.find("s3cr3t") != all.npos || all.find("t0k3n") != all.npos;
  }

  SetClock clock_;
  ScriptedHttpServer server_;
  std::string directory_;
  std::map<std::string, std::string> environment_;
  CredentialsConfig config_;
  OpContext ctx_ = OpContext::WithTimeout(20000);
};

TEST(CredentialsFileText, SimpleAndIniForms) {
  auto simple =
      ParseCredentialsFile("# key\r\naccess_key_id = A\r\nsecret_access_key=S=+/\nsession_token = T\n", "default");
  ASSERT_TRUE(simple.ok()) << simple.status().ToString();
  EXPECT_EQ(simple.value().access_key_id, "A");
  EXPECT_EQ(simple.value().secret_access_key, "S=+/");
  EXPECT_EQ(simple.value().session_token, "T");
  const char* ini =
      "[default]\naws_access_key_id = A\naws_secret_access_key = S\nregion = x\n\n; other\n[ backup ]\n"
      "aws_access_key_id = B\naws_secret_access_key = 'R'\n";
  EXPECT_EQ(ParseCredentialsFile(ini, "default").value().access_key_id, "A");
  EXPECT_EQ(ParseCredentialsFile(ini, "backup").value().secret_access_key, "R");
  EXPECT_EQ(ParseCredentialsFile(ini, "absent").code(), Code::kNotFound);
  EXPECT_EQ(ParseCredentialsFile("", "default").code(), Code::kNotFound);
}

TEST(CredentialsFileText, MistakesAreNamedByLineAndNotShown) {
  for (const char* text : {"access_key_id = A\nsecret s3cr3t\n", "access_key_id = A\n[default\n",
                           "access_key_id = A\nsecret_access_key = a\x01s3cr3t\n"}) {
    auto parsed = ParseCredentialsFile(text, "default");
    EXPECT_EQ(parsed.code(), Code::kInvalidArgument);
    EXPECT_EQ(parsed.status().message().find("line 2"), 0u) << parsed.status().message();
    EXPECT_EQ(parsed.status().ToString().find("s3cr3t"), std::string::npos);
  }
  EXPECT_EQ(ParseCredentialsFile("access_key_id = A\n", "default").code(), Code::kInvalidArgument);
  EXPECT_EQ(ParseCredentialsFile("[default]\nsecret_access_key = s3cr3t\n", "default").code(), Code::kInvalidArgument);
}

TEST_F(Credentials, ExplicitFileComesFirstAndIsReadAgainWhenChanged) {
  environment_ = {{"AWS_ACCESS_KEY_ID", "E"}, {"AWS_SECRET_ACCESS_KEY", "s3cr3t"}};
  config_.file = Write("own", "access_key_id = F\nsecret_access_key = s3cr3t\n", 0640);
  auto provider = MakeCredentialProvider(config_, clock_);
  EXPECT_EQ(provider->Get(ctx_).value().access_key_id, "F");
  Write("own.new", "access_key_id = G2\nsecret_access_key = s3cr3t\n");
  std::filesystem::rename(directory_ + "/own.new", config_.file);
  EXPECT_EQ(provider->Get(ctx_).value().access_key_id, "G2");
}

TEST_F(Credentials, FileOthersCanReadIsRefused) {
  for (mode_t mode : {0644, 0604, 0660, 0602, 0641}) {
    config_.file = Write("own", "access_key_id = F\nsecret_access_key = s3cr3t\n", mode);
    Status status = MakeCredentialProvider(config_, clock_)->Get(ctx_).status();
    EXPECT_EQ(status.code(), Code::kPermission) << mode;
    EXPECT_NE(status.hint().find("chmod 600"), std::string::npos);
    EXPECT_FALSE(Leaks(status));
  }
}

TEST_F(Credentials, BrokenExplicitFileIsNoReasonToBeSomebodyElse) {
  environment_ = {{"AWS_ACCESS_KEY_ID", "E"}, {"AWS_SECRET_ACCESS_KEY", "s3cr3t"}};
  config_.file = directory_ + "/missing";
  Status status = MakeCredentialProvider(config_, clock_)->Get(ctx_).status();
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_NE(status.message().find(config_.file), std::string::npos);
  config_.file = Write("empty", "");
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).code(), Code::kPermission);
  config_.file = directory_;
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).code(), Code::kPermission);
  config_.file.clear();
  config_.profile = "named";
  environment_["AWS_SHARED_CREDENTIALS_FILE"] =
      Write("shared", "[default]\naccess_key_id = D\nsecret_access_key = s\n");
  status = MakeCredentialProvider(config_, clock_)->Get(ctx_).status();
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_NE(status.message().find("named"), std::string::npos);
}

TEST_F(Credentials, EnvironmentThenSharedProfile) {
  environment_ = {{"AWS_ACCESS_KEY_ID", "E"},
                  {"AWS_SECRET_ACCESS_KEY", "s3cr3t"},
                  {"AWS_SESSION_TOKEN", "t0k3n"},
                  {"HOME", directory_}};
  Write(
      ".aws/credentials",
      "[default]\naws_access_key_id=D\naws_secret_access_key=s\n[work]\naws_access_key_id=W\naws_secret_access_key=s\n",
      0644);
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).value().session_token, "t0k3n");
  environment_.erase("AWS_SECRET_ACCESS_KEY");
  Status status = MakeCredentialProvider(config_, clock_)->Get(ctx_).status();
  EXPECT_EQ(status.code(), Code::kPermission) << "half an environment is a mistake";
  environment_.erase("AWS_ACCESS_KEY_ID");
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).value().access_key_id, "D");
  environment_["AWS_PROFILE"] = "work";
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).value().access_key_id, "W");
  config_.profile = "default";
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).value().access_key_id, "D");
}

TEST_F(Credentials, NothingSetNamesEverythingTried) {
  config_.instance_metadata = false;
  Status status = MakeCredentialProvider(config_, clock_)->Get(ctx_).status();
  EXPECT_EQ(status.code(), Code::kPermission);
  for (const char* word : {"environment", "shared AWS file", "web identity", "container endpoint"})
    EXPECT_NE(status.detail().find(word), std::string::npos) << status.detail();
  EXPECT_EQ(status.detail().find("instance metadata"), std::string::npos);
}

TEST_F(Credentials, InstanceMetadataVersionTwoAndRenewal) {
  auto play = [&](const std::string& id, int64_t expires) {
    server_.Expect({.method = "PUT",
                    .target = "/latest/api/token",
                    .headers = {{"x-aws-ec2-metadata-token-ttl-seconds", "300"}},
                    .reply = "TKN"});
    server_.Expect({.method = "GET",
                    .target = "/latest/meta-data/iam/security-credentials/",
                    .headers = {{"x-aws-ec2-metadata-token", "TKN"}},
                    .reply = "my role"});
    server_.Expect({.method = "GET",
                    .target = "/latest/meta-data/iam/security-credentials/my%20role",
                    .headers = {{"x-aws-ec2-metadata-token", "TKN"}},
                    .reply = Json(id, expires)});
  };
  auto provider = MakeCredentialProvider(config_, clock_);
  play("I1", kNow + 60 * kMinute);
  EXPECT_EQ(provider->Get(ctx_).value().access_key_id, "I1");
  EXPECT_EQ(provider->Get(ctx_).value().session_token, "t0k3n");
  clock_.wall = kNow + 54 * kMinute;
  EXPECT_EQ(provider->Get(ctx_).value().access_key_id, "I1") << "six minutes are left";
  clock_.wall = kNow + 56 * kMinute;
  play("I2", kNow + 120 * kMinute);
  EXPECT_EQ(provider->Get(ctx_).value().access_key_id, "I2") << "renewed five minutes early";

  clock_.wall = kNow + 116 * kMinute;
  server_.Expect({.method = "PUT", .status = 500});
  EXPECT_EQ(provider->Get(ctx_).value().access_key_id, "I2") << "still valid, the service is down";
  EXPECT_EQ(provider->Get(ctx_).value().access_key_id, "I2") << "and is not asked again at once";
  clock_.wall = kNow + 121 * kMinute;
  server_.Expect({.method = "PUT", .status = 500});
  Status status = provider->Get(ctx_).status();
  EXPECT_EQ(status.code(), Code::kUnavailable) << status.ToString();
  EXPECT_FALSE(Leaks(status));
}

TEST_F(Credentials, SilentMetadataServiceCostsLittleAndMeansNotSet) {
  config_.metadata_timeout_ms = 300;
  server_.Expect({.method = "PUT", .stall = true});
  auto start = std::chrono::steady_clock::now();
  Status status = MakeCredentialProvider(config_, clock_)->Get(ctx_).status();
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::seconds(2));
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_NE(status.detail().find("EC2 instance metadata"), std::string::npos) << status.ToString();
  environment_["AWS_EC2_METADATA_DISABLED"] = "true";
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).code(), Code::kPermission);
}

TEST_F(Credentials, ContainerEndpoint) {
  environment_ = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/v2/credentials/1"},
                  {"AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE", Write("token", "t0k3n\n")}};
  server_.Expect({.method = "GET",
                  .target = "/v2/credentials/1",
                  .headers = {{"authorization", "t0k3n"}},
                  .reply = Json("C", kNow + 60 * kMinute)});
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).value().access_key_id, "C");
  server_.Expect({.method = "GET", .status = 403, .reply = "s3cr3t"});
  Status status = MakeCredentialProvider(config_, clock_)->Get(ctx_).status();
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_FALSE(Leaks(status));

  environment_.erase("AWS_CONTAINER_CREDENTIALS_RELATIVE_URI");
  environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = server_.url() + "/full";
  server_.Expect({.method = "GET", .target = "/full", .reply = Json("D", kNow + 60 * kMinute)});
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).value().access_key_id, "D");
  for (const char* url : {"http://192.0.2.1/x", "http://127.0.0.1.evil.example/x", "http://localhost.evil.example/"}) {
    environment_["AWS_CONTAINER_CREDENTIALS_FULL_URI"] = url;
    EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).code(), Code::kPermission) << url;
  }
}

TEST_F(Credentials, WebIdentity) {
  environment_ = {{"AWS_WEB_IDENTITY_TOKEN_FILE", Write("jwt", "t0k3n.a+b\n")},
                  {"AWS_ROLE_ARN", "arn:aws:iam::1:role/r"},
                  {"AWS_ROLE_SESSION_NAME", "me"}};
  server_.Expect({.method = "POST",
                  .target = "/",
                  .headers = {{"content-type", "application/x-www-form-urlencoded"}, {"authorization", ""}},
                  .check =
                      [](const SeenRequest& r) {
                        return r.body ==
                                       "Action=AssumeRoleWithWebIdentity&RoleArn=arn%3Aaws%3Aiam%3A%3A1%3Arole%2Fr&"
                                       "RoleSessionName=me&"
                                       "Version=2011-06-15&WebIdentityToken=t0k3n.a%2Bb"
                                   ? ""
                                   : r.body;
                      },
                  .reply = "<AssumeRoleWithWebIdentityResponse "
                           "xmlns=\"https://sts.amazonaws.com/doc/2011-06-15/\"><AssumeRoleWithWebIdentityResult>"
                           "<Credentials><AccessKeyId>W</AccessKeyId><SecretAccessKey>s3cr3t</"
                           "SecretAccessKey><SessionToken>t0k3n</SessionToken>"
                           "<Expiration>2026-11-23T01:11:26Z</Expiration></Credentials></"
                           "AssumeRoleWithWebIdentityResult></AssumeRoleWithWebIdentityResponse>"});
  auto got = MakeCredentialProvider(config_, clock_)->Get(ctx_);
  ASSERT_TRUE(got.ok()) << got.status().ToString();
  EXPECT_EQ(got.value().access_key_id, "W");
  EXPECT_EQ(got.value().expires_micros, kNow + 60 * kMinute);
  server_.Expect(
      {.method = "POST",
       .status = 400,
       .reply =
           "<ErrorResponse><Error><Code>ExpiredTokenException</Code><Message>t0k3n</Message></Error></ErrorResponse>"});
  Status status = MakeCredentialProvider(config_, clock_)->Get(ctx_).status();
  EXPECT_EQ(status.code(), Code::kPermission);
  EXPECT_NE(status.message().find("ExpiredTokenException"), std::string::npos);
  EXPECT_FALSE(Leaks(status));
  environment_.erase("AWS_ROLE_ARN");
  EXPECT_EQ(MakeCredentialProvider(config_, clock_)->Get(ctx_).code(), Code::kPermission);
}

TEST(CredentialsJson, UnusableAnswers) {
  for (const char* text : {"", "[]", "{}", "null", "{\"AccessKeyId\":1}", "{\"AccessKeyId\":\"a\"}",
                           "{\"AccessKeyId\":\"a\",\"SecretAccessKey\":\"b\",\"Expiration\":\"soon\"}"})
    EXPECT_EQ(ParseCredentialsJson(text).code(), Code::kUnavailable) << text;
  EXPECT_FALSE(ParseCredentialsJson(std::string(100000, '[')).ok());
  EXPECT_EQ(ParseCredentialsJson("{\"Code\":\"Failed\"}").code(), Code::kPermission);
}

// The store says the token has expired: the next attempt must carry a new one.
TEST_F(Credentials, RefusedTokenIsReplacedBeforeTheNextAttempt) {
  S3Config s3 = ParseS3Url("s3://bucket").value();
  s3.endpoint = server_.url();
  s3.credentials = config_;
  environment_ = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds"}};
  auto store = OpenS3(s3, clock_);
  server_.Expect({.method = "GET", .target = "/creds", .reply = Json("OLD", kNow + 60 * kMinute)});
  server_.Expect({.method = "PUT", .status = 400, .reply = S3ErrorXml("ExpiredToken")});
  EXPECT_EQ(store.value()->Create("k", AsBytes("x"), ctx_).code(), Code::kUnavailable);
  server_.Expect({.method = "GET", .target = "/creds", .reply = Json("NEW", kNow + 60 * kMinute)});
  server_.Expect({.method = "PUT",
                  .check =
                      [](const SeenRequest& r) {
                        return r.Header("authorization").find("Credential=NEW/") != std::string::npos ? "" : "old key";
                      },
                  .reply_headers = {{"ETag", "e"}}});
  EXPECT_TRUE(store.value()->Create("k", AsBytes("x"), ctx_).ok());
}

TEST_F(Credentials, WaitingForAnothersRenewalCanBeCancelled) {
  config_.metadata_timeout_ms = 1500;
  environment_ = {{"AWS_CONTAINER_CREDENTIALS_RELATIVE_URI", "/creds"}};
  auto provider = MakeCredentialProvider(config_, clock_);
  server_.Expect({.method = "GET", .stall = true});
  std::thread slow([&] { EXPECT_EQ(provider->Get(ctx_).code(), Code::kUnavailable); });
  while (server_.Requests().empty()) std::this_thread::yield();
  auto start = std::chrono::steady_clock::now();
  EXPECT_EQ(provider->Get(OpContext::WithTimeout(100)).code(), Code::kUnavailable);
  EXPECT_LT(std::chrono::steady_clock::now() - start, std::chrono::milliseconds(500));
  slow.join();
}

}  // namespace
}  // namespace pitr
