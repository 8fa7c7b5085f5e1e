// See http.h. One pooled connection is one CURLM holding one easy handle: curl keeps the socket in the multi
// handle, so reusing the pair reuses the TCP and TLS session. Callbacks are noexcept and touch only the
// Exchange on the stack of Do() (rule "errors travel on"): an exception of a sink is caught here and becomes a Status.
#include "core/store/http.h"

#include <curl/curl.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>

#include <algorithm>
#include <atomic>

#include "core/base/ascii.h"
#include "core/base/letter_case.h"
#include "core/base/thread.h"
#include "core/store/tls_refusal.h"

namespace pitr {
namespace {

constexpr int kPollMillis = 50;
constexpr long kBufferBytes = 256L << 10;

// libcurl is initialised by the first request, never while the library is being loaded (rule "nothing at load").
Status InitCurlOnce() {
  static std::once_flag once;
  static std::atomic<int> outcome{0};
  std::call_once(once, [] { outcome = static_cast<int>(curl_global_init(CURL_GLOBAL_DEFAULT)); });
  if (outcome != CURLE_OK) return {Code::kInternal, "could not initialise libcurl"};
  return Status::Ok();
}

// Scheme, host and port of a URL, for messages.
std::string_view Origin(std::string_view url) {
  size_t start = url.find("://");
  size_t end = url.find_first_of("/?", start == std::string_view::npos ? 0 : start + 3);
  return url.substr(0, end);
}

// What one request is doing; lives on the stack of Do().
struct Exchange {
  const HttpRequest& request;
  const HttpSink* sink;
  const OpContext& ctx;
  HttpResponse response;
  Status failure;  // ours: from the sink, or an answer beyond its limits
  size_t header_bytes = 0;
  size_t sent = 0;
  uint64_t moved = 0;  // bytes in either direction, to see progress
  bool begun = false;
  bool sink_failed = false;  // `failure` is the sink's own and is passed on as it is

  bool ToSink() const { return sink != nullptr && response.status >= 200 && response.status < 300; }

  Status FromSink(Status status) {
    sink_failed = !status.ok();
    return status;
  }

  Status Begin() {
    if (begun || !ToSink()) return Status::Ok();
    begun = true;
    return sink->begin ? FromSink(Guarded([&] { return sink->begin(response); })) : Status::Ok();
  }

  Status Write(ByteView bytes) {
    PITR_TRY(ctx.Check());  // curl may deliver many pieces in a row, and a sink may be slow
    PITR_TRY(Begin());
    if (ToSink()) return FromSink(Guarded([&] { return sink->write(bytes); }));
    bool error = response.status < 200 || response.status >= 300;
    size_t limit = error ? kMaxErrorBodyBytes : request.max_body_bytes;
    size_t room = limit - std::min(limit, response.body.size());
    if (bytes.size() > room && !error)
      return {Code::kUnavailable, "answer is larger than " + std::to_string(limit) + " bytes"};
    response.body.append(AsText(bytes.first(std::min(room, bytes.size()))));
    return Status::Ok();
  }

