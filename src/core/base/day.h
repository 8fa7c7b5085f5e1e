// How long a day of UTC is, which no leap second makes longer. Days of a time zone: core/pg/time_zone.h.
#pragma once
#include <cstdint>

namespace pitr {

inline constexpr int64_t kSecondsPerDay = 24 * 60 * 60;
inline constexpr int kMillisPerDay = kSecondsPerDay * 1000;
inline constexpr int64_t kMicrosPerDay = kSecondsPerDay * 1000000;

}  // namespace pitr
