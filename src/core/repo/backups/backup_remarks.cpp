#include "core/repo/backups/backup_remarks.h"

#include <algorithm>

#include "core/base/ascii.h"
#include "core/base/describe_size.h"
#include "core/base/shown_name.h"

namespace pitr {
namespace {

constexpr size_t kMaxNamed = 8;

// Of `count` things the first are in `list`, and of these the first are named.
template <class T, class Describe>
std::string NameSome(const std::vector<T>& list, uint64_t count, const Describe& describe) {
  std::string text;
  const size_t named = std::min(list.size(), kMaxNamed);
  for (size_t i = 0; i < named; i++) text += (i == 0 ? "" : ", ") + ShownName(describe(list[i]));
  if (count > named) text += " and " + std::to_string(count - named) + " more";
  return text;
}

bool IsByPageLsnAlone(const BackupManifest& backup) {
  return !backup.data_checksums && backup.change_origin && backup.change_origin->kind == ChangeKind::kPageLsn;
}

}  // namespace

std::string DescribePageErrors(const BackupManifest& backup) {
  if (backup.page_errors.empty()) return "";
  const PageError& first = backup.page_errors.front();
  return DescribeCount(backup.page_errors.size(), "page failed its checksum", "pages failed their checksum") +
         " when it was taken, the first in " + ShownName(first.path) + ", block " + std::to_string(first.block);
}

std::string DescribePageLsnDoubt(const BackupCatalog& catalog, const BackupManifest& backup) {
  const BackupManifest* link = &backup;
  for (uint32_t length = 0; link != nullptr && length <= backup.chain_length; ++length) {
    if (IsByPageLsnAlone(*link))
      return (link == &backup ? "it" : "it builds on backup " + Quoted(link->label) + ", which") +
             std::string(
                 " took pages as unchanged by their LSNs on a cluster without data checksums, where vacuum "
                 "changes pages without raising them: visibility maps may not agree with their tables");
    link = link->parent_label.empty() ? nullptr : catalog.Find(link->parent_label);
  }
  return "";
}

std::string DescribeSkipped(const BackupManifest& backup) {
  return NameSome(backup.skipped, backup.skipped_count, [](const SkippedEntry& entry) {
    return entry.path + " (" + entry.kind + (entry.target.empty() ? "" : " to " + Quoted(entry.target)) +
           (entry.why.empty() ? "" : "; " + entry.why) + ")";
  });
}

std::string DescribeFollowed(const BackupManifest& backup) {
  return NameSome(backup.followed, backup.followed.size(),
                  [](const FollowedLink& link) { return link.path + " (to " + Quoted(link.target) + ")"; });
}

std::string DescribeOutside(const BackupManifest& backup) {
  return NameSome(backup.outside, backup.outside.size(), [](const OutsideFile& file) { return file.path; });
}

UnfinishedRemark DescribeUnfinished(const ResumeCandidates& candidates, const UnfinishedBackup& backup) {
  UnfinishedRemark remark;
  remark.state = backup.ended ? "interrupted" : "running, or interrupted";
  if (const auto by = candidates.taken_over.find(backup.label); by != candidates.taken_over.end())
    remark.state += "; backup " + Quoted(by->second) + " has taken over packs of it";
  remark.advice = "It cannot be restored";
  if (std::find(candidates.labels.begin(), candidates.labels.end(), backup.label) != candidates.labels.end()) {
    remark.advice += "; the next full backup can take over what it has stored, with the same compression_level.";
    return remark;
  }
  if (const auto why = candidates.passed_over.find(backup.label); why != candidates.passed_over.end())
    remark.advice += ", nor does a backup resume it: " + why->second;
  remark.advice +=
      ". What no backup needs of it goes with the first expiry after nothing was written to it for "
      "pg_pitr.expire_leftover_age; while no backup runs, at once with: pg_pitr expire --leftover-age '1 s'.";
  return remark;
}

std::string OutsideConfigFile(const BackupManifest& backup) {
  for (const OutsideFile& file : backup.outside)
    if (file.setting == "config_file") return file.path;
  return "";
}

}  // namespace pitr
