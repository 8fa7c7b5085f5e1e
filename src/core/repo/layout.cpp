#include "core/repo/layout.h"

#include <charconv>
#include <cstdio>

#include "core/base/ascii.h"
#include "core/base/letter_case.h"

namespace pitr::layout {
namespace {

// Not isalnum(): a server process has a locale.
bool IsLowerHex(char c) { return IsDigit(c) || (c >= 'a' && c <= 'f'); }

constexpr size_t kTimelineDigits = 8;
// A name's shape does not depend on the segment size except for the highest segment number, which the smallest size
// allows most of.
constexpr uint32_t kSmallestSegment = 1u << 20;

std::string TimelineText(std::string_view wal_name) { return LowerCase(wal_name.substr(0, kTimelineDigits)); }

// Digits of a segment's name; what begins with one is stored with its neighbours.
constexpr size_t kSegmentDigits = 24;
constexpr size_t kGroupDigits = 6;  // after the timeline: all of the log number but its last two digits
constexpr size_t kSpanDigits = 8;   // after these; the last two digits tell the segments of a span apart

// "<prefix><timeline>/<group>/<span>/<name>"; history files have neither group nor span.
std::string KeyBelow(std::string_view prefix, std::string_view name) {
  std::string key = std::string(prefix) + TimelineText(name) + "/";
  if (name.size() >= kSegmentDigits) {
    key.append(name.substr(kTimelineDigits, kGroupDigits)).append("/");
    key.append(name.substr(kTimelineDigits + kGroupDigits, kSpanDigits)).append("/");
  }
  return key.append(name);
}

// The WAL file that `key` is about, when it is one that KeyBelow() makes.
std::optional<std::string> WalNameBelow(std::string_view prefix, std::string_view key) {
  std::string name(key.substr(key.rfind('/') + 1));
  const auto parsed = ParseWalFileName(name, kSmallestSegment);
  if (!parsed || parsed->kind == WalFileKind::kPartial || KeyBelow(prefix, name) != key) return std::nullopt;
  return name;
}

const char* Name(BackupObject object) {
  switch (object) {
    case BackupObject::kStart:
      return "start";
    case BackupObject::kFiles:
      return "files";
    case BackupObject::kManifest:
      return "manifest";
    case BackupObject::kExpireMark:
      return "expire";
    case BackupObject::kAloneMark:
      return "alone";
  }
  return "";
}

template <class... Args>
std::string Format(const char* format, Args... args) {
  char text[48];
  snprintf(text, sizeof text, format, args...);
  return text;
}

// Eight lower-case hexadecimal digits.
std::optional<uint32_t> ParseSlot(std::string_view text) {
  if (text.size() != 8) return std::nullopt;
  uint32_t slot = 0;
  for (char c : text) {
    if (!IsLowerHex(c)) return std::nullopt;
    slot = slot << 4 | static_cast<uint32_t>(c <= '9' ? c - '0' : c - 'a' + 10);
  }
  return slot;
}

// "<prefix><label>/<name>"
struct LabelParts {
  std::string_view label;
  std::string_view name;
};
std::optional<LabelParts> SplitLabel(std::string_view key, std::string_view prefix) {
  if (!key.starts_with(prefix)) return std::nullopt;
  const std::string_view rest = key.substr(prefix.size());
  const size_t slash = rest.find('/');
  if (slash == std::string_view::npos || !IsValidLabel(rest.substr(0, slash))) return std::nullopt;
  return LabelParts{rest.substr(0, slash), rest.substr(slash + 1)};
}

constexpr std::string_view kPartialSegmentSuffix = ".partial";
constexpr std::string_view kPinName = "pin.";
constexpr std::string_view kHoldName = "hold.";
constexpr std::string_view kPartialName = "partial.";
constexpr std::string_view kPageName = "page.";
constexpr size_t kPackDigits = 6;

// A number as it stands after `name`, which is a key's last part; 0: it does not.
uint32_t ParseNumberAfter(std::string_view name, std::string_view text) {
  if (!text.starts_with(name)) return 0;
  const std::string_view digits = text.substr(name.size());
  uint32_t number = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  return end.ec == std::errc() ? number : 0;
}

// "backup/<label>/<name><slot>"
std::optional<SlotKeyParts> ParseSlotKey(std::string_view key, std::string_view name) {
  const auto parts = SplitLabel(key, kBackupPrefix);
  if (!parts || !parts->name.starts_with(name)) return std::nullopt;
  const std::optional<uint32_t> slot = ParseSlot(parts->name.substr(name.size()));
  if (!slot) return std::nullopt;
  return SlotKeyParts{std::string(parts->label), *slot};
}

}  // namespace

bool IsValidLabel(std::string_view label) {
  if (label.empty() || label.size() > 64 || !IsLetterOrDigit(label[0])) return false;
  for (char c : label)
    if (!IsLetterOrDigit(c) && c != '.' && c != '_' && c != '-') return false;
  return true;
}

std::string WalKey(std::string_view name) { return KeyBelow(kWalPrefix, name); }

std::string WalTimelinePrefix(Timeline timeline) { return std::string(kWalPrefix) + Format("%08x/", timeline.value); }

std::string ChangeMapTimelinePrefix(Timeline timeline) {
  return std::string(kChangeMapPrefix) + Format("%08x/", timeline.value);
}

std::string GroupPrefix(std::string_view prefix, const WalGroup& group) {
  return std::string(prefix) + Format("%08x/%06X/", group.timeline.value, group.number);
}

std::string SealKey(const WalGroup& group) {
  return std::string(kSealPrefix) + Format("%08x/%06X", group.timeline.value, group.number);
}

std::optional<WalGroup> ParseSealKey(std::string_view key) {
  if (!key.starts_with(kSealPrefix) || key.size() != kSealPrefix.size() + kTimelineDigits + 1 + kGroupDigits)
    return std::nullopt;
  const std::optional<uint32_t> timeline = ParseSlot(key.substr(kSealPrefix.size(), kTimelineDigits));
  const std::string_view digits = key.substr(key.size() - kGroupDigits);
  WalGroup group;
  if (!timeline || *timeline == 0 ||
      std::from_chars(digits.data(), digits.data() + digits.size(), group.number, 16).ptr !=
          digits.data() + digits.size())
    return std::nullopt;
  group.timeline = {*timeline};
  // Only what we would have written.
  return SealKey(group) == key ? std::optional(group) : std::nullopt;
}

std::optional<std::string> WalNameOfKey(std::string_view key) { return WalNameBelow(kWalPrefix, key); }

std::string PartialSegmentKey(std::string_view segment_name, uint32_t end_offset) {
  return PartialSegmentPrefix(segment_name) + Format("%08X", end_offset) + std::string(kPartialSegmentSuffix);
}

std::string PartialSegmentPrefix(std::string_view segment_name) { return WalKey(segment_name) + "."; }

std::optional<PartialSegmentKeyParts> ParsePartialSegmentKey(std::string_view key) {
  constexpr size_t kOffsetDigits = 8;
  const size_t tail = 1 + kOffsetDigits + kPartialSegmentSuffix.size();
  if (key.size() <= tail || !key.ends_with(kPartialSegmentSuffix)) return std::nullopt;
  const auto segment = WalNameOfKey(key.substr(0, key.size() - tail));
  if (!segment || ParseWalFileName(*segment, kSmallestSegment)->kind != WalFileKind::kSegment) return std::nullopt;
  PartialSegmentKeyParts parts{*segment, 0};
  const std::string_view digits = key.substr(key.size() - tail + 1, kOffsetDigits);
  if (std::from_chars(digits.data(), digits.data() + digits.size(), parts.end_offset, 16).ptr !=
      digits.data() + digits.size())
    return std::nullopt;
  // Only what we would have written.
  return PartialSegmentKey(parts.segment, parts.end_offset) == key ? std::optional(parts) : std::nullopt;
}

std::string ChangeMapKey(std::string_view segment_name) { return KeyBelow(kChangeMapPrefix, segment_name); }

std::optional<std::string> SegmentOfChangeMapKey(std::string_view key) {
  std::optional<std::string> name = WalNameBelow(kChangeMapPrefix, key);
  if (!name || ParseWalFileName(*name, kSmallestSegment)->kind != WalFileKind::kSegment) return std::nullopt;
  return name;
}

std::optional<std::string_view> LabelOf(std::string_view key) {
  for (const std::string_view prefix : {kBackupPrefix, kDataPrefix})
    if (const auto parts = SplitLabel(key, prefix)) return parts->label;
  return std::nullopt;
}

std::string PrefixOf(std::string_view key) { return std::string(key.substr(0, key.rfind('/') + 1)); }

std::string BackupPrefix(std::string_view label) { return std::string(kBackupPrefix) + std::string(label) + "/"; }

std::string BackupKey(std::string_view label, BackupObject object) { return BackupPrefix(label) + Name(object); }

std::optional<BackupKeyParts> ParseBackupKey(std::string_view key) {
  const auto parts = SplitLabel(key, kBackupPrefix);
  if (!parts) return std::nullopt;
  for (BackupObject object : {BackupObject::kStart, BackupObject::kFiles, BackupObject::kManifest,
                              BackupObject::kExpireMark, BackupObject::kAloneMark})
    if (parts->name == Name(object)) return BackupKeyParts{std::string(parts->label), object};
  return std::nullopt;
}

std::string PinPrefix(std::string_view label) { return BackupPrefix(label) + std::string(kPinName); }

std::string PinKey(std::string_view label, uint32_t slot) { return PinPrefix(label) + Format("%08x", slot); }

std::optional<SlotKeyParts> ParsePinKey(std::string_view key) { return ParseSlotKey(key, kPinName); }

std::string HoldKey(std::string_view label, uint32_t slot) {
  return BackupPrefix(label) + std::string(kHoldName) + Format("%08x", slot);
}

std::optional<SlotKeyParts> ParseHoldKey(std::string_view key) { return ParseSlotKey(key, kHoldName); }

std::string PartialPrefix(std::string_view label) { return BackupPrefix(label) + std::string(kPartialName); }

std::string PartialKey(std::string_view label, uint32_t pack) { return PartialPrefix(label) + Format("%06u", pack); }

std::optional<PartialKeyParts> ParsePartialKey(std::string_view key) {
  const auto split = SplitLabel(key, kBackupPrefix);
  if (!split) return std::nullopt;
  PartialKeyParts parts{std::string(split->label), ParseNumberAfter(kPartialName, split->name)};
  // Only what we would have written.
  if (parts.pack == 0 || PartialKey(parts.label, parts.pack) != key) return std::nullopt;
  return parts;
}

std::string TimelineAsideKey(const TimelineAsideParts& parts) {
  return std::string(kTimelinePrefix) + Format("%08x/%06u", parts.timeline.value, parts.number);
}

std::optional<TimelineAsideParts> ParseTimelineAsideKey(std::string_view key) {
  if (!key.starts_with(kTimelinePrefix)) return std::nullopt;
  const std::string_view rest = key.substr(kTimelinePrefix.size());
  if (rest.size() < kTimelineDigits + 2 || rest[kTimelineDigits] != '/') return std::nullopt;
  const std::optional<uint32_t> timeline = ParseSlot(rest.substr(0, kTimelineDigits));
  const std::string_view digits = rest.substr(kTimelineDigits + 1);
  TimelineAsideParts parts;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), parts.number);
  if (!timeline || *timeline == 0 || end.ec != std::errc() || parts.number == 0) return std::nullopt;
  parts.timeline = {*timeline};
  // Only what we would have written.
  return TimelineAsideKey(parts) == key ? std::optional(parts) : std::nullopt;
}

