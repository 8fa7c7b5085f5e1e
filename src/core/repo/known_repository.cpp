#include "core/repo/known_repository.h"

#include <fcntl.h>
#include <unistd.h>

#include <cstdio>
#include <fstream>
#include <map>

#include "core/base/unique_fd.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

constexpr size_t kMaxLines = 256;

using KnownRepositories = std::map<std::string, std::string>;  // URL -> repository id

std::string PathIn(const std::string& data_directory) { return data_directory + "/" + kKnownRepositoriesFile; }

Result<KnownRepositories> Read(const std::string& path) {
  KnownRepositories known;
  std::ifstream file(path);
  if (!file.is_open()) {
    if (errno == ENOENT) return known;
    return FileError(errno, "opening \"" + path + "\"");
  }
  for (std::string line; known.size() < kMaxLines && std::getline(file, line);) {
    const size_t space = line.find(' ');
    if (space != std::string::npos) known[line.substr(space + 1)] = line.substr(0, space);
  }
  return known;
}

Status Write(const std::string& data_directory, const KnownRepositories& known) {
  std::string text;
  for (const auto& [url, id] : known) text += id + " " + url + "\n";
  // The archiver and a backup may both be first.
  const std::string path = PathIn(data_directory);
  const std::string temporary = path + ".tmp." + std::to_string(getpid());
  UniqueFd file(open(temporary.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600));
  if (!file.ok()) return FileError(errno, "creating \"" + temporary + "\"");
  const ssize_t written = write(file.get(), text.data(), text.size());
  if (written != static_cast<ssize_t>(text.size()))
    return FileError(written < 0 ? errno : ENOSPC, "writing \"" + temporary + "\"");
  if (fsync(file.get()) != 0) return FileError(errno, "syncing \"" + temporary + "\"");
  if (rename(temporary.c_str(), path.c_str()) != 0) return FileError(errno, "renaming \"" + temporary + "\"");
  UniqueFd directory(open(data_directory.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (!directory.ok() || fsync(directory.get()) != 0) return FileError(errno, "syncing \"" + data_directory + "\"");
  return Status::Ok();
}

Result<std::unique_ptr<Repository>> OpenKnown(const Config& config, const ClusterIdentity& cluster,
                                              const std::string& id, Log& log, const OpContext& ctx) {
  const std::string hint = std::string("If it was removed or replaced on purpose, remove the file ") +
                           kKnownRepositoriesFile + " from the data directory and take a new backup afterwards.";
  auto opened = Repository::Open(config, log, ctx);
  const bool gone = opened.code() == Code::kNotFound ||
                    (opened.code() == Code::kInvalidArgument && config.repository.starts_with("file:"));
  if (gone)
    return Status(Code::kUnavailable,
                  "repository " + config.repository + ", which this cluster archives to, is not there")
        .WithDetail(opened.status().message() + ".")
        .WithHint("Check that its file system is mounted, or that the bucket and prefix are right. " + hint);
  if (!opened.ok()) return opened;
  PITR_TRY(opened.value()->CheckCluster(cluster));
  if (opened.value()->marker().repository_id != id)
    return Status(Code::kConflict, "repository " + config.repository + " is not the one this cluster has archived to")
        .WithDetail("Its id is " + opened.value()->marker().repository_id + ", expected is " + id + ".")
        .WithHint("Check that the right file system is mounted. " + hint);
  return opened;
}

}  // namespace

Result<std::unique_ptr<Repository>> OpenClusterRepository(const Config& config, const ClusterIdentity& cluster,
                                                          const std::string& data_directory, Log& log,
                                                          const OpContext& ctx) {
  PITR_ASSIGN(KnownRepositories known, Read(PathIn(data_directory)));
  if (const auto found = known.find(config.repository); found != known.end())
    return OpenKnown(config, cluster, found->second, log, ctx);
  PITR_ASSIGN(std::unique_ptr<Repository> repository, Repository::OpenOrCreate(config, cluster, log, ctx));
  known[config.repository] = repository->marker().repository_id;
  PITR_TRY(Write(data_directory, known));
  return repository;
}

}  // namespace pitr
