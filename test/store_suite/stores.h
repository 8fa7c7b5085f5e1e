// The stores that the conformance suite runs on. Memory (plain, and failing every few calls with retries around
// it), a directory and the S3 driver on a server in this process (lib/loopback_s3.h; plain, and answering 503 every
// few requests with retries around it) always run; S3 on a real server (by path over HTTP and TLS; by virtual host over
// TLS, with tags and a storage class) when the environment names one (test/lib/rgw.sh sets it). With
// PITR_TEST_REQUIRE_S3=1 a missing variable is a failure instead of a skip.
#pragma once
#include <gtest/gtest.h>

#include <memory>
#include <string>

#include "core/store/object_store.h"
#include "core/store/s3_config.h"

namespace pitr::test {

enum class StoreKind {
  kMemory,
  kFlakyMemory,
  kDirectory,
  kS3Loopback,
  kFlakyS3Loopback,
  kS3Http,
  kS3Https,
  kS3VirtualHost
};

std::string StoreKindName(const ::testing::TestParamInfo<StoreKind>& info);

// "" when `kind` can run here, else which variables are missing.
std::string MissingFor(StoreKind kind);
bool S3IsRequired();

// A place of its own for one test, empty at first and removed at the end.
class TestPlace {
 public:
  virtual ~TestPlace() = default;
  // Another handle on the same objects, as another process would have.
  virtual std::unique_ptr<ObjectStore> Open() = 0;
};
std::unique_ptr<TestPlace> MakePlace(StoreKind kind);

// The settings for the server of the environment, under a prefix of its own.
S3Config TestS3Config(bool https);

}  // namespace pitr::test
