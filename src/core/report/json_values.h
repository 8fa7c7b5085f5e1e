// Values that reports give as JSON: null where there is none.
#pragma once
#include <nlohmann/json.hpp>
#include <string>

#include "core/base/json_page.h"
#include "core/pg/lsn.h"
#include "core/pg/timestamp.h"

namespace pitr {

// UTC, as FormatIso8601 writes it; 0 is no time.
inline OrderedJson JsonTime(int64_t micros) {
  return micros == 0 ? OrderedJson(nullptr) : OrderedJson(FormatIso8601(micros));
}

inline OrderedJson JsonLsn(Lsn lsn) { return lsn.valid() ? OrderedJson(lsn.ToString()) : OrderedJson(nullptr); }
inline OrderedJson JsonTimeline(Timeline timeline) {
  return timeline.valid() ? OrderedJson(timeline.value) : OrderedJson(nullptr);
}
inline OrderedJson JsonOrNull(const std::string& text) {
  return text.empty() ? OrderedJson(nullptr) : OrderedJson(text);
}

}  // namespace pitr
