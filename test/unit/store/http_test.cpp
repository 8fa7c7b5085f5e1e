// The transport against a scripted server: reuse, limits, early ends, stalls, cancellation.
#include "core/store/http.h"
#include "core/store/tls_refusal.h"

#include <gtest/gtest.h>
#include <openssl/x509_vfy.h>

#include <chrono>
#include <thread>

#include "lib/scripted_http_server.h"

namespace pitr {
namespace {

using std::chrono::steady_clock;

int64_t MillisSince(steady_clock::time_point start) {
  return std::chrono::duration_cast<std::chrono::milliseconds>(steady_clock::now() - start).count();
}

// Long enough for a machine under load; the tests of stalls set their own.
HttpSettings Quick() { return {.stall_timeout_ms = 15000}; }

HttpRequest GetOf(const ScriptedHttpServer& server, const std::string& path = "/x") {
  return {.method = "GET", .url = server.url() + path, .operation = "fetch \"x\""};
}

TEST(TlsRefusal, NamesTheIssuerAndWhoWasAsked) {
  TlsRefusal refusal{X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN, "CN = Our CA"};
  const Status own = DescribeRefusal(refusal, "/etc/ca.pem", "curl's words");
  EXPECT_EQ(own.code(), Code::kPermission);
  EXPECT_EQ(own.message(), "the authorities in \"/etc/ca.pem\" did not sign the server's TLS certificate");
  EXPECT_EQ(own.detail(), "Its issuer is \"CN = Our CA\".");
  EXPECT_NE(own.hint().find("put its certificate into the file"), std::string::npos);
  const Status systems = DescribeRefusal(refusal, "", "curl's words");
  EXPECT_EQ(systems.message(), "this system's authorities did not sign the server's TLS certificate");
  EXPECT_NE(systems.hint().find("s3_ca_file"), std::string::npos);
  refusal.error = X509_V_ERR_CERT_HAS_EXPIRED;
  EXPECT_NE(DescribeRefusal(refusal, "", "expired").hint().find("Renew"), std::string::npos);
  EXPECT_NE(DescribeRefusal({}, "", "no alternative name").hint().find("the host that s3_endpoint names"),
            std::string::npos);
}

TEST(TlsRefusal, KnowsWhatIsNoTls) {
  EXPECT_TRUE(IsNoTls("OpenSSL/3.0.19: error:0A00010B:SSL routines::wrong version number"));
  EXPECT_FALSE(IsNoTls("OpenSSL/3.0.19: error:0A000410:SSL routines::sslv3 alert handshake failure"));
}

TEST(Http, SendsWhatItWasGivenAndNothingOfCurls) {
  ScriptedHttpServer server;
  server.Expect({.method = "PUT",
                 .target = "/a%2Bb/../c?q=%20",
                 .headers = {{"content-length", "5"},
                             {"expect", ""},
                             {"content-type", ""},
                             {"accept", ""},
                             {"transfer-encoding", ""},
                             {"x-mine", "yes"},
                             {"host", "127.0.0.1:" + std::to_string(server.port())}},
                 .check = [](const SeenRequest& r) { return r.body == "hello" ? "" : "wrong body"; },
                 .status = 201,
                 .reply_headers = {{"X-Answer", " padded  "}},
                 .reply = "done"});
  HttpClient client(Quick());
  HttpRequest request{.method = "PUT",
                      .url = server.url() + "/a%2Bb/../c?q=%20",
                      .headers = {{"x-mine", "yes"}},
                      .body = AsBytes("hello"),
                      .operation = "put"};
  auto response = client.Do(request, nullptr, {});
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response.value().status, 201);
  EXPECT_EQ(response.value().body, "done");
  EXPECT_EQ(response.value().Header("x-answer"), "padded");
}

TEST(Http, LargeBodyWithoutExpectAndEmptyBodyWithLength) {
  ScriptedHttpServer server;
  const Bytes body(5 << 20, 'z');
  server.Expect({.method = "PUT", .headers = {{"expect", ""}}, .check = [&](const SeenRequest& r) {
                   return AsText(body) == r.body ? "" : "wrong body";
                 }});
  server.Expect({.method = "PUT", .headers = {{"content-length", "0"}, {"expect", ""}}});
  server.Expect({.method = "POST", .headers = {{"content-length", "0"}}});
  server.Expect({.method = "DELETE", .status = 204});
  HttpClient client(Quick());
  for (auto [method, bytes] :
       {std::pair<const char*, ByteView>{"PUT", body}, {"PUT", {}}, {"POST", {}}, {"DELETE", {}}}) {
    HttpRequest request{.method = method, .url = server.url() + "/x", .body = bytes, .operation = "send"};
    EXPECT_TRUE(client.Do(request, nullptr, {}).ok()) << method;
  }
  EXPECT_EQ(server.connections(), 1) << "a warm connection must be used again";
}

TEST(Http, HeadHasNoBodyButTheLength) {
  ScriptedHttpServer server;
  server.Expect({.method = "HEAD", .content_length = 12345});
  server.Expect({.method = "GET", .reply = "ok"});
  HttpClient client(Quick());
  HttpRequest request = GetOf(server);
  request.method = "HEAD";
  auto response = client.Do(request, nullptr, {});
  ASSERT_TRUE(response.ok()) << response.status().ToString();
  EXPECT_EQ(response.value().Header("content-length"), "12345");
  EXPECT_EQ(client.Do(GetOf(server), nullptr, {}).value().body, "ok");
  EXPECT_EQ(server.connections(), 1);
}

TEST(Http, RedirectsAreAnswersNotInstructions) {
  ScriptedHttpServer server;
  server.Expect({.method = "GET", .status = 307, .reply_headers = {{"Location", server.url() + "/elsewhere"}}});
  HttpClient client(Quick());
  EXPECT_EQ(client.Do(GetOf(server), nullptr, {}).value().status, 307);
}

TEST(Http, SinkGetsHeadersFirstAndOnlySuccesses) {
  ScriptedHttpServer server;
  server.Expect({.method = "GET", .reply_headers = {{"x-kind", "good"}}, .reply = "body"});
  server.Expect({.method = "GET", .status = 503, .reply = "sorry"});
  server.Expect({.method = "GET", .reply = ""});
  HttpClient client(Quick());
  std::string got;
  int begun = 0;
  HttpSink sink{[&](const HttpResponse& r) {
                  begun++;
                  EXPECT_TRUE(got.empty());
                  EXPECT_EQ(r.status, 200);
                  return Status::Ok();
                },
                [&](ByteView bytes) {
                  got += AsText(bytes);
                  return Status::Ok();
                }};
  EXPECT_TRUE(client.Do(GetOf(server), &sink, {}).ok());
  EXPECT_EQ(got, "body");
  got.clear();
  auto response = client.Do(GetOf(server), &sink, {});
  EXPECT_EQ(response.value().body, "sorry");
  EXPECT_EQ(got, "");
  EXPECT_EQ(begun, 1);
  EXPECT_TRUE(client.Do(GetOf(server), &sink, {}).ok());
  EXPECT_EQ(begun, 2) << "an empty body has headers too";
}

TEST(Http, SinkErrorsAndExceptionsStopTheTransfer) {
  ScriptedHttpServer server;
  server.Otherwise([](const SeenRequest&) { return ScriptStep{.reply = std::string(1 << 20, 'x')}; });
  HttpClient client(Quick());
  HttpSink refuse{nullptr, [](ByteView) { return Status(Code::kCorruption, "bad bytes"); }};
  Status status = client.Do(GetOf(server), &refuse, {}).status();
  EXPECT_EQ(status.code(), Code::kCorruption);
  EXPECT_EQ(status.message(), "bad bytes");
  HttpSink thrower{nullptr, [](ByteView) -> Status { throw std::runtime_error("thrown"); }};
  status = client.Do(GetOf(server), &thrower, {}).status();
  EXPECT_EQ(status.code(), Code::kInternal);
  EXPECT_EQ(status.message(), "thrown");
  HttpSink reject{[](const HttpResponse&) { return Status(Code::kInvalidArgument, "no"); },
                  [](ByteView) {
                    ADD_FAILURE() << "write after a refused begin";
                    return Status::Ok();
                  }};
  EXPECT_EQ(client.Do(GetOf(server), &reject, {}).code(), Code::kInvalidArgument);
  EXPECT_TRUE(
      client.Do({.method = "GET", .url = server.url() + "/", .operation = "x", .max_body_bytes = 1 << 20}, nullptr, {})
          .ok());
}

TEST(Http, BodiesWithoutSinkAreBounded) {
  ScriptedHttpServer server;
  server.Expect({.method = "GET", .status = 500, .reply = std::string(kMaxErrorBodyBytes * 3, 'e')});
  server.Expect({.method = "GET", .status = 200, .reply = std::string(1000, 'x')});
  HttpClient client(Quick());
  EXPECT_EQ(client.Do(GetOf(server), nullptr, {}).value().body.size(), kMaxErrorBodyBytes);
  HttpRequest small = GetOf(server);
  small.max_body_bytes = 999;
  EXPECT_EQ(client.Do(small, nullptr, {}).code(), Code::kUnavailable);
}

TEST(Http, TooManyHeadersAreRefused) {
  ScriptedHttpServer server;
  ScriptStep step{.method = "GET"};
  for (int i = 0; i < 100; i++) step.reply_headers.emplace_back("x-h" + std::to_string(i), std::string(1000, 'v'));
  server.Expect(step);
  HttpClient client(Quick());
  EXPECT_EQ(client.Do(GetOf(server), nullptr, {}).code(), Code::kUnavailable);
}

TEST(Http, EarlyEndIsUnavailableAfterACorrectPrefix) {
  ScriptedHttpServer server;
  const std::string body = "0123456789";
  server.Expect({.method = "GET", .reply = body, .send_only = 4});
  server.Expect({.method = "GET", .reply = body, .chunked = true, .send_only = 4});
  HttpClient client(Quick());
  for (int i = 0; i < 2; i++) {
    std::string got;
    HttpSink sink{nullptr, [&](ByteView bytes) {
                    got += AsText(bytes);
                    return Status::Ok();
                  }};
    Status status = client.Do(GetOf(server), &sink, {}).status();
    EXPECT_EQ(status.code(), Code::kUnavailable) << status.ToString();
    EXPECT_EQ(got, "0123");
    EXPECT_NE(status.message().find("could not fetch \"x\" at http://127.0.0.1:"), std::string::npos)
        << status.message();
  }
}

TEST(Http, ClosedResetAndRefusedConnectionsAreUnavailable) {
  HttpClient client(Quick());
  int port;
  {
    ScriptedHttpServer server;
    port = server.port();
    server.Expect({.method = "GET", .close_unanswered = true});
    EXPECT_EQ(client.Do(GetOf(server), nullptr, {}).code(), Code::kUnavailable);
    server.Expect({.method = "PUT", .reset_before_body = true});
    const Bytes body(8 << 20, 'b');
    HttpRequest put{.method = "PUT", .url = server.url() + "/x", .body = body, .operation = "put"};
    EXPECT_EQ(client.Do(put, nullptr, {}).code(), Code::kUnavailable);
  }
  HttpRequest nobody{.method = "GET", .url = "http://127.0.0.1:" + std::to_string(port) + "/", .operation = "x"};
  EXPECT_EQ(client.Do(nobody, nullptr, {}).code(), Code::kUnavailable);
  EXPECT_EQ(client.Do({.method = "GET", .url = "ftp://127.0.0.1/", .operation = "x"}, nullptr, {}).code(),
            Code::kInvalidArgument);
}

// Whether a request that may have been carried out goes out a second time decides who created an object.
TEST(Http, DeadWarmConnectionIsUsedAgainOnlyWhereResendingIsHarmless) {
  ScriptedHttpServer server;
  HttpClient client(Quick());
  auto send = [&](bool resend) {
    HttpRequest request{
        .method = "PUT", .url = server.url() + "/x", .body = AsBytes("body"), .operation = "put", .resend = resend};
    return client.Do(request, nullptr, {}).code();
  };
  server.Expect({.method = "PUT"});
  EXPECT_EQ(send(false), Code::kOk);
  server.Expect({.method = "PUT", .close_unanswered = true});
  EXPECT_EQ(send(false), Code::kUnavailable);
  EXPECT_EQ(server.Requests().size(), 2u);
  server.Expect({.method = "PUT"});
  EXPECT_EQ(send(true), Code::kOk);
  server.Expect({.method = "PUT", .close_unanswered = true});
  server.Expect({.method = "PUT", .check = [](const SeenRequest& r) { return r.body == "body" ? "" : "not rewound"; }});
  EXPECT_EQ(send(true), Code::kOk);
}

TEST(Http, StallBeforeAndWithinTheAnswer) {
  ScriptedHttpServer server;
  HttpClient client(HttpSettings{.stall_timeout_ms = 300});
  for (long sent : {-1L, 3L}) {
    server.Expect({.method = "GET", .reply = "0123456789", .send_only = sent, .stall = true});
    auto start = steady_clock::now();
    Status status = client.Do(GetOf(server), nullptr, {}).status();
    EXPECT_EQ(status.code(), Code::kUnavailable);
    EXPECT_NE(status.message().find("no data moved for 300 ms"), std::string::npos) << status.message();
    EXPECT_GE(MillisSince(start), 280);
    EXPECT_LT(MillisSince(start), 2000);
  }
}

TEST(Http, DeadlineAndCancellationAreSeenAtOnce) {
  ScriptedHttpServer server;
  HttpSettings patient;
  HttpClient client(patient);
  server.Expect({.method = "GET", .stall = true});
  auto start = steady_clock::now();
  EXPECT_EQ(client.Do(GetOf(server), nullptr, OpContext::WithTimeout(200)).code(), Code::kUnavailable);
  EXPECT_LT(MillisSince(start), 600);

  server.Expect({.method = "GET", .stall = true});
  CancelToken cancel;
  std::thread canceller([&] {
    std::this_thread::sleep_for(std::chrono::milliseconds(150));
    cancel.Cancel();
  });
  OpContext ctx;
  ctx.cancel = &cancel;
  start = steady_clock::now();
  EXPECT_EQ(client.Do(GetOf(server), nullptr, ctx).code(), Code::kCancelled);
  EXPECT_LT(MillisSince(start), 150 + 350);
  canceller.join();
  EXPECT_EQ(client.Do(GetOf(server), nullptr, ctx).code(), Code::kCancelled) << "before anything is sent";
}

TEST(Http, ConnectionsAreSharedByThreadsAndKeptWarm) {
  ScriptedHttpServer server;
  server.Otherwise([](const SeenRequest& r) { return ScriptStep{.reply = r.target}; });
  HttpClient client(Quick());
  std::vector<std::thread> threads;
  for (int t = 0; t < 4; t++)
    threads.emplace_back([&, t] {
      for (int i = 0; i < 50; i++) {
        std::string path = "/" + std::to_string(t) + "/" + std::to_string(i);
        auto response = client.Do(GetOf(server, path), nullptr, {});
        ASSERT_TRUE(response.ok()) << response.status().ToString();
        EXPECT_EQ(response.value().body, path);
      }
    });
  for (auto& thread : threads) thread.join();
  EXPECT_LE(server.connections(), 4);
}

TEST(Http, UnreadableCaFileIsTheUsersMistake) {
  HttpSettings settings = Quick();
  settings.ca_file = "/nonexistent/ca.pem";
  ScriptedHttpServer server;
  HttpClient client(settings);
  HttpRequest request{
      .method = "GET", .url = "https://127.0.0.1:" + std::to_string(server.port()) + "/", .operation = "x"};
  Status status = client.Do(request, nullptr, {}).status();
  EXPECT_EQ(status.code(), Code::kInvalidArgument) << status.ToString();
  EXPECT_NE(status.hint().find("s3_ca_file"), std::string::npos);
}

}  // namespace
}  // namespace pitr