  Status Header(std::string_view line) {
    header_bytes += line.size();
    if (header_bytes > kMaxHeaderBytes) return {Code::kUnavailable, "answer has too many headers"};
    TakeHeaderLine(line, response);
    return Status::Ok();
  }
};

// Returns what curl expects for "all taken", or 0 after noting why not.
template <class Take>
size_t TakeAll(Exchange* exchange, size_t bytes, Take take) noexcept {
  exchange->moved += bytes;
  Status taken = Guarded(take);
  if (taken.ok()) return bytes;
  try {
    exchange->failure = std::move(taken);
  } catch (...) {}
  return bytes == 0 ? 1 : 0;
}

size_t OnHeader(char* data, size_t size, size_t count, void* arg) noexcept {
  auto* exchange = static_cast<Exchange*>(arg);
  return TakeAll(exchange, size * count, [&] { return exchange->Header({data, size * count}); });
}

size_t OnBody(char* data, size_t size, size_t count, void* arg) noexcept {
  auto* exchange = static_cast<Exchange*>(arg);
  return TakeAll(exchange, size * count, [&] { return exchange->Write(AsBytes({data, size * count})); });
}

size_t OnSend(char* to, size_t size, size_t count, void* arg) noexcept {
  auto* exchange = static_cast<Exchange*>(arg);
  ByteView rest = exchange->request.body.subspan(exchange->sent);
  size_t n = std::min(rest.size(), size * count);
  if (n != 0) std::memcpy(to, rest.data(), n);
  exchange->sent += n;
  exchange->moved += n;
  return n;
}

int OnSeek(void* arg, curl_off_t offset, int origin) noexcept {
  auto* exchange = static_cast<Exchange*>(arg);
  if (!exchange->request.resend || origin != SEEK_SET || offset < 0 ||
      static_cast<uint64_t>(offset) > exchange->request.body.size())
    return CURL_SEEKFUNC_FAIL;
  exchange->sent = static_cast<size_t>(offset);
  return CURL_SEEKFUNC_OK;
}

Status CurlStatus(CURLcode code, const char* text, const HttpSettings& settings, const TlsRefusal& refusal) {
  std::string why = text[0] != '\0' ? text : curl_easy_strerror(code);
  switch (code) {
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_ISSUER_ERROR:
      return DescribeRefusal(refusal, settings.ca_file, why);
    case CURLE_SSL_CACERT_BADFILE:
      return Status(Code::kInvalidArgument, "could not read the TLS CA file: " + why)
          .WithHint("Check that s3_ca_file exists, is readable and holds PEM certificates.");
    case CURLE_SSL_CONNECT_ERROR:
      if (IsNoTls(why))
        return Status(Code::kInvalidArgument, "this port does not speak TLS")
            .WithDetail(why + ".")
            .WithHint("If it speaks plain HTTP, write s3_endpoint as http://host:port.");
      return {Code::kUnavailable, "TLS handshake failed: " + why};
    case CURLE_COULDNT_RESOLVE_HOST:
      return Status(Code::kUnavailable, why)
          .WithHint("Check the host in s3_endpoint, and that this machine can resolve names.");
    case CURLE_COULDNT_CONNECT:
      return Status(Code::kUnavailable, why)
          .WithHint("Check that the store runs, that s3_endpoint is right, and what is between: a firewall, a proxy.");
    case CURLE_PARTIAL_FILE:
      return {Code::kUnavailable, "answer ended early: " + why};
    case CURLE_SEND_FAIL_REWIND:
      return {Code::kUnavailable, "connection was closed before the answer"};
    case CURLE_URL_MALFORMAT:
    case CURLE_UNSUPPORTED_PROTOCOL:
      return {Code::kInvalidArgument, "unusable URL: " + why};
    case CURLE_BAD_FUNCTION_ARGUMENT:
    case CURLE_UNKNOWN_OPTION:
    case CURLE_OUT_OF_MEMORY:
      return {Code::kInternal, "libcurl: " + why};
    default:
      return {Code::kUnavailable, why};
  }
}

struct FreeList {
  void operator()(curl_slist* list) const { curl_slist_free_all(list); }
};
using HeaderList = std::unique_ptr<curl_slist, FreeList>;

Status Append(HeaderList* list, const std::string& line) {
  curl_slist* longer = curl_slist_append(list->get(), line.c_str());
  if (longer == nullptr) return {Code::kInternal, "out of memory"};
  (void)list->release();
  list->reset(longer);
  return Status::Ok();
}

}  // namespace

void TakeHeaderLine(std::string_view line, HttpResponse& response) {
  while (!line.empty() && (line.back() == '\r' || line.back() == '\n')) line.remove_suffix(1);
  if (line.starts_with("HTTP/")) {  // a new answer: what came before was interim
    response = {};
    size_t space = line.find(' ');
    for (size_t i = space + 1; space != line.npos && i < line.size() && i <= space + 3; i++)
      if (IsDigit(line[i])) response.status = response.status * 10 + (line[i] - '0');
    return;
  }
  size_t colon = line.find(':');
  if (colon == line.npos) return;
  const std::string name = LowerCase(line.substr(0, colon));
  line.remove_prefix(colon + 1);
  while (!line.empty() && (line.front() == ' ' || line.front() == '\t')) line.remove_prefix(1);
  while (!line.empty() && (line.back() == ' ' || line.back() == '\t')) line.remove_suffix(1);
  response.headers.emplace_back(std::move(name), line);
}

std::string_view HttpResponse::Header(std::string_view name) const {
  for (const auto& [key, value] : headers)
    if (key == name) return value;
  return {};
}

class HttpClient::Connection {
 public:
  static Result<std::unique_ptr<Connection>> Open() {
    PITR_TRY(InitCurlOnce());
    std::unique_ptr<Connection> connection(new Connection);
    if (connection->multi_ == nullptr || connection->easy_ == nullptr)
      return Status(Code::kInternal, "out of memory: no libcurl handle");
    curl_multi_setopt(connection->multi_, CURLMOPT_MAXCONNECTS, 1L);
    return connection;
  }
  ~Connection() {
    if (multi_ != nullptr && easy_ != nullptr) curl_multi_remove_handle(multi_, easy_);
    if (easy_ != nullptr) curl_easy_cleanup(easy_);
    if (multi_ != nullptr) curl_multi_cleanup(multi_);
  }
  Connection(const Connection&) = delete;
  Connection& operator=(const Connection&) = delete;

