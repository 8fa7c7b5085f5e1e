// Anything as a settings file, and as the value of every setting.
#include "core/config/settings_file.h"

#include <cstdint>
#include <cstdlib>

#include "fuzz/target.h"

PITR_FUZZ_TARGET(settings_file)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const std::string_view text(reinterpret_cast<const char*>(data), size);
  Config config;
  const auto lines = ParseSettingsText(text, "fuzz.conf");
  if (lines.ok()) {
    for (const SettingsLine& line : lines.value()) {
      const Setting* setting = FindSetting(line.name);
      if (setting == nullptr)
        (void)UnknownSetting(line.name);
      else
        (void)ApplySetting(*setting, line.value, config);
    }
  }
  for (const Setting& setting : AllSettings()) {
    Config one;
    if (!ApplySetting(setting, text, one).ok()) continue;
    // What was accepted is shown in a form that is accepted and means the same; only a password in a URL is not shown.
    const std::string shown = ShowSetting(setting, one);
    Config again;
    if (shown.find("***") == std::string::npos &&
        (!ApplySetting(setting, shown, again).ok() || ShowSetting(setting, again) != shown))
      abort();
  }
  (void)ValidateConfig(config);
  return 0;
}
