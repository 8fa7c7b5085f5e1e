#include "core/repo/opening/known_repository.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>
#include <vector>

#include "core/pg/wal_name.h"
#include "core/repo/marker.h"
#include "core/repo/opening/archive_hold.h"
#include "core/repo/opening/open_repository.h"
#include "core/repo/timelines/ancestor_segments.h"
#include "core/store/durable_file.h"
#include "core/store/file_error.h"
#include "core/store/missing_store.h"

namespace pitr {
namespace {

constexpr size_t kMaxLines = 256;
constexpr std::string_view kAccepted = "accepted";
constexpr std::string_view kRestored = "restored";
constexpr std::string_view kDone = ".done";
// Marks looked at, the newest; one request lists them as a rule.
constexpr size_t kMaxEvidence = 64;

struct KnownRepositories {
  std::vector<std::pair<std::string, std::string>> used;  // repository id, URL; the one in use is the last
  std::set<std::string> accepted;                         // URLs
  bool restored = false;

  const std::string* InUse() const { return used.empty() ? nullptr : &used.back().second; }
  // Whether archiving may go to this URL whatever is or is not there.
  bool Allows(const std::string& url) const {
    return used.empty() || restored || used.back().second == url || accepted.contains(url);
  }
  void Use(const std::string& id, const std::string& url) {
    std::erase_if(used, [&](const auto& entry) { return entry.second == url; });
    used.emplace_back(id, url);
    accepted.clear();
    restored = false;
  }
};

std::string PathIn(const std::string& data_directory) { return data_directory + "/" + kKnownRepositoriesFile; }

KnownRepositories Parse(std::istream& text) {
  KnownRepositories known;
  for (std::string line; known.used.size() < kMaxLines && std::getline(text, line);) {
    if (line == kRestored) known.restored = true;
    const size_t space = line.find(' ');
    if (space == std::string::npos) continue;
    const std::string id = line.substr(0, space), url = line.substr(space + 1);
    if (id == kAccepted)
      known.accepted.insert(url);
    else
      known.used.emplace_back(id, url);
  }
  return known;
}

std::string Format(const KnownRepositories& known) {
  std::string text = known.restored ? std::string(kRestored) + "\n" : "";
  for (const std::string& url : known.accepted) text += std::string(kAccepted) + " " + url + "\n";
  for (const auto& [id, url] : known.used) text += id + " " + url + "\n";
  return text;
}

Result<KnownRepositories> Read(const std::string& path) {
  std::ifstream file(path);
  if (!file.is_open() && errno == ENOENT) return KnownRepositories();
  if (!file.is_open()) return FileError(errno, "opening \"" + path + "\"");
  KnownRepositories known = Parse(file);
  // A file that cannot be read is not an empty one: that would let any repository be created.
  if (file.bad()) return FileError(EIO, "reading \"" + path + "\"");
  return known;
}

Status Write(const std::string& data_directory, const KnownRepositories& known) {
  // The archiver and a backup may both be first.
  return WriteDurableFile(PathIn(data_directory), Format(known));
}

Result<std::unique_ptr<Repository>> OpenKnown(const Config& config, const ClusterIdentity& cluster,
                                              const std::string& id, Log& log, const OpContext& ctx) {
  const std::string hint = std::string("If it was removed or replaced on purpose, remove the file ") +
                           kKnownRepositoriesFile + " from the data directory and take a new backup afterwards.";
  auto opened = OpenRepository(config, log, ctx);
  if (opened.code() == Code::kNotFound || IsMissingStore(opened.status()))
    return Status(Code::kUnavailable,
                  "repository " + config.repository + ", which this cluster archives to, is not there")
        .WithDetail(opened.status().message() + ".")
        .WithHint(
            "Check that its file system is mounted, or that the bucket and prefix are right. Was only its marker "
            "deleted? " +
            HowToWriteAgain("it") + " " + hint);
  if (!opened.ok()) return opened;
  PITR_TRY(opened.value()->CheckCluster(cluster));
  if (opened.value()->marker().repository_id != id)
    return Status(Code::kConflict, "repository " + config.repository + " is not the one this cluster has archived to")
        .WithDetail("Its id is " + opened.value()->marker().repository_id + ", expected is " + id + ".")
        .WithHint("Check that the right file system is mounted. " + hint);
  return opened;
}

Status Held(const std::string& url, const std::string& in_use) {
  return ArchivingHeld("pg_pitr.repository is " + url + ", but this cluster archives to " + in_use)
      .WithDetail("Nothing was written to " + url + "; WAL stays in pg_wal.")
      .WithHint(
          "A typing error? Correct pg_pitr.repository and reload: archiving goes on by itself. If it is meant, run "
          "SELECT pitr_accept_repository('" +
          url + "'), and take a full backup afterwards: the new repository has none.");
}

// Segments in pg_wal that somebody has archived: this server, or the primary it streamed them from.
std::vector<std::string> ArchivedSegments(const std::string& data_directory, uint32_t segment_size) {
  std::vector<std::string> names;
  std::error_code error;
  std::filesystem::directory_iterator entry(data_directory + "/pg_wal/archive_status", error), end;
  for (; !error && entry != end; entry.increment(error)) {
    std::string name = entry->path().filename().string();
    if (!name.ends_with(kDone)) continue;
    name.resize(name.size() - kDone.size());
    const auto parsed = ParseWalFileName(name, segment_size);
    if (parsed && parsed->kind == WalFileKind::kSegment) names.push_back(std::move(name));
  }
  std::sort(names.begin(), names.end());
  if (names.size() > kMaxEvidence) names.erase(names.begin(), names.end() - kMaxEvidence);
  return names;
}

// Another repository than the one in use: opened when it goes on where this server's WAL was archived before.
Result<std::unique_ptr<Repository>> OpenMoved(const Config& config, const ClusterIdentity& cluster,
                                              const std::string& data_directory, const std::string& in_use, Log& log,
                                              const OpContext& ctx) {
  auto opened = OpenRepository(config, log, ctx);
  if (!opened.ok()) {
    Status held = Held(config.repository, in_use);
    const std::string why = held.detail() + (IsMissingStore(opened.status())
                                                 ? " There is no repository there yet."
                                                 : " It could not be opened: " + opened.status().message() + ".");
    return std::move(held).WithDetail(why);
  }
  PITR_TRY(opened.value()->CheckCluster(cluster));
  const auto names = ArchivedSegments(data_directory, cluster.segment_size_bytes);
  PITR_ASSIGN(const auto missing, NotArchived(*opened.value(), names, ctx));
  if (missing.size() < names.size()) return opened;
  Status held = Held(config.repository, in_use);
  const std::string why = held.detail() +
                          " It is a repository of this cluster, but has none of the WAL that pg_wal shows "
                          "as archived.";
  return std::move(held).WithDetail(why);
}

}  // namespace

Result<std::unique_ptr<Repository>> OpenClusterRepository(const Config& config, const ClusterIdentity& cluster,
                                                          const std::string& data_directory, Log& log,
                                                          const OpContext& ctx) {
  PITR_ASSIGN(KnownRepositories known, Read(PathIn(data_directory)));
  const std::string& url = config.repository;
  const std::string before = known.InUse() == nullptr ? "" : *known.InUse();
  const auto found =
      std::find_if(known.used.begin(), known.used.end(), [&](const auto& each) { return each.second == url; });
  std::unique_ptr<Repository> repository;
  if (!known.Allows(url) && found != known.used.end()) {
    // It has WAL from then; what was archived since is elsewhere.
    Status held = Held(url, before);
    const std::string why = held.detail() + " The cluster archived there before.";
    return std::move(held).WithDetail(why);
  }
  if (!known.Allows(url)) {
    PITR_ASSIGN(repository, OpenMoved(config, cluster, data_directory, before, log, ctx));
  } else if (found != known.used.end()) {
    PITR_ASSIGN(repository, OpenKnown(config, cluster, found->first, log, ctx));
    if (before == url && !known.restored) return repository;
  } else {
    PITR_ASSIGN(repository, OpenOrCreateRepository(config, cluster, log, ctx));
  }
  if (!before.empty() && before != url)
    log.Warning("this cluster archives to " + url + " from now on, and not to " + before + " as before");
  known.Use(repository->marker().repository_id, url);
  PITR_TRY(Write(data_directory, known));
  return repository;
}

Status CheckKnownRepository(const std::string& repository, const std::string& data_directory) {
  PITR_ASSIGN(const KnownRepositories known, Read(PathIn(data_directory)));
  return known.Allows(repository) ? Status::Ok() : Held(repository, *known.InUse());
}

Result<std::string> ArchivesElsewhere(const std::string& data_directory, const std::string& repository_id) {
  PITR_ASSIGN(const KnownRepositories known, Read(PathIn(data_directory)));
  if (known.used.empty() || known.restored || known.used.back().first == repository_id) return std::string();
  return known.used.back().second;
}

bool ArchivesTo(const std::string& data_directory, const std::string& repository_id) {
  const auto known = Read(PathIn(data_directory));
  return known.ok() && !known.value().used.empty() && !known.value().restored &&
         known.value().used.back().first == repository_id;
}

Result<std::string> AcceptRepository(const std::string& repository, const std::string& data_directory) {
  PITR_ASSIGN(KnownRepositories known, Read(PathIn(data_directory)));
  if (known.InUse() == nullptr || *known.InUse() == repository) return std::string();
  known.accepted.insert(repository);
  PITR_TRY(Write(data_directory, known));
  return *known.InUse();
}

std::string RestoredKnownRepositories(const std::string& text) {
  std::istringstream in(text);
  KnownRepositories known = Parse(in);
  known.restored = !known.used.empty();
  return Format(known);
}

}  // namespace pitr