  Status Run(const HttpSettings& settings, Exchange* exchange, const OpContext& ctx) {
    HeaderList headers;
    PITR_TRY(Append(&headers, "Expect:"));
    PITR_TRY(Append(&headers, "Accept:"));
    PITR_TRY(Append(&headers, "Content-Type:"));  // replaced below where the caller has one
    for (const auto& [name, value] : exchange->request.headers)
      PITR_TRY(Append(&headers, value.empty() ? name + ";" : name + ": " + value));
    curl_easy_reset(easy_);
    error_[0] = '\0';
    SetRequest(exchange, headers.get());
    SetTransport(settings);
    if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) return {Code::kInternal, "libcurl refused the request"};
    Result<CURLcode> outcome = Loop(settings, exchange, ctx);
    curl_multi_remove_handle(multi_, easy_);  // closes the socket unless the transfer is complete
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, nullptr);
    if (!exchange->failure.ok()) return std::move(exchange->failure);
    if (!outcome.ok()) return std::move(outcome).status();
    if (outcome.value() != CURLE_OK) return CurlStatus(outcome.value(), error_, settings, refusal_);
    return exchange->Begin();  // an answer without a body
  }

  // Whether a TLS server, whatever its certificate, listens at `origin` ("https://host:port").
  bool ShakesHands(const HttpSettings& settings, const std::string& origin, const OpContext& ctx) {
    constexpr int64_t kPatienceMs = 3000;
    const HttpRequest request{.method = "GET", .url = origin, .operation = "try TLS"};
    Exchange exchange{request, nullptr, ctx};
    HttpSettings lenient = settings;
    lenient.verify_tls = false;
    lenient.connect_timeout_ms = lenient.stall_timeout_ms = kPatienceMs;
    SetRequest(&exchange, nullptr);
    SetTransport(lenient);
    curl_easy_setopt(easy_, CURLOPT_CONNECT_ONLY, 1L);
    if (curl_multi_add_handle(multi_, easy_) != CURLM_OK) return false;
    const Result<CURLcode> outcome = Loop(lenient, &exchange, ctx);
    return outcome.ok() && outcome.value() == CURLE_OK;
  }

 private:
  Connection() : multi_(curl_multi_init()), easy_(curl_easy_init()) {}

  void SetRequest(Exchange* exchange, curl_slist* headers) {
    const HttpRequest& request = exchange->request;
    curl_easy_setopt(easy_, CURLOPT_URL, request.url.c_str());
    curl_easy_setopt(easy_, CURLOPT_PATH_AS_IS, 1L);
    curl_easy_setopt(easy_, CURLOPT_HTTPHEADER, headers);
    curl_easy_setopt(easy_, CURLOPT_ERRORBUFFER, error_);
    curl_easy_setopt(easy_, CURLOPT_HEADERFUNCTION, &OnHeader);
    curl_easy_setopt(easy_, CURLOPT_HEADERDATA, exchange);
    curl_easy_setopt(easy_, CURLOPT_WRITEFUNCTION, &OnBody);
    curl_easy_setopt(easy_, CURLOPT_WRITEDATA, exchange);
    if (request.method == "HEAD") {
      curl_easy_setopt(easy_, CURLOPT_NOBODY, 1L);
    } else if (request.method == "PUT" || request.method == "POST") {
      curl_easy_setopt(easy_, CURLOPT_UPLOAD, 1L);
      curl_easy_setopt(easy_, CURLOPT_INFILESIZE_LARGE, static_cast<curl_off_t>(request.body.size()));
      curl_easy_setopt(easy_, CURLOPT_READFUNCTION, &OnSend);
      curl_easy_setopt(easy_, CURLOPT_READDATA, exchange);
      curl_easy_setopt(easy_, CURLOPT_SEEKFUNCTION, &OnSeek);
      curl_easy_setopt(easy_, CURLOPT_SEEKDATA, exchange);
      curl_easy_setopt(easy_, CURLOPT_UPLOAD_BUFFERSIZE, kBufferBytes);
      curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    } else if (request.method != "GET") {
      curl_easy_setopt(easy_, CURLOPT_CUSTOMREQUEST, request.method.c_str());
    }
  }

  void SetTransport(const HttpSettings& settings) {
    curl_easy_setopt(easy_, CURLOPT_NOSIGNAL, 1L);
    curl_easy_setopt(easy_, CURLOPT_HTTP_VERSION, static_cast<long>(CURL_HTTP_VERSION_1_1));
    curl_easy_setopt(easy_, CURLOPT_FOLLOWLOCATION, 0L);
    curl_easy_setopt(easy_, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    curl_easy_setopt(easy_, CURLOPT_TCP_NODELAY, 1L);
    curl_easy_setopt(easy_, CURLOPT_TCP_KEEPALIVE, 1L);
    curl_easy_setopt(easy_, CURLOPT_SOCKOPTFUNCTION, &OnSocket);
    curl_easy_setopt(easy_, CURLOPT_SOCKOPTDATA, this);
    curl_easy_setopt(easy_, CURLOPT_BUFFERSIZE, kBufferBytes);
    curl_easy_setopt(easy_, CURLOPT_CONNECTTIMEOUT_MS, static_cast<long>(settings.connect_timeout_ms));
#if LIBCURL_VERSION_NUM >= 0x075500
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS_STR, "http,https");
#else
    curl_easy_setopt(easy_, CURLOPT_PROTOCOLS, static_cast<long>(CURLPROTO_HTTP | CURLPROTO_HTTPS));
#endif
#if LIBCURL_VERSION_NUM >= 0x075700
    // Cancelling must not wait for a name server: a resolver thread still running cleans up after itself.
    curl_easy_setopt(easy_, CURLOPT_QUICK_EXIT, 1L);
#endif
    curl_easy_setopt(easy_, CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYPEER, settings.verify_tls ? 1L : 0L);
    curl_easy_setopt(easy_, CURLOPT_SSL_VERIFYHOST, settings.verify_tls ? 2L : 0L);
    if (!settings.ca_file.empty()) curl_easy_setopt(easy_, CURLOPT_CAINFO, settings.ca_file.c_str());
    if (settings.verify_tls) {
      curl_easy_setopt(easy_, CURLOPT_SSL_CTX_FUNCTION, &OnTlsContext);
      curl_easy_setopt(easy_, CURLOPT_SSL_CTX_DATA, &refusal_);
    }
    curl_easy_setopt(easy_, CURLOPT_PROXY, settings.proxy.c_str());  // "" overrules the environment
    curl_easy_setopt(easy_, CURLOPT_NOPROXY, "");
  }

  // A server without TCP_NODELAY (Ceph RGW by default) that answers with several writes holds the second one back until
  // the first is acknowledged, which Linux would do 40 ms later. The kernel forgets the wish, so it is repeated. It is
  // only one: should the socket be another one's by now, that does no harm.
  void AcknowledgeNow() const {
#ifdef TCP_QUICKACK
    const int on = 1;
    if (socket_ != CURL_SOCKET_BAD) (void)setsockopt(socket_, IPPROTO_TCP, TCP_QUICKACK, &on, sizeof on);
#endif
  }
  static CURLcode OnTlsContext(CURL*, void* context, void* refusal) noexcept {
    NoteRefusal(context, static_cast<TlsRefusal*>(refusal));
    return CURLE_OK;
  }
  static int OnSocket(void* self, curl_socket_t socket, curlsocktype) noexcept {
    static_cast<Connection*>(self)->socket_ = socket;
    return CURL_SOCKOPT_OK;
  }

  // Drives the transfer to its end. The stall clock is the machine's: it measures the network, not the test.
  Result<CURLcode> Loop(const HttpSettings& settings, Exchange* exchange, const OpContext& ctx) {
    const Clock& clock = SystemClock();
    uint64_t moved = 0;
    int64_t moved_at = clock.SteadyMillis();
    for (;;) {
      int running = 0;
      CURLMcode ran = curl_multi_perform(multi_, &running);
      if (ran != CURLM_OK) return Status(Code::kInternal, std::string("libcurl: ") + curl_multi_strerror(ran));
      if (running == 0) break;
      PITR_TRY(ctx.Check());
      AcknowledgeNow();
      // Counted by our callbacks and, for what still sits in curl's upload buffer, by curl.
      curl_off_t uploaded = 0;
      curl_easy_getinfo(easy_, CURLINFO_SIZE_UPLOAD_T, &uploaded);
      uint64_t now_moved = exchange->moved + static_cast<uint64_t>(uploaded);
      int64_t now = clock.SteadyMillis();
      if (now_moved != moved) {
        moved = now_moved;
        moved_at = now;
      } else if (now - moved_at > settings.stall_timeout_ms) {
        return Status(Code::kUnavailable, "no data moved for " + std::to_string(settings.stall_timeout_ms) + " ms")
            .WithHint("The store, or something between, accepts connections and does not answer.");
      }
      int wait = static_cast<int>(std::clamp<int64_t>(ctx.RemainingMillis(), 1, kPollMillis));
      ran = curl_multi_poll(multi_, nullptr, 0, wait, nullptr);
      if (ran != CURLM_OK) return Status(Code::kInternal, std::string("libcurl: ") + curl_multi_strerror(ran));
    }
    int left = 0;
    while (CURLMsg* message = curl_multi_info_read(multi_, &left))
      if (message->msg == CURLMSG_DONE) return message->data.result;
    return Status(Code::kInternal, "libcurl lost the request");
  }

  TlsRefusal refusal_;  // outlives the handles, whose connections point to it
  CURLM* multi_;
  CURL* easy_;
  curl_socket_t socket_ = CURL_SOCKET_BAD;  // that was opened last
  char error_[CURL_ERROR_SIZE] = {};
};

