#include "core/restore/directory_home.h"

#include <sys/stat.h>

#include <filesystem>
#include <fstream>
#include <optional>

#include "core/repo/opening/archive_hold.h"
#include "core/restore/live_servers.h"
#include "core/restore/timeline_fork.h"
#include "core/store/durable_file.h"

namespace pitr {
namespace {

// "<device> <inode> <path>", all that follows; no line feed ends it.
struct Home {
  dev_t device = 0;
  ino_t inode = 0;
  std::string path;
  bool operator==(const Home&) const = default;
};

std::optional<Home> HomeNow(const std::string& data_directory) {
  struct stat info;
  std::error_code error;
  const std::string path = std::filesystem::canonical(data_directory, error).string();
  if (error || stat(path.c_str(), &info) != 0) return std::nullopt;
  return Home{info.st_dev, info.st_ino, path};
}

std::optional<Home> Remembered(const std::string& data_directory) {
  std::ifstream file(data_directory + "/" + kDirectoryHomeFile);
  Home home;
  if (!(file >> home.device >> home.inode) || file.get() != ' ') return std::nullopt;
  home.path.assign(std::istreambuf_iterator<char>(file), {});
  return home;
}

bool AreOne(const Home& now, const Home& then) {
  return now.inode == then.inode && (now.path == then.path || now.device == then.device);
}

// A full disk must not keep WAL from being archived: what cannot be written now is at the next start.
void Remember(const std::string& data_directory) {
  const auto now = HomeNow(data_directory);
  if (!now || now == Remembered(data_directory)) return;
  (void)WriteDurableFile(data_directory + "/" + kDirectoryHomeFile,
                         std::to_string(now->device) + " " + std::to_string(now->inode) + " " + now->path);
}

}  // namespace

bool IsAtHome(const std::string& data_directory) {
  const auto now = HomeNow(data_directory), then = Remembered(data_directory);
  return !now || !then || AreOne(*now, *then);
}

Status CheckNoClone(SystemId system_id, const std::string& data_directory) {
  const auto control = ReadControlFile(data_directory + "/" + kControlFilePath);
  if (!control.ok() || control.value().data.state != ClusterState::kInProduction) return Status::Ok();
  const Timeline timeline = control.value().data.timeline;
  if (!IsAtHome(data_directory)) {
    // Just promoted, pg_control may not say so yet.
    PITR_ASSIGN(const ClusterTree tree, ClusterTree::OpenWithWal(data_directory));
    PITR_ASSIGN(const auto fork, NewestFork(tree, timeline));
    for (const LiveServer& server : OtherServersOfCluster(system_id, data_directory)) {
      if (fork || server.control.timeline != timeline) continue;
      return ArchivingHeld(
                 "this data directory is a clone, and another server of the same cluster runs on this machine and "
                 "writes the same timeline")
          .WithDetail(DescribeLiveServer(server) + " This directory was \"" + Remembered(data_directory)->path +
                      "\" when its server archived last.")
          .WithHint(
              "If this is the copy, set archive_mode = off and restart it, or give it a repository of its own in "
              "pg_pitr.repository. If it is the one that goes on, stop the other for good: then archiving goes on by "
              "itself.");
    }
  }
  Remember(data_directory);
  return Status::Ok();
}

}  // namespace pitr
