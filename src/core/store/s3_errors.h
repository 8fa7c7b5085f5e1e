// What an S3 answer that is not a success means for the caller. Pure.
// Source: the error tables of the Amazon S3 API reference, and what MinIO, Ceph RGW, B2 and R2 answer.
#pragma once
#include <string>
#include <string_view>

#include "core/base/status.h"
#include "core/store/s3_xml.h"

namespace pitr {

struct S3Failure {
  std::string operation;   // "store \"wal/...\""
  std::string permission;  // "s3:PutObject"
  std::string bucket;
  std::string region;        // the configured one
  std::string credentials;   // who asked: "access key \"AK..\" of file \"...\""
  std::string worked_until;  // when the store last took what they signed; "" when it never did
  std::string settings;      // by which the request asked for more than to be carried out: "s3_storage_class, s3_sse"
  int http_status = 0;
  bool object_lock = false;  // the request asked for a lock
  int part_number = 0;       // of an upload
  S3Error error;             // code "" when the answer had no S3 document
};

// Never ok. Code by S3 error code where there is one, else by HTTP status. The message holds operation, HTTP status,
// S3 code and request id; the detail what the store said; the hint what to do. 404 is kNotFound only for NoSuchKey
// and NoSuchUpload. An expired token is kPermission here; the client makes it kUnavailable when it can be renewed.
Status ToStatus(const S3Failure& failure);

// ExpiredToken and its kin: other credentials may help.
bool IsExpiredCredentials(const S3Error& error);

// The error says that it will not take a body without a checksum in a header, as buckets with Object Lock do.
bool AsksForMd5(const S3Error& error);

// The store does not have the request as such, whatever it is about: 501, 405, or 400 with a code that says the same.
bool LacksRequest(int http_status, const S3Error& error);
// The store does not take If-None-Match in this request. False for whatever may be about something else.
bool LacksCondition(int http_status, const S3Error& error);

// Whether an answer of success is that of somebody in between: a login page, say. `body` may be cut. HEAD has no body,
// but objects of ours have another type.
bool IsWebPage(bool head, std::string_view content_type, std::string_view body);
// kUnavailable, for such an answer to `operation` ("read object ...").
Status NotTheStore(const std::string& operation, int http_status);

}  // namespace pitr
