// Abbreviations of time zones as PostgreSQL reads them: its set "Default" (timezone_abbreviations). Constant data; any
// thread.
#pragma once
#include <string_view>

namespace pitr {

struct ZoneAbbreviation {
  std::string_view name;       // "CET"
  int offset_seconds = 0;      // east of Greenwich is positive; all year
  const char* zone = nullptr;  // instead: what the abbreviation meant in this zone of the database at the time
};

// In upper or lower case; nullptr when the set does not have it.
const ZoneAbbreviation* FindZoneAbbreviation(std::string_view name);

}  // namespace pitr
