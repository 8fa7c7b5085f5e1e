// See scripted_http_server.h.
#include "lib/scripted_http_server.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>
#include <netinet/in.h>
#include <poll.h>
#include <sys/socket.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>

namespace pitr {
namespace {

constexpr int kPollMillis = 20;

bool SendAll(int fd, std::string_view bytes) {
  while (!bytes.empty()) {
    ssize_t n = send(fd, bytes.data(), bytes.size(), MSG_NOSIGNAL);
    if (n <= 0) return false;
    bytes.remove_prefix(static_cast<size_t>(n));
  }
  return true;
}

std::string Lower(std::string text) {
  std::transform(text.begin(), text.end(), text.begin(), [](unsigned char c) { return std::tolower(c); });
  return text;
}

// Fills everything but the body from the bytes before the empty line.
SeenRequest ParseHead(const std::string& head) {
  SeenRequest request;
  size_t line_end = head.find("\r\n");
  std::string line = head.substr(0, line_end);
  size_t first = line.find(' ');
  size_t second = line.find(' ', first + 1);
  request.method = line.substr(0, first);
  request.target = line.substr(first + 1, second - first - 1);
  for (size_t start = line_end + 2; start < head.size();) {
    size_t end = std::min(head.find("\r\n", start), head.size());
    std::string field = head.substr(start, end - start);
    size_t colon = field.find(':');
    std::string value = field.substr(colon + 1);
    value.erase(0, value.find_first_not_of(' '));
    request.headers[Lower(field.substr(0, colon))] = value;
    start = end + 2;
  }
  return request;
}

std::string Mismatch(const ScriptStep& step, const SeenRequest& request) {
  if (step.method != request.method) return "expected method " + step.method;
  if (!step.target.empty() && step.target != request.target) return "expected target " + step.target;
  for (const auto& [name, value] : step.headers)
    if (request.Header(Lower(name)) != value)
      return "expected header " + name + ": " + value + ", got \"" + request.Header(Lower(name)) + "\"";
  return step.check ? step.check(request) : "";
}

}  // namespace

std::string S3ErrorXml(const std::string& code, const std::string& message) {
  return "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>" + code + "</Code><Message>" + message +
         "</Message><RequestId>REQ1</RequestId></Error>";
}

ScriptedHttpServer::ScriptedHttpServer() {
  listener_ = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
  sockaddr_in address{};
  address.sin_family = AF_INET;
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  socklen_t length = sizeof address;
  bool up = bind(listener_, reinterpret_cast<sockaddr*>(&address), length) == 0 && listen(listener_, 64) == 0 &&
            getsockname(listener_, reinterpret_cast<sockaddr*>(&address), &length) == 0;
  EXPECT_TRUE(up) << "no loopback port to listen on";
  port_ = ntohs(address.sin_port);
  acceptor_ = std::thread([this] { Accept(); });
}

ScriptedHttpServer::~ScriptedHttpServer() {
  stopping_ = true;
  stopped_.notify_all();
  acceptor_.join();
  std::vector<std::thread> threads;
  {
    std::lock_guard lock(mutex_);
    for (int fd : open_) shutdown(fd, SHUT_RDWR);
    threads.swap(threads_);
  }
  for (std::thread& thread : threads) thread.join();
  close(listener_);
  for (const ScriptStep& step : script_) ADD_FAILURE() << "request never came: " << step.method << " " << step.target;
}

void ScriptedHttpServer::Expect(ScriptStep step) {
  std::lock_guard lock(mutex_);
  script_.push_back(std::move(step));
}

void ScriptedHttpServer::Otherwise(std::function<ScriptStep(const SeenRequest&)> answer) {
  std::lock_guard lock(mutex_);
  otherwise_ = std::move(answer);
}

std::vector<SeenRequest> ScriptedHttpServer::Requests() const {
  std::lock_guard lock(mutex_);
  return requests_;
}

int ScriptedHttpServer::connections() const {
  std::lock_guard lock(mutex_);
  return connections_;
}

void ScriptedHttpServer::Accept() {
  while (!stopping_) {
    pollfd waiting{listener_, POLLIN, 0};
    if (poll(&waiting, 1, kPollMillis) <= 0) continue;
    int fd = accept4(listener_, nullptr, nullptr, SOCK_CLOEXEC);
    if (fd < 0) continue;
    std::lock_guard lock(mutex_);
    open_.push_back(fd);
    threads_.emplace_back([this, fd, number = ++connections_] { Serve(fd, number); });
  }
}

void ScriptedHttpServer::Serve(int fd, int number) {
  std::string buffer;
  while (!stopping_ && ServeOne(fd, number, &buffer)) {}
  std::lock_guard lock(mutex_);
  open_.erase(std::find(open_.begin(), open_.end(), fd));
  close(fd);
}

bool ScriptedHttpServer::ServeOne(int fd, int number, std::string* buffer) {
  auto more = [&] {
    char piece[65536];
    ssize_t n = recv(fd, piece, sizeof piece, 0);
    if (n > 0) buffer->append(piece, static_cast<size_t>(n));
    return n > 0;
  };
  size_t end;
  while ((end = buffer->find("\r\n\r\n")) == buffer->npos)
    if (!more()) return false;
  SeenRequest request = ParseHead(buffer->substr(0, end));
  request.connection = number;
  buffer->erase(0, end + 4);
  bool reset;
  {
    std::lock_guard lock(mutex_);
    reset = !script_.empty() && script_.front().reset_before_body;
  }
  size_t length = reset || request.Header("content-length").empty() ? 0 : std::stoul(request.Header("content-length"));
  while (buffer->size() < length)
    if (!more()) return false;
  request.body = buffer->substr(0, length);
  buffer->erase(0, length);
  ScriptStep step = Take(request);
  if (step.reset_before_body) {
    linger now{1, 0};
    setsockopt(fd, SOL_SOCKET, SO_LINGER, &now, sizeof now);
    return false;
  }
  if (step.close_unanswered) return false;
  bool keep = true;
  Answer(fd, request, step, &keep);
  return keep;
}

ScriptStep ScriptedHttpServer::Take(const SeenRequest& request) {
  std::unique_lock lock(mutex_);
  requests_.push_back(request);
  if (script_.empty() && otherwise_) {
    auto answer = otherwise_;
    lock.unlock();
    return answer(request);
  }
  if (script_.empty()) {
    ADD_FAILURE() << "unexpected request: " << request.method << " " << request.target;
    return {.status = 599};
  }
  ScriptStep step = std::move(script_.front());
  script_.pop_front();
  std::string wrong = Mismatch(step, request);
  if (!wrong.empty()) ADD_FAILURE() << request.method << " " << request.target << ": " << wrong;
  return step;
}

void ScriptedHttpServer::WaitForStop() {
  std::unique_lock lock(mutex_);
  while (!stopping_) stopped_.wait_for(lock, std::chrono::milliseconds(kPollMillis));
}

void ScriptedHttpServer::Answer(int fd, const SeenRequest& request, const ScriptStep& step, bool* keep) {
  bool announced = false;
  if (step.stall && step.send_only < 0) return WaitForStop();
  std::string head = "HTTP/1.1 " + std::to_string(step.status) + " Scripted\r\n";
  for (const auto& [name, value] : step.reply_headers) {
    head += name + ": " + value + "\r\n";
    announced = announced || Lower(name) == "content-length";
  }
  size_t length = step.content_length >= 0 ? static_cast<size_t>(step.content_length) : step.reply.size();
  bool bodyless = step.status == 204 || step.status == 304;
  if (step.chunked) head += "Transfer-Encoding: chunked\r\n";
  if (!step.chunked && !step.no_length && !announced && !bodyless)
    head += "Content-Length: " + std::to_string(length) + "\r\n";
  if (step.no_length) head += "Connection: close\r\n";
  std::string body = request.method == "HEAD" || bodyless ? "" : step.reply;
  bool cut = step.send_only >= 0 && static_cast<size_t>(step.send_only) < length;
  if (step.send_only >= 0) body.resize(std::min(body.size(), static_cast<size_t>(step.send_only)));
  if (step.chunked) {
    char size[32];
    snprintf(size, sizeof size, "%zx\r\n", body.size());
    if (!body.empty()) body = size + body + "\r\n";
    if (!cut) body += "0\r\n\r\n";
  }
  *keep = SendAll(fd, head + "\r\n" + body) && !cut && !step.no_length;
  if (step.stall) {
    WaitForStop();
    *keep = false;
  }
}

}  // namespace pitr
