#include "core/config/named_files.h"

#include <string>

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

}  // namespace

Status CheckNamedFiles(const Config& config) {
  if (config.repository.starts_with("s3:")) {
    PITR_TRY(CheckOne("s3_credentials_file", "credentials file", config.s3_credentials_file));
    PITR_TRY(CheckOne("s3_ca_file", "CA file", config.s3_ca_file));
    if (!config.proxy.empty())
      PITR_TRY(CheckOne("proxy_credentials_file", "proxy credentials file", config.proxy_credentials_file));
  }
  return CheckOne("passphrase_file", "passphrase file", config.passphrase_file);
}

}  // namespace pitr
