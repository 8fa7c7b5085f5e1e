// The mark that says a backup is being deleted: backup/<label>/expire (docs/format.md, section 10).
//
// Whoever deletes a backup creates the mark first and then looks again whether anybody needs the backup; whoever begins
// to need it (a pin, an increment on top of it, an unfinished backup about to write its manifest) creates its own
// object first and then looks for the mark. Whatever the order, at least one of the two sees the other and leaves off.
#pragma once
#include <string>

#include "core/repo/layout.h"
#include "core/repo/repository.h"

namespace pitr {

// Ok when the mark is there, whoever made it.
Status CreateExpireMark(const Repository& repository, const std::string& label, const std::string& by,
                        const OpContext& ctx);

// kConflict when the backup is being deleted, or has been: it has a mark, or `witness` is not there (any more). The
// witness is the manifest for who builds on a backup or pins it, the start object for who has just written its
// manifest. Call after the own object was created.
Status CheckNotExpiring(const Repository& repository, const std::string& label, layout::BackupObject witness,
                        const OpContext& ctx);

}  // namespace pitr
