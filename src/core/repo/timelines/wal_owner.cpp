#include "core/repo/timelines/wal_owner.h"

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "core/pg/wal_name.h"
#include "core/pg/wal_page.h"
#include "core/repo/layout.h"
#include "core/repo/wal/history_source.h"
#include "core/repo/wal/wal_check.h"
#include "core/store/absence.h"

namespace pitr {

std::optional<Bytes> StartOfSegment(const std::string& path) {
  Bytes first(kLongWalPageHeaderSize);
  std::ifstream file(path, std::ios::binary);
  if (!file.read(reinterpret_cast<char*>(first.data()), static_cast<std::streamsize>(first.size())))
    return std::nullopt;
  return first;
}

std::optional<SystemId> OwnerOfSegment(const std::string& path) {
  const auto first = StartOfSegment(path);
  if (!first) return std::nullopt;
  const auto header = CheckSegmentHeader(*first);
  return header.ok() ? std::optional(header.value().system_id) : std::nullopt;  // else never written, or no segment
}

Result<WalOwners> WalOwnerFinder::Look(const std::string& directory) const {
  WalOwners owners;
  std::error_code error;
  std::filesystem::directory_iterator entry(directory.empty() ? "." : directory, error);
  for (; !error && entry != std::filesystem::directory_iterator(); entry.increment(error)) {
    const std::string name = entry->path().filename().string();
    const auto parsed = ParseWalFileName(name, repository_.segment_size());
    if (!parsed || !IsSegmentFile(*parsed)) continue;
    const auto owner = OwnerOfSegment(entry->path().string());
    if (!owner) continue;
    if (*owner == repository_.marker().cluster.system_id) {
      const auto [first, added] = owners.own.try_emplace(parsed->timeline, parsed->segment);
      if (!added) first->second = std::min(first->second, parsed->segment);
    } else if (owners.foreign.empty()) {
      owners.foreign = name;
      owners.foreign_system_id = *owner;
    }
  }
  if (!error) return owners;
  return Status(Code::kUnavailable, "could not read directory \"" + directory + "\": " + error.message());
}

Status WalOwnerFinder::Check(const std::string& directory, const std::string& name, bool unconfirmed,
                             const OpContext& ctx) {
  auto at = known_.find(directory);
  if (at == known_.end()) {
    PITR_ASSIGN(const WalOwners found, Look(directory));
    at = known_.emplace(directory, found).first;
  }
  const WalOwners& owners = at->second;
  if (!owners.foreign.empty())
    return Status(Code::kConflict, name + " was not stored: beside it lies WAL of another cluster")
        .WithDetail(
            "Segment " + owners.foreign + " in \"" + directory + "\" is of the cluster with system identifier " +
            std::to_string(owners.foreign_system_id.value) + ", the repository of " +
            std::to_string(repository_.marker().cluster.system_id.value) +
            ". A file of this kind does not say whose it is, and another cluster's would lead recoveries astray.")
        .WithHint(
            "Is this the pg_wal that you meant? Where files of both clusters lie in one directory, give those of this "
            "one a directory of their own.");
  if (unconfirmed) return Status::Ok();
  const auto parsed = ParseWalFileName(name, repository_.segment_size());
  const bool is_history = parsed && parsed->kind == WalFileKind::kHistory;
  if (!owners.own.empty() && !is_history) return Status::Ok();
  PITR_ASSIGN(const bool there, IsThere(repository_.store(), layout::WalKey(name), ctx));
  if (there) return Status::Ok();  // it is only compared
  if (!owners.own.empty()) {
    const auto history = LocalHistory(directory, parsed->timeline);
    if (!history.ok()) return Status::Ok();  // pushing it says why it is none
    return CheckHistoryFits(repository_, directory, history.value(), owners.own, ctx);
  }
  return Status(Code::kConflict, name + " was not stored: nothing beside it tells whose it is")
      .WithDetail("A file of this kind names no cluster, and there is no WAL segment in \"" + directory + "\".")
      .WithHint("Name it in the pg_wal of its server. If you know that it is of this cluster: --force.");
}

}  // namespace pitr
