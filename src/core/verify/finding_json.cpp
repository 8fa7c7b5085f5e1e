#include "core/verify/finding_json.h"

namespace pitr {
namespace {

constexpr size_t kMaxText = 2000;  // of one field: what a store says may be long

Json Texts(const std::vector<std::string>& texts) {
  Json list = Json::array();
  for (const std::string& text : texts) list.push_back(text);
  return list;
}

Status ReadTexts(const Json& json, const char* field, std::vector<std::string>& texts) {
  PITR_ASSIGN(const Json* list, JsonArray(json, field));
  for (const Json& text : *list) {
    if (!text.is_string()) return {Code::kCorruption, "field \"" + std::string(field) + "\" is not a list of texts"};
    texts.push_back(text.get<std::string>());
  }
  return Status::Ok();
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

Result<Finding> DecodeFinding(const Json& json) {
  Finding finding;
  PITR_ASSIGN(const std::string severity, JsonString(json, "severity"));
  for (Severity known : {Severity::kUnchecked, Severity::kWarning})
    if (severity == SeverityName(known)) finding.severity = known;
  PITR_ASSIGN(finding.problem, JsonString(json, "problem"));
  PITR_ASSIGN(finding.object, JsonString(json, "object"));
  PITR_ASSIGN(finding.detail, JsonString(json, "detail"));
  PITR_TRY(ReadTexts(json, "files", finding.files));
  PITR_ASSIGN(finding.file_count, JsonUint(json, "file_count"));
  PITR_TRY(ReadTexts(json, "backups", finding.labels));
  PITR_ASSIGN(finding.hurts, JsonString(json, "hurts"));
  PITR_ASSIGN(finding.hint, JsonString(json, "hint"));
  if (!JsonHas(json, "end")) return finding;
  PITR_ASSIGN(finding.begin, JsonUint(json, "begin"));
  PITR_ASSIGN(finding.end, JsonUint(json, "end"));
  return finding;
}

}  // namespace pitr
