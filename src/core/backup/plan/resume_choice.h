// Which interrupted full backups the next one takes over packs from, and what these hold (docs/design/006-resume.md).
// Whatever goes wrong here only means that less is taken over, or nothing, and is told in the log.
#pragma once
#include <optional>
#include <string>
#include <vector>

#include "core/backup/extents/parent_map.h"
#include "core/repo/backups/backup_catalog.h"

namespace pitr {

struct ResumeChoice {
  std::optional<ParentMap> stored;  // null: there is nothing to take over
  std::string labels;               // of whose packs it tells, for people: "a, b"
  // What the operator should know, in the grammar of a message; empty when nothing is resumed.
  std::string note;
};

// The labels of FindResumeCandidates() in the repository. One listing when there are none.
std::vector<std::string> FindInterrupted(const Repository& repository, const OpContext& ctx);

// Reads what `labels` (newest first) recorded and is still there. To be called after a start object that names them was
// created, so that nobody deletes it from then on.
ResumeChoice LoadInterrupted(const Repository& repository, const std::vector<std::string>& labels,
                             const OpContext& ctx);

}  // namespace pitr
