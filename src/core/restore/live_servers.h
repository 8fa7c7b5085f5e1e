// The servers that run on this machine, found by their processes, as far as this user may see them: in a container
// of its own a server is not seen. Reads only; any thread.
#pragma once
#include <sys/types.h>

#include <string>
#include <vector>

#include "core/pg/control.h"

namespace pitr {

struct LiveServer {
  pid_t pid = 0;  // of the postmaster
  std::string data_directory;
  ControlData control;
};

// A sentence: process, directory, timeline.
std::string DescribeLiveServer(const LiveServer& server);

// The process whose number leads postmaster.pid of the directory it works in; a backend works there as well.
bool IsPostmasterOf(pid_t pid, const std::string& directory);

// Servers of this cluster that are open for writing, but for that of `data_directory`.
std::vector<LiveServer> OtherServersOfCluster(SystemId system_id, const std::string& data_directory);

}  // namespace pitr
