// What an expiry would delete: backups by policy or by name, what died half-way, WAL that nobody can use, leftovers.
// Pure functions over an inventory; expire.h carries it out.
#pragma once
#include <map>
#include <set>
#include <string>
#include <vector>

#include "core/expire/inventory.h"

namespace pitr {

inline constexpr int64_t kDefaultLeftoverAgeMicros = int64_t{86400} * 1000000;

struct ExpireRequest {
  RetentionPolicy policy;
  // Younger leftovers may belong to somebody at work.
  int64_t leftover_age_micros = kDefaultLeftoverAgeMicros;
  std::set<std::string> labels;  // not empty: these backups and what builds on them, instead of what the policy says
  bool force = false;  // with labels: also held, pinned and damaged ones, and the last one that can be restored
  bool dry_run = false;
  std::string running_label;  // a backup that is known to run now
  std::string by;             // "host orders-db, process 4711"
  DamageFinder damage_of;     // what verifications have found; may be empty
};

enum class ExpireAction {
  kKeep,
  kDelete,   // deleted, or what a dry run would delete
  kRefused,  // the store would not delete it
  kBlocked   // something that cannot be read, on whose account others are kept
};
std::string_view ExpireActionName(ExpireAction action);  // "keep", "delete", "refused", "blocked"

struct ExpireRow {
  ExpireAction action = ExpireAction::kKeep;
  // "backup", "unfinished backup", "partial map", "restore hold", "pack", "change map", "wal",
  // "seal", "upload", "probe"
  std::string what;
  std::string name;  // label, segment names, object key
  uint64_t objects = 0;
  uint64_t stored_bytes = 0;
  std::string why;  // a phrase
};

// What is decided about backups.
struct ExpireDecision {
  RetentionFacts facts;
  std::vector<Verdict> verdicts;            // of facts.backups
  std::map<std::string, std::string> gone;  // label of what is to be deleted, and why; finished, damaged or unfinished
  std::vector<ExpireRow> kept;              // backups that stay
  std::vector<ExpireRow> blocked;           // not empty: only uploads and probes may be deleted
  std::set<std::string> to_mark_alone;      // kept alone, and not yet marked as such: WAL after their stop may go
  std::set<std::string> own_marks;          // labels whose expire mark this run has made: rows do not count it
  bool expires_wal = false;
  bool sweeps = false;
};

// Errors are about request.labels: kNotFound (no such backup), kConflict (held, pinned, or the last restorable one,
// without force; or a running backup builds on it).
Result<ExpireDecision> Decide(const Inventory& inventory, const ExpireRequest& request, int64_t now_micros);

// Objects that are deleted together, and the row that tells of them.
struct Garbage {
  ExpireRow row;
  std::vector<ObjectInfo> manifests;  // deleted first
  std::vector<ObjectInfo> data;       // file maps, partial maps and packs
  std::vector<ObjectInfo> rest;       // start object, pins, holds: last, and not while `shared`
  std::vector<ObjectInfo> marks;      // after everything else; `row` counts those of earlier runs
  bool shared = false;                // packs of this label stay for other backups
};

// The objects of what is gone; `manifests_left` are those of the backups that stay. Then packs and other objects that
// belong to nothing, when decision.sweeps and they are old enough.
std::vector<Garbage> BackupGarbage(const Inventory& inventory, const ExpireDecision& decision,
                                   const ExpireRequest& request);
std::vector<Garbage> ProbeGarbage(const Inventory& inventory, int64_t old_since_micros);
// Those of `uploads` that nobody will complete.
std::vector<PendingUpload> OldUploads(const std::vector<PendingUpload>& uploads, const Inventory& inventory,
                                      const ExpireDecision& decision, int64_t old_since_micros);

}  // namespace pitr
