// Settings that say how one recovery goes: the server has them from then on, also when they are taken out of its
// configuration, until it is started again. Source: the "Archive Recovery" and "Recovery Target" groups of
// guc_tables.c.
#pragma once
#include <string_view>

#include "core/base/letter_case.h"

namespace pitr {

inline bool SaysHowToRecover(std::string_view name) {
  const std::string lower = LowerCase(name);
  return lower == "restore_command" || lower == "recovery_end_command" || lower == "archive_cleanup_command" ||
         lower.starts_with("recovery_target");
}

}  // namespace pitr
