// What a user can say about an S3 repository, and what follows from it: where to connect and how to name the bucket.
// Plain data; safe to copy. Nothing here is secret: credentials are found through `credentials`.
#pragma once
#include <string>
#include <utility>
#include <vector>

#include "core/base/status.h"
#include "core/store/credentials.h"

namespace pitr {

enum class S3Addressing { kAuto, kPath, kVirtualHost };

struct S3Config {
  std::string bucket;
  std::string prefix;    // of every key, without slashes at its ends; may be ""
  std::string endpoint;  // "" is AWS; else host, host:port or http[s]://host[:port]
  std::string region = "us-east-1";
  S3Addressing addressing = S3Addressing::kAuto;  // virtual host for AWS and undotted buckets, else path

  bool verify_tls = true;
  std::string ca_file;  // "" is the system's
  std::string proxy;    // "" is none; variables of the environment are not used
  int64_t connect_timeout_ms = 10000;
  int64_t stall_timeout_ms = 30000;

  // Whether the store honours If-None-Match: * (see ProbeConditionalCreate). When not, creation looks first.
  bool conditional_create = true;

  std::string storage_class;   // "" is the bucket's default
  std::string sse;             // "", "AES256" or "aws:kms"
  std::string sse_kms_key_id;  // with aws:kms; "" is the account's default key
  std::vector<std::pair<std::string, std::string>> tags;
  bool requester_pays = false;
  std::string object_lock_mode;  // "", "GOVERNANCE" or "COMPLIANCE"
  int object_lock_days = 0;
  bool content_md5 = false;  // send it with every upload; implied by object_lock_mode

  CredentialsConfig credentials;  // region, proxy and ca_file in it are filled in by OpenS3
};

// "s3://bucket" or "s3://bucket/prefix": fills bucket and prefix, the rest is default. kInvalidArgument.
Result<S3Config> ParseS3Url(const std::string& url);

// "auto", "path" or "virtual". kInvalidArgument.
Result<S3Addressing> ParseS3Addressing(const std::string& text);

// "name=value&name2=value2", percent-encoded where needed. kInvalidArgument.
Result<std::vector<std::pair<std::string, std::string>>> ParseS3Tags(const std::string& text);

// kInvalidArgument naming the first field that cannot work.
Status CheckS3Config(const S3Config& config);

// Where requests go.
struct S3Endpoint {
  std::string origin;       // "https://bucket.s3.eu-west-1.amazonaws.com" or "http://127.0.0.1:7480"
  std::string host_header;  // as curl will send it: without the scheme's default port
  std::string path;         // "" or "/bucket": what precedes "/key"
  bool aws = false;         // an endpoint of Amazon's
};

// kInvalidArgument for an endpoint that is no such thing.
Result<S3Endpoint> ResolveS3Endpoint(const S3Config& config);

}  // namespace pitr
