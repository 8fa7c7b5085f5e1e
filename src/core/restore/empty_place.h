// Whether a directory that a restore is to use is free.
#pragma once

namespace pitr {

// Nothing there but what a file system puts into its root (lost+found), and directories that are as empty. False when
// it cannot be looked into.
bool HoldsNoFiles(int directory);

}  // namespace pitr
