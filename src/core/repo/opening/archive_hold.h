// Archiving is held: the store would take the file, but whether it belongs there is for the operator to say. WAL stays
// in pg_wal and marked .ready; the archiver warns, pitr_status says "held", pitr_check fails, and it is tried again.
// Whoever finds such a reason returns ArchivingHeld() from where a file is pushed or the repository is opened for it.
// Pure functions.
#pragma once
#include <string>
#include <string_view>

#include "core/base/status.h"

namespace pitr {

inline constexpr std::string_view kArchivingHeld = "archiving is held: ";

// kConflict. `why` is a clause: "this server was restored as a copy"; evidence goes into the detail, every way out
// into the hint.
inline Status ArchivingHeld(const std::string& why) { return {Code::kConflict, std::string(kArchivingHeld) + why}; }
inline bool IsArchivingHeld(const Status& status) {
  return status.code() == Code::kConflict && status.message().find(kArchivingHeld) != std::string::npos;
}

}  // namespace pitr
