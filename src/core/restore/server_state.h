// What the files of a data directory tell about the server that uses it. Reads only; any thread.
#pragma once
#include <sys/types.h>

#include <optional>
#include <string>

#include "core/base/bytes.h"
#include "core/base/unique_fd.h"

namespace pitr {

struct ServerProcess {
  bool running = false;  // a live postmaster, or a standalone server
  pid_t pid = 0;
  bool memory_in_use = false;  // the postmaster is gone, but processes are attached to its shared memory
};

// `pid_file`: content of postmaster.pid. A process with the right number that is known to work in another directory
// than the one open as `directory` is another program that got the number later.
ServerProcess InspectServer(ByteView pid_file, int directory);

// A server runs in `data_directory` and has not finished archive recovery (or is a standby): recovery.signal or
// standby.signal is there.
bool IsRecovering(const std::string& data_directory);

}  // namespace pitr
