#include "cli/replay_state.h"

#include <unistd.h>

#include <cstdio>
#include <filesystem>
#include <fstream>
#include <memory>
#include <vector>

#include "cli/settings_path.h"
#include "core/base/shell_word.h"

namespace pitr::cli {
namespace {

constexpr char kQuestion[] =
    "SELECT CASE WHEN pg_is_in_recovery() THEN pg_get_wal_replay_pause_state() || ' ' || pg_last_wal_replay_lsn() END";
// Lines of postmaster.pid, from 0 (LOCK_FILE_LINE_* in miscadmin.h).
constexpr size_t kPortLine = 3, kSocketLine = 4, kAddressLine = 5;

std::string PsqlProgram() {
  const std::string beside = std::filesystem::path(ProgramPath()).parent_path() / "psql";
  return access(beside.c_str(), X_OK) == 0 ? ShellWord(beside) : "psql";
}

std::string PsqlCommand(const std::vector<std::string>& lock_file) {
  std::string host = lock_file[kSocketLine];
  if (host.empty()) host = lock_file[kAddressLine] == "*" ? "localhost" : lock_file[kAddressLine];
  return "PGCONNECT_TIMEOUT=5 " + PsqlProgram() + " -X -A -t -q -w -h " + ShellWord(host) + " -p " +
         ShellWord(lock_file[kPortLine]) + " -d postgres -c " + ShellWord(kQuestion) + " 2>&1 </dev/null";
}

}  // namespace

Result<ReplayState> AskReplayState(const std::string& data_directory) {
  std::vector<std::string> lock_file;
  std::ifstream file(data_directory + "/postmaster.pid");
  for (std::string line; std::getline(file, line);) lock_file.push_back(line);
  if (lock_file.size() <= kAddressLine) return Status(Code::kNotFound, "no server runs in \"" + data_directory + "\"");
  const std::unique_ptr<FILE, int (*)(FILE*)> psql(popen(PsqlCommand(lock_file).c_str(), "r"), pclose);
  if (!psql) return Status(Code::kUnavailable, "could not run psql");
  std::string said;
  char buffer[256];
  while (fgets(buffer, sizeof buffer, psql.get()) != nullptr) said += buffer;
  while (!said.empty() && said.back() == '\n') said.pop_back();
  const size_t space = said.find(' ');
  const auto replayed = space == std::string::npos ? std::nullopt : Lsn::Parse(said.substr(space + 1));
  if (!replayed)
    return Status(Code::kUnavailable, "the server in \"" + data_directory + "\" did not say how far it has replayed")
        .WithDetail(said.empty() ? "It is not in recovery." : "psql says: " + said);
  return ReplayState{said.substr(0, space) == "paused", *replayed};
}

}  // namespace pitr::cli
