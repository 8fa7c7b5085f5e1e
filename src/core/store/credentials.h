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
#include "core/store/credential_source.h"
#include "core/store/sigv4.h"

namespace pitr {

inline constexpr int64_t kRenewBeforeExpiryMicros = int64_t{5} * 60 * 1000000;

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
