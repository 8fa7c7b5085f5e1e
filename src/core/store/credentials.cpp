// See credentials.h. The chain and its cache; files are in credentials_file.cpp, services in credentials_remote.cpp.
#include "core/store/credentials.h"

#include <chrono>

#include "core/store/credentials_file.h"
#include "core/store/credentials_remote.h"

namespace pitr {
namespace {

// After a failed renewal, while the old credentials still work.
constexpr int64_t kRenewalPauseMicros = 10 * 1000000;
constexpr std::chrono::milliseconds kCancelPoll(50);

class EnvironmentSource final : public CredentialSource {
 public:
  explicit EnvironmentSource(const Environment& environment)
      : id_(environment("AWS_ACCESS_KEY_ID").value_or("")),
        secret_(environment("AWS_SECRET_ACCESS_KEY").value_or("")),
        token_(environment("AWS_SESSION_TOKEN").value_or("")) {}
  std::string Name() const override { return "the environment"; }
  bool Renewable() const override { return false; }
  Result<AwsCredentials> Load(const OpContext&) override {
    if (id_.empty() && secret_.empty())
      return Status(Code::kNotFound, "AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY are not set");
    if (id_.empty()) return Status(Code::kPermission, "AWS_SECRET_ACCESS_KEY is set but AWS_ACCESS_KEY_ID is not");
    if (secret_.empty()) return Status(Code::kPermission, "AWS_ACCESS_KEY_ID is set but AWS_SECRET_ACCESS_KEY is not");
    return AwsCredentials{id_, secret_, token_};
  }

 private:
  const std::string id_;
  const std::string secret_;
  const std::string token_;
};

}  // namespace

class CredentialProvider::Turn {
 public:
  explicit Turn(CredentialProvider* provider) : provider_(provider) {}
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;
  ~Turn() {
    if (!taken_) return;
    {
      std::lock_guard lock(provider_->mutex_);
      provider_->busy_ = false;
    }
    provider_->free_.notify_one();
  }
  Status Take(const OpContext& ctx) {
    std::unique_lock lock(provider_->mutex_);
    while (provider_->busy_) {
      PITR_TRY(ctx.Check());
      provider_->free_.wait_for(lock, kCancelPoll);
    }
    provider_->busy_ = taken_ = true;
    return Status::Ok();
  }

 private:
  CredentialProvider* provider_;
  bool taken_ = false;
};

CredentialProvider::CredentialProvider(std::vector<std::unique_ptr<CredentialSource>> sources, const Clock& clock)
    : clock_(clock), sources_(std::move(sources)) {}

Result<AwsCredentials> CredentialProvider::LoadFrom(CredentialSource* source, const OpContext& ctx) {
  auto loaded = source->Load(ctx);
  if (!loaded.ok()) return loaded;
  loaded.value().source = source->Name();
  current_ = source;
  credentials_ = loaded.value();
  return loaded;
}

Result<AwsCredentials> CredentialProvider::Get(const OpContext& ctx) {
  Turn turn(this);
  PITR_TRY(turn.Take(ctx));
  if (current_ != nullptr) {
    int64_t now = clock_.WallMicros();
    bool due =
        credentials_.expires_micros != INT64_MAX && now >= credentials_.expires_micros - kRenewBeforeExpiryMicros;
    bool usable = now < credentials_.expires_micros;
    if ((!due || (usable && now < next_renewal_micros_)) && !current_->Changed()) return credentials_;
    auto renewed = LoadFrom(current_, ctx);
    if (renewed.ok()) return renewed;
    // What we have still works: a metadata service that is down for a moment must not stop archiving.
    if (due && usable) {
      next_renewal_micros_ = now + kRenewalPauseMicros;
      return credentials_;
    }
    return std::move(renewed).status().Annotate("could not renew S3 credentials from " + current_->Name());
  }
  std::string tried;
  for (const auto& source : sources_) {
    auto loaded = LoadFrom(source.get(), ctx);
    if (loaded.ok()) return loaded;
    Status why = std::move(loaded).status();
    if (why.code() != Code::kNotFound)
      return std::move(why).Annotate("could not get S3 credentials from " + source->Name());
    tried += (tried.empty() ? "Tried " : "; ") + source->Name() + ": " + why.message();
  }
  return Status(Code::kPermission, "no S3 credentials found")
      .WithDetail(tried + ".")
      .WithHint("Set s3_credentials_file, or AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY in the server's environment.");
}

bool CredentialProvider::Invalidate(const AwsCredentials& refused, const OpContext& ctx) {
  Turn turn(this);
  if (!turn.Take(ctx).ok()) return true;
  if (current_ == nullptr || credentials_.access_key_id != refused.access_key_id ||
      credentials_.session_token != refused.session_token)
    return true;  // another thread has renewed them already
  if (!current_->Renewable()) return false;
  current_ = nullptr;
  return true;
}

std::unique_ptr<CredentialProvider> MakeCredentialProvider(const CredentialsConfig& config, const Clock& clock) {
  std::vector<std::unique_ptr<CredentialSource>> sources;
  if (!config.file.empty()) {
    sources.push_back(MakeCredentialsFileSource(config.file, config.profile));
  } else if (!config.profile.empty()) {
    sources.push_back(MakeSharedProfileSource(config, /*required=*/true));
  } else {
    sources.push_back(std::make_unique<EnvironmentSource>(config.environment));
    sources.push_back(MakeSharedProfileSource(config, /*required=*/config.environment("AWS_PROFILE").has_value()));
    sources.push_back(MakeWebIdentitySource(config, clock));
    sources.push_back(MakeContainerSource(config));
    if (config.instance_metadata) sources.push_back(MakeInstanceMetadataSource(config));
  }
  return std::make_unique<CredentialProvider>(std::move(sources), clock);
}

}  // namespace pitr