HttpClient::HttpClient(HttpSettings settings) : settings_(std::move(settings)) {}
HttpClient::~HttpClient() = default;

Result<std::unique_ptr<HttpClient::Connection>> HttpClient::Acquire() {
  {
    std::lock_guard lock(mutex_);
    if (!idle_.empty()) {
      auto connection = std::move(idle_.back());
      idle_.pop_back();
      return connection;
    }
  }
  return Connection::Open();
}

void HttpClient::Release(std::unique_ptr<Connection> connection) {
  std::lock_guard lock(mutex_);
  if (idle_.size() < settings_.max_idle_connections) idle_.push_back(std::move(connection));
}

// Asked only while nothing has ever been answered, and not of the first failure: a server may just be starting.
bool HttpClient::SpeaksTls(const std::string& url, const OpContext& ctx) {
  constexpr int kAskedOf = 2;
  if (!url.starts_with("http://") || answered_ || ++unanswered_ != kAskedOf) return false;
  auto connection = Connection::Open();
  return connection.ok() &&
         connection.value()->ShakesHands(settings_, "https" + std::string(Origin(url)).substr(4), ctx);
}

Result<HttpResponse> HttpClient::Do(const HttpRequest& request, const HttpSink* sink, const OpContext& ctx) {
  Exchange exchange{request, sink, ctx};
  Status done = ctx.Check();
  if (done.ok()) {
    PITR_ASSIGN(auto connection, Acquire());
    done = connection->Run(settings_, &exchange, ctx);
    // A handle whose request failed is not used again: libcurl 8.14 remembers in it that the upload must be rewound,
    // reset or not, and a request that may not be rewound would then fail before it is sent, every time.
    if (done.ok()) Release(std::move(connection));
  }
  if (exchange.response.status != 0) answered_ = true;
  if (exchange.sink_failed) return done;
  if (done.code() == Code::kUnavailable && SpeaksTls(request.url, ctx))
    done = Status(Code::kInvalidArgument, "this port speaks TLS, not plain HTTP")
               .WithHint("Write s3_endpoint as https://host:port.");
  if (!done.ok())
    return std::move(done).Annotate("could not " + request.operation + " at " + std::string(Origin(request.url)));
  return std::move(exchange.response);
}

}  // namespace pitr
