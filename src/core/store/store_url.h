// What the URL of a repository names: a directory or a place in a bucket. The one reader of such URLs. Pure.
#pragma once
#include <string>

#include "core/base/status.h"

namespace pitr {

struct StoreUrl {
  std::string directory;  // file:///directory: absolute, not the root; empty for S3
  std::string bucket;     // s3://bucket/prefix: not empty, but perhaps no name that a bucket can have (ParseS3Url)
  std::string prefix;     // without slashes at its end
  bool s3() const { return !bucket.empty(); }
};

// kInvalidArgument with a hint: what cannot be a repository. `what` begins the message: "repository URL".
Result<StoreUrl> ParseStoreUrl(const std::string& url, const std::string& what = "repository URL");

// The directory of a repository that is one; empty for others, and for what is no URL.
std::string StoreDirectory(const std::string& url);

}  // namespace pitr
