// A loopback HTTP/1.1 server that plays a script: which requests it expects, in which order, and what it does to
// each. A request the script does not foresee, or foreseen requests that never came, fail the test.
// Serves any number of connections at once, keep-alive included; requests take script steps in order of arrival.
// The test's thread writes the script before the requests that need it; everything else is behind one mutex.
#pragma once
#include <atomic>
#include <condition_variable>
#include <deque>
#include <functional>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <thread>
#include <vector>

namespace pitr {

struct SeenRequest {
  std::string method;
  std::string target;                          // as sent: "/bucket/key?list-type=2"
  std::map<std::string, std::string> headers;  // names in lower case
  std::string body;
  int connection = 0;  // 1 for the first connection accepted, and so on

  std::string Header(const std::string& name) const {
    auto at = headers.find(name);
    return at == headers.end() ? "" : at->second;
  }
};

struct ScriptStep {
  // What must come.
  std::string method;
  std::string target;                                    // exact; "" matches any
  std::map<std::string, std::string> headers;            // each must be there with this value; value "" means absent
  std::function<std::string(const SeenRequest&)> check;  // returns what is wrong, or ""

  // What is answered.
  int status = 200;
  std::vector<std::pair<std::string, std::string>> reply_headers;
  std::string reply;
  long content_length = -1;  // announced instead of the true one
  bool no_length = false;    // neither Content-Length nor chunked: the body ends with the connection
  bool chunked = false;

  // What goes wrong.
  bool close_unanswered = false;   // read the request, then close
  bool reset_before_body = false;  // reset the connection after the request's head
  long send_only = -1;             // close after so many bytes of the body
  bool stall = false;              // say nothing after `send_only` bytes of the body (or at all) until stopped
};

// S3's error document with that code.
std::string S3ErrorXml(const std::string& code, const std::string& message = "because");

class ScriptedHttpServer {
 public:
  ScriptedHttpServer();   // listens on a free port of 127.0.0.1
  ~ScriptedHttpServer();  // stops, and reports what is left of the script as a test failure
  ScriptedHttpServer(const ScriptedHttpServer&) = delete;
  ScriptedHttpServer& operator=(const ScriptedHttpServer&) = delete;

  int port() const { return port_; }
  std::string url() const { return "http://127.0.0.1:" + std::to_string(port_); }

  // Appends to the script.
  void Expect(ScriptStep step);
  // From now on this answers every request for which the script has no step left, instead of failing.
  void Otherwise(std::function<ScriptStep(const SeenRequest&)> answer);
  std::vector<SeenRequest> Requests() const;
  int connections() const;

 private:
  void Accept();
  void Serve(int fd, int number);
  // False when the connection is over.
  bool ServeOne(int fd, int number, std::string* buffer);
  ScriptStep Take(const SeenRequest& head);
  void Answer(int fd, const SeenRequest& request, const ScriptStep& step, bool* keep);
  void WaitForStop();

  int listener_ = -1;
  int port_ = 0;
  std::atomic<bool> stopping_{false};
  mutable std::mutex mutex_;
  std::condition_variable stopped_;
  std::deque<ScriptStep> script_;                            // protected by mutex_
  std::function<ScriptStep(const SeenRequest&)> otherwise_;  // protected by mutex_
  std::vector<SeenRequest> requests_;                        // protected by mutex_
  std::vector<int> open_;                                    // protected by mutex_
  std::vector<std::thread> threads_;                         // protected by mutex_
  int connections_ = 0;                                      // protected by mutex_
  std::thread acceptor_;
};

}  // namespace pitr
