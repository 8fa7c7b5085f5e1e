#include "core/restore/restore_mark.h"

#include "core/base/json_page.h"
#include "core/repo/envelope/json_fields.h"

namespace pitr {
namespace {

constexpr size_t kMaxMarkBytes = size_t{1} << 20;
constexpr uint64_t kMarkVersion = 1;
constexpr const char* kMarkedModes[] = {"recover", "standby", "none"};                         // by RecoveryMode
constexpr const char* kMarkedKinds[] = {"latest", "immediate", "time", "xid", "name", "lsn"};  // by TargetKind

template <size_t N>
Status OneOf(const JsonFields& fields, const char* name, const char* const (&names)[N], size_t& index) {
  std::string text;
  PITR_TRY(fields.Text(name, text));
  for (index = 0; index < N; ++index)
    if (text == names[index]) return Status::Ok();
  return fields.Wrong(name, "one of those known");
}

Status MarkedPosition(const JsonFields& fields, const char* name, Lsn& out) {
  std::string text;
  PITR_TRY(fields.Text(name, text));
  const auto lsn = Lsn::Parse(text);
  if (!lsn) return fields.Wrong(name, "a position in WAL");
  out = *lsn;
  return Status::Ok();
}

Status DecodeMarkedPlan(const JsonFields& plan, RestoreMark& mark) {
  size_t kind = 0;
  PITR_TRY(plan.Text("target", mark.target));
  PITR_TRY(OneOf(plan, "kind", kMarkedKinds, kind));
  mark.kind = static_cast<TargetKind>(kind);
  PITR_TRY(plan.Unsigned32("timeline", mark.timeline.value));
  PITR_TRY(MarkedPosition(plan, "stop", mark.stop_lsn));
  PITR_TRY(MarkedPosition(plan, "stop_end", mark.stop_end));
  PITR_TRY(plan.Bool("applied", mark.applied));
  PITR_TRY(MarkedPosition(plan, "last_segment", mark.last_segment));
  PITR_TRY(plan.Unsigned("last_xid", mark.last_xid));
  if (plan.Has("last_commit_end")) PITR_TRY(MarkedPosition(plan, "last_commit_end", mark.last_commit_end));
  return plan.Signed("last_commit_micros", mark.last_commit_micros);
}

Status DecodeOutcome(const JsonFields& fields, RecoveryOutcome& outcome) {
  PITR_TRY(fields.Bool("as_planned", outcome.as_planned));
  PITR_TRY(fields.OptionalBool("undone", outcome.undone));
  PITR_TRY(fields.Text("text", outcome.text));
  PITR_TRY(fields.Unsigned32("parent", outcome.parent.value));
  PITR_TRY(MarkedPosition(fields, "lsn", outcome.lsn));
  PITR_TRY(fields.Unsigned32("timeline", outcome.timeline.value));
  return fields.Signed("seen_micros", outcome.seen_micros);
}

Status DecodeMark(std::string_view text, RestoreMark& mark) {
  PITR_ASSIGN(const Json document, ParseJsonObject(text, kRestoreMarkPath));
  const JsonFields fields(document, std::string(kRestoreMarkPath));
  uint64_t version = 0;
  PITR_TRY(fields.Unsigned("pg_pitr_restored", kMarkVersion, version));
  PITR_TRY(fields.Text("repository", mark.repository));
  PITR_TRY(fields.Text("repository_id", mark.repository_id));
  PITR_TRY(fields.UnsignedText("system_identifier", mark.system_id.value));
  PITR_TRY(fields.Text("backup", mark.backup));
  size_t mode = 0;
  PITR_TRY(OneOf(fields, "mode", kMarkedModes, mode));
  mark.mode = static_cast<RecoveryMode>(mode);
  PITR_TRY(fields.Bool("as_copy", mark.as_copy));
  PITR_TRY(fields.Signed("restored_micros", mark.restored_micros));
  PITR_TRY(fields.Unsigned32("segment_size", mark.segment_size_bytes));
  PITR_ASSIGN(const JsonFields plan, fields.Object("plan"));
  PITR_TRY(DecodeMarkedPlan(plan, mark));
  PITR_TRY(fields.EachObject("newest", [&](const JsonFields& entry) -> Status {
    Timeline timeline;
    PITR_TRY(entry.Unsigned32("timeline", timeline.value));
    return MarkedPosition(entry, "segment", mark.newest[timeline]);
  }));
  PITR_TRY(fields.EachObject("settings", [&](const JsonFields& entry) -> Status {
    RecoverySetting& setting = mark.settings.emplace_back();
    PITR_TRY(entry.Text("name", setting.name));
    PITR_TRY(entry.Text("value", setting.value));
    return entry.Bool("stays", setting.stays);
  }));
  PITR_TRY(fields.OptionalEachObject("aside_elsewhere", [&](const JsonFields& entry) -> Status {
    return entry.Text("path", mark.aside_elsewhere.emplace_back());
  }));
  PITR_TRY(fields.OptionalEachObject(
      "places", [&](const JsonFields& entry) -> Status { return entry.Text("path", mark.places.emplace_back()); }));
  PITR_TRY(fields.OptionalText("config_file", mark.config_file));
  PITR_TRY(fields.Unsigned32("reserved_timeline", mark.reserved.value));
  if (fields.Has("used_timeline")) PITR_TRY(fields.Unsigned32("used_timeline", mark.used.value));
  PITR_ASSIGN(const auto outcome, fields.OptionalObject("outcome"));
  if (outcome) PITR_TRY(DecodeOutcome(*outcome, mark.outcome.emplace()));
  PITR_TRY(fields.Signed("admitted_micros", mark.admitted_micros));
  return fields.Bool("taken_over", mark.taken_over);
}

}  // namespace

Result<std::optional<RestoreMark>> ReadRestoreMark(const ClusterTree& tree) {
  auto content = tree.ReadWhole(kRestoreMarkPath, kMaxMarkBytes);
  if (content.code() == Code::kNotFound) return std::optional<RestoreMark>();
  if (!content.ok()) return content.status();
  RestoreMark mark;
  if (Status status = DecodeMark(AsText(content.value()), mark); !status.ok())
    return Status(Code::kCorruption, "\"" + tree.Locate(kRestoreMarkPath) + "\" cannot be understood")
        .WithDetail(status.ToString())
        .WithHint("It says how this data directory was restored. Remove it when that does not matter any more.");
  return std::optional<RestoreMark>(std::move(mark));
}

Status WriteRestoreMark(const ClusterTree& tree, const RestoreMark& mark, mode_t mode) {
  using Ordered = nlohmann::ordered_json;
  Ordered newest = Ordered::array(), settings = Ordered::array(), elsewhere = Ordered::array(),
          places = Ordered::array();
  for (const std::string& path : mark.places) places.push_back({{"path", path}});
  for (const std::string& path : mark.aside_elsewhere) elsewhere.push_back({{"path", path}});
  for (const auto& [timeline, segment] : mark.newest)
    newest.push_back({{"timeline", timeline.value}, {"segment", segment.ToString()}});
  for (const RecoverySetting& setting : mark.settings)
    settings.push_back({{"name", setting.name}, {"value", setting.value}, {"stays", setting.stays}});
  Ordered document = {{"what", "this data directory was made by pg_pitr restore"},
                      {"pg_pitr_restored", kMarkVersion},
                      {"repository", mark.repository},
                      {"repository_id", mark.repository_id},
                      {"system_identifier", std::to_string(mark.system_id.value)},
                      {"backup", mark.backup},
                      {"mode", kMarkedModes[static_cast<size_t>(mark.mode)]},
                      {"as_copy", mark.as_copy},
                      {"restored_micros", mark.restored_micros},
                      {"segment_size", mark.segment_size_bytes},
                      {"plan",
                       {{"target", mark.target},
                        {"kind", kMarkedKinds[static_cast<size_t>(mark.kind)]},
                        {"timeline", mark.timeline.value},
                        {"stop", mark.stop_lsn.ToString()},
                        {"stop_end", mark.stop_end.ToString()},
                        {"applied", mark.applied},
                        {"last_segment", mark.last_segment.ToString()},
                        {"last_xid", mark.last_xid},
                        {"last_commit_micros", mark.last_commit_micros},
                        {"last_commit_end", mark.last_commit_end.ToString()}}},
                      {"newest", newest},
                      {"settings", settings},
                      {"places", places},
                      {"aside_elsewhere", elsewhere},
                      {"reserved_timeline", mark.reserved.value},
                      {"admitted_micros", mark.admitted_micros},
                      {"taken_over", mark.taken_over}};
  if (mark.used.valid()) document["used_timeline"] = mark.used.value;
  if (!mark.config_file.empty()) document["config_file"] = mark.config_file;
  if (mark.outcome)
    document["outcome"] = {{"as_planned", mark.outcome->as_planned},
                           {"undone", mark.outcome->undone},
                           {"text", mark.outcome->text},
                           {"parent", mark.outcome->parent.value},
                           {"lsn", mark.outcome->lsn.ToString()},
                           {"timeline", mark.outcome->timeline.value},
                           {"seen_micros", mark.outcome->seen_micros}};
  const std::string text = JsonPage(document) + "\n";
  return tree.WriteWhole(kRestoreMarkPath, AsBytes(text), mode);
}

}  // namespace pitr
