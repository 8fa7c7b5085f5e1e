// Histories of timelines as a directory of WAL has them: of the server that wrote what lies there, which the archive's
// of the same number need not be.
#pragma once
#include <optional>
#include <string>

#include "core/pg/history.h"
#include "core/repo/repository.h"

namespace pitr {

// From the history file in `directory`; the root's for timeline 1. nullopt when there is none or it cannot be read.
std::optional<TimelineHistory> LocalHistory(const std::string& directory, Timeline timeline);

// The same; of a timeline of which the directory has no history file, what the archive has. Errors of the store.
Result<std::optional<TimelineHistory>> FindHistory(const Repository& repository, const std::string& directory,
                                                   Timeline timeline, const OpContext& ctx);

}  // namespace pitr
