// Stores the file map of a backup whose files were copied: its own pages, and those of its parent that it takes over.
// Pages end where the parent's do, so that one new file changes one page: one that has grown too large is cut, a small
// one goes on into the next when that is stored anew, too.
#pragma once
#include "core/backup/copy_run.h"

namespace pitr {

// Errors as FileMapStore.
Result<StoredFileMap> StoreFileMap(const Repository& repository, const std::string& label, const CopiedFiles& copied,
                                   const OpContext& ctx);

}  // namespace pitr
