// Decide() of expire_plan.h.
#include <algorithm>

#include "core/expire/expire_plan.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

// Labels of unfinished backups that must stay: whose writer may be at work, and which such a one needs. All others are
// dead: nothing was written of them for a while, or they have a mark, so that their manifest would not be accepted any
// more. A mark does not help against somebody who began to need the backup before it was made.
std::set<std::string> LiveUnfinished(const Inventory& inventory, const ExpireRequest& request, int64_t now_micros) {
  const std::vector<UnfinishedBackup>& unfinished = inventory.backups.unfinished;
  std::set<std::string> live;
  for (const UnfinishedBackup& backup : unfinished) {
    const bool recent = inventory.LastActivity(backup) > now_micros - request.leftover_age_micros;
    if (backup.label == request.running_label || (recent && !inventory.backups.expiring.contains(backup.label)))
      live.insert(backup.label);
  }
  for (bool more = !live.empty(); more;) {
    more = false;
    for (const UnfinishedBackup& backup : unfinished) {
      const bool needed = std::any_of(unfinished.begin(), unfinished.end(), [&](const UnfinishedBackup& other) {
        return live.contains(other.label) && other.Names(backup.label);
      });
      if (needed) more |= live.insert(backup.label).second;
    }
  }
  return live;
}

// What cannot be read may refer to anything.
void FindBlockers(const Inventory& inventory, const ExpireRequest& request, ExpireDecision& decision) {
  for (const std::string& label : inventory.vanished)
    decision.blocked.push_back({ExpireAction::kBlocked, "backup", label, 0, 0,
                                "the store listed its manifest and a moment later did not, so nothing is deleted on "
                                "what it lists now"});
  for (const DamagedBackup& damaged : inventory.backups.damaged)
    if (!request.labels.contains(damaged.label))
      decision.blocked.push_back({ExpireAction::kBlocked, "backup", damaged.label, 0, 0,
                                  "its manifest cannot be read (" + damaged.status.message() +
                                      "), so nothing that it may refer to is deleted"});
  for (const UnfinishedBackup& running : inventory.backups.unfinished)
    if (!running.problem.ok() && !decision.gone.contains(running.label))
      decision.blocked.push_back({ExpireAction::kBlocked, "unfinished backup", running.label, 0, 0,
                                  "its start object cannot be read (" + running.problem.message() +
                                      "), so nothing that it may build on is deleted"});
}

Status CheckNamed(const Inventory& inventory, const ExpireRequest& request) {
  for (const std::string& label : request.labels) {
    const bool damaged = inventory.backups.FindDamaged(label) != nullptr;
    if (damaged && !request.force)
      return Status(Code::kConflict, "backup \"" + label + "\" is damaged")
          .WithDetail("What its manifest says cannot be read, so what is lost with it is not known.")
          .WithHint("Force it to delete the backup all the same.");
    if (!damaged && inventory.backups.Find(label) == nullptr) return NoSuchBackup(label);
  }
  return Status::Ok();
}

Status CheckHeld(const Inventory& inventory, const BackupFacts& fact, const ExpireRequest& request) {
  if (fact.held_for.empty()) return Status::Ok();
  const std::string what = "backup \"" + fact.label + "\" cannot be expired: ";
  for (const UnfinishedBackup& running : inventory.backups.unfinished)
    if (running.Names(fact.label))
      return Status(Code::kConflict, what + fact.held_for).WithHint("Wait for that backup, or cancel it.");
  if (request.force) return Status::Ok();
  return Status(Code::kConflict, what + fact.held_for)
      .WithHint(fact.held_for_restore ? "Wait until then; if that restore and its replay have ended, force it."
                                      : "Unpin it first, or force it.");
}

