#include "core/config/store_config.h"

#include "core/base/secret_file.h"
#include "core/config/settings.h"
#include "core/store/sigv4.h"
#include "core/store/store_url.h"

namespace pitr {
namespace {

// The proxy's URL with user and password in it, as curl takes it.
Result<std::string> ProxyOf(const Config& config) {
  if (config.proxy_credentials_file.empty() || config.proxy.empty()) return config.proxy;
  PITR_ASSIGN(const Secret secret, ReadSecretFile(config.proxy_credentials_file, "proxy credentials file"));
  const std::string_view text = secret.view();
  const size_t colon = text.find(':');
  if (colon == std::string_view::npos || colon == 0)
    return Status(Code::kInvalidArgument,
                  "proxy credentials file \"" + config.proxy_credentials_file + "\" is not user:password")
        .WithHint("Write one line: the user, a colon, the password.");
  const std::string userinfo = UriEncode(text.substr(0, colon), false) + ":" + UriEncode(text.substr(colon + 1), false);
  const size_t scheme = config.proxy.find("://");
  const size_t host = scheme == std::string::npos ? 0 : scheme + 3;
  return config.proxy.substr(0, host) + userinfo + "@" + config.proxy.substr(host);
}

Result<S3Config> MakeS3Config(const Config& config) {
  PITR_ASSIGN(S3Config s3, ParseS3Url(config.repository));
  PITR_ASSIGN(s3.addressing, ParseS3Addressing(config.s3_addressing));
  s3.endpoint = config.s3_endpoint;
  s3.region = config.s3_region;
  s3.verify_tls = config.s3_verify_tls;
  s3.ca_file = config.s3_ca_file;
  PITR_ASSIGN(s3.proxy, ProxyOf(config));
  s3.stall_timeout_ms = config.request_timeout_ms;
  s3.storage_class = config.s3_storage_class;
  s3.sse = config.s3_sse;
  s3.sse_kms_key_id = config.s3_sse_kms_key_id;
  PITR_ASSIGN(s3.tags, ParseS3Tags(config.s3_object_tags));
  s3.requester_pays = config.s3_requester_pays;
  s3.object_lock_mode = config.s3_object_lock_mode;
  s3.object_lock_days = config.s3_object_lock_days;
  s3.credentials.file = config.s3_credentials_file;
  s3.credentials.profile = config.s3_profile;
  PITR_TRY(CheckS3Config(s3));
  return s3;
}

}  // namespace

Result<StoreConfig> MakeStoreConfig(const Config& config) {
  PITR_TRY(ValidateConfig(config));
  StoreConfig store;
  store.url = config.repository;
  if (StoreDirectory(config.repository).empty()) { PITR_ASSIGN(store.s3, MakeS3Config(config)); }
  // Time is what the operator bounds; the number of attempts only has to be finite.
  store.retry.max_attempts = config.retry_timeout_ms == 0 ? 1 : 1000;
  store.retry.max_total_millis = config.retry_timeout_ms;
  return store;
}

}  // namespace pitr
