#include "core/restore/wal_writer.h"

#include <sys/stat.h>

#include "core/base/process_directories.h"
#include "core/restore/cluster_tree.h"
#include "core/restore/directory_server.h"
#include "core/restore/live_servers.h"
#include "core/restore/wal_origin.h"

namespace pitr {

std::string ServerWritingTo(const std::string& wal_directory) {
  struct stat own;
  if (stat(wal_directory.c_str(), &own) != 0) return "";
  std::string found;
  EachProcessDirectory([&](pid_t pid, const std::string& directory) {
    struct stat its;
    const std::string its_wal = directory + "/" + std::string(kWalDirectory);
    if (stat(its_wal.c_str(), &its) != 0 || its.st_dev != own.st_dev || its.st_ino != own.st_ino) return true;
    if (!IsPostmasterOf(pid, directory)) return true;
    found = "Process " + std::to_string(pid) + " serves \"" + NameOfProcessDirectory(directory) + "\".";
    return false;
  });
  // Processes of other users are not seen; their number in postmaster.pid is.
  const std::string origin = WalOrigin(wal_directory).string();
  if (found.empty() && RoleOf(origin) != RecoveryRole::kNone) found = "A server runs in \"" + origin + "\".";
  return found;
}

}  // namespace pitr
