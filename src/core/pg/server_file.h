// Which names in a data directory are PostgreSQL's (and this program's) own, as opposed to what people put there:
// configuration, keys, notes. No file is touched; any thread. Paths as in relation_file.h.
#pragma once
#include <string_view>

namespace pitr {

// Whether the server makes something of this name at this place, and may be relied upon to make it again or to do
// without it. False for what lies at the top of a data directory under another name, and for strangers among the
// server's own files ("base/5/16384.bak").
bool IsServerFile(std::string_view path);

}  // namespace pitr
