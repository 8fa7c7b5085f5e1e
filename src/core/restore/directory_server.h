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

enum class RecoveryRole {
  kNone,      // no server runs there
  kEnded,     // neither signal file: a server that recovers has come to its end, and goes on to write its history file
  kRecovery,  // recovery.signal: it ends with the archive, or at its target
  kStandby    // standby.signal, also beside the other: it waits for more until it is promoted
};
RecoveryRole RoleOf(const std::string& data_directory);
bool IsRecovering(const std::string& data_directory);  // either of the last two

// Somebody has asked for a promotion, of which the server's startup process has not taken notice yet.
bool IsPromotionRequested(const std::string& data_directory);

}  // namespace pitr
