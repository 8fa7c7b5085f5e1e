// The pins of backups of test/golden/repo-v1, the hold of one that was being restored, the mark of one that is being
// expired (its manifest is still there, so that it must restore all the same), and that of one without the WAL after
// it; and what was said of a timeline. What is there never changes.
#pragma once
#include <cstdint>
#include <string>
#include <vector>

namespace pitr::test {

struct GoldenPin {
  std::string label;
  std::string reason;
  std::string pinned_by;
  int64_t pinned_micros = 0;
  int64_t until_micros = 0;
};

inline std::vector<GoldenPin> GoldenPins() {
  return {{"20260522-100000F", "not \"UTF-8\": \xE9", "golden \xE9", 1779460000000001, 0},
          {"20260522-123000I", "until the day after \u00e9", "golden", 1779460000000002, 1779546400000003}};
}

inline const std::string kGoldenMarkedLabel = "20260522-090014F";
inline const std::string kGoldenMarkedBy = "golden \xE9";
inline constexpr int64_t kGoldenMarkedMicros = 1779460000000004;

inline const std::string kGoldenAloneLabel = "20260522-100000F";
inline constexpr int64_t kGoldenAloneMicros = 1779460000000005;

inline const std::string kGoldenHeldLabel = "20260522-120000D";
inline constexpr Timeline kGoldenTakenAfter{9};  // so 10 is taken
inline const std::string kGoldenHeldBy = "golden \xE9";
inline constexpr int64_t kGoldenHoldMicros = 86400000006;

// A timeline that was set aside and taken back.
inline constexpr uint32_t kGoldenAsideTimeline = 2;
inline const std::string kGoldenAsideReason = "a test copy \xE9";
inline const std::string kGoldenAsideBy = "golden \xE9";
inline constexpr int64_t kGoldenAsideMicros = 1779460000000007, kGoldenBackMicros = 1779460000000008;

}  // namespace pitr::test
