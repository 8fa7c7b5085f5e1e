#include "core/backup/plan/resume_choice.h"

#include <map>

#include "core/base/ascii.h"
#include "core/base/describe_size.h"
#include "core/base/parallel_for.h"
#include "core/repo/backups/backup_objects.h"
#include "core/repo/backups/expire_mark.h"
#include "core/repo/layout.h"

namespace pitr {
namespace {

constexpr int kReaders = 8;

void LogProblems(const Repository& repository, const std::vector<std::string>& problems) {
  if (!problems.empty()) repository.log().Info("not everything can be resumed: " + ListProblems(problems));
}

// Whether reading something else may still work.
bool ConcernsOneObject(const Status& status) {
  return status.code() == Code::kCorruption || status.code() == Code::kInvalidArgument ||
         status.code() == Code::kConflict || status.code() == Code::kNotFound;
}

// What one interrupted backup has in the repository.
struct Interrupted {
  std::string label;
  std::map<std::string, uint64_t> packs;  // stored sizes by key
  std::vector<uint32_t> recorded;         // numbers of packs
};

Status List(const Repository& repository, Interrupted& backup, const OpContext& ctx) {
  PITR_TRY(CheckNotExpiring(repository, backup.label, layout::BackupObject::kStart, ctx));
  ObjectStore& store = repository.store();
  PITR_TRY(ListAll(store, layout::PartialPrefix(backup.label), ctx, [&](const ObjectInfo& object) {
    if (const auto parts = layout::ParsePartialKey(object.key)) backup.recorded.push_back(parts->pack);
    return Status::Ok();
  }));
  return ListAll(store, layout::DataPrefix(backup.label), ctx, [&](const ObjectInfo& object) {
    backup.packs[object.key] = object.size;
    return Status::Ok();
  });
}

// Reads one partial map; `problem` says why it is of no use.
Status Read(const Repository& repository, const Interrupted& backup, uint32_t number, PartialMap& out,
            std::string& problem, const OpContext& ctx) {
  auto map = ReadPartialMap(repository, backup.label, number, ctx);
  if (!map.ok()) {
    if (!ConcernsOneObject(map.status())) return std::move(map).status();
    problem = map.status().message();
    return Status::Ok();
  }
  out = std::move(map).value();
  const auto pack = backup.packs.find(out.pack.key);
  const auto level = static_cast<uint64_t>(repository.config().compression_level);
  if (pack == backup.packs.end()) {
    problem = "object \"" + out.pack.key + "\" is missing";
  } else if (pack->second != out.pack.size_bytes) {
    problem = "object \"" + out.pack.key + "\" has " + std::to_string(pack->second) + " bytes instead of " +
              std::to_string(out.pack.size_bytes);
  } else if (out.header.level != level) {
    problem = "object \"" + out.pack.key + "\" was written with compression_level " + std::to_string(out.header.level) +
              ", which is " + std::to_string(level) + " now";
  }
  return Status::Ok();
}

// Appends what `backup` recorded and is of use.
Status ReadAll(const Repository& repository, const Interrupted& backup, std::vector<PartialMap>& out,
               std::vector<std::string>& problems, const OpContext& ctx) {
  std::vector<PartialMap> maps(backup.recorded.size());
  std::vector<std::string> unusable(maps.size());
  PITR_TRY(ParallelFor(kReaders, maps.size(), ctx, [&](size_t i, int) {
    return Read(repository, backup, backup.recorded[i], maps[i], unusable[i], ctx);
  }));
  for (size_t i = 0; i < maps.size(); i++) {
    if (unusable[i].empty()) {
      out.push_back(std::move(maps[i]));
    } else {
      problems.push_back(std::move(unusable[i]));
    }
  }
  return Status::Ok();
}

ResumeChoice MakeChoice(const std::vector<PartialMap>& maps) {
  ResumeChoice choice;
  std::vector<std::string> labels;
  for (const PartialMap& map : maps) {
    std::string label = layout::LabelOfPackKey(map.pack.key).value_or("");
    if (labels.empty() || labels.back() != label) labels.push_back(std::move(label));
  }
  std::string quoted;
  for (const std::string& label : labels) {
    choice.labels += (choice.labels.empty() ? "" : ", ") + label;
    quoted += (quoted.empty() ? "" : ", ") + Quoted(label);
  }
  choice.stored = ParentMap::Join(maps);
  uint64_t bytes = 0;
  for (const ParentMap::File& file : choice.stored->files())
    for (const Extent& extent : choice.stored->ExtentsOf(file)) bytes += extent.length;
  choice.note = std::string("resuming backup") + (labels.size() > 1 ? "s " : " ") + quoted + ": " +
                DescribeBytes(bytes) + " of " + DescribeBytes(maps.front().header.database_bytes) +
                " are stored already";
  return choice;
}

}  // namespace

std::vector<std::string> FindInterrupted(const Repository& repository, const OpContext& ctx) {
  bool recorded = false;
  Status status = ListAll(repository.store(), std::string(layout::kBackupPrefix), ctx, [&](const ObjectInfo& object) {
    recorded |= layout::ParsePartialKey(object.key).has_value();
    return Status::Ok();
  });
  if (status.ok() && !recorded) return {};
  if (status.ok()) {
    auto catalog = BackupCatalog::Load(repository, ctx);
    if (catalog.ok()) {
      ResumeCandidates candidates = FindResumeCandidates(catalog.value());
      std::vector<std::string> passed_over;
      for (const auto& [label, why] : candidates.passed_over)
        passed_over.push_back("backup " + Quoted(label) + " is left out: " + why);
      LogProblems(repository, passed_over);
      return std::move(candidates.labels);
    }
    status = std::move(catalog).status();
  }
  repository.log().Info("could not look for an interrupted backup to resume: " + status.ToString());
  return {};
}

ResumeChoice LoadInterrupted(const Repository& repository, const std::vector<std::string>& labels,
                             const OpContext& ctx) {
  std::vector<PartialMap> maps;
  std::vector<std::string> problems;
  for (const std::string& label : labels) {
    Interrupted backup{label, {}, {}};
    Status status = List(repository, backup, ctx);
    if (status.ok()) status = ReadAll(repository, backup, maps, problems, ctx);
    if (status.ok()) continue;
    problems.push_back("backup " + Quoted(label) + ": " + status.message());
    if (!ConcernsOneObject(status)) break;  // the store does not answer, or the backup was cancelled
  }
  LogProblems(repository, problems);
  return maps.empty() ? ResumeChoice{} : MakeChoice(maps);
}

}  // namespace pitr
