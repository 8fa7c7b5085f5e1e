// What the driver's children do, each in a process of its own so that it can be killed: the verbs of the binary, and
// backup and restore of a data directory that no server writes to.
#pragma once

namespace pitr::faults {

// argv: "cli" and a command line of pg_pitr; "backup" SETTINGS LABEL full|incr DATA START-SEGMENT SECOND; "restore"
// SETTINGS LABEL DIRECTORY. The exit status is pg_pitr's.
int RunChild(int argc, char** argv);

}  // namespace pitr::faults
