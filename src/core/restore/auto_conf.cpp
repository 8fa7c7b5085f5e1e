#include "core/restore/auto_conf.h"

#include "core/base/letter_case.h"
#include "core/config/settings_file.h"
#include "core/restore/recovery_settings.h"
#include "core/restore/restore_mark.h"

namespace pitr {

void ReadAutoConf(const ClusterTree& tree, std::map<std::string, std::string>& values) {
  const auto text = tree.ReadWhole(kAutoConfPath, kMaxSettingsFileBytes);
  if (!text.ok()) return;
  std::string own(AsText(text.value()));
  if (const auto mark = ReadRestoreMark(tree); mark.ok() && mark.value())
    own = RemoveSettings(own, mark.value()->settings);
  if (const auto lines = ParseSettingsText(own, std::string(kAutoConfPath)); lines.ok())
    for (const SettingsLine& line : lines.value()) values[LowerCase(line.name)] = line.value;
}

}  // namespace pitr
