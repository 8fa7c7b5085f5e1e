// See store_config.h.
#include "core/config/store_config.h"

namespace pitr {

Result<StoreConfig> MakeStoreConfig(const Config& config) {
  StoreConfig store;
  store.url = config.repository;
  store.retry.max_total_millis = config.retry_timeout_ms;
  if (!store.url.starts_with("s3://")) return store;
  PITR_ASSIGN(store.s3, ParseS3Url(config.repository));
  S3Config& s3 = store.s3;
  s3.endpoint = config.s3_endpoint;
  s3.region = config.s3_region;
  PITR_ASSIGN(s3.addressing, ParseS3Addressing(config.s3_addressing));
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
  return store;
}

}  // namespace pitr
