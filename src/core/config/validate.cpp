// ValidateConfig of settings.h: what holds between settings.
#include <algorithm>
#include <cstdint>
#include <iterator>

#include "core/base/ascii.h"
#include "core/config/settings.h"
#include "core/store/object_store.h"
#include "core/store/s3_config.h"
#include "core/store/store_url.h"

namespace pitr {
namespace {

constexpr size_t kMaxTags = 10;  // S3's limit

std::string SettingName(const char* setting) { return "setting " + Quoted(std::string(kSettingPrefix) + setting); }

Status Bad(const char* setting, const std::string& why, const std::string& hint) {
  return Status(Code::kInvalidArgument, SettingName(setting) + " " + why).WithHint(hint);
}

Status CheckAbsolute(const char* setting, const std::string& path) {
  if (path.empty() || path.starts_with('/')) return Status::Ok();
  return Bad(setting, "is not an absolute path: \"" + path + "\"",
             "Write the full path; the server and the command run in different directories.");
}

Status CheckTags(const std::string& text) {
  const auto tags = ParseS3Tags(text);
  if (!tags.ok())
    return Bad("s3_object_tags", "cannot be read: \"" + text + "\"",
               "Write key=value&key2=value2; %20 is a space, %26 is &.");
  if (tags.value().size() > kMaxTags)
    return Bad("s3_object_tags", "has more than 10 tags", "S3 allows 10 tags on an object.");
  return Status::Ok();
}

Status CheckS3(const Config& config) {
  if (config.s3_region.empty())
    return Bad("s3_region", "is empty", "Many servers other than AWS accept \"us-east-1\".");
  PITR_TRY(CheckAbsolute("s3_ca_file", config.s3_ca_file));
  PITR_TRY(CheckAbsolute("s3_credentials_file", config.s3_credentials_file));
  PITR_TRY(CheckAbsolute("proxy_credentials_file", config.proxy_credentials_file));
  if (config.proxy.empty() && !config.proxy_credentials_file.empty())
    return Bad("proxy_credentials_file", "has no effect without a proxy", "Set pg_pitr.proxy, or clear the file.");
  PITR_TRY(CheckTags(config.s3_object_tags));
  if (!config.s3_sse_kms_key_id.empty() && config.s3_sse != "aws:kms")
    return Bad("s3_sse_kms_key_id", "has no effect without aws:kms",
               "Set pg_pitr.s3_sse = 'aws:kms', or clear the key.");
  if (config.s3_object_lock_mode.empty() != (config.s3_object_lock_days == 0))
    return Bad("s3_object_lock_mode", "and \"pg_pitr.s3_object_lock_days\" go together", "Set both, or neither.");
  if (!config.s3_verify_tls && !config.s3_ca_file.empty())
    return Bad("s3_ca_file", "has no effect when certificates are not verified",
               "Set pg_pitr.s3_verify_tls = on, or clear the file.");
  return Status::Ok();
}

constexpr std::string_view kForReading[] = {
    "repository",    "passphrase_file",   "s3_endpoint",   "s3_region",
    "s3_addressing", "s3_ca_file",        "s3_verify_tls", "s3_credentials_file",
    "s3_profile",    "s3_requester_pays", "proxy",         "proxy_credentials_file"};

}  // namespace

bool HasEffect(std::string_view name, const Config& config) {
  const Setting* setting = FindSetting(name);
  if (setting == nullptr) return false;
  const std::string_view known = setting->name;
  return StoreDirectory(config.repository).empty() || !(known.starts_with("s3_") || known.starts_with("proxy"));
}

bool IsNeededForReading(std::string_view name, const Config& config) {
  return HasEffect(name, config) &&
         std::find(std::begin(kForReading), std::end(kForReading), FindSetting(name)->name) != std::end(kForReading);
}

Config OnlyForReading(Config config) {
  const Config defaults;
  for (const Setting& setting : AllSettings()) {
    // Times and numbers of threads do no harm.
    const bool harmless =
        std::string_view(setting.name).ends_with("_timeout") || std::string_view(setting.name).ends_with("_jobs");
    if (IsNeededForReading(setting.name, config) || harmless) continue;
    std::visit([&](auto member) { config.*member = defaults.*member; }, setting.member);
  }
  if (config.proxy.empty()) config.proxy_credentials_file.clear();
  if (!config.s3_verify_tls) config.s3_ca_file.clear();
  return config;
}

Status ValidateConfig(const Config& config) {
  PITR_ASSIGN(const StoreUrl url, ParseStoreUrl(config.repository, SettingName("repository")));
  PITR_TRY(CheckAbsolute("passphrase_file", config.passphrase_file));
  if (url.s3()) PITR_TRY(CheckS3(config));
  // One frame more than pack_size may end up in a pack; half of the parts is room enough.
  if (config.pack_size_kb / config.part_size_kb > kMaxUploadParts / 2)
    return Bad("part_size",
               "is too small for \"pg_pitr.pack_size\" = " + ShowSetting(*FindSetting("pack_size"), config),
               "An upload has at most 10000 parts: raise part_size or lower pack_size.");
  return Status::Ok();
}

}  // namespace pitr
