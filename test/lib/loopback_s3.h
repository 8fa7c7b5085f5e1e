// An S3 server for tests, in this process: one bucket in memory behind a loopback port, as much of the protocol as the
// S3 driver speaks. What it does follows the S3 API reference, not the driver: conditions, ranges, errors with their
// codes and request ids, parts that are checked when an upload is completed.
//
// It does not check signatures: a request must have an Authorization header, and x-amz-content-sha256 must be that of
// its body. A request it does not know is a test failure, so that no fallback of the driver goes unnoticed.
//
// Keep-alive, any number of connections at once; every request is carried out under one mutex.
// Protocol: https://docs.aws.amazon.com/AmazonS3/latest/API/API_Operations_Amazon_Simple_Storage_Service.html
#pragma once
#include <cstdint>
#include <functional>
#include <map>
#include <mutex>
#include <optional>
#include <string>

#include "lib/scripted_http_server.h"

namespace pitr::test {

class LoopbackS3 {
 public:
  explicit LoopbackS3(const std::string& bucket);

  std::string url() const { return server_.url(); }
  // Every n-th request is answered 503 SlowDown: in turn without being carried out and after having been. 0: none.
  void FailEvery(int n);
  int failed() const;
  // Asked before each request, under the mutex: the answer to give instead of the right one, and whether the request is
  // carried out all the same. nullopt leaves it alone.
  struct Interference {
    ScriptStep answer;
    bool carry_out = false;
    bool truthful = false;  // the right answer, on the way that `answer` says (send_only, close_unanswered, ...)
    int unlisted = -1;      // of the objects that a truthful answer lists this one, from 0, is left out
  };
  void Interfere(std::function<std::optional<Interference>(const SeenRequest&)> ask);

 private:
  static std::string LeaveOut(std::string listing, int which);
  struct Object {
    std::string body;
    std::string etag;
    int64_t modified_micros = 0;
  };
  struct Upload {
    std::string key;
    int64_t initiated_micros = 0;
    std::map<int, Object> parts;
  };
  struct Call {
    const SeenRequest& seen;
    std::string request_id;
    std::string key;  // "" for the bucket's own operations
    std::map<std::string, std::string> query;

    bool Asks(const std::string& name) const { return query.contains(name); }
    std::string Query(const std::string& name) const { return Asks(name) ? query.at(name) : ""; }
  };

  ScriptStep Answer(const SeenRequest& seen);
  // Those below are called with mutex_ held.
  ScriptStep CarryOut(const Call& call);
  ScriptStep OnBucket(const Call& call);
  ScriptStep OnObject(const Call& call);
  ScriptStep Put(const Call& call);
  ScriptStep Get(const Call& call);
  ScriptStep List(const Call& call);
  ScriptStep DeleteMany(const Call& call);
  ScriptStep BeginUpload(const Call& call);
  ScriptStep PutPart(const Call& call);
  ScriptStep CompleteUpload(const Call& call);
  ScriptStep AbortUpload(const Call& call);
  ScriptStep ListUploads(const Call& call);
  // The condition of `call` that nothing is there yet; true when it has none.
  bool MayCreate(const Call& call) const;
  Upload* FindUpload(const Call& call);

  const std::string bucket_;
  mutable std::mutex mutex_;
  std::map<std::string, Object> objects_;                               // protected by mutex_
  std::map<std::string, Upload> uploads_;                               // by upload id; protected by mutex_
  int64_t requests_ = 0;                                                // protected by mutex_
  int64_t next_upload_ = 1;                                             // protected by mutex_
  int fail_every_ = 0;                                                  // protected by mutex_
  int failed_ = 0;                                                      // protected by mutex_
  std::function<std::optional<Interference>(const SeenRequest&)> ask_;  // protected by mutex_
  ScriptedHttpServer server_;                                           // the last: its threads use all of the above
};

}  // namespace pitr::test
