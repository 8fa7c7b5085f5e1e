// What the configuration of a restored server says, beside what the original's said: where that lies outside of the
// data directory (Debian), a new machine has one of its own, under which the server starts, and does not archive.
#pragma once
#include <map>
#include <string>
#include <string_view>

#include "core/repo/manifest.h"

namespace pitr {

enum class SettingPlace { kFile, kAutoConf, kCommandLine };

struct ConfiguredServer {
  std::string file;                            // that was read; may not exist
  bool whole = false;                          // it and all that it includes could be read
  std::map<std::string, std::string> values;   // by name in lower case
  std::map<std::string, SettingPlace> places;  // of those that are not from the file, or what it includes
};

// What a server of `data_directory` would use that is started with `file`: postgresql.auto.conf wins, but for what a
// restore wrote there.
ConfiguredServer ReadConfiguredServer(const std::string& data_directory, const std::string& file);

// The settings on a server's command line, by name in lower case. `options`: the text of postmaster.opts, where each
// argument is quoted, "-c" "name=value" or "--name=value". Pure.
std::map<std::string, std::string> SettingsGiven(std::string_view options);

// The same of the server that was started there last, with its command line (postmaster.opts), which wins.
ConfiguredServer ReadStartedServer(const std::string& data_directory);

// Which settings of the original are missing in `here`, or are set otherwise, and that it would not archive: sentences;
// empty when there is nothing to say. Pure.
std::string DescribeLackingSettings(const BackupManifest& backup, const ConfiguredServer& here);

// "archive_mode is not on", a clause on why the server does not archive with pg_pitr; empty when it does, or when its
// configuration could not be read. Pure.
std::string WhyNotArchiving(const ConfiguredServer& here);
// The same of a server that was started, with what was looked at: "archive_mode is not on in "/etc/postgresql.conf"".
// Pure.
std::string WhyStartedNotArchiving(const ConfiguredServer& started);

}  // namespace pitr
