#include "core/config/settings.h"

#include <climits>

#include "core/base/calendar_span.h"
#include "core/base/day.h"
#include "core/base/job_limit.h"
#include "core/base/letter_case.h"
#include "core/base/nearest_name.h"

namespace pitr {
namespace {

Status CheckSpan(std::string_view text) { return ParseCalendarSpan(text).status(); }

const Setting kSettings[] = {
    {"repository", "Where backups and WAL are stored: file:///absolute/path or s3://bucket/prefix.",
     &Config::repository},
    {"cluster_name", "What this cluster is called; recorded in the repository.", &Config::cluster_name},
    {"passphrase_file", "File with the passphrase of an encrypted repository; readable by its owner only.",
     &Config::passphrase_file},

    {"s3_endpoint", "S3 server, host[:port] with optional http:// or https://; empty for AWS.", &Config::s3_endpoint},
    {"s3_region", "S3 region, part of every signature.", &Config::s3_region},
    {"s3_addressing", "How the bucket is named in requests.", &Config::s3_addressing, 0, 0, SettingUnit::kNone,
     "auto|path|virtual"},
    {"s3_ca_file", "PEM file of the authorities trusted for TLS; empty for the system's.", &Config::s3_ca_file},
    {"s3_verify_tls", "Verify the S3 server's certificate.", &Config::s3_verify_tls},
    {"s3_credentials_file", "File with the access key, in the format of the AWS shared credentials file.",
     &Config::s3_credentials_file},
    {"s3_profile", "Profile in the credentials file.", &Config::s3_profile},
    {"s3_storage_class", "Storage class of new objects; empty for the bucket's default.", &Config::s3_storage_class},
    {"s3_sse", "Encryption by the S3 server.", &Config::s3_sse, 0, 0, SettingUnit::kNone, "|AES256|aws:kms"},
    {"s3_sse_kms_key_id", "Key for aws:kms; empty for the account's default key.", &Config::s3_sse_kms_key_id},
    {"s3_object_tags", "Tags of new objects, key=value&key2=value2.", &Config::s3_object_tags},
    {"s3_object_lock_mode", "Object Lock mode of new objects.", &Config::s3_object_lock_mode, 0, 0, SettingUnit::kNone,
     "|GOVERNANCE|COMPLIANCE"},
    {"s3_object_lock_days", "How many days new objects are locked.", &Config::s3_object_lock_days, 0, 36500},
    {"s3_requester_pays", "Accept the charges of a requester-pays bucket.", &Config::s3_requester_pays},
    {"proxy", "HTTP proxy URL for S3, without user and password; empty for none.", &Config::proxy},
    {"proxy_credentials_file", "File with user:password for the proxy; readable by its owner only.",
     &Config::proxy_credentials_file},

    {"request_timeout", "A request that makes no progress for this long has failed.", &Config::request_timeout_ms, 100,
     kMillisPerDay, SettingUnit::kMilliseconds},
    {"retry_timeout", "How long a failing operation is tried again.", &Config::retry_timeout_ms, 0, kMillisPerDay,
     SettingUnit::kMilliseconds},
    {"compression_level", "zstd level; 0 stores without compression.", &Config::compression_level, 0, 19},
    {"archive_jobs", "WAL segments compressed at the same time.", &Config::archive_jobs, 1, kMaxJobs},
    {"change_map", "Store which blocks each archived WAL segment changes, for incremental backups.",
     &Config::change_map, 0, 0, SettingUnit::kNone, "auto|on|off"},
    {"backup_jobs", "Threads of a base backup.", &Config::backup_jobs, 1, kMaxJobs},
    {"restore_jobs", "Threads of a restore, and WAL segments fetched ahead.", &Config::restore_jobs, 1, kMaxJobs},
    {"backup_max_rate", "How much a backup reads per second; 0 for no limit.", &Config::backup_max_rate_kb, 0, INT_MAX,
     SettingUnit::kKilobytes},
    {"max_chain_length", "Backups of a chain, the full one included; the next increment is a full backup.",
     &Config::max_chain_length, 1, 1000},
    {"change_source", "How increments find what changed since the backup they build on.", &Config::change_source, 0, 0,
     SettingUnit::kNone, "auto|wal_summaries|change_maps|page_lsn|full_read"},
    {"backup_wal_timeout", "A backup gives up when archiving makes no progress for this long.",
     &Config::backup_wal_timeout_ms, 1000, kMillisPerDay, SettingUnit::kMilliseconds},
    {"verify_jobs", "Threads of a verification.", &Config::verify_jobs, 1, kMaxJobs},
    {"verify_max_rate", "How much a verification reads from the repository per second; 0 for no limit.",
     &Config::verify_max_rate_kb, 0, INT_MAX, SettingUnit::kKilobytes},
    {"part_size", "Size of the parts that large objects are sent in.", &Config::part_size_kb, 5 * 1024, 1024 * 1024,
     SettingUnit::kKilobytes},
    {"pack_size", "A backup begins another object when one has grown to this.", &Config::pack_size_kb, 16 * 1024,
     64 * 1024 * 1024, SettingUnit::kKilobytes},

    {"retention_full", "How many full backups are kept; 0 for no limit by number.", &Config::retention_full, 0, 10000},
    {"retention_diff", "How many differential backups are kept; 0 for all.", &Config::retention_diff, 0, 10000},
    {"retention_age", "How far back recovery must be possible, such as 3 weeks; empty for no limit by age.",
     &Config::retention_age, 0, 0, SettingUnit::kNone, nullptr, CheckSpan},
    {"retention_monthly", "How long the first full backup of each month is kept, such as 7 years.",
     &Config::retention_monthly, 0, 0, SettingUnit::kNone, nullptr, CheckSpan},
    {"expire_after_backup", "Delete what the retention settings do not keep after each backup.",
     &Config::expire_after_backup},
    {"expire_leftover_age", "What a crash left behind is removed when nothing was written to it for this long.",
     &Config::expire_leftover_age_ms, 60 * 60 * 1000, INT_MAX, SettingUnit::kMilliseconds},
    {"restore_hold", "How long no expiry takes a backup and its WAL once it has been restored; 0 for no protection.",
     &Config::restore_hold_ms, 0, INT_MAX, SettingUnit::kMilliseconds},
};

std::string_view WithoutPrefix(std::string_view name) {
  if (StartsWithButForCase(name, kSettingPrefix)) name.remove_prefix(kSettingPrefix.size());
  return name;
}

}  // namespace

std::span<const Setting> AllSettings() { return kSettings; }

const Setting* FindSetting(std::string_view name) {
  name = WithoutPrefix(name);
  for (const Setting& setting : kSettings)
    if (SameButForCase(name, setting.name)) return &setting;
  return nullptr;
}

Status UnknownSetting(std::string_view name) {
  name = WithoutPrefix(name);
  constexpr size_t kMaxName = 64;
  Status status(Code::kInvalidArgument,
                "unrecognized setting \"" + std::string(kSettingPrefix) + std::string(name.substr(0, kMaxName)) + "\"");
  std::vector<std::string> names;
  for (const Setting& setting : kSettings) names.emplace_back(setting.name);
  const std::string nearest = NearestName(name, names);
  if (nearest.empty()) return status;
  return std::move(status).WithHint("Perhaps you meant \"" + std::string(kSettingPrefix) + nearest + "\".");
}

}  // namespace pitr
