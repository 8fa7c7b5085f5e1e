// The marks that say what an expiry is about to delete (docs/format.md, section 10):
//
// backup/<label>/expire   the backup
// backup/<label>/alone    WAL after the backup's stop, of a backup that itself stays
//
// Whoever deletes creates the mark first and then looks again whether anybody needs what he is going to delete; whoever
// begins to need it (a pin, an increment, an unfinished backup about to write its manifest, a restore) creates its own
// object first and then looks for the mark. Whatever the order, at least one of the two sees the other and leaves off.
// The mark of an expiry that was killed goes with the next one that keeps the backup; so whoever deletes under a mark
// that may be another's looks for it once more before the manifest goes.
#pragma once
#include <optional>
#include <string>

#include "core/repo/layout.h"
#include "core/repo/repository.h"

namespace pitr {

struct ExpireMark {
  int64_t marked_micros = 0;  // by the clock of who made it; 0 when the mark cannot be read
  std::string marked_by;      // host and process, for the operator
};

// `mark` is kExpireMark or kAloneMark. Ok when the mark is there, whoever made it.
Status CreateMark(const Repository& repository, const std::string& label, layout::BackupObject mark,
                  const std::string& by, const OpContext& ctx);

// nullopt when there is none. One that cannot be read is one. Errors are those of the store.
Result<std::optional<ExpireMark>> ReadMark(const Repository& repository, const std::string& label,
                                           layout::BackupObject mark, const OpContext& ctx);

// Whether who made the mark has ended: a process of this host that does not run, or anybody when the mark is older than
// `old_since_micros`, by the store's clock (`modified_micros`).
bool IsLeftBehind(const ExpireMark& mark, int64_t modified_micros, int64_t old_since_micros);

// kConflict when the backup is being deleted, or has been: it has a mark, or `witness` is not there (any more). The
// witness is the manifest for who builds on a backup or pins it, the start object for who has just written its
// manifest. Call after the own object was created.
Status CheckNotExpiring(const Repository& repository, const std::string& label, layout::BackupObject witness,
                        const OpContext& ctx);

}  // namespace pitr
