#include "core/config/named_files.h"

#include <string>

#include "core/base/secret_file.h"
#include "core/base/unreadable_file.h"
#include "core/config/settings.h"

namespace pitr {
namespace {

Status CheckOne(const char* setting, const char* what, const std::string& path) {
  if (path.empty()) return Status::Ok();
  Status status = CheckReadable(what, path);
  if (status.ok() || status.code() == Code::kPermission) return status;
  return std::move(status).WithHint("Make it, or correct " + std::string(kSettingPrefix) + setting + ".");
}

Status CheckSecret(const char* setting, const char* what, const std::string& path) {
  PITR_TRY(CheckOne(setting, what, path));
  return path.empty() ? Status::Ok() : ReadSecretFile(path, what).status();
}

}  // namespace

Status CheckNamedFiles(const Config& config) {
  if (config.repository.starts_with("s3:")) {
    PITR_TRY(CheckOne("s3_credentials_file", "credentials file", config.s3_credentials_file));
    PITR_TRY(CheckOne("s3_ca_file", "CA file", config.s3_ca_file));
    if (!config.proxy.empty())
      PITR_TRY(CheckSecret("proxy_credentials_file", "proxy credentials file", config.proxy_credentials_file));
  }
  return CheckSecret("passphrase_file", "passphrase file", config.passphrase_file);
}

}  // namespace pitr
