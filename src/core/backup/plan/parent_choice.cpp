#include "core/backup/plan/parent_choice.h"

#include <algorithm>
#include <map>

#include "core/base/ascii.h"
#include "core/base/letter_case.h"
#include "core/pg/wal_name.h"
#include "core/repo/backups/backup_objects.h"
#include "core/repo/backups/backup_remarks.h"
#include "core/repo/maps/file_map_parser.h"
#include "core/repo/wal/history_source.h"

namespace pitr {
namespace {

// Why the candidate cannot be built on after all; empty: it can, and `out` has it.
Result<std::string> TryParent(const Repository& repository, const BackupManifest& backup, ParentChoice& out,
                              const OpContext& ctx) {
  auto list = ReadMapPages(repository, backup, ctx);
  const bool unreadable = list.code() == Code::kCorruption || list.code() == Code::kInvalidArgument;
  if (!list.ok() && !unreadable && list.code() != Code::kNotFound) return std::move(list).status();
  if (unreadable)
    return "the file map of backup " + Quoted(backup.label) + " cannot be read: " + list.status().ToString();
  PITR_ASSIGN(const std::vector<std::string> missing,
              FindMissingObjects(repository, backup, ctx, list.ok() ? &list.value().pages : nullptr));
  if (!missing.empty()) return "backup " + Quoted(backup.label) + " is incomplete: " + ListProblems(missing);
  if (!list.ok()) return std::move(list).status();  // and yet the store has it
  out.parent = ParentBackup{backup, std::move(list).value()};
  return std::string();
}

std::string Joined(const std::vector<std::string>& clauses) {
  std::string text;
  for (const std::string& clause : clauses) {
    std::string sentence = clause;
    sentence[0] = UpperCase(sentence[0]);
    text += (text.empty() ? "" : " ") + sentence + ".";
  }
  return text;
}

ParentChoice FullInstead(const std::vector<std::string>& passed_over) {
  ParentChoice choice;
  choice.note = "there is no backup to build on: taking a full backup";
  if (passed_over.empty()) return choice;
  choice.note = "no earlier backup can be built on: taking a full backup";
  choice.note_detail = Joined(passed_over);
  choice.warning = true;
  return choice;
}

}  // namespace

Result<TimelineHistory> WithoutForeign(const Repository& repository, TimelineHistory history,
                                       const BackupCatalog& catalog, const OpContext& ctx) {
  std::map<Timeline, TimelineHistory> stored;
  for (const BackupManifest& backup : catalog.backups) {
    const Timeline timeline = StopTimeline(backup);
    if (timeline.value == 1 || timeline == history.timeline() || !history.Includes(timeline) ||
        stored.contains(timeline))
      continue;
    auto found = StoredHistory(repository, timeline, ctx);
    if (found.code() == Code::kNotFound) continue;
    if (!found.ok()) return std::move(found).status();
    stored.emplace(timeline, std::move(found).value());
  }
  const Timeline foreign = history.NewestForeign([&](Timeline timeline) {
    const auto found = stored.find(timeline);
    return found == stored.end() ? nullptr : &found->second;
  });
  return foreign.valid() ? history.Behind(foreign) : history;
}

std::vector<const BackupManifest*> ParentCandidates(const BackupCatalog& catalog, BackupType type,
                                                    const TimelineHistory& history,
                                                    std::vector<std::string>& passed_over) {
  std::vector<const BackupManifest*> candidates;
  for (auto backup = catalog.backups.rbegin(); backup != catalog.backups.rend(); ++backup) {
    if (type == BackupType::kDiff && backup->type != BackupType::kFull) continue;
    const Timeline timeline = StopTimeline(*backup);
    if (!history.ReachedFrom(timeline, backup->stop_lsn)) {
      passed_over.push_back("backup " + Quoted(backup->label) + " ends at " + backup->stop_lsn.ToString() +
                            " of timeline " + std::to_string(timeline.value) +
                            ", which is not in the history of the current timeline " +
                            std::to_string(history.timeline().value));
      continue;
    }
    // The run that made the mark may have died long ago; nobody can tell it from one that goes on in a moment.
    if (catalog.expiring.contains(backup->label)) {
      passed_over.push_back("backup " + Quoted(backup->label) +
                            " has been marked by an expiry that was going to delete it");
      continue;
    }
    if (const std::string doubt = DescribePageLsnDoubt(catalog, *backup); !doubt.empty()) {
      passed_over.push_back("backup " + Quoted(backup->label) + " may be wrong: " + doubt);
      continue;
    }
    candidates.push_back(&*backup);
  }
  // A merged backup ends where the increment ended that it was made of, and is the better one to go on from.
  std::stable_sort(candidates.begin(), candidates.end(), [](const BackupManifest* a, const BackupManifest* b) {
    return a->stop_micros != b->stop_micros ? a->stop_micros > b->stop_micros : a->chain_length < b->chain_length;
  });
  return candidates;
}

Result<ParentChoice> ChooseParent(const Repository& repository, const ParentRequest& request, const OpContext& ctx) {
  if (request.type == BackupType::kFull) return ParentChoice{};
  PITR_ASSIGN(const BackupCatalog catalog, BackupCatalog::Load(repository, ctx));
  std::vector<std::string> passed_over;
  for (const DamagedBackup& damaged : catalog.damaged)
    passed_over.push_back("the manifest of backup " + Quoted(damaged.label) +
                          " cannot be read: " + damaged.status.ToString());
  if (catalog.backups.empty()) return FullInstead(passed_over);
  auto history = ServerHistory(repository, request.data_directory, request.timeline, ctx);
  if (history.ok()) history = WithoutForeign(repository, std::move(history).value(), catalog, ctx);
  if (!history.ok()) {
    if (history.code() != Code::kNotFound && history.code() != Code::kCorruption) return std::move(history).status();
    passed_over.push_back("the history of timeline " + std::to_string(request.timeline.value) +
                          " cannot be read: " + history.status().ToString());
    return FullInstead(passed_over);
  }
  const size_t damaged = passed_over.size();
  const auto candidates = ParentCandidates(catalog, request.type, history.value(), passed_over);
  const size_t other_timelines = passed_over.size() - damaged;
  for (const BackupManifest* backup : candidates) {
    if (const std::string damage = request.damage_of ? request.damage_of(*backup) : ""; !damage.empty()) {
      passed_over.push_back("backup " + Quoted(backup->label) + " is damaged: " + damage);
      continue;
    }
    if (!backup->page_errors.empty() && !request.allow_page_errors) {
      passed_over.push_back("of backup " + Quoted(backup->label) + ", " + DescribePageErrors(*backup));
      continue;
    }
    ParentChoice choice;
    if (backup->chain_length >= request.max_chain_length) {
      choice.note = "the chain that ends with backup " + Quoted(backup->label) + " has " +
                    std::to_string(backup->chain_length) +
                    " backups, as many as pg_pitr.max_chain_length allows: taking a full backup";
      return choice;
    }
    PITR_ASSIGN(std::string problem, TryParent(repository, *backup, choice, ctx));
    if (!problem.empty()) {
      passed_over.push_back(std::move(problem));
      continue;
    }
    choice.type = request.type;
    // Older ones would not have been taken anyway.
    const bool newest = std::none_of(catalog.backups.begin(), catalog.backups.end(), [&](const BackupManifest& other) {
      return other.stop_micros > backup->stop_micros &&
             (request.type != BackupType::kDiff || other.type == BackupType::kFull);
    });
    if (!passed_over.empty() && (!newest || damaged > 0)) {
      choice.note = "building on backup " + Quoted(backup->label) + ", because others cannot be built on";
      choice.note_detail = Joined(passed_over);
      // After a recovery the backups of the branch that was left are to be expected.
      choice.warning = passed_over.size() > other_timelines;
    }
    return choice;
  }
  return FullInstead(passed_over);
}

}  // namespace pitr
