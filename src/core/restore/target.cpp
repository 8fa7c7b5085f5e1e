#include "core/restore/target.h"

#include <array>
#include <charconv>

#include "core/pg/timestamp.h"

namespace pitr {
namespace {

// PostgreSQL's limit for the name of a restore point (MAXFNAMELEN), its final NUL included.
constexpr size_t kMaxRestorePointName = 63;

std::optional<uint64_t> ParseDecimal(std::string_view text) {
  uint64_t value = 0;
  auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), value);
  if (text.empty() || error != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

Status ParseXid(std::string_view text, RecoveryTarget& target) {
  auto xid = ParseDecimal(text);
  if (!xid)
    return Status(Code::kInvalidArgument, "invalid transaction ID \"" + std::string(text) + "\"")
        .WithHint("Give the number that pg_current_xact_id() or the server log shows, such as 12345.");
  // An epoch is what is above 32 bits; WAL records of transactions do not carry it.
  target.xid = static_cast<uint32_t>(*xid);
  if (*xid > UINT32_MAX) target.epoch = static_cast<uint32_t>(*xid >> 32);
  if (target.xid < 3)
    return Status(Code::kInvalidArgument, "transaction ID " + std::string(text) + " is not one of a transaction")
        .WithDetail("Transaction IDs below 3 are reserved.");
  target.kind = TargetKind::kXid;
  return Status::Ok();
}

Status ParseName(std::string_view text, RecoveryTarget& target) {
  if (text.size() > kMaxRestorePointName)
    return {Code::kInvalidArgument,
            "the name of a restore point is at most " + std::to_string(kMaxRestorePointName) + " bytes long"};
  if (text.find_first_of(std::string_view("\n\r\0", 3)) != std::string_view::npos)
    return {Code::kInvalidArgument, "the name of a restore point cannot contain a line break here"};
  target.kind = TargetKind::kName;
  target.name = text;
  return Status::Ok();
}

Status ParseLsnTarget(std::string_view text, RecoveryTarget& target) {
  auto lsn = Lsn::Parse(text);
  if (!lsn || !lsn->valid())
    return Status(Code::kInvalidArgument, "invalid WAL position \"" + std::string(text) + "\"")
        .WithHint("Give what pg_current_wal_lsn() shows, such as 16/B374D848.");
  target.kind = TargetKind::kLsn;
  target.lsn = *lsn;
  return Status::Ok();
}

Status ParseTimeTarget(const std::string& text, RecoveryTarget& target) {
  PITR_ASSIGN(ParsedTimestamp time, ParseTimestamp(text));
  if (!time.exact) return time.inexact;
  target.kind = TargetKind::kTime;
  target.time_micros = time.micros;
  target.time_text = text;
  return Status::Ok();
}

Status ParseTimelineTarget(const std::string& text, RecoveryTarget& target) {
  if (text.empty() || text == "latest") return Status::Ok();
  if (text == "current") {
    target.timeline_current = true;
    return Status::Ok();
  }
  const bool hex = text.starts_with("0x") || text.starts_with("0X");
  const std::string_view digits = std::string_view(text).substr(hex ? 2 : 0);
  uint32_t value = 0;
  auto [end, error] = std::from_chars(digits.data(), digits.data() + digits.size(), value, hex ? 16 : 10);
  if (digits.empty() || error != std::errc() || end != digits.data() + digits.size() || value == 0)
    return Status(Code::kInvalidArgument, "invalid timeline \"" + text + "\"")
        .WithHint("Write latest, current, or a timeline's number (0x... for the hexadecimal form of file names).");
  target.timeline = Timeline{value};
  return Status::Ok();
}

Status ParseAction(const std::string& text, RecoveryTarget& target) {
  if (text.empty() || text == "promote") return Status::Ok();
  if (text == "pause") {
    target.action = TargetAction::kPause;
  } else if (text == "shutdown") {
    target.action = TargetAction::kShutdown;
  } else {
    return Status(Code::kInvalidArgument, "invalid target action \"" + text + "\"")
        .WithHint("Write promote, pause or shutdown.");
  }
  return Status::Ok();
}

}  // namespace

std::string_view TargetActionName(TargetAction action) {
  switch (action) {
    case TargetAction::kPromote:
      return "promote";
    case TargetAction::kPause:
      return "pause";
    case TargetAction::kShutdown:
      return "shutdown";
  }
  return "promote";
}

Result<RecoveryTarget> ParseTarget(const TargetText& text) {
  std::string given;
  int count = 0;
  const std::array<std::pair<bool, const char*>, 5> kinds = {{{!text.time.empty(), "time"},
                                                              {!text.xid.empty(), "xid"},
                                                              {!text.name.empty(), "name"},
                                                              {!text.lsn.empty(), "lsn"},
                                                              {text.immediate, "immediate"}}};
  for (auto [is_given, name] : kinds) {
    if (!is_given) continue;
    given += (count++ > 0 ? ", " : "") + std::string(name);
  }
  if (count > 1)
    return Status(Code::kInvalidArgument, "more than one recovery target was given: " + given)
        .WithHint("Give one of them.");

  RecoveryTarget target;
  if (!text.time.empty()) PITR_TRY(ParseTimeTarget(text.time, target));
  if (!text.xid.empty()) PITR_TRY(ParseXid(text.xid, target));
  if (!text.name.empty()) PITR_TRY(ParseName(text.name, target));
  if (!text.lsn.empty()) PITR_TRY(ParseLsnTarget(text.lsn, target));
  if (text.immediate) target.kind = TargetKind::kImmediate;
  PITR_TRY(ParseTimelineTarget(text.timeline, target));
  PITR_TRY(ParseAction(text.action, target));

  const bool has_side =
      target.kind == TargetKind::kTime || target.kind == TargetKind::kXid || target.kind == TargetKind::kLsn;
  if (text.exclusive && !has_side)
    return Status(Code::kInvalidArgument, "exclusive means nothing for this target")
        .WithDetail("PostgreSQL knows it for a time, a transaction ID and a WAL position.");
  target.inclusive = !text.exclusive;
  if (text.allow_gap && target.kind != TargetKind::kLatest)
    return Status(Code::kInvalidArgument, "allowing a gap means nothing for this target")
        .WithDetail(
            "Whether WAL is missing on the way to it is known; only the end of the archive may be on either side.");
  target.allow_gap = text.allow_gap;
  if (target.kind == TargetKind::kLatest && !text.action.empty() && target.action != TargetAction::kPromote)
    return Status(Code::kInvalidArgument, "target action " + text.action + " needs a target")
        .WithDetail("Recovery to the end of the archive always ends with promotion.");
  return target;
}

uint64_t FullXid(const RecoveryTarget& target) { return uint64_t{target.epoch.value_or(0)} << 32 | target.xid; }

std::string DescribeTarget(const RecoveryTarget& target) {
  const std::string side = target.inclusive ? " (inclusive)" : " (exclusive)";
  std::string text;
  switch (target.kind) {
    case TargetKind::kLatest:
      text = target.allow_gap ? "latest: everything that was archived, up to a gap if there is one"
                              : "latest: everything that was archived";
      break;
    case TargetKind::kImmediate:
      text = "immediate: the end of the backup";
      break;
    case TargetKind::kTime:
      text = "time " + DescribeTimestamp(target.time_micros) + side;
      break;
    case TargetKind::kXid:
      text = "transaction " + std::to_string(FullXid(target)) + side;
      break;
    case TargetKind::kName:
      text = "restore point \"" + target.name + "\"";
      break;
    case TargetKind::kLsn:
      text = "position " + target.lsn.ToString() + side;
      break;
  }
  if (target.timeline) text += " on timeline " + std::to_string(target.timeline->value);
  if (target.timeline_current) text += " on the backup's timeline";
  return text;
}

}  // namespace pitr
