// Settings: core's table is the only list of them; here are the variables the server writes to.
#include "server/guc.h"

#include <array>
#include <cstdlib>
#include <string_view>
#include <utility>

#include "core/config/settings.h"
#include "core/restore/own_number.h"
#include "server/pg.h"

extern "C" {
#include "utils/guc.h"
}

namespace pitr::server {
namespace {

constexpr size_t kMaxSettings = 64;

// What the server's GUC machinery points to. Plain data with static storage; element i belongs to AllSettings()[i].
char* string_values[kMaxSettings];
int int_values[kMaxSettings];
bool bool_values[kMaxSettings];

// The check hook of string setting I: core's own parser decides, so that server and binary accept the same.
template <size_t I>
bool CheckString(char** value, void**, GucSource) {
  PlainError problem;
  try {
    Config scratch;
    Status status = ApplySetting(AllSettings()[I], *value ? *value : "", scratch);
    if (status.ok()) return true;
    problem.Set(status);
  } catch (...) { problem.Set(ERRCODE_OUT_OF_MEMORY, "out of memory"); }
  // The server's own message would show a value that ours withholds.
  if (*value && strstr(problem.message, *value) == nullptr) {
    GUC_check_errmsg("%s", problem.message);
  } else if (problem.detail[0]) {
    GUC_check_errdetail("%s: %s", problem.message, problem.detail);
  } else {
    GUC_check_errdetail("%s.", problem.message);
  }
  if (problem.hint[0]) GUC_check_errhint("%s", problem.hint);
  return false;
}

template <size_t... I>
constexpr std::array<GucStringCheckHook, kMaxSettings> MakeCheckHooks(std::index_sequence<I...>) {
  return {CheckString<I>...};
}
constexpr auto kCheckHooks = MakeCheckHooks(std::make_index_sequence<kMaxSettings>{});

// Values that name files or what is near a secret are for superusers only.
bool IsSensitive(const Setting& setting) {
  std::string_view name = setting.name;
  return name.find("file") != name.npos || name == "proxy" || name == "s3_profile" || name == "s3_sse_kms_key_id";
}

int UnitFlag(SettingUnit unit) {
  switch (unit) {
    case SettingUnit::kNone:
      return 0;
    case SettingUnit::kMilliseconds:
      return GUC_UNIT_MS;
    case SettingUnit::kKilobytes:
      return GUC_UNIT_KB;
  }
  return 0;
}

// Names and defaults must outlive registration: the server keeps the pointers. Allocated once and never freed.
const char* KeepForever(const std::string& text) { return (new std::string(text))->c_str(); }

void Register(const Setting& setting, size_t i, const Config& defaults) {
  const char* name = KeepForever(std::string(kSettingPrefix) + setting.name);
  const char* description = setting.description;
  const int flags = UnitFlag(setting.unit) | (IsSensitive(setting) ? GUC_SUPERUSER_ONLY : 0);
  if (const auto* text = std::get_if<std::string Config::*>(&setting.member)) {
    const char* boot = KeepForever(defaults.*(*text));
    string_values[i] = nullptr;
    PgCall([=] {
      DefineCustomStringVariable(name, description, NULL, &string_values[i], boot, PGC_SIGHUP, flags, kCheckHooks[i],
                                 NULL, NULL);
    });
  } else if (const auto* number = std::get_if<int Config::*>(&setting.member)) {
    const int boot = defaults.*(*number), min = setting.min, max = setting.max;
    PgCall([=] {
      DefineCustomIntVariable(name, description, NULL, &int_values[i], boot, min, max, PGC_SIGHUP, flags, NULL, NULL,
                              NULL);
    });
  } else {
    const bool boot = defaults.*std::get<bool Config::*>(setting.member);
    PgCall([=] {
      DefineCustomBoolVariable(name, description, NULL, &bool_values[i], boot, PGC_SIGHUP, flags, NULL, NULL, NULL);
    });
  }
}

}  // namespace

void RegisterSettings() {
  Pending pending;
  const bool ok = RunCpp(
      []() -> Status {
        const auto settings = AllSettings();
        if (settings.size() > kMaxSettings) return Status(Code::kInternal, "more settings than pg_pitr has room for");
        const Config defaults;
        for (size_t i = 0; i < settings.size(); i++) Register(settings[i], i, defaults);
        PgCall([] { MarkGUCPrefixReserved("pg_pitr"); });
        return Status::Ok();
      },
      &pending);
  if (!ok) Raise(&pending);
}

void TellPrograms() {
  const auto settings = AllSettings();
  for (size_t i = 0; i < settings.size() && i < kMaxSettings; i++) {
    const auto* text = std::get_if<std::string Config::*>(&settings[i].member);
    if (text == nullptr || *text != &Config::repository) continue;
    const char* value = string_values[i];
    if (value != nullptr && value[0] != '\0') {
      setenv(kArchivesToVariable, value, 1);
    } else {
      unsetenv(kArchivesToVariable);
    }
  }
}

Config CurrentConfig() {
  AssertMainThread();
  Config config;
  const auto settings = AllSettings();
  for (size_t i = 0; i < settings.size() && i < kMaxSettings; i++) {
    if (const auto* text = std::get_if<std::string Config::*>(&settings[i].member)) {
      config.*(*text) = string_values[i] ? string_values[i] : "";
    } else if (const auto* number = std::get_if<int Config::*>(&settings[i].member)) {
      config.*(*number) = int_values[i];
    } else {
      config.*std::get<bool Config::*>(settings[i].member) = bool_values[i];
    }
  }
  return config;
}

bool SameSettings(const Config& a, const Config& b) {
  for (const Setting& setting : AllSettings()) {
    const bool same = std::visit([&](auto member) { return a.*member == b.*member; }, setting.member);
    if (!same) return false;
  }
  return true;
}

}  // namespace pitr::server
