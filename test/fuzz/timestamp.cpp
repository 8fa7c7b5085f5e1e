// Anything as a time and as a time zone file.
#include "core/pg/timestamp.h"

#include <cstdlib>

#include "core/base/bytes.h"
#include "fuzz/target.h"

PITR_FUZZ_TARGET(timestamp)(const uint8_t* data, size_t size) {
  using namespace pitr;
  const auto parsed = ParseTimestamp(AsText({data, size}), TimeZone::Fixed(3600));
  if (parsed.ok()) {
    // Near the ends of the range, the offset may lead out of it.
    const int64_t micros = parsed.value().micros;
    constexpr int64_t kDay = INT64_C(86400000000);
    if (micros > kDay && micros < INT64_C(253402300800000000) - kDay) {
      const auto again = ParseTimestamp(FormatTimestamp(micros), TimeZone::Fixed(-7200));
      if (!again.ok() || again.value().micros != micros) abort();
    }
    (void)FormatIso8601(micros);
  }
  const auto zone = TimeZone::FromTzif("fuzz", {data, size});
  if (!zone.ok()) return 0;
  for (int64_t at = -INT64_C(5000000000); at < INT64_C(9000000000); at += INT64_C(777777777)) {
    (void)zone.value().OffsetAt(at);
    (void)zone.value().ToUtc(at);
  }
  return 0;
}
