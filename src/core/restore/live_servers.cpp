#include "core/restore/live_servers.h"

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <charconv>
#include <filesystem>
#include <fstream>
#include <optional>

namespace pitr {
namespace {

// The process whose number leads postmaster.pid of the directory it works in; a backend works there as well.
bool IsPostmasterOf(pid_t pid, const std::string& directory) {
  std::ifstream file(directory + "/postmaster.pid");
  long first = 0;
  return file >> first && first == pid;
}

std::optional<LiveServer> InspectProcess(pid_t pid, const struct stat& own) {
  const std::string directory = "/proc/" + std::to_string(pid) + "/cwd";
  struct stat info;
  if (stat(directory.c_str(), &info) != 0 || (info.st_dev == own.st_dev && info.st_ino == own.st_ino))
    return std::nullopt;
  if (!IsPostmasterOf(pid, directory)) return std::nullopt;
  auto control = ReadControlFile(directory + "/" + kControlFilePath);
  if (!control.ok()) return std::nullopt;
  std::error_code error;
  const std::string where = std::filesystem::read_symlink(directory, error).string();
  return LiveServer{pid, error ? directory : where, control.value().data};
}

}  // namespace

std::vector<LiveServer> OtherServersOfCluster(SystemId system_id, const std::string& data_directory) {
  std::vector<LiveServer> servers;
  struct stat own;
  if (stat(data_directory.c_str(), &own) != 0) return servers;
  std::error_code error;
  for (std::filesystem::directory_iterator entry("/proc", error), end; !error && entry != end; entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    pid_t pid = 0;
    const auto parsed = std::from_chars(name.data(), name.data() + name.size(), pid);
    if (parsed.ec != std::errc() || parsed.ptr != name.data() + name.size()) continue;
    auto server = InspectProcess(pid, own);
    if (server && server->control.system_id == system_id && server->control.state == ClusterState::kInProduction)
      servers.push_back(std::move(*server));
  }
  return servers;
}

}  // namespace pitr
