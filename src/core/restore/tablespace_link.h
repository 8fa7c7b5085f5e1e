// The links in a data directory's pg_tblspc, as whoever asks about another cluster's sees them.
#pragma once
#include <sys/stat.h>

#include <string>

namespace pitr {

// Whether one of them leads to `directory`, by path or as stat(2) gives it. False as well for what cannot be looked at.
bool HasLinkTo(const std::string& data_directory, const std::string& directory);
bool HasLinkTo(const std::string& data_directory, const struct stat& directory);

}  // namespace pitr
