// Every setting of pg_pitr, with its default. Filled from pg_pitr.* server settings (server/guc) or from a settings
// file (config/settings_file); both go through the table in config/settings.h, so names, units and limits are the same.
// A plain value: copied at the start of an operation, never changed during it. Holds paths of secrets, never secrets.
#pragma once
#include <string>

namespace pitr {

struct Config {
  std::string repository;       // "file:///dir" or "s3://bucket/prefix"
  std::string cluster_name;     // what the operator calls this cluster; recorded in the repository
  std::string passphrase_file;  // set: the repository is encrypted

  std::string s3_endpoint;  // host[:port], optionally with http:// or https://; empty: AWS for s3_region
  std::string s3_region = "us-east-1";
  std::string s3_addressing = "auto";  // auto | path | virtual
  std::string s3_ca_file;
  bool s3_verify_tls = true;
  std::string s3_credentials_file;
  std::string s3_profile;
  std::string s3_storage_class;
  std::string s3_sse;  // "" | AES256 | aws:kms
  std::string s3_sse_kms_key_id;
  std::string s3_object_tags;       // k=v&k2=v2
  std::string s3_object_lock_mode;  // "" | GOVERNANCE | COMPLIANCE
  int s3_object_lock_days = 0;
  bool s3_requester_pays = false;
  std::string proxy;                   // URL; empty: none
  std::string proxy_credentials_file;  // one line, user:password

  int request_timeout_ms = 30000;   // a request without progress for this long has failed
  int retry_timeout_ms = 120000;    // how long one operation is tried again
  int compression_level = 3;        // zstd; 0 stores as is
  std::string change_map = "auto";  // auto | on | off: whether archived segments get a change map
  int archive_jobs = 4;             // segments compressed at the same time
  int backup_jobs = 2;
  int restore_jobs = 4;
  int backup_max_rate_kb = 0;          // kB a second read from the data directory; 0: no limit
  int max_chain_length = 30;           // backups of a chain, the full one included; then a full one is taken
  std::string change_source = "auto";  // auto | wal_summaries | change_maps | page_lsn | full_read
  int verify_jobs = 4;
  int verify_max_rate_kb = 0;          // kB a second read from the repository by a verification; 0: no limit
  int backup_wal_timeout_ms = 600000;  // a backup gives up when archiving makes no progress for this long
  int part_size_kb = 8192;             // of a multipart upload
  int pack_size_kb = 1048576;          // a pack is closed when it has grown to this

  int retention_full = 0;  // full backups to keep; 0: no limit
  int retention_diff = 0;
  std::string retention_age;      // "3 weeks": how far back a recovery must be able to go
  std::string retention_monthly;  // "7 years": how long the first full backup of each month is kept
  bool expire_after_backup = true;
  int expire_leftover_age_ms = 86400000;
  int restore_hold_ms = 86400000;  // so long after a restore no expiry takes what it replays; 0: no hold
};

}  // namespace pitr
