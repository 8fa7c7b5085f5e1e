// Which settings of the server a backup keeps in its manifest, for the machine that is to take the server's place: base
// backups hold no configuration from outside of the data directory. Pure.
#pragma once
#include <string>
#include <vector>

#include "core/repo/manifest.h"

namespace pitr {

struct FoundSetting {
  std::string name;
  std::string type;  // "bool", "integer", "real", "enum", "string", as in pg_settings
  std::string value;
};

// Ascending by name. Without those that only say where this server's files are, and without those of a recovery: each
// restore writes its own. With the name alone where the value may be a secret: texts that hold a command or a
// connection, or are an extension's of which nothing is known.
std::vector<ServerSetting> KeptSettings(const std::vector<FoundSetting>& found);

}  // namespace pitr