std::string FailureKey(uint64_t number) {
  return std::string(kFailurePrefix) + Format("%017llu", static_cast<unsigned long long>(number));
}

std::optional<uint64_t> ParseFailureKey(std::string_view key) {
  if (!key.starts_with(kFailurePrefix)) return std::nullopt;
  const std::string_view digits = key.substr(kFailurePrefix.size());
  uint64_t number = 0;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), number);
  // Only what we would have written.
  return end.ec == std::errc() && number != 0 && FailureKey(number) == key ? std::optional(number) : std::nullopt;
}

std::string DataPrefix(std::string_view label) { return std::string(kDataPrefix) + std::string(label) + "/"; }

std::string PackKey(std::string_view label, uint32_t number) { return DataPrefix(label) + Format("%06u", number); }

std::optional<std::string> LabelOfPackKey(std::string_view key) {
  const auto parts = SplitLabel(key, kDataPrefix);
  if (!parts || parts->name.size() < kPackDigits ||
      parts->name.find_first_not_of("0123456789") != std::string_view::npos)
    return std::nullopt;
  return std::string(parts->label);
}

std::string MapPageKey(std::string_view label, uint32_t number) {
  return DataPrefix(label) + std::string(kPageName) + Format("%06u", number);
}

std::optional<MapPageKeyParts> ParseMapPageKey(std::string_view key) {
  const auto split = SplitLabel(key, kDataPrefix);
  if (!split) return std::nullopt;
  MapPageKeyParts parts{std::string(split->label), ParseNumberAfter(kPageName, split->name)};
  // Only what we would have written.
  if (parts.number == 0 || MapPageKey(parts.label, parts.number) != key) return std::nullopt;
  return parts;
}

