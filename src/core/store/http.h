// HTTP/1.1 requests over a pool of warm connections. The only door to libcurl (http.cpp includes it, nothing else
// does).
//
// One attempt per call: no redirect is followed and nothing is sent twice, except that a request whose
// pooled connection turns out to be dead before any answer is sent again on a new one when `resend` allows it.
// Do() blocks its thread, sees cancellation and deadline within about 50 ms, and is safe from several threads.
// Call it only from threads that have all signals blocked (core/base/thread.h): libcurl's resolver starts threads
// that inherit the mask. Messages name operation and host, never a header, so no secret can show.
#pragma once
#include <atomic>
#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "core/base/bytes.h"
#include "core/base/op_context.h"
#include "core/base/status.h"

namespace pitr {

inline constexpr size_t kMaxErrorBodyBytes = size_t{64} << 10;
inline constexpr size_t kMaxHeaderBytes = size_t{64} << 10;

struct HttpSettings {
  std::string ca_file;     // PEM bundle; "" is the system's
  bool verify_tls = true;  // peer and host name
  std::string proxy;       // "" is none; variables of the environment are not used
  int64_t connect_timeout_ms = 10000;
  int64_t stall_timeout_ms = 30000;  // no byte in either direction for so long is a failure
  size_t max_idle_connections = 64;
};

using HttpHeaders = std::vector<std::pair<std::string, std::string>>;

struct HttpRequest {
  std::string method;  // GET, HEAD, PUT, POST, DELETE
  std::string url;     // sent as it is: path and query already percent-encoded
  HttpHeaders headers;
  ByteView body;                               // borrowed until Do() returns
  std::string operation;                       // for messages: "could not " + operation
  size_t max_body_bytes = kMaxErrorBodyBytes;  // of an answer that goes to no sink
  bool resend = true;  // false where doing it twice could not be told from somebody else having done it
};

struct HttpResponse {
  int status = 0;
  HttpHeaders headers;  // names in lower case
  std::string body;     // what did not go to a sink; an error's body is cut at kMaxErrorBodyBytes

  // Value of the first header of that (lower-case) name, or "".
  std::string_view Header(std::string_view name) const;
};

// Adds a line of an answer's head, line end included or not; a status line begins the answer anew. Whatever the line
// is: what is no header is left out. Pure.
void TakeHeaderLine(std::string_view line, HttpResponse& response);

// Where a 2xx body goes. `begin` sees status and headers before the first byte; either may stop the transfer
// by returning an error, which is then what Do() returns.
struct HttpSink {
  std::function<Status(const HttpResponse&)> begin;
  std::function<Status(ByteView)> write;
};

class HttpClient {
 public:
  explicit HttpClient(HttpSettings settings);
  ~HttpClient();
  HttpClient(const HttpClient&) = delete;
  HttpClient& operator=(const HttpClient&) = delete;

  // Any complete answer, whatever its status, is a value.
  // kUnavailable: network, stall, deadline, or a body shorter than announced; kPermission: the server's TLS
  // certificate was refused; kCancelled; kInvalidArgument: unusable URL, CA file or proxy.
  Result<HttpResponse> Do(const HttpRequest& request, const HttpSink* sink, const OpContext& ctx);

 private:
  class Connection;
  Result<std::unique_ptr<Connection>> Acquire();
  void Release(std::unique_ptr<Connection> connection);

  // Of a failure that may mean "this port speaks TLS": whether it does.
  bool SpeaksTls(const std::string& url, const OpContext& ctx);

  const HttpSettings settings_;
  std::atomic<bool> answered_{false};  // anything at all, since this client was made
  std::atomic<int> unanswered_{0};     // requests, until then
  std::mutex mutex_;
  std::vector<std::unique_ptr<Connection>> idle_;  // protected by mutex_; last in, first out
};

}  // namespace pitr