// Named backups and what builds on them.
Status DecideNamed(const Inventory& inventory, const ExpireRequest& request, ExpireDecision& decision) {
  PITR_TRY(CheckNamed(inventory, request));
  std::set<std::string> going = request.labels;
  const std::vector<BackupFacts>& backups = decision.facts.backups;
  for (bool more = true; more;) {
    more = false;
    for (const BackupFacts& fact : backups)
      if (going.contains(fact.parent_label)) more |= going.insert(fact.label).second;
  }
  bool restorable = false, left = false, sound = false, sound_left = false;
  for (size_t i = 0; i < backups.size(); i++) {
    decision.verdicts[i] = {Keep::kWindow, "not named"};
    restorable = restorable || backups[i].restorable;
    sound = sound || IsSound(backups[i]);
    if (!going.contains(backups[i].label)) {
      left = left || backups[i].restorable;
      sound_left = sound_left || IsSound(backups[i]);
      continue;
    }
    PITR_TRY(CheckHeld(inventory, backups[i], request));
    const bool named = request.labels.contains(backups[i].label);
    decision.verdicts[i] = {Keep::kNo, named ? "named" : "builds on a backup that was named"};
  }
  if (restorable && !left && !request.force)
    return Status(Code::kConflict, "no backup that can be restored would be left")
        .WithHint("Take another backup first, or force it.");
  if (sound && !sound_left && !request.force)
    return Status(Code::kConflict, "only backups with damaged pages would be left")
        .WithHint("Take another backup first, or force it.");
  for (const std::string& label : request.labels) decision.gone[label] = "named";
  return Status::Ok();
}

}  // namespace

std::string_view ExpireActionName(ExpireAction action) {
  switch (action) {
    case ExpireAction::kKeep:
      return "keep";
    case ExpireAction::kDelete:
      return "delete";
    case ExpireAction::kRefused:
      return "refused";
    case ExpireAction::kBlocked:
      return "blocked";
  }
  return "";
}

Result<ExpireDecision> Decide(const Inventory& inventory, const ExpireRequest& request, int64_t now_micros) {
  ExpireDecision decision;
  decision.facts = inventory.Facts(now_micros, request.damage_of);
  const bool named = !request.labels.empty();
  if (named) {
    decision.verdicts.resize(decision.facts.backups.size());
    PITR_TRY(DecideNamed(inventory, request, decision));
  } else {
    decision.verdicts = DecideRetention(request.policy, decision.facts);
    decision.expires_wal = request.policy.LimitsBackups();
    decision.sweeps = true;
  }
  const std::set<std::string> live = LiveUnfinished(inventory, request, now_micros);
  for (const UnfinishedBackup& unfinished : inventory.backups.unfinished)
    if (!named && !live.contains(unfinished.label))
      decision.gone[unfinished.label] = inventory.backups.expiring.contains(unfinished.label)
                                            ? "was being deleted"
                                            : "never finished, and nothing of it was written for a while";
  FindBlockers(inventory, request, decision);
  for (size_t i = 0; i < decision.verdicts.size(); i++) {
    const Verdict& verdict = decision.verdicts[i];
    const std::string& label = decision.facts.backups[i].label;
    if (verdict.keep == Keep::kNo && decision.blocked.empty()) {
      decision.gone[label] = verdict.why;
      continue;
    }
    const std::string& damage = decision.facts.backups[i].damage;
    const std::string& flaw = decision.facts.backups[i].flaw;
    const std::string why = (verdict.keep == Keep::kNo ? verdict.why + ", but blocked" : verdict.why) +
                            (damage.empty() ? "" : "; it counts as damaged: " + damage) +
                            (flaw.empty() ? "" : "; it does not count: " + flaw);
    decision.kept.push_back(
        {ExpireAction::kKeep, "backup", label, 0, inventory.backups.Find(label)->stored_bytes, why});
  }
  if (!decision.blocked.empty()) {
    decision.gone.clear();
    decision.expires_wal = false;
  }
  for (size_t i = 0; decision.expires_wal && i < decision.verdicts.size(); i++) {
    const std::string& label = decision.facts.backups[i].label;
    if (decision.verdicts[i].keep == Keep::kAlone && !inventory.backups.alone.contains(label))
      decision.to_mark_alone.insert(label);
  }
  return decision;
}

}  // namespace pitr
