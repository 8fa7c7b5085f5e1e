// Line-oriented, keyed by the words before the colon.
#include "core/pg/backup_label.h"

#include <charconv>

#include "core/pg/wal_name.h"

namespace pitr {
namespace {

constexpr size_t kMaxTablespaceMapSize = 16u << 20;

Status Bad(std::string_view what) { return {Code::kCorruption, "backup_label: " + std::string(what)}; }

// Takes one line (without its end) off `text`.
std::string_view TakeLine(std::string_view& text) {
  const size_t newline = text.find('\n');
  std::string_view line = text.substr(0, newline);
  text = newline == std::string_view::npos ? std::string_view() : text.substr(newline + 1);
  if (line.ends_with('\r')) line.remove_suffix(1);
  return line;
}

// What follows "key: "; nullopt when the line has another key.
std::optional<std::string_view> ValueOf(std::string_view line, std::string_view key) {
  if (!line.starts_with(key) || !line.substr(key.size()).starts_with(": ")) return std::nullopt;
  return line.substr(key.size() + 2);
}

std::optional<uint32_t> Number(std::string_view text) {
  uint32_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status TakePosition(std::string_view value, const char* key, Lsn* to) {
  const auto lsn = Lsn::Parse(value);
  if (!lsn || !lsn->valid()) return Bad(std::string("no position in ") + key);
  *to = *lsn;
  return Status::Ok();
}

Status TakeTimeline(std::string_view value, const char* key, Timeline* to) {
  const auto number = Number(value);
  if (!number || *number == 0) return Bad(std::string("no timeline in ") + key);
  *to = {*number};
  return Status::Ok();
}

// "0/2000028 (file 000000010000000000000002)"
Status TakeStart(std::string_view value, BackupLabel* label) {
  PITR_TRY(TakePosition(value.substr(0, value.find(' ')), "START WAL LOCATION", &label->start));
  constexpr std::string_view kFile = "(file ";
  const size_t file = value.find(kFile);
  const size_t close = value.find(')');
  if (file == std::string_view::npos || close == std::string_view::npos || close < file)
    return Bad("no file name in START WAL LOCATION");
  label->start_segment = value.substr(file + kFile.size(), close - file - kFile.size());
  return Status::Ok();
}

// The lines up to the label.
Status TakeHeadLine(std::string_view line, BackupLabel* label) {
  if (const auto start = ValueOf(line, "START WAL LOCATION")) return TakeStart(*start, label);
  if (const auto checkpoint = ValueOf(line, "CHECKPOINT LOCATION"))
    return TakePosition(*checkpoint, "CHECKPOINT LOCATION", &label->checkpoint);
  if (const auto method = ValueOf(line, "BACKUP METHOD")) label->method = *method;
  if (const auto time = ValueOf(line, "START TIME")) label->start_time = *time;
  if (const auto from = ValueOf(line, "BACKUP FROM")) {
    if (*from != "primary" && *from != "standby") return Bad("BACKUP FROM is neither primary nor standby");
    label->from_standby = *from == "standby";
  }
  return Status::Ok();
}

}  // namespace

Result<BackupLabel> ParseBackupLabel(std::string_view text) {
  if (text.size() > kMaxBackupLabelSize) return Bad("too large");
  BackupLabel label;
  bool have_label = false;
  while (!text.empty()) {
    const std::string_view line = TakeLine(text);
    // A label may contain newlines and so anything at all: what came before it is not changed by it.
    if (!have_label) {
      PITR_TRY(TakeHeadLine(line, &label));
      if (const auto name = ValueOf(line, "LABEL")) {
        label.label = *name;
        have_label = true;
      }
    } else if (const auto timeline = ValueOf(line, "START TIMELINE")) {
      PITR_TRY(TakeTimeline(*timeline, "START TIMELINE", &label.timeline));
    } else if (const auto lsn = ValueOf(line, "INCREMENTAL FROM LSN")) {
      label.incremental_from.emplace();
      PITR_TRY(TakePosition(*lsn, "INCREMENTAL FROM LSN", &*label.incremental_from));
    } else if (const auto parent = ValueOf(line, "INCREMENTAL FROM TLI")) {
      PITR_TRY(TakeTimeline(*parent, "INCREMENTAL FROM TLI", &label.incremental_timeline));
    }
  }
  if (!label.start.valid()) return Bad("no START WAL LOCATION");
  if (!label.checkpoint.valid()) return Bad("no CHECKPOINT LOCATION");
  if (!label.timeline.valid()) return Bad("no START TIMELINE");
  if (HistoryFileName(label.timeline).substr(0, 8) != label.start_segment.substr(0, 8))
    return Bad("START TIMELINE is " + std::to_string(label.timeline.value) + ", but the start file is " +
               label.start_segment);
  return label;
}

Result<std::vector<TablespaceLink>> ParseTablespaceMap(std::string_view text) {
  if (text.size() > kMaxTablespaceMapSize) return Status(Code::kCorruption, "tablespace_map is too large");
  std::vector<TablespaceLink> links;
  std::string line;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '\\' && i + 1 < text.size()) {
      line.push_back(text[++i]);
    } else if (c != '\n' && c != '\r') {
      line.push_back(c);
    } else if (!line.empty()) {
      const size_t space = line.find(' ');
      const auto oid = Number(std::string_view(line).substr(0, space));
      if (space == std::string::npos || !oid || *oid == 0 || space + 1 == line.size())
        return Status(Code::kCorruption, "tablespace_map: expected an OID and a path");
      links.push_back({*oid, line.substr(space + 1)});
      line.clear();
    }
  }
  if (!line.empty()) return Status(Code::kCorruption, "tablespace_map: the last line is cut short");
  return links;
}

std::string FormatTablespaceMap(const std::vector<TablespaceLink>& links) {
  std::string text;
  for (const TablespaceLink& link : links) {
    text += std::to_string(link.oid) + " ";
    for (char c : link.location) {
      if (c == '\\' || c == '\n' || c == '\r') text.push_back('\\');
      text.push_back(c);
    }
    text.push_back('\n');
  }
  return text;
}

}  // namespace pitr