bool IsDataKey(std::string_view key) { return LabelOfPackKey(key) || ParseMapPageKey(key); }

std::string KeySlotKey(uint32_t key_number, uint32_t slot) {
  return std::string(kKeyringPrefix) + Format("%08u.%08x", key_number, slot);
}

std::optional<KeySlotParts> ParseKeySlotKey(std::string_view key) {
  if (!key.starts_with(kKeyringPrefix)) return std::nullopt;
  const std::string_view rest = key.substr(kKeyringPrefix.size());
  if (rest.size() != 17 || rest[8] != '.') return std::nullopt;
  KeySlotParts parts;
  for (char c : rest.substr(0, 8)) {
    if (c < '0' || c > '9') return std::nullopt;
    parts.key_number = parts.key_number * 10 + static_cast<uint32_t>(c - '0');
  }
  const std::optional<uint32_t> slot = ParseSlot(rest.substr(9));
  if (!slot || parts.key_number == 0) return std::nullopt;
  parts.slot = *slot;
  return parts;
}

std::string NumberKey(Timeline timeline) { return std::string(kNumberPrefix) + Format("%08x", timeline.value); }

std::optional<Timeline> ParseNumberKey(std::string_view key) {
  if (!key.starts_with(kNumberPrefix)) return std::nullopt;
  const std::string_view digits = key.substr(kNumberPrefix.size());
  Timeline timeline;
  const auto end = std::from_chars(digits.data(), digits.data() + digits.size(), timeline.value, 16);
  // Only what we would have written.
  if (end.ec != std::errc() || !timeline.valid() || NumberKey(timeline) != key) return std::nullopt;
  return timeline;
}

