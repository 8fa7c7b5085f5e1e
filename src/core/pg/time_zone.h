// Offsets from UTC: fixed, of this process (TZ), or by name from the system's time zone database
// (TZif files, RFC 8536, including the rule for the years after the last entry).
// Immutable value, cheap to copy; any thread.
#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "core/base/bytes.h"
#include "core/base/status.h"

namespace pitr {

class TimeZone {
 public:
  static TimeZone Utc() { return Fixed(0); }
  static TimeZone Fixed(int offset_seconds);  // east of Greenwich is positive
  // As TZ or /etc/localtime say when it is used; goes through the C library.
  static TimeZone Local();
  // "Europe/Berlin", "EST5EDT", and abbreviations such as "CET" with one offset all year, as PostgreSQL reads them
  // where there is a zone of that name as well. kInvalidArgument when there is no such zone.
  static Result<TimeZone> ByName(std::string_view name);
  // From the bytes of a TZif file. kCorruption. `name` is only remembered.
  static Result<TimeZone> FromTzif(std::string name, ByteView bytes);

  // Seconds to add to UTC at `utc_seconds` since 1970 to get local time.
  int OffsetAt(int64_t utc_seconds) const;

  struct Instant {
    int64_t utc_seconds = 0;
    bool exact = true;     // false: the local time is skipped or occurs twice because clocks are changed
    bool skipped = false;  // which of the two
    int offset_before = 0, offset_after = 0;  // when not exact: those on either side of the change
  };
  // The instant at which clocks show `local_seconds` (seconds since 1970 as if local time were UTC).
  // As PostgreSQL: a time that is skipped is read with the offset before the change, a time that occurs
  // twice is read with the offset after it.
  Instant ToUtc(int64_t local_seconds) const;

  struct Rules;

 private:
  TimeZone() = default;
  enum class Kind { kFixed, kLocal, kRules };
  Kind kind_ = Kind::kFixed;
  int fixed_offset_ = 0;
  std::shared_ptr<const Rules> rules_;
};

}  // namespace pitr
