// One place where S3 credentials come from, and what places need to know; credentials.h joins them to a chain.
#pragma once
#include <functional>
#include <optional>
#include <string>

#include "core/base/op_context.h"
#include "core/base/status.h"
#include "core/store/sigv4.h"

namespace pitr {

using Environment = std::function<std::optional<std::string>(const char* name)>;

// getenv(3).
std::optional<std::string> ProcessEnvironment(const char* name);

struct CredentialsConfig {
  std::string file;                  // s3_credentials_file; "" for none
  std::string profile;               // s3_profile; "" for AWS_PROFILE or "default"
  std::string region = "us-east-1";  // for STS
  std::string proxy;                 // for STS, as HttpSettings::proxy
  std::string ca_file;               // for STS with an endpoint of one's own
  bool instance_metadata = false;    // ask IMDS as the last resort; OpenS3 sets it for AWS endpoints only
  Environment environment = ProcessEnvironment;
  std::string metadata_endpoint = "http://169.254.169.254";
  std::string container_endpoint = "http://169.254.170.2";
  std::string sts_endpoint;            // "" for that of the region
  int64_t metadata_timeout_ms = 1000;  // for each request to a metadata endpoint
};

// One source of the chain. Used by one thread at a time.
class CredentialSource {
 public:
  virtual ~CredentialSource() = default;
  virtual std::string Name() const = 0;  // for messages
  // kNotFound: this source is not set. Any other error: it is set but unusable.
  virtual Result<AwsCredentials> Load(const OpContext& ctx) = 0;
  // True when what Load() would return may have changed since the last one.
  virtual bool Changed() const { return false; }
  // False when loading again can never give anything else (the environment of a running process).
  virtual bool Renewable() const { return true; }
};

}  // namespace pitr
