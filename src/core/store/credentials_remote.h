// Temporary credentials from services: STS web identity (EKS), the container endpoint (ECS, EKS pod identity) and
// EC2 instance metadata, version 2 only. Every answer is bounded; metadata endpoints get short timeouts and no proxy.
#pragma once
#include <memory>
#include <string_view>

#include "core/store/credential_source.h"

namespace pitr {

std::unique_ptr<CredentialSource> MakeWebIdentitySource(const CredentialsConfig& config, const Clock& clock);
std::unique_ptr<CredentialSource> MakeContainerSource(const CredentialsConfig& config);
std::unique_ptr<CredentialSource> MakeInstanceMetadataSource(const CredentialsConfig& config);

// The JSON of the container and instance endpoints. kUnavailable when it is not usable. Pure.
Result<AwsCredentials> ParseCredentialsJson(std::string_view json);

}  // namespace pitr
