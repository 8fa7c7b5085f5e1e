// Every object key of a repository is built and parsed here, nowhere else (docs/format.md, "Keys").
// Pure functions.
#pragma once
#include <optional>
#include <string>
#include <string_view>

#include "core/pg/wal_name.h"
#include "core/repo/wal_group.h"

namespace pitr::layout {

inline constexpr std::string_view kMarkerKey = "pg_pitr.marker";
inline constexpr std::string_view kWalPrefix = "wal/";
inline constexpr std::string_view kBackupPrefix = "backup/";
inline constexpr std::string_view kDataPrefix = "data/";
inline constexpr std::string_view kKeyringPrefix = "keys/";
inline constexpr std::string_view kChangeMapPrefix = "change/";
inline constexpr std::string_view kSealPrefix = "sealed/";
inline constexpr std::string_view kTimelinePrefix = "timeline/";
inline constexpr std::string_view kFailurePrefix = "failure/";
inline constexpr std::string_view kTailPrefix = "tail/";  // reserved for later formats, as are the two below
inline constexpr std::string_view kIndexPrefix = "index/";
inline constexpr std::string_view kProofPrefix = "proof/";
inline constexpr std::string_view kNumberPrefix = "number/";
inline constexpr std::string_view kVerifyPrefix = "proof/verify/";
inline constexpr std::string_view kProbePrefix = "probe/";

// Letters, digits, '.', '_', '-'; 1 to 64 characters; begins with a letter or digit.
bool IsValidLabel(std::string_view label);

// "wal/00000001/000000/00000000/000000010000000000000003", "wal/00000002/00000002.history". `name` is one that
// ParseWalFileName accepts, but a partial segment's; timeline, group and span are taken from its digits. Keys of one
// timeline's segments ascend as their numbers do; the history file comes somewhere between.
std::string WalKey(std::string_view name);
// "change/00000001/000000/00000000/000000010000000000000003": the change map of a segment; the name as above.
std::string ChangeMapKey(std::string_view segment_name);
// The segment's name, or nullopt when `key` is not that of a change map.
std::optional<std::string> SegmentOfChangeMapKey(std::string_view key);
std::string WalTimelinePrefix(Timeline timeline);
std::string ChangeMapTimelinePrefix(Timeline timeline);
// What WAL files and change maps of a group have in common: "wal/0000000a/000012/", "change/0000000a/000012/".
std::string GroupPrefix(std::string_view prefix, const WalGroup& group);
// "sealed/0000000a/000012": what is stored of a group.
std::string SealKey(const WalGroup& group);
std::optional<WalGroup> ParseSealKey(std::string_view key);
// The WAL file's name, or nullopt when `key` is not a WAL key.
std::optional<std::string> WalNameOfKey(std::string_view key);

// "wal/00000001/000000/00000000/000000010000000000000003.00A1B2C8.partial": the segment's first bytes, up to that
// offset.
struct PartialSegmentKeyParts {
  std::string segment;  // its name
  uint32_t end_offset = 0;
};
std::string PartialSegmentKey(std::string_view segment_name, uint32_t end_offset);
std::string PartialSegmentPrefix(std::string_view segment_name);  // there are other objects below it, too
std::optional<PartialSegmentKeyParts> ParsePartialSegmentKey(std::string_view key);

// The label of "backup/<label>/..." and "data/<label>/...", whatever follows it; nullopt for other keys. Points into
// `key`.
std::optional<std::string_view> LabelOf(std::string_view key);
// `key` up to its last slash: what is listed to find it among its neighbours.
std::string PrefixOf(std::string_view key);

std::string BackupPrefix(std::string_view label);  // "backup/<label>/"
enum class BackupObject { kStart, kFiles, kManifest, kExpireMark, kAloneMark };
std::string BackupKey(std::string_view label, BackupObject object);
struct BackupKeyParts {
  std::string label;
  BackupObject object;
};
std::optional<BackupKeyParts> ParseBackupKey(std::string_view key);

// Objects of which a backup may have several.
struct SlotKeyParts {
  std::string label;
  uint32_t slot = 0;
};
// "backup/<label>/pin.89abcdef"
std::string PinKey(std::string_view label, uint32_t slot);
std::string PinPrefix(std::string_view label);  // "backup/<label>/pin."
std::optional<SlotKeyParts> ParsePinKey(std::string_view key);
// "backup/<label>/hold.89abcdef"
std::string HoldKey(std::string_view label, uint32_t slot);
std::optional<SlotKeyParts> ParseHoldKey(std::string_view key);

// "backup/<label>/partial.000001": of the pack with that number, from 1.
struct PartialKeyParts {
  std::string label;
  uint32_t pack = 0;
};
std::string PartialKey(std::string_view label, uint32_t pack);
std::string PartialPrefix(std::string_view label);  // "backup/<label>/partial."
std::optional<PartialKeyParts> ParsePartialKey(std::string_view key);

// "timeline/00000002/000001": whether the timeline is set aside; of several numbers, from 1, the highest counts.
struct TimelineAsideParts {
  Timeline timeline;
  uint32_t number = 0;
};
std::string TimelineAsideKey(const TimelineAsideParts& parts);
std::optional<TimelineAsideParts> ParseTimelineAsideKey(std::string_view key);

// "failure/01779460000000001": what is known of a backup that failed; the number is when, in microseconds since 1970.
std::string FailureKey(uint64_t number);
std::optional<uint64_t> ParseFailureKey(std::string_view key);

std::string DataPrefix(std::string_view label);                // "data/<label>/"
std::string PackKey(std::string_view label, uint32_t number);  // numbers from 1
// The label of a pack, or nullopt when `key` is not a pack's.
std::optional<std::string> LabelOfPackKey(std::string_view key);

// "data/<label>/page.000001": a page of a file map; numbers from 1. Like packs, pages may be another backup's.
struct MapPageKeyParts {
  std::string label;
  uint32_t number = 0;
};
std::string MapPageKey(std::string_view label, uint32_t number);
std::optional<MapPageKeyParts> ParseMapPageKey(std::string_view key);
// Whether it is the key of a pack or a page. Others below a data prefix are not ours, and nobody deletes them.
bool IsDataKey(std::string_view key);

// "keys/00000001.89abcdef"; key numbers from 1 to 99999999.
std::string KeySlotKey(uint32_t key_number, uint32_t slot);
struct KeySlotParts {
  uint32_t key_number = 0;
  uint32_t slot = 0;
};
std::optional<KeySlotParts> ParseKeySlotKey(std::string_view key);

// "number/0000000a": a number that was given to a restore.
std::string NumberKey(Timeline timeline);
std::optional<Timeline> ParseNumberKey(std::string_view key);

// "proof/verify/00000012/result", "proof/verify/00000012/progress.000003"; runs from 1.
struct VerifyKeyParts {
  uint32_t run = 0;
  uint32_t progress = 0;  // 0: the result
};
std::string VerifyRunPrefix(uint32_t run);  // "proof/verify/00000012/"
std::string VerifyKey(const VerifyKeyParts& parts);
std::optional<VerifyKeyParts> ParseVerifyKey(std::string_view key);

}  // namespace pitr::layout
