// What pitr_status calls the state of archiving: from conditions that hold now, not from what happened last. A pure
// function.
#pragma once
#include <cstdint>
#include <string>

#include "core/base/status.h"

namespace pitr {

struct ArchivingConditions {
  bool archive_mode = true;
  Status configured;                  // whether the settings can work
  bool runs = true;                   // there is an archiver process
  uint64_t failures = 0;              // in a row
  std::string retried, retried_hint;  // the failure on account of which it tries again right now; empty: none
  bool held = false;                  // the last of them is for the operator to decide (repo/opening/archive_hold.h)
  std::string current_file;           // that PostgreSQL waits for; empty: it waits for none
  int64_t waited_ms = 0;              // since when
  int64_t request_timeout_ms = 0;
  std::string repository;
  int64_t oldest_commit_micros = 0;  // of those that are not stored; 0: there is none
  int64_t now_micros = 0;
};

struct ArchivingState {
  std::string name;  // "idle", "archiving", "stalled", "failing", "held", "not configured", "not started", "off"
  std::string problem, hint;   // where that is not the archiver's last error
  int64_t at_risk_micros = 0;  // the age of the oldest commit that would be lost now; 0: none would be
};

// A server that writes nothing is idle for as long as it likes.
ArchivingState JudgeArchiving(const ArchivingConditions& now);

}  // namespace pitr
