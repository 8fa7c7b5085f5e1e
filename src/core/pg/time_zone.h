// Offsets from UTC: fixed, of this process (TZ), or by name from the system's time zone database
// (TZif files, RFC 8536, including the rule for the years after the last entry).
// Immutable value, cheap to copy; any thread.
#pragma once
#include <memory>
#include <optional>
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
  // "Europe/Berlin", "EST5EDT", and abbreviations such as "CET", as PostgreSQL reads them: an abbreviation first, most
  // of which are one offset all year, the others what they meant in their zone at the time. Case does not count.
  // kInvalidArgument when there is no such zone.
  static Result<TimeZone> ByName(std::string_view name);
  // From the bytes of a TZif file. kCorruption. `name` is only remembered.
  static Result<TimeZone> FromTzif(std::string name, ByteView bytes);

  // Seconds to add to UTC at `utc_seconds` since 1970 to get local time.
  int OffsetAt(int64_t utc_seconds) const;
  // What `abbreviation` means where this is the local zone: the offset that was last called so there at `utc_seconds`,
  // or else the first one after it; nullopt when none is.
  std::optional<int> OffsetCalled(std::string_view abbreviation, int64_t utc_seconds) const;

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
  static Result<TimeZone> OfDatabase(std::string_view name);
  int ClocksAt(int64_t utc_seconds) const;
  Instant ByClocks(int64_t local_seconds) const;

  enum class Kind { kFixed, kLocal, kRules };
  Kind kind_ = Kind::kFixed;
  int fixed_offset_ = 0;
  std::shared_ptr<const Rules> rules_;
  std::string abbreviation_;  // kRules: what this one means in the zone, if anything
};

}  // namespace pitr
