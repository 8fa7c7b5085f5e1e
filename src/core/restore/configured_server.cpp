#include "core/restore/configured_server.h"

#include <algorithm>
#include <fstream>
#include <optional>

#include "core/base/ascii.h"
#include "core/base/letter_case.h"
#include "core/config/settings_file.h"
#include "core/pg/recovery_setting.h"
#include "core/restore/auto_conf.h"
#include "core/restore/server_start.h"

namespace pitr {
namespace {

constexpr std::string_view kOptionsPath = "postmaster.opts";

void ReadInto(const std::string& file, std::map<std::string, std::string>& values, bool& whole) {
  whole = VisitSettings(file, [&](const std::string& name, const std::string& value) {
            values[name] = value;
            return Status::Ok();
          }).ok();
}

// "on" and "true" are one value, and so are lists with and without spaces.
std::string PlainValue(std::string value) {
  value.erase(std::remove(value.begin(), value.end(), ' '), value.end());
  value = LowerCase(value);
  if (value == "true" || value == "yes" || value == "1") return "on";
  if (value == "false" || value == "no" || value == "0") return "off";
  return value;
}

std::string ValueIn(const ConfiguredServer& here, const std::string& name) {
  const auto found = here.values.find(name);
  return found == here.values.end() ? "" : found->second;
}

void Set(ConfiguredServer& server, const std::string& name, const std::string& value, SettingPlace place) {
  server.values[name] = value;
  server.places[name] = place;
}

// What keeps a server from archiving with pg_pitr: a clause, and the setting.
struct Lack {
  std::string why, setting;
};

std::optional<Lack> FindLack(const ConfiguredServer& here) {
  if (!here.whole) return std::nullopt;
  const std::string mode = PlainValue(ValueIn(here, "archive_mode"));
  if (mode.empty() || mode == "off") return Lack{"archive_mode is not on", "archive_mode"};
  for (const char* setting : {"archive_library", "archive_command"})
    if (ValueIn(here, setting).find("pg_pitr") != std::string::npos) return std::nullopt;
  return Lack{"archive_library is not pg_pitr", "archive_library"};
}

std::string WhereSet(const ConfiguredServer& started, const std::string& setting) {
  const std::string file = "in " + Quoted(started.file);
  if (!started.values.contains(setting)) return file + ", postgresql.auto.conf or on the server's command line";
  const auto elsewhere = started.places.find(setting);
  if (elsewhere == started.places.end() || elsewhere->second == SettingPlace::kFile) return file;
  return elsewhere->second == SettingPlace::kAutoConf
             ? "in postgresql.auto.conf"
             : "by the command line that the server was started with (" + std::string(kOptionsPath) + ")";
}

void Append(std::string& list, const std::string& item) { list += (list.empty() ? "" : ", ") + item; }

}  // namespace

ConfiguredServer ReadConfiguredServer(const std::string& data_directory, const std::string& file) {
  ConfiguredServer server;
  server.file = file;
  ReadInto(file, server.values, server.whole);
  if (const auto tree = ClusterTree::Open(data_directory); tree.ok()) {
    std::map<std::string, std::string> own;
    ReadAutoConf(tree.value(), own);
    for (const auto& [name, value] : own) Set(server, name, value, SettingPlace::kAutoConf);
  }
  return server;
}

std::map<std::string, std::string> SettingsGiven(std::string_view options) {
  std::map<std::string, std::string> given;
  for (size_t begin = options.find(" \""); begin != options.npos;) {
    const size_t end = options.find('"', begin + 2);
    if (end == options.npos) break;
    std::string_view word = options.substr(begin + 2, end - begin - 2);
    if (word.starts_with("--")) word.remove_prefix(2);
    if (word.starts_with("-c")) word.remove_prefix(2);
    if (const size_t equals = word.find('='); equals != word.npos) {
      std::string name = LowerCase(word.substr(0, equals));
      std::replace(name.begin(), name.end(), '-', '_');
      given[name] = word.substr(equals + 1);
    }
    begin = options.find(" \"", end);
  }
  return given;
}

ConfiguredServer ReadStartedServer(const std::string& data_directory) {
  std::ifstream file(data_directory + "/" + std::string(kOptionsPath));
  std::string options;
  std::getline(file, options);
  const auto given = SettingsGiven(options);
  const auto outside = given.find("config_file");
  ConfiguredServer server = ReadConfiguredServer(
      data_directory, outside != given.end()
                          ? outside->second
                          : data_directory + (data_directory.ends_with('/') ? "" : "/") + std::string(kConfigFilePath));
  for (const auto& [name, value] : given) Set(server, name, value, SettingPlace::kCommandLine);
  return server;
}

std::string WhyNotArchiving(const ConfiguredServer& here) {
  const auto lack = FindLack(here);
  return lack ? lack->why : "";
}

std::string WhyStartedNotArchiving(const ConfiguredServer& started) {
  const auto lack = FindLack(started);
  return lack ? lack->why + " " + WhereSet(started, lack->setting) : "";
}

std::string DescribeLackingSettings(const BackupManifest& backup, const ConfiguredServer& here) {
  std::string lacking, otherwise, withheld;
  bool archived = false;
  for (const ServerSetting& setting : backup.settings) {
    const std::string name = LowerCase(setting.name);
    if (SaysHowToRecover(name)) continue;  // older backups have them
    archived = archived || (name == "archive_mode" && setting.value && PlainValue(*setting.value) != "off");
    const auto own = here.values.find(name);
    if (!setting.value) {
      if (own == here.values.end()) Append(withheld, setting.name);
    } else if (own == here.values.end()) {
      Append(lacking, setting.name + " = '" + *setting.value + "'");
    } else if (PlainValue(own->second) != PlainValue(*setting.value)) {
      Append(otherwise, setting.name + " = '" + *setting.value + "' (here '" + own->second + "')");
    }
  }
  if (lacking.empty() && otherwise.empty() && withheld.empty()) return "";
  std::string text = "The server had settings when backup " + backup.label + " was taken that " + Quoted(here.file);
  text += here.whole ? "" : ", which could not be read,";
  std::string rest;
  if (!lacking.empty()) rest += " does not have: " + lacking + ".";
  if (!withheld.empty())
    rest += std::string(rest.empty() ? " does not have" : " Also") +
            ", with values that backups do not keep: " + withheld + ".";
  if (!otherwise.empty()) rest += (rest.empty() ? " has otherwise: " : " Set otherwise: ") + otherwise + ".";
  text += rest;
  const std::string why = WhyNotArchiving(here);
  if (archived && (!here.whole || !why.empty()))
    text += " As it is the server does NOT ARCHIVE" + (why.empty() ? "" : " (" + why + ")") +
            ", and nothing that is done on it can be recovered: set what it needs before it is started.";
  return text;
}

}  // namespace pitr
