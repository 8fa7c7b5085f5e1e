// Who uses a tablespace's directory, or is about to.
#pragma once
#include <optional>
#include <string>

namespace pitr {

struct TablespaceUser {
  int pid = 0;  // 0: no server that runs; a note in the directory names the data directory
  std::string data_directory;
};

// A process of this machine that works in a data directory from which a link in pg_tblspc leads to `directory`, and is
// none of our own programs; or else the data directory that a note in `directory` names (place_note.h). Looks at what
// the caller may see in /proc; nullopt is no proof that there is none. One without a valid postmaster.pid counts when
// it is still there two seconds later, for which this waits. `own`: a data directory that does not count. Any thread.
std::optional<TablespaceUser> FindTablespaceUser(const std::string& directory, const std::string& own);

// One sentence for people: who that is.
std::string Describe(const TablespaceUser& user);

}  // namespace pitr
