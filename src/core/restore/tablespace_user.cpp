#include "core/restore/tablespace_user.h"

#include <sys/stat.h>

#include <filesystem>
#include <set>

#include "core/base/clock.h"
#include "core/base/process_directories.h"
#include "core/base/same_directory.h"
#include "core/restore/directory_server.h"
#include "core/restore/place_note.h"
#include "core/restore/tablespace_link.h"

namespace pitr {
namespace {

namespace fs = std::filesystem;

// A server that was stopped is there for a moment after its postmaster.pid has gone.
constexpr int64_t kExitMillis = 2000, kLookAgainMillis = 100;

// A restore_command, and what it fetches ahead, works in the data directory too, and may outlive the server.
bool IsOwnProgram(pid_t pid) {
  std::error_code error;
  const fs::path program = fs::read_symlink("/proc/" + std::to_string(pid) + "/exe", error);
  return !error && program.filename().string().starts_with("pg_pitr");
}

std::optional<TablespaceUser> FindNow(const std::string& directory, const std::string& own) {
  struct stat wanted;
  if (stat(directory.c_str(), &wanted) != 0) return std::nullopt;
  std::set<std::string> seen;
  std::optional<TablespaceUser> user;
  EachProcessDirectory([&](pid_t pid, const std::string& link) {
    const std::string works_in = NameOfProcessDirectory(link);
    if (!seen.contains(works_in) && !IsOwnProgram(pid) && seen.insert(works_in).second && HasLinkTo(works_in, wanted) &&
        !SameDirectory(works_in, own))
      user = TablespaceUser{pid, works_in};
    return !user;
  });
  return user;
}

}  // namespace

std::string Describe(const TablespaceUser& user) {
  return user.pid != 0 ? "The server with data directory \"" + user.data_directory + "\" (process " +
                             std::to_string(user.pid) + ") has a tablespace there."
                       : "Data directory \"" + user.data_directory +
                             "\" has a tablespace there, or is going to replay one (file \"" +
                             std::string(kPlaceNoteName) + "\" there says so); no server of it was found running.";
}

std::optional<TablespaceUser> FindTablespaceUser(const std::string& directory, const std::string& own) {
  const Clock& clock = SystemClock();
  const int64_t until = clock.SteadyMillis() + kExitMillis;
  for (;;) {
    auto user = FindNow(directory, own);
    if (!user) {
      const auto noted = NotedUser(directory, own);
      return noted ? std::optional(TablespaceUser{0, *noted}) : std::nullopt;
    }
    // Without its file it may be on its way out, or the file was removed from under it.
    if (RoleOf(user->data_directory) != RecoveryRole::kNone || clock.SteadyMillis() >= until) return user;
    clock.SleepMillis(kLookAgainMillis);
  }
}

}  // namespace pitr
