#include "core/restore/place_note.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <filesystem>

#include "core/base/clock.h"
#include "core/base/same_directory.h"
#include "core/restore/directory_server.h"
#include "core/restore/directory_way.h"
#include "core/restore/restore_mark.h"
#include "core/restore/restore_state.h"
#include "core/restore/tablespace_link.h"
#include "core/store/file_error.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kNoteHead =
    "# The place of a tablespace of the data directory that is named here by pg_pitr:\n";
constexpr size_t kMaxNoteBytes = 8192;
constexpr int64_t kLockMillis = 2000, kLockStepMillis = 20;

// The head, then a path, which no line feed ends. Anything else says nothing.
std::string NotedDirectory(const std::string& place) {
  const std::string path = place + "/" + std::string(kPlaceNoteName);
  // Whoever owns the place may have put anything there.
  const UniqueFd file(open(path.c_str(), O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC));
  struct stat info;
  if (!file.ok() || fstat(file.get(), &info) != 0 || !S_ISREG(info.st_mode)) return {};
  std::string text(kMaxNoteBytes, '\0');
  const ssize_t got = read(file.get(), text.data(), text.size());
  text.resize(static_cast<size_t>(std::max<ssize_t>(got, 0)));
  return text.starts_with(kNoteHead) ? text.substr(kNoteHead.size()) : std::string();
}

bool IsToMake(const RestoreMark& mark, const std::string& place) {
  return !mark.outcome && std::any_of(mark.places.begin(), mark.places.end(),
                                      [&](const std::string& one) { return SameDirectory(one, place); });
}

bool Needs(const std::string& data_directory, const std::string& place) {
  std::error_code error;
  const fs::file_status there = fs::status(data_directory, error);
  if (there.type() == fs::file_type::not_found) return false;
  const auto tree = ClusterTree::Open(data_directory);
  if (!tree.ok()) return tree.code() != Code::kNotFound && tree.code() != Code::kConflict;
  if (tree.value().Stat(kRestoreStatePath).ok() || HasLinkTo(data_directory, place)) return true;
  const auto mark = ReadRestoreMark(tree.value());
  if (!mark.ok() || (mark.value() && IsToMake(*mark.value(), place))) return true;
  return IsRecovering(data_directory);
}

Status LockPlace(int fd, const std::string& place) {
  const Clock& clock = SystemClock();
  for (const int64_t until = clock.SteadyMillis() + kLockMillis; flock(fd, LOCK_EX | LOCK_NB) != 0;) {
    if (errno != EWOULDBLOCK && errno != EINTR) return FileError(errno, "locking \"" + place + "\"");
    if (clock.SteadyMillis() >= until)
      return {Code::kUnavailable, "another process has locked the directory \"" + place + "\""};
    clock.SleepMillis(kLockStepMillis);
  }
  return Status::Ok();
}

Status WriteNote(int directory, const std::string& place, const ClusterTree& tree) {
  std::error_code error;
  const fs::path own = fs::weakly_canonical(tree.data_directory(), error);
  const std::string text = std::string(kNoteHead) + (error ? tree.data_directory() : own.string());
  const std::string name(kPlaceNoteName), temporary = name + ".tmp";
  const std::string where = "\"" + place + "/" + name + "\"";
  // Nothing else is written under that name, and never by two at once.
  if (unlinkat(directory, temporary.c_str(), 0) != 0 && errno != ENOENT) return FileError(errno, "replacing " + where);
  const UniqueFd file(openat(directory, temporary.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_NOFOLLOW | O_CLOEXEC, 0600));
  if (!file.ok()) return FileError(errno, "making " + where);
  PITR_TRY(tree.GiveToOwner(file.get(), place + "/" + temporary));
  if (write(file.get(), text.data(), text.size()) != static_cast<ssize_t>(text.size()) || fsync(file.get()) != 0 ||
      renameat(directory, temporary.c_str(), directory, name.c_str()) != 0 || fsync(directory) != 0)
    return FileError(errno, "writing " + where);
  return Status::Ok();
}

}  // namespace

std::optional<std::string> NotedUser(const std::string& place, const std::string& own) {
  const std::string noted = NotedDirectory(place);
  if (!noted.starts_with('/') || SameDirectory(noted, own) || !Needs(noted, place)) return std::nullopt;
  return noted;
}

bool IsNotedFor(const std::string& place, const std::string& own) {
  const std::string noted = NotedDirectory(place);
  return !noted.empty() && SameDirectory(noted, own);
}

Status NotePlace(const ClusterTree& tree, const std::string& place) {
  PITR_ASSIGN(const UniqueFd directory, OpenDirectoryWay(place));
  PITR_TRY(LockPlace(directory.get(), place));
  if (const auto other = NotedUser(place, tree.data_directory()))
    return {Code::kConflict, "\"" + place + "\" is the place of a tablespace of the data directory \"" + *other + "\""};
  if (IsNotedFor(place, tree.data_directory())) return Status::Ok();
  return WriteNote(directory.get(), place, tree);
}

}  // namespace pitr
