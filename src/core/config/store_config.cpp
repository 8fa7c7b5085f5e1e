#include "core/config/store_config.h"

#include "core/config/settings.h"

namespace pitr {
namespace {

Result<S3Config> MakeS3Config(const Config& config) {
  PITR_ASSIGN(S3Config s3, ParseS3Url(config.repository));
  PITR_ASSIGN(s3.addressing, ParseS3Addressing(config.s3_addressing));
  s3.endpoint = config.s3_endpoint;
  s3.region = config.s3_region;
  s3.verify_tls = config.s3_verify_tls;
  s3.ca_file = config.s3_ca_file;
  s3.proxy = config.proxy;
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
  if (config.repository.starts_with("s3://")) { PITR_ASSIGN(store.s3, MakeS3Config(config)); }
  // Time is what the operator bounds; the number of attempts only has to be finite.
  store.retry.max_attempts = config.retry_timeout_ms == 0 ? 1 : 1000;
  store.retry.max_total_millis = config.retry_timeout_ms;
  return store;
}

}  // namespace pitr
