#include "core/restore/server_start.h"

#include <unistd.h>

#include <filesystem>
#include <fstream>

#include "core/base/same_directory.h"
#include "core/base/shell_word.h"
#include "core/config/settings_file.h"
#include "core/restore/outside_configuration.h"

namespace pitr {
namespace {

constexpr std::string_view kCopyPort = "5499";

// With its path where this program lies among a server's programs and those of the directory's version are beside it:
// Debian
// (/usr/lib/postgresql/17/bin) keeps them out of PATH.
std::string PgCtl(const std::string& data_directory) {
  std::error_code error;
  const std::filesystem::path programs = std::filesystem::read_symlink("/proc/self/exe", error).parent_path();
  const std::filesystem::path version = programs.parent_path();
  std::string major;
  std::ifstream(data_directory + "/PG_VERSION") >> major;
  if (programs.filename() != "bin" || major.empty()) return "pg_ctl";
  if (version.filename().string().find_first_not_of("0123456789") != std::string::npos) return "pg_ctl";
  const std::string path = version.parent_path() / major / "bin/pg_ctl";
  return access(path.c_str(), X_OK) == 0 ? ShellWord(path) : "pg_ctl";
}

}  // namespace

ServerStart HowToStart(const std::string& data_directory, const std::string& outside, bool as_copy) {
  ServerStart start;
  const std::string own = data_directory + "/" + std::string(kConfigFilePath);
  start.inside = start.existing = access(own.c_str(), F_OK) == 0;
  start.configuration = own;
  if (!start.inside) {
    const OutsideConfiguration found = FindOutsideConfiguration(data_directory, outside);
    start.configuration = found.file;
    start.named = found.named;
    start.existing = found.existing;
  }
  if (start.existing) {
    const auto note = [&](const std::string& name, const std::string& value) {
      if (name == "data_directory") start.elsewhere = value;
      return Status::Ok();
    };
    start.whole = VisitSettings(start.configuration, note).ok();
  }
  if (SameDirectory(start.elsewhere, data_directory)) start.elsewhere.clear();
  std::string options;
  const auto add = [&](const std::string& option) { options += (options.empty() ? "" : " ") + option; };
  if (!start.inside) add("-c config_file=" + ShellWord(start.existing ? start.configuration : "FILE"));
  if (!start.whole || !start.elsewhere.empty()) add("-c data_directory=" + ShellWord(data_directory));
  if (as_copy) add("-p " + std::string(kCopyPort));
  // The server's words for the shell that pg_ctl calls, as one word for the shell of whoever calls that.
  const std::string pg_ctl = PgCtl(data_directory) + " start -D " + ShellWord(data_directory);
  start.command = pg_ctl + (options.empty() ? "" : " -o " + ShellWord(options));
  add("-c recovery_target_action=promote");
  start.promote = pg_ctl + " -o " + ShellWord(options);
  return start;
}

std::string DescribeOpening(const ServerStart& start) {
  return "Each further start replays to the target and shuts down again; recovery.signal must stay, without it the "
         "server would replay beyond the target. To open it there for writing:\n  " +
         start.promote;
}

std::string DescribeElsewhere(const ServerStart& start, const std::string& data_directory) {
  if (start.elsewhere.empty()) return "";
  return "\"" + start.configuration + "\" sets data_directory = '" + start.elsewhere + "', which wins over -D: " +
         (start.inside ? "a service, or pg_ctl -D alone," : "whatever else uses this file, as a service does,") +
         " starts the server of that directory, and not of \"" + data_directory +
         "\", which was restored. The start command that is given here names both.";
}

std::string DescribeMissingConfiguration(const ServerStart& start, const std::string& data_directory) {
  std::string text = "There is no postgresql.conf in \"" + data_directory + "\"";
  if (start.named)
    return text + ": its configuration is \"" + start.configuration +
           "\", which names it. Start the server with the command that is given here, or with the service of that "
           "configuration.";
  if (!start.configuration.empty())
    text += ": the server's was \"" + start.configuration + "\", outside of its data directory" +
            (start.existing ? "" : ", and is not on this machine");
  text +=
      ". The server does not start without one. Put the server's configuration there (postgresql.conf, pg_hba.conf, "
      "pg_ident.conf; without data_directory), or start the server with the command that is given here";
  if (!start.existing) text += ", with the path of one in place of FILE";
  if (start.elsewhere.empty() && start.whole) text += ", or with the service that knows where its configuration is";
  return text + ".";
}

}  // namespace pitr
