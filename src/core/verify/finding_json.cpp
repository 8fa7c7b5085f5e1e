#include "core/verify/finding_json.h"

namespace pitr {
namespace {

constexpr size_t kMaxText = 2000;  // of one field: what a store says may be long

Json Texts(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

}  // namespace

Json EncodeFinding(const Finding& finding) {
  Json json = {{"severity", SeverityName(finding.severity)},
               {"problem", finding.problem},
               {"object", finding.object},
               {"detail", finding.detail.substr(0, kMaxText)},
               {"files", Texts(finding.files)},
               {"file_count", finding.file_count},
               {"backups", Texts(finding.labels)},
               {"hurts", finding.hurts},
               {"hint", finding.hint}};
  if (finding.end != 0) {
    json["begin"] = finding.begin;
    json["end"] = finding.end;
  }
  return json;
}

Result<Finding> DecodeFinding(const JsonFields& fields) {
  Finding finding;
  std::string severity;
  PITR_TRY(fields.Text("severity", severity));
  for (Severity known : {Severity::kUnchecked, Severity::kWarning})
    if (severity == SeverityName(known)) finding.severity = known;
  PITR_TRY(fields.Text("problem", finding.problem));
  PITR_TRY(fields.Text("object", finding.object));
  PITR_TRY(fields.Text("detail", finding.detail));
  PITR_TRY(fields.Texts("files", finding.files));
  PITR_TRY(fields.Unsigned("file_count", finding.file_count));
  PITR_TRY(fields.Texts("backups", finding.labels));
  PITR_TRY(fields.Text("hurts", finding.hurts));
  PITR_TRY(fields.Text("hint", finding.hint));
  if (!fields.Has("end")) return finding;
  PITR_TRY(fields.Unsigned("begin", finding.begin));
  PITR_TRY(fields.Unsigned("end", finding.end));
  return finding;
}

}  // namespace pitr
