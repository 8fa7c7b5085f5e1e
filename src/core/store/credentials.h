// Where S3 credentials come from. A chain of sources, the first one that is set decides:
//   the file named by s3_credentials_file; the profile named by s3_profile; the environment; the shared AWS
//   profile; web identity (EKS); container endpoint (ECS, EKS pod identity); EC2 instance metadata (IMDSv2, AWS only).
// A source that is set but does not work is an error, never a reason to sign as somebody else.
// Temporary credentials are renewed five minutes before they expire; files are read again when they changed.
// Secrets appear in no message. Safe from several threads; one of them renews while the others wait.
#pragma once
#include <condition_variable>
#include <functional>
#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <vector>

#include "core/base/op_context.h"
#include "core/base/status.h"
#include "core/store/sigv4.h"

namespace pitr {

inline constexpr int64_t kRenewBeforeExpiryMicros = int64_t{5} * 60 * 1000000;

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

class CredentialProvider {
 public:
  CredentialProvider(std::vector<std::unique_ptr<CredentialSource>> sources, const Clock& clock);

  // kPermission: no source is set, or the one that is cannot be used; detail lists what was tried.
  // kUnavailable: a metadata service did not answer. kCancelled.
  Result<AwsCredentials> Get(const OpContext& ctx);

  // The store refused these as expired. True when the next Get() may return others.
  bool Invalidate(const AwsCredentials& refused, const OpContext& ctx);

 private:
  Result<AwsCredentials> LoadFrom(CredentialSource* source, const OpContext& ctx);

  // Exclusive use of everything below `busy_`, which a load may hold for seconds: waiting for it can be cancelled.
  class Turn;

  const Clock& clock_;
  std::mutex mutex_;
  std::condition_variable free_;
  bool busy_ = false;  // protected by mutex_
  const std::vector<std::unique_ptr<CredentialSource>> sources_;
  CredentialSource* current_ = nullptr;  // the source in use
  AwsCredentials credentials_;           // valid if current_
  int64_t next_renewal_micros_ = 0;      // not before, after a failed one
};

// The chain described above.
std::unique_ptr<CredentialProvider> MakeCredentialProvider(const CredentialsConfig& config, const Clock& clock);

}  // namespace pitr