std::string VerifyRunPrefix(uint32_t run) { return std::string(kVerifyPrefix) + Format("%08u/", run); }

std::string VerifyKey(const VerifyKeyParts& parts) {
  return VerifyRunPrefix(parts.run) + (parts.progress == 0 ? "result" : Format("progress.%06u", parts.progress));
}

std::optional<VerifyKeyParts> ParseVerifyKey(std::string_view key) {
  static constexpr std::string_view kProgress = "/progress.";
  if (!key.starts_with(kVerifyPrefix)) return std::nullopt;
  std::string_view rest = key.substr(kVerifyPrefix.size());
  VerifyKeyParts parts;
  const auto number = [&](uint32_t& value) {
    const auto end = std::from_chars(rest.data(), rest.data() + rest.size(), value);
    rest.remove_prefix(static_cast<size_t>(end.ptr - rest.data()));
    return end.ec == std::errc();
  };
  if (!number(parts.run)) return std::nullopt;
  if (rest.starts_with(kProgress)) {
    rest.remove_prefix(kProgress.size());
    if (!number(parts.progress)) return std::nullopt;
  }
  // Only what we would have written.
  return VerifyKey(parts) == key && parts.run != 0 ? std::optional(parts) : std::nullopt;
}

}  // namespace pitr::layout
