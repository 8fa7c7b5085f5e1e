// One signed S3 request: addressing, signature, error classification. Knows the REST protocol; what the operations
// of an object store are is s3.cpp's business. Safe from several threads.
#pragma once
#include <atomic>
#include <initializer_list>
#include <map>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "core/store/credentials.h"
#include "core/store/http.h"
#include "core/store/s3_config.h"
#include "core/store/s3_errors.h"
#include "core/store/sigv4.h"

namespace pitr {

struct S3Call {
  std::string method;
  std::string key;  // relative to the prefix; "" is the bucket itself
  QueryParams query;
  HttpHeaders headers;  // beyond host, date, payload hash and token
  ByteView body;
  std::string operation;   // "store \"key\"", for messages
  std::string permission;  // "s3:PutObject", for hints
  bool content_md5 = false;
  bool resend = true;   // see HttpRequest
  int part_number = 0;  // of an upload, for hints
  size_t max_body_bytes = kMaxErrorBodyBytes;
  std::vector<int> accept;  // HTTP statuses besides 2xx that the caller understands
  // The same of an answer whose document tells more than its status.
  bool (*accept_if)(int http_status, const S3Error& error) = nullptr;
};

class S3Client {
 public:
  // `config` must have passed CheckS3Config. `clock` is borrowed.
  S3Client(S3Config config, S3Endpoint endpoint, std::unique_ptr<CredentialProvider> credentials, const Clock& clock);

  // 2xx or what the call accepts; anything else is an error as s3_errors.h says. Codes of HttpClient::Do and
  // CredentialProvider::Get too.
  Result<HttpResponse> Send(const S3Call& call, const HttpSink* sink, const OpContext& ctx);

  // The error that an accepted answer, or a 2xx with an error in its body, amounts to.
  Status Explain(const S3Call& call, const HttpResponse& response, const S3Error& error) const;

  const S3Config& config() const { return config_; }
  const Clock& clock() const { return clock_; }
  // "prefix/key", or "key" without a prefix.
  std::string FullKey(const std::string& key) const;

 private:
  HttpHeaders SignedHeaders(const S3Call& call, const std::string& path, const AwsCredentials& credentials,
                            bool with_md5);
  void Remember(const AwsCredentials& credentials);

  const S3Config config_;
  const S3Endpoint endpoint_;
  const std::unique_ptr<CredentialProvider> credentials_;
  const Clock& clock_;
  SigningKeyCache signing_keys_;
  HttpClient http_;
  std::atomic<bool> md5_on_put_, md5_on_post_{false};  // the bucket has said that it wants Content-MD5
  // For messages about refusals, protected by used_mutex_: the credentials last used, and when the store last did what
  // needs a permission, by the wall clock.
  mutable std::mutex used_mutex_;
  std::string used_;
  bool used_token_ = false;
  std::map<std::string, int64_t> worked_micros_;
};

}  // namespace pitr
