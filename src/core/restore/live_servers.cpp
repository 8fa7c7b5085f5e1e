#include "core/restore/live_servers.h"

#include <sys/stat.h>

#include <fstream>
#include <optional>

#include "core/base/process_directories.h"

namespace pitr {
namespace {

std::optional<LiveServer> InspectProcess(pid_t pid, const std::string& directory, const struct stat& own) {
  struct stat info;
  if (stat(directory.c_str(), &info) != 0 || (info.st_dev == own.st_dev && info.st_ino == own.st_ino))
    return std::nullopt;
  if (!IsPostmasterOf(pid, directory)) return std::nullopt;
  auto control = ReadControlFile(directory + "/" + kControlFilePath);
  if (!control.ok()) return std::nullopt;
  return LiveServer{pid, NameOfProcessDirectory(directory), control.value().data};
}

}  // namespace

bool IsPostmasterOf(pid_t pid, const std::string& directory) {
  std::ifstream file(directory + "/postmaster.pid");
  long first = 0;
  return file >> first && first == pid;
}

std::vector<LiveServer> OtherServersOfCluster(SystemId system_id, const std::string& data_directory) {
  std::vector<LiveServer> servers;
  struct stat own;
  if (stat(data_directory.c_str(), &own) != 0) return servers;
  EachProcessDirectory([&](pid_t pid, const std::string& directory) {
    auto server = InspectProcess(pid, directory, own);
    if (server && server->control.system_id == system_id && server->control.state == ClusterState::kInProduction)
      servers.push_back(std::move(*server));
    return true;
  });
  return servers;
}

std::string DescribeLiveServer(const LiveServer& server) {
  return "Process " + std::to_string(server.pid) + " serves \"" + server.data_directory +
         "\" of the same cluster on timeline " + std::to_string(server.control.timeline.value) + ".";
}

}  // namespace pitr
