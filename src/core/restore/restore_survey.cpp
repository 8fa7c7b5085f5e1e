#include "core/restore/restore_survey.h"

#include <algorithm>

#include "core/base/describe_size.h"
#include "core/base/shown_name.h"
#include "core/restore/restore_space.h"

namespace pitr {
namespace {

constexpr size_t kNamed = 20;  // paths in one sentence

template <class Paths>
std::string NameSome(const Paths& paths) {
  std::string text;
  size_t named = 0;
  for (const std::string& path : paths) {
    if (named == kNamed) return text + " and " + std::to_string(paths.size() - named) + " more";
    text += (named++ == 0 ? "" : ", ") + ShownName(path);
  }
  return text;
}

UnstoredWal Together(const UnstoredWal& a, const UnstoredWal& b) {
  UnstoredWal both = a;
  both.names.insert(both.names.end(), b.names.begin(), b.names.end());
  std::sort(both.names.begin(), both.names.end());
  both.differing.insert(both.differing.end(), b.differing.begin(), b.differing.end());
  both.all_read &= b.all_read;
  if (b.last_commit) {
    both.last_commit = b.last_commit;
    both.commit_timeline = b.commit_timeline;
  }
  if (!b.others.empty()) {
    both.others = b.others;
    both.others_may_go_on = b.others_may_go_on;
  }
  if (b.others_commit) both.others_commit = b.others_commit;
  if (b.archived_commit) {
    both.archived_commit = b.archived_commit;
    both.archived_to = b.archived_to;
  }
  return both;
}

Status DecideRules(const RestoreOptions& options, const DirectoryState& found, const BackupMap& map,
                   const MapSurvey& mapped, const ClusterTree& tree, ClearRules& rules, const OpContext& ctx) {
  const std::vector<MappedDirectory>& directories = map.list().directories;
  if (found.continues()) {
    rules.configuration = found.unfinished->configuration;
    rules.own.kept = found.unfinished->kept;
    rules.own.replaced = found.unfinished->replaced;
    if (!found.unfinished->logs.empty()) rules.logs = ServerLogs(found.unfinished->logs);
    rules.aside = found.unfinished->aside;
    PITR_ASSIGN(const OwnFiles now, FindOwnFiles(tree, directories, mapped.own, rules.logs, rules.configuration, ctx));
    for (const std::string& path : now.differing)
      if (rules.own.kept.contains(path)) rules.own.differing.insert(path);
    return Status::Ok();
  }
  // Of another cluster, or of one that nobody knows, the configuration is not this one's.
  rules.configuration = options.configuration.value_or(found.own ? Configuration::kKeep : Configuration::kBackup);
  rules.logs = ServerLogs::Of(tree);
  PITR_ASSIGN(rules.own, FindOwnFiles(tree, directories, mapped.own, rules.logs, rules.configuration, ctx));
  return Status::Ok();
}

std::vector<std::string> FindLinked(const ClusterTree& tree, const WalPlace& wal) {
  std::vector<std::string> linked;
  for (const auto& [root, directory] : tree.roots())
    if (root.starts_with(kTablespaceDirectory) && HasTablespaceIn(tree, directory))
      linked.push_back("\"" + directory + "\" (tablespace " + root.substr(kTablespaceDirectory.size() + 1) + ")");
  if (wal.stays() && !wal.linked.empty()) linked.push_back("\"" + wal.linked + "\" (WAL)");
  return linked;
}

// Who has made a copy of the data directory to be safe may think that it brings everything back.
std::string DescribeLinked(const RestoreSurvey& survey, const std::string& data_directory, bool done) {
  const std::string many = survey.linked.size() == 1 ? "lies" : "lie";
  std::string text =
      NameSome(survey.linked) + " " + many + " outside of the data directory and " +
      (done ? (survey.linked.size() == 1 ? "was" : "were") : (survey.linked.size() == 1 ? "is" : "are")) +
      " restored, too. A copy of the data directory alone, as cp -a makes it, has links to " +
      (survey.linked.size() == 1 ? "it" : "them") +
      ": put back, it finds what was restored there, and its server may start with wrong rows.";
  if (survey.timeline.valid())
    text += " To have back what was here before, as far as its WAL is in the archive: pg_pitr restore -D " +
            data_directory + " --delta --target-latest --target-timeline " + std::to_string(survey.timeline.value) +
            ".";
  return text;
}

}  // namespace

Result<RestoreSurvey> SurveyDirectory(const Repository& repository, const RestoreOptions& options,
                                      const DirectoryState& found, const BackupMap& map, const MapSurvey& mapped,
                                      ClusterTree& tree, TreeContent& content, const OpContext& ctx) {
  RestoreSurvey survey;
  PITR_ASSIGN(survey.wal_place, DecideWalPlace(tree, options.wal_directory));
  const WalPlace& place = survey.wal_place;
  if (!place.wanted.empty()) content.links.insert(std::string(kWalDirectory));
  if (place.stays() && !place.linked.empty()) PITR_TRY(tree.AddWalDirectory(place.linked));
  if (!found.empty) {
    PITR_TRY(DecideRules(options, found, map, mapped, tree, survey.rules, ctx));
    PITR_ASSIGN(const WalCatalog archive, WalCatalog::Load(repository, ctx));
    if (place.replaces_link && !place.linked.empty()) {
      PITR_ASSIGN(ClusterTree before, ClusterTree::Open(tree.data_directory()));
      PITR_TRY(before.AddWalDirectory(place.linked));
      PITR_ASSIGN(survey.wal, FindUnstoredWal(repository, archive, before, std::string(kWalDirectory), ctx));
    } else if (!place.replaces_link) {
      PITR_ASSIGN(survey.wal, FindUnstoredWal(repository, archive, tree, std::string(kWalDirectory), ctx));
    }
    if (found.continues() && place.stays()) {
      const std::string aside = std::string(kWalDirectory) + "/" + survey.rules.aside;
      PITR_ASSIGN(survey.wal_before, FindUnstoredWal(repository, archive, tree, aside, ctx));
    }
    survey.rules.wal.insert(survey.wal.names.begin(), survey.wal.names.end());
    survey.linked = FindLinked(tree, place);
    survey.timeline = found.timeline;
  }
  survey.set_aside_before = found.continues() && !survey.rules.aside.empty() && tree.Stat(survey.rules.aside).ok();
  if (survey.rules.aside.empty()) survey.rules.aside = AsideName(ctx.clock->WallMicros());
  if (!found.empty) {
    const std::vector<std::string> interrupted =
        found.unfinished ? found.unfinished->aside_elsewhere : std::vector<std::string>();
    PITR_ASSIGN(survey.earlier, FindEarlierAsides(repository, tree, survey.rules.aside, interrupted, ctx));
  }
  PITR_ASSIGN(survey.clear, SurveyTree(tree, map, content, survey.rules, ctx));
  PITR_TRY(CheckSpace(tree, mapped.to_write, survey.clear));
  return survey;
}

std::vector<std::string> DescribeSurvey(const RestoreSurvey& survey, const ClusterTree& tree, bool done) {
  std::vector<std::string> notes;
  const WalPlace& place = survey.wal_place;
  const std::string wal = tree.data_directory() + "/" + std::string(kWalDirectory), aside = survey.rules.aside;
  if (place.replaces_link)
    notes.push_back("pg_wal was a link" + (place.linked.empty() ? "" : " to \"" + place.linked + "\"") +
                    ", which is not touched; WAL is in \"" + (place.wanted.empty() ? wal : place.wanted) +
                    "\" from now on.");
  else if (!place.wanted.empty())
    notes.push_back("pg_wal is a link to \"" + place.wanted + "\": WAL is there.");
  if (const UnstoredWal unstored = Together(survey.wal_before, survey.wal); !unstored.names.empty()) {
    const std::string where = place.replaces_link ? place.linked
                              : !done             ? wal
                              : place.replaces_directory
                                  ? tree.data_directory() + "/" + aside + "/" + std::string(kWalDirectory)
                                  : wal + "/" + aside;
    notes.push_back(DescribeUnstoredWal(unstored, where, done && !place.replaces_link));
  }
  const OwnFiles& own = survey.rules.own;
  if (!own.differing.empty() || !survey.clear.strangers.empty()) {
    std::string text = "Configuration and other files that are not PostgreSQL's " +
                       std::string(done ? "were left as they are" : "stay as they are");
    if (!own.differing.empty()) text += "; other than in the backup: " + NameSome(own.differing);
    if (!survey.clear.strangers.empty()) text += "; not in the backup: " + NameSome(survey.clear.strangers);
    notes.push_back(text + ". To have the backup's: --configuration backup.");
  }
  if (!own.damaged.empty())
    notes.push_back(NameSome(own.damaged) + (own.damaged.size() == 1 ? " is" : " are") +
                    " empty or damaged in the directory; the backup's " +
                    (own.damaged.size() == 1 ? "takes its" : "take their") + " place.");
  if (!own.restored.empty() && !own.kept.empty())
    notes.push_back("From the backup, because the directory " + std::string(done ? "had" : "has") +
                    " none: " + NameSome(own.restored) + ".");
  if (survey.clear.set_aside.empty() && survey.set_aside_before)
    notes.push_back("The restore that was interrupted set files aside in \"" + tree.data_directory() + "/" + aside +
                    "\". No backup takes them along; remove what is not needed.");
  if (!survey.clear.set_aside.empty())
    notes.push_back("Set aside in \"" + tree.data_directory() + "/" + aside + "\": " +
                    NameSome(survey.clear.set_aside) + ". No backup takes it along; remove what is not needed.");
  if (!survey.linked.empty()) notes.push_back(DescribeLinked(survey, tree.data_directory(), done));
  if (std::string earlier = DescribeEarlierAsides(survey.earlier); !earlier.empty())
    notes.push_back(std::move(earlier));
  return notes;
}

}  // namespace pitr
